"""Load, learn, commit: a model shard's rows, models and sums and its positions, together.

The rule of ``shards.py``, with a position per source: each range of examples that was read is
announced to every model shard, which commits its position in that source, examples or none.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from redis.exceptions import WatchError

from config.examples import Example, Touched
from config.keys import (
    MAX_CHANGES,
    MODELS_CHANGED,
    ROWS_CHANGED,
    SESSIONS_SHARD,
    SUMS_CHANGED,
    Keys,
)
from config.log_ids import log_id
from config.session_log import STEPS_AN_ENTRY, STEPS_FIELD, TIME_FIELD, Step, encode_steps
from online_models.dense import Kinds
from online_models.kinds import KINDS
from online_models.popularity import Row, decode_row, encode_row
from online_models.progress import Progress
from stream.commands import Command
from stream.commits import START, BrokenCommit
from stream.learning import MAX_ROWS, learn, row_names
from stream.model_parts import DenseShard, Refused, SumsShard
from stream.transactions import AWAY, Transactions

CACHED_ROWS = 20_000
MAX_STEPS = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Examples of one source after ``after``, up to ``until``, with their ids."""

    source: int
    after: str
    until: str
    examples: list[tuple[str, Example]]
    n_entries: int = 0


@dataclass(frozen=True, slots=True)
class Ranges:
    """What was read of the sources, for one model shard."""

    shard: int
    parts: list[Part]


@dataclass(slots=True)
class LearnReport:
    """What became of one round of examples in one model shard."""

    shard: int
    n_examples: int = 0
    n_rows: int = 0
    is_committed: bool = False
    n_gaps: int = 0
    n_conflicts: int = 0
    n_reconnects: int = 0
    n_refused_rows: int = 0
    refused: Counter[Refused] = field(default_factory=Counter)
    n_model_bytes: int = 0
    newest_ms: int = 0


class ModelCommit(msgspec.Struct, frozen=True, kw_only=True):
    """Positions of a model shard: by source the id of the last example learned.

    ``n_steps`` are all that were appended to the log of steps, by the shard that owns it.
    """

    version: int = 1
    seq: int = 0
    worker: str = ""
    positions: dict[int, str] = {}
    n_steps: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ModelCommit)


def decode_model_commit(data: bytes | None) -> ModelCommit:
    """Return the commit; a model shard without one has learned nothing.

    Raises:
        BrokenCommit: the bytes are no commit of a version that this one reads.
    """
    if data is None:
        return ModelCommit()
    try:
        commit = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise BrokenCommit(f"model commit cannot be read: {error}") from error
    if commit.version != 1:
        raise BrokenCommit(f"model commit of version {commit.version}; this Shopkeeper reads 1")
    return commit


