"""Histories for tests of the load."""

from collections import defaultdict

from loadtest.formats import Timed, iso_time
from loadtest.workload import synthetic_history

STEP_MS = 2_000


def a_dense_history(n_events: int, seed: int = 1) -> list[Timed]:
    """Return seeded sessions, so close together that many users are there at one time."""
    history = synthetic_history(n_events, seed)
    return [_at(timed, history[0].at_ms + STEP_MS * n) for n, timed in enumerate(history)]


def a_walking_history(n_events: int, n_products: int, seed: int = 1) -> list[Timed]:
    """Return a dense history in which each user goes through the products one after the other."""
    place: defaultdict[str, int] = defaultdict(lambda: len(place) * 7)
    walked = []
    for timed in a_dense_history(n_events, seed):
        user = timed.event["userId"]
        place[user] += 1
        product = {"product_id": f"product-{place[user] % n_products}"}
        properties = timed.event.get("properties", {}) | product
        walked.append(timed._replace(event=timed.event | {"properties": properties}))
    return walked


def _at(timed: Timed, at_ms: int) -> Timed:
    times = dict.fromkeys(("timestamp", "receivedAt"), iso_time(at_ms))
    return Timed(at_ms, timed.line, timed.event | times)
