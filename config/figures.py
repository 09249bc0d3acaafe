"""What each process tells of itself about once a second: the entries of the stream ``figures``.

Counts and latencies are what came about since the entry before, so that those of all processes and
moments simply add up. ``n`` counts the entries that Redis confirmed: where a reply was lost, the
next entry has the same ``n`` and holds all of the lost one, in whose place it counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple, Protocol

import msgspec

from config.announcements import Role
from config.errors import ShopkeeperError
from config.keys import FIGURES_AGE_MS
from config.latencies import Counts, add

FIGURES_FIELD = b"f"
FIGURES_EVERY_SECONDS = 1.0
MAX_LABELS = 512  # of a family; where there are more, those with the largest numbers
MAX_SLOW = 5
_MAX_NAME = 200
_VERSION = 1

Numbers = dict[str, dict[str, float]]  # by family, then by label


class Slow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One of the slowest decisions of the last minutes; ``trace_id`` and ``fallback``: "" for none.

    ``at`` in ms; ``total_ms`` runs from the whole request's arrival to the answer's bytes: what is
    in none of the three stages is reading the request.
    """

    at: int
    decision_id: str
    trace_id: str
    total_ms: float
    read_ms: float
    decide_ms: float
    encode_ms: float
    fallback: str


class Figures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry; ``process`` is another one after each start. ``levels`` are as of now."""

    process: str
    role: Role
    n: int
    counts: Numbers
    levels: Numbers
    latencies: dict[str, Counts]
    slow: list[Slow] = []


class Told(NamedTuple):
    """Totals since the start, numbers as of now, and latencies since the last time."""

    totals: Numbers
    levels: Numbers
    latencies: Mapping[str, Counts]
    slow: Sequence[Slow] = ()


class Sample(Protocol):
    """A number of a metric, as the client library of Prometheus collects it."""

    @property
    def name(self) -> str:
        """Return the metric's name, with what kind of number it is."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the values of labels by their names."""

    @property
    def value(self) -> float:
        """Return the number."""


class Family(Protocol):
    """The numbers of a metric."""

    @property
    def samples(self) -> Sequence[Sample]:
        """Return all of them."""


class InvalidFigures(ShopkeeperError):
    """The bytes are no figures that this version can read."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Figures)


def encode_figures(figures: Figures) -> bytes:
    """Return the bytes of an entry, led by a version byte."""
    return bytes((_VERSION,)) + _encoder.encode(figures)


def decode_figures(data: bytes) -> Figures:
    """Return the entry.

    Raises:
        InvalidFigures: another version, or no figures at all.
    """
    if not data or data[0] != _VERSION:
        raise InvalidFigures(f"figures of version {data[:1]!r}; this Shopkeeper reads {_VERSION}")
    try:
        return _decoder.decode(data[1:])
    except msgspec.MsgspecError as error:
        raise InvalidFigures(f"no figures: {error}") from error


class Teller:
    """Makes the entries of one process, of the totals that it has counted since its start."""

    def __init__(self, process: str, role: Role) -> None:
        self._process = process
        self._role = role
        self._n = 0
        self._told: Numbers = {}
        self._totals: Numbers = {}
        self._latencies: dict[str, Counts] = {}

    def figures(
        self,
        totals: Mapping[str, Mapping[str, float]],
        levels: Mapping[str, Mapping[str, float]],
        latencies: Mapping[str, Counts],
        slow: Sequence[Slow] = (),
    ) -> Figures:
        """Return what is new; ``latencies`` are those since the last call."""
        for name, counts in latencies.items():
            add(self._latencies.setdefault(name, {}), counts)
        self._totals = {family: _bounded(numbers) for family, numbers in totals.items()}
        return Figures(
            self._process,
            self._role,
            self._n,
            self._new_counts(),
            {family: _bounded(numbers) for family, numbers in levels.items()},
            {name: dict(counts) for name, counts in self._latencies.items()},
            list(slow[:MAX_SLOW]),
        )

    def entry(self, told: Told, now_ms: int) -> tuple[dict[Any, Any], int]:
        """Return the fields of the next entry, and the time (ms) before which entries may go."""
        data = encode_figures(self.figures(*told))
        return {FIGURES_FIELD: data}, max(now_ms - FIGURES_AGE_MS, 0)

    def confirm(self) -> None:
        """Note that Redis has the last entry."""
        self._n += 1
        for family, numbers in self._totals.items():
            self._told.setdefault(family, {}).update(numbers)
        self._latencies = {}

    def _new_counts(self) -> Numbers:
        found: Numbers = {}
        for family, numbers in self._totals.items():
            told = self._told.get(family, {})
            new = {
                label: number - told.get(label, 0.0)
                for label, number in numbers.items()
                if number != told.get(label, 0.0)
            }
            if new:
                found[family] = new
        return found


def numbers_of(metric: Iterable[Family], *labels: str) -> dict[str, float]:
    """Return what a collected counter or gauge says, summed by these labels, joined by a space."""
    found: dict[str, float] = {}
    for family in metric:
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                name = " ".join(sample.labels[label] for label in labels)
                found[name] = found.get(name, 0.0) + sample.value
    return found


def _bounded(numbers: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that are some, under names that are not too long, and not too many."""
    kept = {label[:_MAX_NAME]: number for label, number in numbers.items() if isfinite(number)}
    if len(kept) <= MAX_LABELS:
        return kept
    largest = sorted(kept, key=kept.__getitem__, reverse=True)[:MAX_LABELS]
    return {label: kept[label] for label in largest}
