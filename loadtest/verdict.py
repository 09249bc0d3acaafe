"""What a disturbed run came to: lost, repeated, equal to the byte."""

from collections.abc import Set
from dataclasses import dataclass

from config.keys import Ids, Keys
from loadtest.settled import Stored
from loadtest.workload import Workload
from online_models.users import UserState, decode_user


@dataclass(frozen=True, slots=True)
class Verdict:
    """Events that had no effect, effects beyond one an event, and whether all bytes are equal."""

    lost: int
    repeated: int
    state_equal: bool
    users: int
    first_difference: str


def compare(
    workload: Workload, accepted: Set[str], found: Stored, expected: Stored, ids: Ids, keys: Keys
) -> Verdict:
    """Compare a run's users with what was accepted, and with the bytes of the undisturbed run."""
    sent = {timed.event["messageId"] for phase in workload.phases for timed in phase.events}
    lost, repeated = len(sent - accepted), 0
    for user, n_expected in workload.expected.items():
        subject = ids.known(user)
        difference = count_of(found, keys.user(*subject)) - n_expected
        lost += max(-difference, 0)
        repeated += max(difference, 0)
    different = first_difference(found, expected)
    return Verdict(lost, repeated, not different, len(found.users), different)


def count_of(found: Stored, key: str) -> int:
    """Return how many events a user's state has taken in."""
    data = found.users.get(key.encode())
    state = None if data is None else decode_user(data)
    return state.n_events if isinstance(state, UserState) else 0


def first_difference(found: Stored, expected: Stored) -> str:
    """Name the first user or shard that differs, in whatever it does; empty where none does."""
    for key in sorted(found.users.keys() | expected.users.keys()):
        here, there = found.users.get(key), expected.users.get(key)
        if here != there:
            return f"{key.decode()}: {_shown(here)} instead of {_shown(there)}"
    for shard, timers in expected.timers.items():
        if found.timers[shard] != timers:
            return f"timers of shard {shard}: {found.timers[shard]} instead of {timers}"
    for shard, watchers in expected.watchers.items():
        if found.watchers[shard] != watchers:
            return f"shard {shard}: others watch products, or other products"
    return ""


def _shown(data: bytes | None) -> str:
    return "nothing" if data is None else repr(decode_user(data))
