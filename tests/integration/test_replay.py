"""Real events, imported over HTTP into a whole shop, come to what the plain oracle says."""

import gzip
import os
from collections.abc import Iterator
from math import isclose
from pathlib import Path

import pytest

from loadtest.formats import Format, Timed, read_events
from loadtest.processes import ShopUnderTest, shop_under_test
from loadtest.replay import Target, replay
from loadtest.settled import Stored, all_applied, hold_time, stored
from online_models.bounded import cart_lines
from online_models.decay import MONTH, fade
from online_models.users import UserState, decode_user
from shopkeeper.lifeline import tied
from tests.oracle import HALF_LIVES_MS, HOUR_MS, PlainUser, faded, plain_users

FILES = {
    Format.TAOBAO815: ("taobao815.csv.gz", 84_475),
    Format.REES46: ("rees46_sample.csv.gz", 17_434),
}
COUNTERS = ("views", "carts", "orders", "revenue")
RECENT = {"viewed": "Product Viewed", "carted": "Product Added", "bought": "Order Completed"}

pytestmark = pytest.mark.skipif(
    "SHOPKEEPER_DATA" not in os.environ,
    reason="SHOPKEEPER_DATA does not name the folder of the real events",
)


def events_of(fmt: Format) -> list[Timed]:
    name, n_events = FILES[fmt]
    with gzip.open(Path(os.environ["SHOPKEEPER_DATA"], "events", name)) as lines:
        reading = read_events(lines, fmt)
    assert (len(reading.events), reading.unreadable) == (n_events, [])
    return reading.events


@pytest.fixture(scope="module", params=list(FILES))
def imported(request: pytest.FixtureRequest) -> Iterator[tuple[ShopUnderTest, list[Timed]]]:
    """Yield a shop that has taken in a whole file, and the file's events."""
    events = events_of(request.param)
    with shop_under_test({}, tied) as shop:
        shop.start_redis()
        shop.start_server()
        shop.start_worker("worker")
        result = replay(events, Target(shop.url, shop.secret_key, imports=True))
        assert (result.accepted, result.rejected) == (len(events), {})
        shop.wait(lambda: all_applied(shop), "not all is applied", 60, lambda: hold_time(shop))
        yield shop, events


def test_every_user_is_what_the_oracle_says(imported: tuple[ShopUnderTest, list[Timed]]) -> None:
    shop, events = imported
    kept, plain = stored(shop), plain_users(events)
    assert len(kept.users) == len(plain)
    differences = [
        f"{user_id}: {difference}"
        for user_id, user in plain.items()
        for difference in differences_of(state_of(shop, kept, user_id), user)
    ]
    assert differences == []


def state_of(shop: ShopUnderTest, kept: Stored, user_id: str) -> UserState:
    state = decode_user(kept.users[shop.keys.user(*shop.ids.known(user_id)).encode()])
    assert isinstance(state, UserState)
    return state


def differences_of(state: UserState, user: PlainUser) -> Iterator[str]:
    """Name what differs; sums are compared an hour after the user's last event."""
    now = user.latest_at + HOUR_MS
    facts = (state.n_events, state.first_at, state.latest_at)
    if facts != (user.n_events, user.first_at, user.latest_at):
        yield f"events {facts}"
    for name in COUNTERS:
        counter, plain = getattr(state, name), getattr(user, name)
        if not close(counter.total, sum(amount for _, amount in plain)):
            yield f"{name} {counter.total}"
        for kind, half_life in enumerate(HALF_LIVES_MS):
            value = counter.faded(kind, state.latest_at, now)
            if not close(value, faded(plain, half_life, now)):
                yield f"{name} {value} at half-life {half_life}"
    yield from session_differences(state, user, now)
    for name, act in RECENT.items():
        if [(at, product) for at, product in getattr(state, name)] != user.recent(act):
            yield f"{name} {getattr(state, name)} instead of {user.recent(act)}"
    cart = {name: line.quantity for name, line in cart_lines(state.cart).items()}
    if cart != user.cart():
        yield f"cart {cart} instead of {user.cart()}"
    if [order.at for order in state.order_history] != user.order_times():
        yield f"orders {state.order_history}"
    yield from liking_differences(state, user)


def session_differences(state: UserState, user: PlainUser, now: int) -> Iterator[str]:
    """A session counts once it is over; the last may still be open."""
    still_open = [(session.start_at, 1.0) for session in state.open_sessions]
    total = state.sessions.total + len(still_open)
    if total != len(user.sessions):
        yield f"{total} sessions instead of {len(user.sessions)}"
    for kind, half_life in enumerate(HALF_LIVES_MS):
        value = state.sessions.faded(kind, state.latest_at, now)
        if not close(
            value + faded(still_open, half_life, now), faded(user.sessions, half_life, now)
        ):
            yield f"sessions {value} at half-life {half_life}"


def liking_differences(state: UserState, user: PlainUser) -> Iterator[str]:
    for kind in ("categories", "brands", "price_bands"):
        kept, plain = getattr(state, kind), user.liked.get(kind, {})
        if kept.keys() != plain.keys():
            yield f"{kind} {sorted(kept)} instead of {sorted(plain)}"
            continue
        for name, landmark_relative in kept.items():
            value = fade(landmark_relative, MONTH, state.latest_at, user.latest_at)
            if not close(value, plain[name]):
                yield f"{kind} {name} {value} instead of {plain[name]}"


def close(first: float, second: float) -> bool:
    """Compare to 1e-9; what has faded below any number counts as nothing."""
    return isclose(first, second, rel_tol=1e-9, abs_tol=1e-300)