@dataclass(slots=True)
class ModelShard:
    """The owner's view of one model shard: cached rows, and the commit they belong to.

    ``send_back(source, position)`` moves the reader; ``wait_for_redis`` is called between tries
    while Redis is away or full, and raises when the learner is to end.
    """

    shard: int
    transactions: Transactions
    keys: Keys
    learner_id: str
    send_back: Callable[[int, str], None]
    wait_for_redis: Callable[[Exception], None]
    max_rows: int = MAX_ROWS
    max_steps: int = MAX_STEPS
    kinds: Kinds = field(default_factory=lambda: KINDS)
    progress: Progress = field(default_factory=lambda: Progress(time.monotonic))
    _written: bytes | None = None
    _rows: dict[str, Row | None] = field(default_factory=dict)
    _n_rows: int | None = None
    _dense: DenseShard = field(init=False)
    _sums: SumsShard = field(init=False)

    def __post_init__(self) -> None:
        self._dense = DenseShard(
            self.shard, self.keys.models(self.shard), self.kinds, self.progress
        )
        self._sums = SumsShard(self.shard, self.keys.experiments(self.shard))

    def handle(self, ranges: Ranges) -> LearnReport:
        """Learn a round of examples and commit, whatever happens to Redis meanwhile."""
        report = LearnReport(self.shard)
        while True:
            try:
                self._handle_once(ranges, report)
            except WatchError:
                report.n_conflicts += 1
                self._forget()
            except AWAY as error:
                report.n_reconnects += 1
                self._forget()
                self.wait_for_redis(error)
            except BaseException:
                self._forget()
                raise
            else:
                return report

    def _forget(self) -> None:
        self._written, self._rows, self._n_rows = None, {}, None
        self._dense.forget()
        self._sums.forget()

    def _handle_once(self, ranges: Ranges, report: LearnReport) -> None:
        key, rows_key = self.keys.model_commit(self.shard), self.keys.model_rows(self.shard)
        stored, n_rows = self.transactions.watch(key, ("GET", key), ("HLEN", rows_key))
        if stored != self._written or self._n_rows is None:
            self._forget()
        self._written, self._n_rows = stored, n_rows
        commit = decode_model_commit(stored)
        positions, examples = self._new(commit, ranges, report)
        if positions == commit.positions:
            return
        touched = [one for _, one in examples if isinstance(one, Touched)]
        others = [one for _, one in examples if not isinstance(one, Touched)]
        self._load(row_names(touched, self.shard), rows_key)
        changed = learn(self._rows, touched, self.shard, lambda: self._may_add(report))
        report.newest_ms = max((log_id(entry_id)[0] for entry_id, _ in examples), default=0)
        models = self._dense.learn(others, self.transactions.read)
        sums = self._sums.learn(others, self.transactions.read)
        commands = [*self._write_rows(changed, rows_key), *models.commands, *sums.commands]
        names = {
            ROWS_CHANGED: sorted(changed),
            MODELS_CHANGED: models.names,
            SUMS_CHANGED: sums.names,
        }
        commands += self._announce(names, report.newest_ms)
        n_steps = commit.n_steps
        if self.shard == SESSIONS_SHARD:
            commands += self._steps(touched, n_steps, report.newest_ms)
            n_steps += len(touched)
        written = _encoder.encode(
            ModelCommit(
                seq=commit.seq + 1, worker=self.learner_id, positions=positions, n_steps=n_steps
            )
        )
        self.transactions.execute([*commands, ("SET", key, written)])
        self._written = written
        report.is_committed, report.n_examples, report.n_rows = True, len(examples), len(changed)
        report.refused = models.refused + sums.refused
        report.n_model_bytes = models.n_bytes
        self._let_go(changed)

    def _new(
        self, commit: ModelCommit, ranges: Ranges, report: LearnReport
    ) -> tuple[dict[int, str], list[tuple[str, Example]]]:
        """Return the positions after this round and the examples that are new; mind gaps."""
        positions, examples = dict(commit.positions), list[tuple[str, Example]]()
        for part in ranges.parts:
            position = positions.get(part.source, START)
            if log_id(position) < log_id(part.after):
                report.n_gaps += 1
                self.send_back(part.source, position)
            elif log_id(position) < log_id(part.until):
                positions[part.source] = part.until
                at = log_id(position)
                examples += [item for item in part.examples if log_id(item[0]) > at]
        return positions, examples

    def _load(self, names: set[str], rows_key: str) -> None:
        missing = [name for name in names if name not in self._rows]
        if not missing:
            return
        values: Any = self.transactions.read(("HMGET", rows_key, *missing))
        for name, value in zip(missing, values, strict=True):
            self._rows[name] = None if value is None else decode_row(value)

    def _may_add(self, report: LearnReport) -> bool:
        assert self._n_rows is not None
        if self._n_rows >= self.max_rows:
            report.n_refused_rows += 1
            return False
        self._n_rows += 1
        return True

    def _write_rows(self, changed: set[str], rows_key: str) -> list[Command]:
        if not changed:
            return []
        fields: list[str | bytes] = []
        for name in sorted(changed):
            row = self._rows[name]
            assert row is not None
            fields += (name, encode_row(row))
        return [("HSET", rows_key, *fields)]

    def _announce(self, changed: dict[bytes, list[str]], newest_ms: int) -> list[Command]:
        """Return what tells servers of all that changed."""
        fields = [
            part for what, names in changed.items() if names for part in (what, "\n".join(names))
        ]
        if not fields:
            return []
        stream = self.keys.model_changes(self.shard)
        bound = ("MAXLEN", "~", MAX_CHANGES)
        return [("XADD", stream, *bound, "*", *fields, TIME_FIELD, newest_ms)]

    def _steps(self, touched: list[Touched], n_steps: int, newest_ms: int) -> list[Command]:
        """Return what appends steps to their log, and keeps that as long as the index it is for."""
        key = self.keys.session_log()
        oldest = f"{max(n_steps - self.max_steps - self.max_steps // 4, 0)}-0"
        commands: list[Command] = []
        for start in range(0, len(touched), STEPS_AN_ENTRY):
            some = touched[start : start + STEPS_AN_ENTRY]
            data = encode_steps([Step(one.session, one.product_id, one.action) for one in some])
            end = f"{n_steps + start + len(some)}-0"
            bound = ("MINID", "~", oldest)
            fields = (STEPS_FIELD, data, TIME_FIELD, newest_ms)
            commands.append(("XADD", key, *bound, end, *fields))
        return commands

    def _let_go(self, changed: set[str]) -> None:
        """Keep the rows that changed last; those not touched for longest go first."""
        for name in changed:
            self._rows[name] = self._rows.pop(name)
        for name in list(self._rows)[: max(len(self._rows) - CACHED_ROWS, 0)]:
            del self._rows[name]
