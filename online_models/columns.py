"""Features by name to columns of numbers: at most so many, all finite, whatever comes in.

A number has a column of its own; each text of a feature has one, too, that is 1 where the feature
has this text. What there is no room for is left out, and what is missing is 0.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

MAX_COLUMNS = 128
MAX_TEXTS = 24  # of a feature
MAX_NAME = 100  # characters of a name, and of a text
_BETWEEN = "\0"  # a name and its text

Features = Mapping[str, float | str | None] | Sequence[float]
Numbers = NDArray[np.float64]


class MixedFeatures(ValueError):
    """A model learned named features and is given a plain list, or the other way round."""

    def __init__(self) -> None:
        super().__init__("features are named, or are a list of numbers: for one model, not both")


class Columns:
    """Which column a feature has: by its name as they come, or by its place in a list."""

    def __init__(self, names: Iterable[str] = (), n_places: int = 0) -> None:
        self._columns = {name: column for column, name in enumerate(names)}
        self._n_texts = Counter(
            name.partition(_BETWEEN)[0] for name in self._columns if _BETWEEN in name
        )
        self.n_places = n_places

    def __len__(self) -> int:
        return self.n_places or len(self._columns)

    @property
    def names(self) -> list[str]:
        """Return the names of the columns, in their order; none where they go by place."""
        return list(self._columns)

    def read(self, features: Features) -> Numbers:
        """Return the numbers of the columns that are known.

        Raises:
            MixedFeatures: see there.
            ValueError: a list is too long.

        >>> columns = Columns(["pages", "device\\0phone"])
        >>> columns.read({"device": "phone", "pages": float("nan"), "new": 3}).tolist()
        [0.0, 1.0]
        """
        if not isinstance(features, Mapping):
            return self._of_list(features)
        if self.n_places:
            raise MixedFeatures
        numbers = np.zeros(len(self._columns))
        columns = self._columns
        for name, value in features.items():
            if isinstance(value, str):
                column = columns.get(f"{name}{_BETWEEN}{value}")
                if column is not None:
                    numbers[column] = 1.0
            else:
                column = columns.get(name)
                if column is not None:
                    numbers[column] = _finite(value)
        return numbers

    def learn(self, features: Features) -> Numbers:
        """Give what is new a column while there is room; return the numbers as ``read`` does."""
        if isinstance(features, Mapping):
            if not self.n_places:
                for name, value in features.items():
                    self._add(name, value)
        elif not self._columns and len(features) <= MAX_COLUMNS:
            self.n_places = max(self.n_places, len(features))
        return self.read(features)

    def _add(self, name: str, value: float | str | None) -> None:
        if len(self._columns) >= MAX_COLUMNS or len(name) > MAX_NAME or _BETWEEN in name:
            return
        if not isinstance(value, str):
            self._columns.setdefault(name, len(self._columns))
            return
        key = f"{name}{_BETWEEN}{value}"
        if key in self._columns or len(value) > MAX_NAME or self._n_texts[name] >= MAX_TEXTS:
            return
        self._n_texts[name] += 1
        self._columns[key] = len(self._columns)

    def _of_list(self, features: Sequence[float]) -> Numbers:
        if self._columns:
            raise MixedFeatures
        if len(features) > MAX_COLUMNS:
            raise ValueError(f"{len(features)} features: at most {MAX_COLUMNS} are allowed")
        numbers = np.array(features, np.float64)
        numbers[~np.isfinite(numbers)] = 0.0
        return numbers[: self.n_places]


def _finite(value: float | None) -> float:
    try:
        number = 0.0 if value is None else float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return 0.0
    return number if isfinite(number) else 0.0
