import sys
from dataclasses import dataclass
from math import isclose
from random import Random
from typing import Any
from zlib import crc32

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from config.events import Event
from online_models.users import Linked, UserState
from tests.builders import DAY, MINUTE, NOON, an_event, an_identify
from tests.stream.simulation import Network

NIGHT = NOON - NOON % DAY + 55 * MINUTE  # so that stories go on past midnight
ORDERED_HAT = crc32(b"order:hat").to_bytes(4, sys.byteorder)
PEOPLE = {"ann": ("phone", "laptop"), "bob": ("tablet",), "cas": ()}


@dataclass(frozen=True)
class Story:
    """What happened, in one order, and with one way in which messages between shards cross."""

    events: list[Event]
    seed: int

    def told(self, events: list[Event]) -> Network:
        network, rng = Network(), Random(self.seed)
        for event in events:
            network.append(event)
            if rng.random() < 0.5:
                busy = [shard for shard, log in enumerate(network.logs) if log]
                network.step(rng.choice(busy))
        network.run(rng)
        return network


@st.composite
def stories(draw: st.DrawFn) -> Story:
    events = []
    for number in range(draw(st.integers(1, 14))):
        user = draw(st.sampled_from(sorted(PEOPLE)))
        browser = draw(st.sampled_from([None, *PEOPLE[user]]))
        at = NIGHT - draw(st.integers(0, 115)) * MINUTE
        more: dict[str, Any] = {"at": at, "received_at": NIGHT, "message_id": f"m-{number}"}
        kind = draw(st.sampled_from(["event", "anonymous", "identify", "alias"]))
        if browser is None or kind == "event":
            events.append(draw(shop_events(user=user, anonymous=browser, **more)))
        elif kind == "anonymous":
            events.append(draw(shop_events(user=None, anonymous=browser, **more)))
        elif kind == "identify":
            traits = {"tier": draw(st.sampled_from(["gold", "silver"]))}
            events.append(an_identify(user, browser, traits=traits, **more))
        else:
            events.append(an_event(kind="alias", user=user, previous=browser, **more))
    return Story(events, draw(st.integers(0, 2**32)))


@st.composite
def shop_events(draw: st.DrawFn, /, **more: Any) -> Event:
    name = draw(
        st.sampled_from(["Product Viewed", "Product Added", "Product Removed", "Order Completed"])
    )
    product: dict[str, Any] = {
        "product_id": draw(st.sampled_from(["boots", "hat", "tent"])),
        "category": draw(st.sampled_from(["shoes", "camping"])),
        "price": draw(st.floats(1, 500)),
    }
    context = {"locale": draw(st.sampled_from(["en", "de"])), "page": {"path": "/p"}}
    if name == "Order Completed":
        order: dict[str, Any] = {"order_id": draw(st.sampled_from(["o-1", "o-2", "o-3", "o-4"]))}
        order["revenue"] = draw(st.floats(0, 900))
        # The same order may be told by page and till, at one time and of one product.
        more["at"] = NIGHT - int(order["order_id"][-1]) * MINUTE
        hat = [{"product_id": "hat"}]
        return an_event(name, products=hat, context=context, **order, **more)
    return an_event(name, context=context, **product, **more)


def alike(first: object, second: object) -> bool:
    """Tell whether two states are the same, numbers to 1e-9."""
    if isinstance(first, float) and isinstance(second, float):
        return isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(alike(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    return first == second


def seen(network: Network) -> dict[str, object]:
    """Return all users, without the rings, which stay where their events came in."""
    found = {}
    for user in PEOPLE:
        state = network.known(user)
        if isinstance(state, UserState):
            state.recent_ids = b""
            # An order that page and till tell to two histories did teach twice before they met.
            state.taught = state.taught.replace(ORDERED_HAT, b"")
        found[user] = msgspec.to_builtins(state)
    return found


@settings(max_examples=300, deadline=None)
@given(story=stories(), order=st.randoms(use_true_random=False))
def test_any_order_and_any_split_over_shards_give_the_same_states(
    story: Story, order: Random
) -> None:
    shuffled = list(story.events)
    order.shuffle(shuffled)

    assert alike(
        seen(story.told(story.events)), seen(Story(shuffled, story.seed + 1).told(shuffled))
    )


@settings(max_examples=150, deadline=None)
@given(story=stories())
def test_no_event_is_lost_or_counted_twice_on_the_way_between_shards(story: Story) -> None:
    assert story.told(story.events).n_events() == len(story.events)


@settings(max_examples=150, deadline=None)
@given(story=stories(), order=st.randoms(use_true_random=False))
def test_events_sent_twice_take_effect_once(story: Story, order: Random) -> None:
    resent = [*story.events, *order.sample(story.events, k=len(story.events) // 2)]

    network = story.told(resent)

    assert network.n_events() == len(story.events)
    assert alike(seen(network), seen(story.told(story.events)))


def test_a_browser_that_two_people_share_leads_to_whom_it_named_last() -> None:
    network = Network()
    for event in (
        an_event(user=None, anonymous="tv", at=NOON),
        an_identify("ann", "tv", at=NOON + 1),
        an_event(user=None, anonymous="tv", at=NOON + 2),
        an_identify("bob", "tv", at=NOON + 3),
        an_event(user=None, anonymous="tv", at=NOON + 4),
    ):
        network.append(event)
        network.run()

    ann, bob = network.known("ann"), network.known("bob")

    assert isinstance(ann, UserState)
    assert isinstance(bob, UserState)
    assert (ann.n_events, bob.n_events) == (3, 2)


def test_an_identify_that_comes_late_does_not_take_a_shared_browser_back() -> None:
    network = Network()
    for event in (an_identify("bob", "tv", at=NOON + 3), an_identify("ann", "tv", at=NOON)):
        network.append(event)
        network.run()
    network.append(an_event(user=None, anonymous="tv", at=NOON + 4))
    network.run()

    bob = network.known("bob")

    assert isinstance(bob, UserState)
    assert bob.n_events == 2


def test_a_cycle_of_aliases_ends() -> None:
    network = Network()
    network.append(an_event(kind="alias", user="a", previous="b"))
    network.append(an_event(kind="alias", user="b", previous="a"))
    network.append(an_event(user=None, anonymous="a"))
    network.append(an_event(user=None, anonymous="b"))

    network.run()

    assert network.n_steps < 12
    assert network.n_events() == 4


def test_a_chain_of_aliases_leads_one_step_and_loses_nothing() -> None:
    network = Network()
    network.append(an_event(user=None, anonymous="a"))
    network.append(an_event(kind="alias", user="b", previous="a"))
    network.append(an_event(kind="alias", user="c", previous="b"))

    network.run()

    assert isinstance(network.visitor("a"), Linked)
    assert network.n_events() == 3


def test_an_anonymous_id_cannot_pose_as_a_known_one() -> None:
    network = Network()
    network.append(an_event(user="ann"))
    network.append(an_event(user=None, anonymous="ann"))

    network.run()

    ann = network.known("ann")

    assert isinstance(ann, UserState)
    assert ann.n_events == 1
