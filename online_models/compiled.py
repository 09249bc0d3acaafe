"""Compiles plain functions over arrays to machine code, with their types kept for the checker.

The machine code lies beside the modules (``__pycache__``), made once when the environment is set
up (``python -m online_models.warm``), so that no request waits for a compiler. It lies in a folder
named after what the sources say: numba alone does not notice when a function changes that another
module calls.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_P = ParamSpec("_P")
_R = TypeVar("_R")

# No flag that forgets NaN: bad values must stay visible, to be refused.
_FAST = {"contract", "reassoc", "nsz", "arcp"}
_HERE = Path(__file__).parent
KERNELS = "kernels-"


def kernels_folder() -> Path:
    """Return where the machine code of today's sources lies."""
    sources = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    name = KERNELS + hashlib.sha256(sources).hexdigest()[:16]
    return _HERE / "__pycache__" / name


if "NUMBA_CACHE_DIR" not in os.environ and os.access(_HERE, os.W_OK):
    cast(Any, numba.config).CACHE_DIR = str(kernels_folder())


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the function, compiled when it is first called; it runs without Python's lock."""
    return cast(
        Callable[_P, _R],
        cast(Any, numba.njit)(
            function, cache=True, nogil=True, fastmath=_FAST, error_model="numpy"
        ),
    )
