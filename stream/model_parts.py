"""What a model shard learns beside its rows: dense models, and the sums of experiments.

Each part holds what was committed last, learns a round of examples in memory, and returns what
commits it. Where the commit fails, the owner drops the memory (``forget``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal

from config.errors import ShopkeeperError
from config.examples import Example, Exposed, Rewarded
from online_models.budgets import KEPT_DAYS, PREFIX
from online_models.dense import Dense, Kinds, UnknownModel, kind_of, models_of
from online_models.experiment_sums import (
    ExperimentSums,
    decode_sums,
    encode_sums,
    experiment_shard,
    sums_field,
)
from online_models.popularity import model_shard
from online_models.progress import Progress
from stream.commands import Command

MAX_MODELS = 64  # of a model shard

# Why an example taught a model nothing.
Refused = Literal[
    "unknown_model", "too_many_models", "unreadable_model", "too_many_sums", "bad_example"
]
MAX_SUMS = 20_000
CACHED_SUMS = 2_000

Read = Callable[[Command], Any]


@dataclass(slots=True)
class Learned:
    """What a round of examples changed: the commands that write it, names, and what was refused.

    ``refused`` counts examples by reason, ``n_bytes`` are those of models.
    """

    commands: list[Command] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    refused: Counter[Refused] = field(default_factory=Counter)
    n_bytes: int = 0


@dataclass(slots=True)
class DenseShard:
    """The dense models that a model shard owns."""

    shard: int
    key: str
    kinds: Kinds
    progress: Progress
    max_models: int = MAX_MODELS
    _models: dict[str, Dense] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop what is in memory."""
        self._models = {}

    def learn(self, examples: Sequence[Example], read: Read) -> Learned:
        """Learn examples in order; ``read`` asks Redis for what is not in memory."""
        learned = Learned()
        for example in examples:
            if isinstance(example, Rewarded) and model_shard(example.campaign) == self.shard:
                self.progress.rewarded(example)
        mine = [
            (name, example)
            for example in examples
            for name in models_of(example)
            if model_shard(name) == self.shard
        ]
        if not mine:
            return learned
        refused = self._load(sorted({name for name, _ in mine}), read, learned)
        changed = set()
        for name, example in mine:
            if name in refused:
                learned.refused[refused[name]] += 1
                continue
            if self.progress.is_scored():
                self._score(name, example)
            if kind_of(name, self.kinds).learn(self._models[name], example):
                changed.add(name)
            else:
                learned.refused["bad_example"] += 1
        for name in sorted(changed):
            data = self._models[name].to_bytes()
            learned.commands.append(("HSET", self.key, name, data))
            learned.names.append(name)
            learned.n_bytes += len(data)
        return learned

    def _score(self, name: str, example: Example) -> None:
        """Ask a model before it is taught."""
        foretold = kind_of(name, self.kinds).foretell(self._models[name], example)
        if foretold is not None:
            self.progress.chance(name, *foretold)

    def _load(self, names: list[str], read: Read, learned: Learned) -> dict[str, Refused]:
        """Bring models into memory, new ones as far as there is room; return why others are not."""
        refused: dict[str, Refused] = {}
        missing = []
        for name in names:
            if name in self._models:
                continue
            try:
                kind_of(name, self.kinds)
            except UnknownModel:
                refused[name] = "unknown_model"
            else:
                missing.append(name)
        if not missing:
            return refused
        values: Any = read(("HMGET", self.key, *missing))
        n_stored: int | None = None
        for name, value in zip(missing, values, strict=True):
            kind = kind_of(name, self.kinds)
            if value is not None:
                self._models[name] = self._read(name, value, learned)
                continue
            n_stored = read(("HLEN", self.key)) if n_stored is None else n_stored
            if n_stored < self.max_models:
                n_stored += 1
                self._models[name] = kind.make()
            else:
                refused[name] = "too_many_models"
        return refused

    def _read(self, name: str, value: bytes, learned: Learned) -> Dense:
        """Return a model; one of another version is learned anew rather than not at all."""
        kind = kind_of(name, self.kinds)
        try:
            model: Dense = kind.read(value)
        except (ShopkeeperError, ValueError):
            learned.refused["unreadable_model"] += 1
            model = kind.make()
        return model


@dataclass(slots=True)
class SumsShard:
    """The sums of experiments that a model shard owns, and of what campaigns gave away."""

    shard: int
    key: str
    max_sums: int = MAX_SUMS
    _sums: dict[str, ExperimentSums] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop what is in memory."""
        self._sums = {}

    def learn(self, examples: Iterable[Example], read: Read) -> Learned:
        """Add changes in order; ``read`` asks Redis for what is not in memory."""
        learned = Learned()
        mine = [
            (sums_field(example.experiment, example.variation), example)
            for example in examples
            if isinstance(example, Exposed) and experiment_shard(example.experiment) == self.shard
        ]
        if not mine:
            return learned
        self._load(sorted({name for name, _ in mine}), read, learned)
        changed = set()
        for name, example in mine:
            sums = self._sums.get(name)
            if sums is None:
                learned.refused["too_many_sums"] += 1
            elif sums.add(example):
                changed.add(name)
            else:
                learned.refused["bad_example"] += 1
        for name in sorted(changed):
            self._sums[name] = self._sums.pop(name)
            learned.commands.append(("HSET", self.key, name, encode_sums(self._sums[name])))
            learned.names.append(name)
        for name in list(self._sums)[: max(len(self._sums) - CACHED_SUMS, 0)]:
            del self._sums[name]
        return learned

    def _load(self, names: list[str], read: Read, learned: Learned) -> None:
        missing = [name for name in names if name not in self._sums]
        if not missing:
            return
        values: Any = read(("HMGET", self.key, *missing))
        n_stored: int | None = None
        for name, value in zip(missing, values, strict=True):
            if value is not None:
                self._sums[name] = decode_sums(value)
                continue
            n_stored = read(("HLEN", self.key)) if n_stored is None else n_stored
            if n_stored >= self.max_sums:
                continue
            n_stored += 1
            self._sums[name] = ExperimentSums()
            if name.startswith(PREFIX):
                old = _old_days(name)
                learned.commands.append(("HDEL", self.key, *old))
                learned.names += old


def _old_days(name: str) -> list[str]:
    """Return the names of a campaign's days that are too old to be kept beside this one."""
    campaign, _, day = name.rpartition(sums_field("", ""))
    end = date.fromisoformat(day) - timedelta(days=KEPT_DAYS)
    return [sums_field(campaign, (end - timedelta(days=n)).isoformat()) for n in range(KEPT_DAYS)]
