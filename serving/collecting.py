"""From a request's raw body to events in the log, and to the reply."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from config.events import ENTRY_FIELD, SUBJECT_FIELD, EventType, InvalidEvent, Reason
from config.keys import IMPORT_HOLD_MS, MAX_DEAD_LETTERS, Keys
from serving.access import Caller, KeyRing
from serving.bodies import MAX_EVENT_BYTES, RawBatch, split_batch
from serving.event_log import Command, EventLog, LogUnavailable
from serving.fields import as_object
from serving.limits import Limits
from serving.metrics import ServingMetrics
from serving.reading import Accepted, Around, Rejected, Rules, read_event, read_fields
from serving.refusals import Refusal, Refused
from serving.strict_json import parse_object

_EVENTS_BEFORE_OTHERS = 50  # so that a large batch does not hold up small requests for long
_NOTHING_AROUND = Around({})
MAX_LETTER_BYTES = 2 * 1024  # of an event that could not be read; enough to see why

Read = Accepted | Rejected


@dataclass(frozen=True, slots=True)
class Collector:
    """Takes events in; ``clock_ms`` is wall time, ``clock_seconds`` never runs backwards."""

    key_ring: KeyRing
    rules: Rules
    keys: Keys
    limits: Limits
    log: EventLog
    metrics: ServingMetrics
    clock_ms: Callable[[], int]
    clock_seconds: Callable[[], float]

    async def collect_one(
        self, body: bytes, kind: EventType, key: str | None, *, with_ids: bool
    ) -> dict[str, Any]:
        """Put one event into the log and return the reply.

        Raises:
            Refused: the caller may not, or not now, or Redis did not confirm.
            InvalidEvent: the event became a dead letter.
        """
        caller = self.key_ring.caller(key) if key else None
        try:
            fields = parse_object(body)
        except InvalidEvent as error:
            if caller is None:
                raise  # nobody vouches for it, so it is not kept either
            await self._bury(error, body, caller, kind)
            raise
        if caller is None:
            caller = self.key_ring.caller(_body_key(fields))
            # A key that stands in the body must not lie in the dead letters.
            body = body.replace(_body_key(fields).encode("utf-8", "surrogatepass"), b"")
        self._check_key_limit(caller, 1)
        read = read_fields(fields, body, kind, _NOTHING_AROUND, caller, self.rules, self.clock_ms())
        log_ids = await self._keep([read], caller)
        if isinstance(read, Rejected):
            raise read.error
        return {"success": True, "ids": log_ids} if with_ids else {"success": True}

    async def collect_batch(
        self, body: bytes, key: str | None, *, with_ids: bool, imports: bool = False
    ) -> dict[str, Any]:
        """Put the good events of a batch into the log, the bad ones aside; return the reply.

        An import, called so by its route or by ``"import": true`` in the body, needs a secret key.
        Even an empty one keeps wall time out of the shards for a while.

        Raises:
            Refused: the caller may not, or not now, or Redis did not confirm.
            InvalidEvent: the body is no batch at all.
        """
        caller = self.key_ring.caller(key) if key else None
        try:
            batch = split_batch(body)
            around = _around(batch.around, imports)
        except InvalidEvent as error:
            if caller is not None:
                await self._bury(error, body, caller, "batch")
            raise
        key = key or _body_key(batch.around)
        caller = (self.key_ring.secret_caller if around.imports else self.key_ring.caller)(key)
        self._check_key_limit(caller, len(batch.events))
        reads = await self._read(batch, around, caller)
        log_ids = await self._keep(reads, caller, [self._hold()] if around.imports else [])
        return _batch_reply(reads, log_ids if with_ids else None)

    async def hold_time(self, key: str | None) -> None:
        """Keep wall time out of the shards though an import is refused: it will come again."""
        with suppress(Refused, LogUnavailable):
            self.key_ring.secret_caller(key)
            await self.log.append([self._hold()])

    async def _read(self, batch: RawBatch, around: Around, caller: Caller) -> list[Read]:
        reads: list[Read] = []
        now_ms = self.clock_ms()
        for index, raw in enumerate(batch.events, start=1):
            reads.append(read_event(raw, None, around, caller, self.rules, now_ms))
            if index % _EVENTS_BEFORE_OTHERS == 0:
                await asyncio.sleep(0)
        return reads

    async def _bury(self, error: InvalidEvent, body: bytes, caller: Caller, kind: str) -> None:
        """Put a body that cannot be read at all aside, as one dead letter."""
        self._check_key_limit(caller, 1)
        raw = b"" if self.rules.consent_required else body[:MAX_EVENT_BYTES]
        await self._keep([Rejected(error, raw, kind)], caller)

    async def _keep(
        self, reads: Sequence[Read], caller: Caller, before: Sequence[Command] = ()
    ) -> list[str | None]:
        """Write events and dead letters; return each event's log id, None for a dead letter."""
        self._check_user_limits(reads, caller)
        kept = [r for r in reads if isinstance(r, Accepted) or self._may_keep_letter(caller)]
        commands = [*before, *map(self._command, kept)]
        started = self.clock_seconds()
        try:
            replies = (await self.log.append(commands))[len(before) :] if commands else []
        except LogUnavailable as error:
            self._count(reads, failed="unavailable")
            raise Refused(Refusal.LOG_UNAVAILABLE, str(error), retry_after_seconds=1) from error
        seconds = self.clock_seconds() - started
        self.metrics.append_seconds.recorder()(seconds)
        self.metrics.fine.latencies.recorder("append")(seconds)
        self._count(reads)
        self.metrics.unkept_letters.inc(len(reads) - len(kept))
        log_ids = (
            reply.decode()
            for read, reply in zip(kept, replies, strict=True)
            if isinstance(read, Accepted) and isinstance(reply, bytes)
        )
        return [next(log_ids) if isinstance(read, Accepted) else None for read in reads]

    def _hold(self) -> Command:
        """Return what keeps wall time out of the shards while events bring times of their own."""
        return ("SET", self.keys.import_hold(), 1, "PX", IMPORT_HOLD_MS)

    def _may_keep_letter(self, caller: Caller) -> bool:
        """Tell whether one more dead letter is kept; the sender is told of it in any case."""
        now = self.clock_seconds()
        return caller.secret or self.limits.letters_per_key.try_one(caller.name, now)

    def _command(self, read: Read) -> Command:
        if isinstance(read, Accepted):
            stream = self.keys.events(read.subject.shard)
            return (
                "XADD",
                stream,
                "*",
                ENTRY_FIELD,
                read.payload,
                SUBJECT_FIELD,
                read.subject.digest,
            )
        shard, digest = read.subject or (0, "")
        raw = read.raw[:MAX_LETTER_BYTES]
        letter = ("reason", read.error.reason, "detail", read.error.detail, "raw", raw)
        bound = ("MAXLEN", "~", MAX_DEAD_LETTERS)
        return ("XADD", self.keys.dead(shard), *bound, "*", *letter, SUBJECT_FIELD, digest)

    def _check_key_limit(self, caller: Caller, n_events: int) -> None:
        now = self.clock_seconds()
        _refuse_until(self.limits.per_key.wait_seconds(caller.name, n_events, now), "key")
        self.limits.per_key.take(caller.name, n_events, now)

    def _check_user_limits(self, reads: Sequence[Read], caller: Caller) -> None:
        """Refuse the request as a whole, so that its sender can simply send it again."""
        if caller.secret:
            return
        now = self.clock_seconds()
        limit = self.limits.per_user
        counts = Counter(read.subject.digest for read in reads if read.subject is not None)
        wait = max((limit.wait_seconds(name, n, now) for name, n in counts.items()), default=0.0)
        if wait > 0:
            self._count(reads, failed="limited")
        _refuse_until(wait, "user")
        for name, n_events in counts.items():
            limit.take(name, n_events, now)

    def _count(self, reads: Sequence[Read], failed: str | None = None) -> None:
        results = Counter((read.type, failed or _result(read)) for read in reads)
        for (type_, result), n_events in results.items():
            self.metrics.events.labels(type_, result).inc(n_events)
        if failed is not None:
            return
        for read in reads:
            if isinstance(read, Rejected):
                self.metrics.dead_letters.labels(read.error.reason).inc()
            elif read.times.clamped:
                self.metrics.clamped_times.inc()


