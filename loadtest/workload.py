"""The events of a chaos run: visitors who turn out to be customers, in phases that settle apart.

A user's sums are floats, so states are equal to the byte only where histories meet in one order.
What is forwarded between shards arrives at any time; hence no shard's clock moves in a phase that
forwards, each phase settles before the next, and clock events bring all shards to one time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from config.durations import DAY_MS, HOUR_MS, MINUTE_MS
from config.keys import Ids
from loadtest.formats import SegmentEvent, Timed, iso_time

STAYS_ANONYMOUS_SHARE = 0.2  # of the users: after the split they are seen without their userId
RESEND_WITHIN = 100  # events between an event and its copy
RESEND_WITHIN_MS = 12 * HOUR_MS
_SYNTHETIC_START_MS = 1_600_000_000_000
_ACTS = ("Product Viewed",) * 17 + ("Product Added",) * 2 + ("Order Completed",)


@dataclass(frozen=True, slots=True)
class Phase:
    """Events to send in their order, and whether they make shards forward to each other."""

    name: str
    events: list[Timed]
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class Workload:
    """The phases, and how many events each known user must have counted at the end."""

    phases: list[Phase]
    expected: dict[str, int]

    @property
    def n_events(self) -> int:
        """How many different events there are."""
        return sum(self.expected.values())


def chaos_workload(history: Sequence[Timed], ids: Ids, seed: int) -> Workload:
    """Return the phases that a history of known users becomes; all users end up known.

    Until the split (the median event) users are visitors. Then each identifies. After that they
    are known, but for a share who go on as visitors: those events come last, all at one time.
    """
    split, end = history[len(history) // 2].at_ms, history[-1].at_ms + HOUR_MS
    users = sorted({timed.event["userId"] for timed in history})
    anonymous = set(Random(seed).sample(users, round(len(users) * STAYS_ANONYMOUS_SHARE)))
    before = [timed for timed in history if timed.at_ms < split]
    after = [timed for timed in history if timed.at_ms >= split]
    known = [timed for timed in after if timed.event["userId"] not in anonymous]
    late = [_received_at(end, as_visitor(t)) for t in after if t.event["userId"] in anonymous]
    phases = [
        Phase("visitors", [as_visitor(t) for t in before] + clock_events(ids, split)),
        Phase("identify", [_identify(user, split) for user in users], forwards=True),
        Phase("known", known + clock_events(ids, end)),
        Phase("late visitors", late, forwards=True),
        Phase("end", clock_events(ids, end + HOUR_MS)),
    ]
    expected = Counter(_known_user(t.event) for phase in phases for t in phase.events)
    return Workload(phases, dict(expected))


def with_resends(events: Sequence[Timed], share: float, rng: Random) -> list[Timed]:
    """Return the events with copies of a share of them, each a little later than its first.

    A copy comes at most 100 events and 12 hours later, well inside the 24 hours of a shard's clock
    within which a message id that comes again has no effect.
    """
    copies: dict[int, list[Timed]] = {}
    for index in sorted(rng.sample(range(len(events)), round(share * len(events)))):
        place = min(index + rng.randint(0, RESEND_WITHIN), len(events) - 1)
        while events[place].at_ms - events[index].at_ms > RESEND_WITHIN_MS:
            place -= 1
        copies.setdefault(place, []).append(events[index])
    return [
        timed for place, first in enumerate(events) for timed in (first, *copies.get(place, ()))
    ]


def sample_of_users(history: Sequence[Timed], n_events: int, seed: int) -> list[Timed]:
    """Return whole histories of some users, about ``n_events`` together, in order."""
    sizes = Counter(timed.event["userId"] for timed in history)
    chosen: set[str] = set()
    users = sorted(sizes)
    Random(seed).shuffle(users)
    total = 0
    for user in users:
        if total >= n_events:
            break
        chosen.add(user)
        total += sizes[user]
    return [timed for timed in history if timed.event["userId"] in chosen]


def synthetic_history(n_events: int, seed: int) -> list[Timed]:
    """Return a seeded history: sessions of about 8 events, over three weeks, known users."""
    rng = Random(seed)
    n_users = max(n_events // 80, 2)
    drawn: list[tuple[int, str, str, int]] = []
    while len(drawn) < n_events:
        user, at = f"user-{rng.randrange(n_users)}", rng.randrange(21 * DAY_MS)
        category = rng.randrange(50)
        for _ in range(rng.randint(1, 15)):
            drawn.append((at, user, rng.choice(_ACTS), category * 100 + rng.randrange(100)))
            at += rng.randrange(1000, 10 * MINUTE_MS)
    ordered = sorted(drawn[:n_events])
    return [_synthetic(line, *facts) for line, facts in enumerate(ordered, start=1)]


def clock_events(ids: Ids, at_ms: int) -> list[Timed]:
    """Return one event for each shard, so that all shards' clocks stand at ``at_ms``."""
    users = _user_of_each_shard(ids)
    return [_own_event(at_ms, "page", f"clock-{at_ms}-{user}", user) for user in users]


def _user_of_each_shard(ids: Ids) -> list[str]:
    found: dict[int, str] = {}
    number = 0
    while len(found) < ids.n_shards:
        user = f"clock-{number}"
        found.setdefault(ids.known(user).shard, user)
        number += 1
    return [found[shard] for shard in range(ids.n_shards)]


def _identify(user: str, at_ms: int) -> Timed:
    timed = _own_event(at_ms, "identify", f"identify-{user}", user)
    timed.event["anonymousId"] = visitor_of(user)
    return timed


def _own_event(at_ms: int, kind: str, message_id: str, user: str) -> Timed:
    at = iso_time(at_ms)
    event: SegmentEvent = {
        "type": kind,
        "messageId": message_id,
        "userId": user,
        "timestamp": at,
        "receivedAt": at,
    }
    return Timed(at_ms, 0, event | ({"name": "Clock"} if kind == "page" else {}))


def as_visitor(timed: Timed) -> Timed:
    """Return the event as one of a visitor who has not said who it is."""
    event = dict(timed.event)
    event["anonymousId"] = visitor_of(event.pop("userId"))
    return timed._replace(event=event)


def _received_at(at_ms: int, timed: Timed) -> Timed:
    return Timed(at_ms, timed.line, timed.event | {"receivedAt": iso_time(at_ms)})


def visitor_of(user: str) -> str:
    """Return the anonymous id under which a user of the history comes."""
    return f"visitor-{user}"


def _known_user(event: SegmentEvent) -> str:
    return str(event.get("userId") or event["anonymousId"].removeprefix("visitor-"))


def _synthetic(line: int, offset_ms: int, user: str, act: str, product: int) -> Timed:
    at_ms = _SYNTHETIC_START_MS + offset_ms
    at = iso_time(at_ms)
    item = {"product_id": f"product-{product}", "category": f"category-{product // 100}"}
    priced = item | {"price": 1.0 + product % 97, "quantity": 1}
    order = {"order_id": f"order-{line}", "products": [priced]}
    event: SegmentEvent = {
        "type": "track",
        "event": act,
        "messageId": f"synthetic-{line}",
        "userId": user,
        "timestamp": at,
        "receivedAt": at,
        "properties": order if act == "Order Completed" else priced,
    }
    return Timed(at_ms, line, event)
