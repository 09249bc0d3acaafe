"""A plain oracle of triggers: what fires, worked out user by user from lists of what happened.

It shares no code with the profile flow; what definitions mean is spelled again on purpose, and so
are the conditions that it knows. Events are each user's in the order of time, as an import brings
them, so that none comes late. A shard's clock stands only where one of its entries came in.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loadtest.formats import Timed

GAP_MS = 30 * 60 * 1000
MINUTE_MS = 60_000
Table = Mapping[str, Any]


class PlainFiring(NamedTuple):
    """What fired for whom; times in ms."""

    user_id: str
    trigger: str
    channel: str
    due_at: int
    fired_at: int
    expires_at: int


@dataclass(slots=True)
class PlainUser:
    """What happened to one user so far; ``times`` by act, all in the order of time."""

    times: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    visit_at: int = -1
    latest_at: int = -1
    zone: str = ""
    may_since: int | None = None  # marketing may speak to the user
    used: dict[str, int] = field(default_factory=lambda: defaultdict(lambda: -1))
    held: dict[str, tuple[int, int]] = field(default_factory=dict)  # complete at, until
    fired: list[tuple[int, str, str]] = field(default_factory=list)  # when, channel, trigger

    def last(self, acts: Iterable[str]) -> int:
        """Return when the latest of some acts was, -1 for never."""
        return max((self.times[act][-1] for act in acts if self.times[act]), default=-1)

    def since(self, act: str, at: int) -> int:
        """Return how often an act was after a time, or at it."""
        times = self.times[act]
        return len(times) - bisect_left(times, at)


Condition = Callable[[PlainUser, int], bool]
CONDITIONS: dict[str, Condition] = {
    "": lambda user, now: True,
    "user.n_orders == 0": lambda user, now: not user.times["Order Completed"],
    "user.n_views > 20": lambda user, now: len(user.times["Product Viewed"]) > 20,
    "cart.n_products > 0": lambda user, now: (
        user.since("Product Added", user.last(["Order Completed"]) + 1) > 0
    ),
    "session.n_views >= 3": lambda user, now: (
        now - user.latest_at <= GAP_MS and user.since("Product Viewed", user.visit_at) >= 3
    ),
}


class PlainTriggers:
    """The tables of a file of triggers, as ``tomllib`` reads them."""

    def __init__(self, tables: Table) -> None:
        self._triggers: Mapping[str, Table] = tables["triggers"]
        self._caps: Mapping[str, Sequence[Table]] = tables.get("caps", {})
        self._quiet: Table | None = tables.get("quiet_hours")

    def firings(self, shards: Iterable[Sequence[Timed]]) -> list[PlainFiring]:
        """Return what fires in all shards' logs."""
        return [firing for log in shards for firing in self._of_shard(log)]

    def _of_shard(self, log: Sequence[Timed]) -> Iterable[PlainFiring]:
        clock = [timed.at_ms for timed in log]
        by_user: dict[str, list[Timed]] = defaultdict(list)
        for timed in log:
            by_user[timed.event["userId"]].append(timed)
        for user_id, events in by_user.items():
            yield from _History(self, user_id, clock).run(events)

    def definitions(self) -> Mapping[str, Table]:
        """Return all triggers by name, as they stand in the file."""
        return self._triggers

    def is_capped(self, channel: str, fired: list[tuple[int, str, str]], now: int) -> bool:
        """Tell whether a channel has said enough."""
        for cap in self._caps.get(channel, ()):
            since = now - ms(cap["within"])
            if sum(at > since and of == channel for at, of, _ in fired) >= cap["times"]:
                return True
        return False

    def quiet_until(self, zone_name: str, now: int) -> int | None:
        """Return when quiet hours are over; a minute is tried after the other."""
        if self._quiet is None:
            return None
        zone, at = _zone(zone_name) or ZoneInfo(self._quiet["time_zone"]), now
        while self._is_quiet(datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)):
            at = (at // MINUTE_MS + 1) * MINUTE_MS
        return at if at > now else None

    def _is_quiet(self, local: datetime) -> bool:
        assert self._quiet is not None
        minutes = timedelta(hours=local.hour, minutes=local.minute)
        for span in self._quiet["hours"]:
            begin, end = (
                timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in span.split("-")
            )
            if begin <= minutes < end or (begin > end and (minutes >= begin or minutes < end)):
                return True
        return False

    def then(self, trigger: Table) -> str:
        """Return what a trigger does in quiet hours."""
        default = "ignore" if self._quiet is None else self._quiet.get("then", "hold")
        return str(trigger.get("quiet", default))


class _History:
    """One user's week; ``clock`` are the times at which the shard's clock stood."""

    def __init__(self, plain: PlainTriggers, user_id: str, clock: list[int]) -> None:
        self._plain = plain
        self._user_id = user_id
        self._clock = clock
        self._user = PlainUser()
        self._firings: list[PlainFiring] = []

    def run(self, events: list[Timed]) -> list[PlainFiring]:
        for timed in events:
            self._pass_time(timed.at_ms)
            self._take(timed)
        self._pass_time(self._clock[-1])
        return self._firings

    def _take(self, timed: Timed) -> None:
        user, at = self._user, timed.at_ms
        context = timed.event.get("context", {})
        user.zone = context.get("timezone", user.zone)
        if "marketing" in context:
            user.may_since = (user.may_since or at) if context["marketing"] else None
        acts = [timed.event["event"]]
        if user.latest_at < 0 or at - user.latest_at > GAP_MS:
            acts.insert(0, "visit")
            user.visit_at = at
        user.latest_at = at
        for act in acts:
            user.times[act].append(at)
        for name, trigger in self._plain.definitions().items():
            is_anew = trigger.get("idle") or set(acts) & set(trigger.get("after", ()))
            if is_anew or self._begun(name, trigger) is None:
                user.held.pop(name, None)
        for name, trigger in self._plain.definitions().items():
            is_counted = trigger["on"] == "event" and trigger["event"] in acts
            if is_counted and name not in user.held and self._counted(name, trigger):
                self._tell(name, trigger, at, at)

    def _counted(self, name: str, trigger: Table) -> bool:
        """Tell whether an event trigger's acts are all there."""
        n = trigger.get("times", 1)
        latest = self._latest(name, trigger)
        return len(latest) == n and (n == 1 or latest[-1] - latest[0] <= ms(trigger["within"]))

    def _latest(self, name: str, trigger: Table) -> list[int]:
        user = self._user
        mark = max(user.used[name], user.last(trigger.get("unless", ())))
        latest = user.times[trigger["event"]][-trigger.get("times", 1) :]
        return [
            at
            for at in latest
            if at > mark and self._may(trigger, at) and not self._rests(name, trigger, at)
        ]

    def _may(self, trigger: Table, at: int) -> bool:
        since = self._user.may_since
        return trigger.get("consent") == "none" or (since is not None and at >= since)

    def _begun(self, name: str, trigger: Table) -> int | None:
        """Return when what a trigger waits for began last, None where it waits for nothing."""
        user = self._user
        if trigger["on"] == "event":
            latest = self._latest(name, trigger)
            return latest[-1] if len(latest) == trigger.get("times", 1) else None
        began = user.last(trigger["after"])
        stopped = max(user.last(trigger.get("unless", ())), user.used[name])
        return began if began > stopped and self._may(trigger, began) else None

    def _due(self, name: str, trigger: Table) -> tuple[int, int] | None:
        """Return when a trigger is complete, and when it is to be told."""
        if name in self._user.held:
            return self._user.held[name]
        if trigger["on"] != "absence" or (began := self._begun(name, trigger)) is None:
            return None
        heard = self._user.latest_at if trigger.get("idle") else began
        complete = heard + ms(trigger["lasting"])
        return complete, complete

    def _pass_time(self, until: int) -> None:
        while True:
            waiting = [
                (due[1], place, due[0], name, trigger)
                for place, (name, trigger) in enumerate(self._plain.definitions().items())
                if (due := self._due(name, trigger)) is not None
            ]
            first = min(waiting, key=lambda one: one[:2], default=None)
            if first is None or first[0] > until:
                return
            told_at, _, complete, name, trigger = first
            self._user.held.pop(name, None)
            self._tell(name, trigger, complete, self._clock[bisect_left(self._clock, told_at)])

    def _tell(self, name: str, trigger: Table, complete: int, now: int) -> None:
        user, plain = self._user, self._plain
        began = self._begun(name, trigger)
        assert began is not None
        is_time = not self._rests(name, trigger, complete) and not _is_late(trigger, complete, now)
        is_met = CONDITIONS[trigger.get("when", "")](user, now)
        if trigger["on"] == "event" and is_time and not is_met:
            return
        if is_time and is_met:
            until = plain.quiet_until(user.zone, now) if plain.then(trigger) != "ignore" else None
            if until is not None and plain.then(trigger) == "hold":
                user.held[name] = (complete, until)
                return
            channel = trigger["channel"]
            if until is None and not plain.is_capped(channel, user.fired, now):
                since = now if trigger.get("late") == "fire" else complete
                expires = since + ms(trigger.get("valid", "1 day"))
                firing = PlainFiring(self._user_id, name, channel, complete, now, expires)
                self._firings.append(firing)
                user.fired.append((now, channel, name))
        user.used[name] = began

    def _rests(self, name: str, trigger: Table, at: int) -> bool:
        if "once_in" not in trigger:
            return False
        fired = [fired_at for fired_at, _, of in self._user.fired if of == name]
        return bool(fired) and at - fired[-1] < ms(trigger["once_in"])


def _is_late(trigger: Table, complete: int, now: int) -> bool:
    valid = ms(trigger.get("valid", "1 day"))
    return bool(trigger.get("late", "drop") == "drop" and now - complete > valid)


def ms(text: str) -> int:
    """Return a duration.

    >>> ms("2 hours")
    7200000
    """
    number, unit = text.split()
    minutes = {"second": 1 / 60, "minute": 1, "hour": 60, "day": 24 * 60}[unit.rstrip("s")]
    return round(float(number) * minutes * MINUTE_MS)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
