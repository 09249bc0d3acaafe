"""``python -m shopkeeper``."""

import sys

from shopkeeper.main import main

sys.exit(main())
