"""What the command's tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Return a folder whose path leaves room for the name of a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="sk-") as folder:
        yield Path(folder)
