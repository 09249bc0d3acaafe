"""Batches in turn with single visitors; what is not decided as a whole, and noted then."""

import asyncio
import json
from collections.abc import Callable, Sequence
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from serving.access import KeyRing
from serving.asking import Asker
from serving.batching import MAX_BATCHES, BatchPersonalizer
from serving.catalog import Catalog
from serving.choices import Fallback
from serving.decision import Shop
from serving.decision_log import DecisionLog
from serving.event_log import EventLog
from serving.finding import Finder, Found
from serving.limits import RateLimit
from serving.main import connect
from serving.metrics import ServingMetrics
from serving.noting import Notes
from serving.personalizing import Personalizer
from serving.refusals import Refusal, Refused
from serving.slow import SlowDecisions
from serving.tokens import Tokens
from tests.serving.builders import IDS, NOW, RULES, TRUSTED
from tests.serving.conftest import KEYS
from tests.serving.deciding import PLACEMENTS, a_model

NAMES = {IDS.known(f"{kind}{n}").digest: f"{kind}{n}" for kind in "abs" for n in range(50)}
READ, GONE = Found(missing=Fallback.UNKNOWN_USER), Found(missing=Fallback.REDIS_UNAVAILABLE)


class Told(Finder):
    """Finds what it is told to, at once, and takes note of who was looked for."""

    def __init__(self, find: Callable[[str], Found]) -> None:
        self.asked: list[str] = []
        self._told = find

    @property
    def n_together(self) -> int:
        """Each is looked for alone."""
        return 1

    async def find(self, asker: Asker) -> Found:
        """Return what was told."""
        assert asker.known is not None
        name = NAMES[asker.known.digest]
        self.asked.append(name)
        return self._told(name)


class Desk:
    """A personalizer whose log nobody empties, and what came of what it was asked."""

    def __init__(self, find: Callable[[str], Found], max_waiting: int = 100) -> None:
        self.metrics = ServingMetrics(CollectorRegistry())
        self.finder = Told(find)
        self.log = DecisionLog(
            EventLog(connect("unix:///nowhere")), KEYS, 64, lambda *_: None, max_waiting
        )
        self.limit = RateLimit(100.0)
        self.personalizer = Personalizer(
            key_ring=KeyRing((), ("secret-key",)),
            tokens=Tokens(()),
            rules=RULES,
            limit=self.limit,
            finder=self.finder,
            shop=Shop(a_model(), Catalog(), PLACEMENTS),
            rng=Random(1),
            notes=Notes(self.metrics, SlowDecisions(lambda: NOW), self.log),
            clock_ms=lambda: NOW,
            clock_seconds=lambda: 0.0,
        )
        self.batches = BatchPersonalizer(self.personalizer, (0.0, 0.0), room_seconds=0.0)

    def answer(self, *users: str) -> Sequence[dict[str, object]]:
        """Return the decisions of a batch."""
        pieces = asyncio.run(self.batches.answer(a_batch(*users), TRUSTED))
        told: Sequence[dict[str, object]] = json.loads(b"".join(pieces))["decisions"]
        return told

    def was_nothing_noted(self) -> bool:
        """Tell whether nothing was counted, logged or paid for."""
        is_free = self.limit.wait_seconds(TRUSTED.name, 1_000, 0.0) == 0.0
        return is_free and self.log.room == 100 and not self.metrics.decisions.counts


def a_batch(*users: str) -> bytes:
    asked = {"channel": "email", "placements": ["next-best"]}
    return json.dumps(asked | {"users": [{"userId": name} for name in users]}).encode()


def test_batches_take_every_other_turn_all_of_them_together() -> None:
    desk = Desk(lambda _: READ)

    async def singles() -> None:
        for number in range(50):
            asked = {"placements": ["next-best"], "userId": f"s{number}"}
            await desk.personalizer.answer(json.dumps(asked).encode(), "secret-key")
            await asyncio.sleep(0)

    async def story() -> None:
        users = [[f"{kind}{n}" for n in range(10)] for kind in "ab"]
        batches = [desk.batches.answer(a_batch(*some), TRUSTED) for some in users]
        await asyncio.gather(*batches, singles())

    asyncio.run(story())
    kinds = "".join(name[0] for name in desk.finder.asked)
    assert kinds.replace("s", "") == "ab" * 10
    assert not {"aa", "ab", "ba", "bb"} & {kinds[n : n + 2] for n in range(len(kinds))}


def test_a_batch_is_noted_once_it_is_decided() -> None:
    desk = Desk(lambda _: READ)
    assert [one["fallback"] for one in desk.answer("a1", "a2")] == ["unknown_user"] * 2
    assert (desk.log.room, sum(desk.metrics.decisions.counts.values())) == (98, 2)


def test_of_a_batch_that_fails_nothing_is_noted() -> None:
    desk = Desk(lambda name: GONE if name == "a2" else READ)
    with pytest.raises(Refused) as refused:
        desk.answer("a1", "a2", "a3")
    assert refused.value.reason is Refusal.STATE_UNAVAILABLE
    assert desk.finder.asked == ["a1", "a2", "a2", "a2"]
    assert desk.was_nothing_noted()


def test_who_cannot_be_read_at_first_is_read_again() -> None:
    found = iter([READ, GONE, GONE, READ, READ])
    desk = Desk(lambda _: next(found))
    answers = desk.answer("a1", "a2", "a3")
    assert [one["fallback"] for one in answers] == ["unknown_user"] * 3
    assert desk.finder.asked == ["a1", "a2", "a2", "a2", "a3"]


def test_a_batch_for_which_the_log_has_no_room_is_to_be_sent_again() -> None:
    desk = Desk(lambda _: READ)
    with pytest.raises(Refused) as refused:
        desk.answer(*[f"a{n % 50}" for n in range(101)])
    assert refused.value.reason is Refusal.STATE_UNAVAILABLE
    assert desk.was_nothing_noted()


def test_too_many_batches_at_once_are_refused() -> None:
    desk = Desk(lambda _: READ)

    async def story() -> list[object]:
        batches = [desk.batches.answer(a_batch("a1"), TRUSTED) for _ in range(MAX_BATCHES + 1)]
        return await asyncio.gather(*batches, return_exceptions=True)

    [refused] = [one for one in asyncio.run(story()) if isinstance(one, BaseException)]
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.OVERLOADED
