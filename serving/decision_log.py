"""Writes down what was decided, off the path of answers: in batches, bounded, drops counted.

Every decision goes into the log of decisions; what campaigns chose for a visitor also goes into the
log of events, where impressions, clicks and orders are joined to it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from config import events
from config.decisions import DECISION_FIELD, Chosen, Decided, encode_decided
from config.events import ENTRY_FIELD, SUBJECT_FIELD, encode_entry
from config.keys import MAX_DECISIONS, Keys, Subject
from serving.choices import Choice, Decision, Promotion, Slate
from serving.copying import SLICE_SECONDS
from serving.event_log import Command, EventLog, LogUnavailable

MAX_WAITING = 10_000
BATCH_SECONDS = 0.05
DROPS = ("queue_full", "unconfirmed", "not_taken")  # why a decision is not in the log


class Made(NamedTuple):
    """A decision as it was answered; ``subject`` is None where it was not personal.

    ``visitor`` is who may be written about: somebody with an id who does not refuse, known or not.
    """

    decision_id: str
    at: int
    subject: Subject | None
    decision: Decision
    applied_up_to: str | None
    visitor: Subject | None = None
    experiments: Sequence[tuple[str, str]] = ()
    channel: str = "web"
    margin_rate: float = 1.0


class DecisionLog:
    """Takes decisions without ever waiting; ``run`` it beside its callers.

    ``dropped`` is told how many were lost and why: ``queue_full``, ``unconfirmed`` by Redis, or
    ``not_taken`` into the log of events, which ``takes_events`` says when it is to be left alone.
    ``keeps``: whether there is a log of decisions at all.
    """

    def __init__(
        self,
        log: EventLog,
        keys: Keys,
        n_shards: int,
        dropped: Callable[[str, int], None],
        max_waiting: int = MAX_WAITING,
        *,
        keeps: bool = True,
        takes_events: Callable[[], bool] = lambda: True,
        clock_seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._log = log
        self._keys = keys
        self._n_shards = n_shards
        self._dropped = dropped
        self._max_waiting = max_waiting
        self._keeps = keeps
        self._takes_events = takes_events
        self._clock_seconds = clock_seconds
        self._waiting: deque[Made] = deque()
        self._n_taken = 0

    @property
    def room(self) -> int:
        """How many more decisions it would take now."""
        return self._max_waiting - len(self._waiting)

    def put(self, made: Made) -> None:
        """Take a decision, or drop it where too many are waiting."""
        if len(self._waiting) >= self._max_waiting:
            self._dropped("queue_full", 1)
        else:
            self._waiting.append(made)

    async def run(self) -> None:
        """Write what is waiting until cancelled; what is waiting then is written as well."""
        try:
            while True:
                await asyncio.sleep(BATCH_SECONDS)
                await self._write_waiting()
        finally:
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        while self._waiting:
            n_made, commands = self._take()
            try:
                if commands:
                    await self._log.append(commands)
                else:
                    await asyncio.sleep(0)
            except LogUnavailable:
                # They may be there or not; written again, some would be there twice.
                self._dropped("unconfirmed", n_made)
                return

    def _take(self) -> tuple[int, list[Command]]:
        """Take what can be made ready before requests go first; there is something waiting."""
        n_made, commands = 0, list[Command]()
        until = self._clock_seconds() + SLICE_SECONDS
        while self._waiting and (n_made == 0 or self._clock_seconds() < until):
            made = self._waiting.popleft()
            n_made += 1
            if self._keeps:
                commands.append(self._command(made))
            commands += self._event(made)
        return n_made, commands

    def _event(self, made: Made) -> list[Command]:
        who, entry = made.visitor, _entry(made)
        if who is None or entry is None:
            return []
        if not self._takes_events():
            self._dropped("not_taken", 1)
            return []
        stream, told = self._keys.events(who.shard), encode_entry(entry)
        return [("XADD", stream, "*", ENTRY_FIELD, told, SUBJECT_FIELD, who.digest)]

    def _command(self, made: Made) -> Command:
        digest = "" if made.subject is None else made.subject.digest
        data = encode_decided(
            Decided(
                decision_id=made.decision_id,
                at=made.at,
                subject=digest,
                placements={n: _chosen(choice) for n, choice in made.decision.choices.items()},
                fallback=made.decision.fallback,
                applied_up_to=made.applied_up_to,
            )
        )
        stream = self._keys.decisions(self._shard(made.subject))
        bound = ("MAXLEN", "~", MAX_DECISIONS)
        return ("XADD", stream, *bound, "*", DECISION_FIELD, data, SUBJECT_FIELD, digest)

    def _shard(self, subject: Subject | None) -> int:
        if subject is not None:
            return subject.shard
        self._n_taken += 1  # nobody's decisions go round
        return self._n_taken % self._n_shards


def _chosen(choice: Choice) -> Chosen:
    if isinstance(choice, Slate):
        return Chosen(
            "products",
            [pick.product_id for pick in choice.picks],
            [pick.of or "" for pick in choice.picks],
            choice.strategy,
            [pick.step for pick in choice.picks],
            [pick.probability for pick in choice.picks],
        )
    headline = [] if choice.content is None else [choice.content.headline]
    considered = choice.considered
    return Chosen(
        choice.kind,
        headline,
        campaign=choice.campaign,
        variation=choice.variation,
        explanation=None if considered is None else considered.explanation(),
    )


def _entry(made: Made) -> events.Decided | None:
    """Return what the log of events is told; None where campaigns and experiments had no say."""
    if made.visitor is None:
        return None
    chosen = [one.choice for one in made.decision.choices.values() if isinstance(one, Promotion)]
    choices = [choice for choice in chosen if choice is not None]
    if not choices and not made.experiments:
        return None
    return events.Decided(
        made.decision_id, made.at, choices, list(made.experiments), made.channel, made.margin_rate
    )