def _around(fields: dict[str, Any], imports: bool) -> Around:
    marked = fields.get("import")
    if marked is not None and not isinstance(marked, bool):
        raise InvalidEvent(Reason.BAD_FIELD, "import: true or false is allowed")
    return Around(as_object(fields, "context"), fields.get("sentAt"), imports or marked is True)


def _body_key(fields: dict[str, Any]) -> str:
    key = fields.get("writeKey")
    return key if isinstance(key, str) else ""


def _refuse_until(wait_seconds: float, whose: str) -> None:
    if wait_seconds > 0:
        raise Refused(
            Refusal.RATE_LIMITED,
            f"too many events of this {whose}",
            retry_after_seconds=max(math.ceil(wait_seconds), 1),
        )


def _result(read: Read) -> str:
    return "accepted" if isinstance(read, Accepted) else "dead_letter"


def _batch_reply(reads: Sequence[Read], log_ids: list[str | None] | None) -> dict[str, Any]:
    reply: dict[str, Any] = {"success": True}
    rejected = [
        {
            "index": index,
            "messageId": read.message_id,
            "reason": read.error.reason,
            "detail": read.error.detail,
        }
        for index, read in enumerate(reads)
        if isinstance(read, Rejected)
    ]
    if rejected:
        reply |= {"accepted": len(reads) - len(rejected), "rejected": rejected}
    if log_ids is not None:
        reply["ids"] = log_ids
    return reply
