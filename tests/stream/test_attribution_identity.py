"""Rewards and experiments come out the same in any order, over any split into histories."""

from dataclasses import dataclass
from math import isclose
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from config.events import CampaignChoice, Decided, Event
from config.examples import Rewarded
from config.keys import Subject
from online_models.users import UserState
from tests.builders import DAY, IDS, MINUTE, NOON, an_event, an_identify
from tests.stream.simulation import Network
from tests.stream.test_attribution import sums_of
from tests.stream.test_identity import PEOPLE, alike

LATEST = NOON - NOON % DAY + DAY - 1
CAMPAIGN = {"hero": "spring", "exit": "ten-off"}
Told = Event | tuple[Decided, Subject]


@dataclass(frozen=True)
class Story:
    """What happened to whom, and a seed for how messages between shards cross."""

    told: list[Told]
    seed: int

    def network(self, told: list[Told]) -> Network:
        network, rng = Network(), Random(self.seed)
        network.tick(LATEST)  # no window ends while the story is told
        network.run(rng)
        for one in told:
            if isinstance(one, Event):
                network.append(one)
            else:
                network.decide(*one)
            if rng.random() < 0.5:
                network.step(rng.choice([n for n, log in enumerate(network.logs) if log]))
        network.run(rng)
        for days in (1, 2, 9):
            network.tick(LATEST + days * DAY)
            network.run(rng)
        return network


@st.composite
def stories(draw: st.DrawFn) -> Story:
    decisions = [draw(decisions_of(number)) for number in range(draw(st.integers(1, 4)))]
    told: list[Told] = list(decisions)
    for number in range(draw(st.integers(1, 12))):
        decided, subject = draw(st.sampled_from(decisions))
        user, browser = next(
            (user, browser)
            for user, browsers in PEOPLE.items()
            for browser in (*browsers, None)
            if subject in subjects_of(user, browser)
        )
        at = decided.received_at + draw(st.integers(0, 5)) * MINUTE
        more: dict[str, Any] = {"at": at, "received_at": LATEST, "message_id": f"m-{number}"}
        if browser is not None and draw(st.booleans()):
            told.append(an_identify(user, browser, **more))
        is_known = browser is None or draw(st.booleans())
        who: dict[str, Any] = {"user": user} if is_known else {"user": None, "anonymous": browser}
        told.append(draw(reactions(decided, **who, **more | {"message_id": f"r-{number}"})))
    return Story(told, draw(st.integers(0, 2**32)))


@st.composite
def decisions_of(draw: st.DrawFn, number: int) -> tuple[Decided, Subject]:
    user = draw(st.sampled_from(sorted(PEOPLE)))
    browser = draw(st.sampled_from([None, *PEOPLE[user]]))
    subject = draw(st.sampled_from(subjects_of(user, browser)))
    choices = [
        CampaignChoice(
            placement=placement,
            campaign=CAMPAIGN[placement],
            variation=draw(st.sampled_from(["", "a"])),
            policy="policy",
            goal=draw(st.sampled_from(["click", "order", "margin"])),
            probability=(number + 1) / 8,
            features=[float(number)],
            click_ms=2 * MINUTE,
            order_ms=draw(st.sampled_from([3 * MINUTE, DAY])),
            margin_rate=0.5,
            discount_rate=draw(st.sampled_from([0.0, 0.125])),
        )
        for placement in CAMPAIGN
    ]
    variation = draw(st.sampled_from(["red", "blue"]))
    at = LATEST - draw(st.integers(0, 200)) * MINUTE
    channel = draw(st.sampled_from(["web", "email"]))
    return Decided(f"d-{number}", at, choices, [("colors", variation)], channel), subject


def subjects_of(user: str, browser: str | None) -> list[Subject]:
    return [IDS.known(user)] if browser is None else [IDS.anonymous(browser)]


@st.composite
def reactions(draw: st.DrawFn, /, decided: Decided, **more: Any) -> Event:
    kind = draw(st.sampled_from(["Viewed", "Viewed", "Clicked", "Dismissed", "Product", "Order"]))
    if kind == "Viewed":  # may be told twice, but at one time: a click is taught with the first
        more["at"] = decided.received_at + MINUTE
    placement = draw(st.sampled_from(sorted(CAMPAIGN)))
    if kind == "Order":
        # Page and till may both tell an order, at one time.
        number = draw(st.integers(0, 5))
        more["at"] = decided.received_at + number * MINUTE
        order_id = f"o-{decided.decision_id}-{number}"
        return an_event("Order Completed", order_id=order_id, revenue=80.0, **more)
    facts: dict[str, Any]
    if kind == "Product":
        facts = {"list_id": placement, "decision_id": decided.decision_id}
        return an_event("Product Clicked", **facts, **more)
    facts = {"promotion_id": CAMPAIGN[placement], "position": placement}
    return an_event(f"Promotion {kind}", decision_id=decided.decision_id, **facts, **more)


def rewards(network: Network) -> list[Rewarded]:
    found = [example for example in network.examples if isinstance(example, Rewarded)]
    return sorted(found, key=lambda one: (one.probability, one.placement))


def contacts(network: Network) -> dict[str, object]:
    found: dict[str, object] = {}
    for user in PEOPLE:
        state = network.known(user)
        if isinstance(state, UserState):
            kept = sorted(state.contacts, key=lambda contact: contact.campaign)
            found[user] = msgspec.to_builtins(kept)
    return found


@settings(max_examples=400, deadline=None)
@given(story=stories(), order=st.randoms(use_true_random=False))
def test_any_order_and_any_split_over_shards_teach_the_same(story: Story, order: Random) -> None:
    shuffled = list(story.told)
    order.shuffle(shuffled)

    one = story.network(story.told)
    other = Story(shuffled, story.seed + 1).network(shuffled)

    assert rewards(one) == rewards(other)
    assert alike(contacts(one), contacts(other))
    assert same_sums(sums_of(one.examples), sums_of(other.examples))


@settings(max_examples=150, deadline=None)
@given(story=stories(), order=st.randoms(use_true_random=False))
def test_what_is_told_twice_is_taught_once(story: Story, order: Random) -> None:
    resent = [*story.told, *order.sample(story.told, k=len(story.told) // 2)]

    one, other = story.network(story.told), story.network(resent)

    assert rewards(one) == rewards(other)
    assert same_sums(sums_of(one.examples), sums_of(other.examples))


@settings(max_examples=150, deadline=None)
@given(story=stories())
def test_each_choice_is_taught_at_most_once_and_each_visitor_counted_once(story: Story) -> None:
    network = story.network(story.told)

    taught = [(one.probability, one.placement) for one in rewards(network)]
    n_visitors = sum(row.get("visitors", 0) for row in sums_of(network.examples).values())
    exposed = {
        digest: data for digest, data in network.users.items() if network.n_exposures(digest)
    }

    assert len(taught) == len(set(taught))
    assert n_visitors == len(exposed)


def same_sums(
    first: dict[tuple[str, str], dict[str, float]], second: dict[tuple[str, str], dict[str, float]]
) -> bool:
    """Tell whether sums are the same to 1e-6; one that came to nothing may be missing."""
    names = {
        (*name, what) for sums in (first, second) for name, row in sums.items() for what in row
    }
    return all(
        isclose(
            first.get((experiment, variation), {}).get(what, 0.0),
            second.get((experiment, variation), {}).get(what, 0.0),
            rel_tol=1e-9,
            abs_tol=1e-6,
        )
        for experiment, variation, what in names
    )
