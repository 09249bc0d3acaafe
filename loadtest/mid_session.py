"""Where a replay stops to ask: users in the middle of a session, just before their next view. Pure.

At a stop everything before it was sent. The users' next events are then sent alone, so that
nothing else lies between the answer before such an event and the one after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random

from loadtest.formats import Timed

SESSION_GAP_MS = 30 * 60 * 1000
LOOK_AHEAD_MS = 5 * 60 * 1000
START_SHARE = 0.5  # of the history, before the first stop: what shops have when they start to ask
SAMPLES_A_STOP = 4
_VIEW = "Product Viewed"


@dataclass(frozen=True, slots=True)
class Stop:
    """What is sent before the users are asked, and the view of each that follows."""

    before: list[Timed]
    views: list[Timed]


def plan_stops(history: Sequence[Timed], n_samples: int, seed: int) -> list[Stop]:
    """Return stops with so many views together (fewer, where the history has no more).

    A view is one of a user who viewed something else within the session gap before, and it comes
    within five minutes of the stop. Events keep their order but for the views, which are sent up
    to these five minutes early.
    """
    rng = Random(seed)
    start = round(len(history) * START_SHARE)
    n_stops = max(ceil(n_samples / SAMPLES_A_STOP), 1)
    places = [start + (len(history) - start) * n // n_stops for n in range(n_stops)]
    early: set[int] = set()
    viewed_at: dict[str, int] = {}
    stops: list[Stop] = []
    sent, n_missing = 0, n_samples
    for number, place in enumerate(places):
        before = [timed for timed in history[sent:place] if timed.line not in early]
        viewed_at |= {user: at for user, at in map(_viewed, history[sent:place]) if user}
        wanted = ceil(n_missing / (n_stops - number))
        candidates = _next_views(history, place, early, viewed_at)
        views = rng.sample(candidates, min(wanted, len(candidates)))
        views.sort(key=lambda timed: (timed.at_ms, timed.line))
        early |= {timed.line for timed in views}
        viewed_at |= {timed.event["userId"]: timed.at_ms for timed in views}
        stops.append(Stop(before, views))
        sent, n_missing = place, n_missing - len(views)
    return stops


def _next_views(
    history: Sequence[Timed], place: int, early: set[int], viewed_at: Mapping[str, int]
) -> list[Timed]:
    """Return the next event of each user who is in a session, where it is a view and comes soon."""
    seen: set[str] = set()
    found = []
    for timed in history[place:]:
        if timed.at_ms > history[place].at_ms + LOOK_AHEAD_MS:
            break
        user = timed.event["userId"]
        if timed.line in early or user in seen:
            continue
        seen.add(user)
        gap_ms = timed.at_ms - viewed_at.get(user, -SESSION_GAP_MS - 1)
        if timed.event["event"] == _VIEW and gap_ms <= SESSION_GAP_MS:
            found.append(timed)
    return found


def _viewed(timed: Timed) -> tuple[str, int]:
    is_view = timed.event["event"] == _VIEW
    return (timed.event["userId"] if is_view else "", timed.at_ms)
