from collections import Counter
from random import Random
from typing import Any

import msgspec

from config.events import Event
from config.examples import Rewarded, Touched, Visited
from config.keys import Ids
from online_models.generators import NEXT
from online_models.next_product import NextProduct
from online_models.users import (
    MAX_TAUGHT,
    MAX_TAUGHT_CHOICES,
    MAX_TAUGHT_MOMENTS,
    MAX_TAUGHT_TIMES,
)
from stream.journal import apply
from tests.builders import DAY, HOUR, IDS, MINUTE, NOON, an_event, digest_of, logged
from tests.stream.test_attribution import SPRING, Story, a_decision, a_promotion, an_order
from tests.stream.test_moments import CHOSEN, visits
from tests.stream.test_sessions import a_batch

MIDNIGHT = NOON - NOON % DAY


def taught(*events: Event) -> list[Touched]:
    batch = a_batch()
    for event in events:
        apply(batch, logged(event))
    return [example for example in batch.outbox.examples if isinstance(example, Touched)]


def test_a_view_teaches_product_and_category_under_the_key_of_its_session() -> None:
    first, second = taught(
        an_event(at=NOON, product_id="hat"),
        an_event(at=NOON + 2 * MINUTE, product_id="boots", category="shoes"),
    )

    assert (second.product_id, second.category, second.action) == ("boots", "shoes", "view")
    assert first.session == second.session == IDS.session_key(digest_of(an_event()), NOON)


def test_another_session_has_another_key() -> None:
    first, second = taught(an_event(at=NOON), an_event(at=NOON + HOUR))

    assert first.session != second.session


def test_the_key_of_a_session_names_nobody() -> None:
    digest = digest_of(an_event())
    others = Ids(secret=b"1" * 32, n_shards=4)
    keys = {
        IDS.session_key(digest, NOON),
        IDS.session_key(digest, NOON + 1),
        IDS.session_key(digest_of(an_event(user="bob")), NOON),
        others.session_key(digest, NOON),
    }

    assert len(keys) == 4  # of the secret, the visitor and the start
    assert all(0 <= key < 2**56 for key in keys)


def test_a_product_counts_three_times_a_day_of_one_user_and_the_next_day_again() -> None:
    examples = taught(
        *(an_event(at=MIDNIGHT + n * MINUTE) for n in range(50)),
        an_event("Product Added", at=MIDNIGHT + HOUR),
        an_event(at=MIDNIGHT + 2 * HOUR, product_id="hat"),
        *(an_event(at=MIDNIGHT + DAY + n * MINUTE) for n in range(50)),
    )

    told = [(one.action, one.product_id, (one.occurred_at - MIDNIGHT) // DAY) for one in examples]
    assert told == [
        *[("view", "boots", 0)] * MAX_TAUGHT_TIMES,
        ("cart", "boots", 0),
        ("view", "hat", 0),
        *[("view", "boots", 1)] * MAX_TAUGHT_TIMES,
    ]


def test_what_is_late_by_a_day_teaches_nothing_and_does_not_open_its_day_again() -> None:
    today = an_event(at=MIDNIGHT + DAY, product_id="tent")
    late = [
        an_event(at=MIDNIGHT + n, received_at=MIDNIGHT + DAY + n, product_id="hat")
        for n in range(5)
    ]

    assert [one.product_id for one in taught(today, *late, today_again())] == ["tent", "boots"]


def today_again() -> Event:
    return an_event(at=MIDNIGHT + DAY + MINUTE)


def test_ten_thousand_events_of_one_bot_add_no_more_than_its_share_a_day() -> None:
    """Of one day at most three steps of a product, 300 in all; the others' suggestion stays."""
    rng = Random(1)
    products = [f"p{n}" for n in range(200)]
    bot = [
        an_event(at=MIDNIGHT + n * 8_000, user="bot", product_id=rng.choice(products))
        for n in range(10_000)
    ]

    examples = taught(*bot)

    times = Counter(one.product_id for one in examples)
    assert len(examples) == MAX_TAUGHT
    assert max(times.values()) == MAX_TAUGHT_TIMES


def test_a_bot_that_walks_one_pair_all_day_moves_its_evidence_by_three_steps_at_most() -> None:
    """Of 10,000 events the pair gains 3 steps: others' pair, taken 10 times, stays first."""
    others = NextProduct(capacity=4_096)
    for session in range(10):
        others.index_one(session, "boots")
        others.index_one(session, "laces")
    before = {one.product_id: one.score for one in others.next_best(["boots"])}
    bot = [
        an_event(at=MIDNIGHT + n * 8_000, user="bot", product_id=("boots", "spam")[n % 2])
        for n in range(10_000)
    ]
    steps = [(one.session, one.product_id) for one in taught(*bot)]

    for session, product_id in steps:
        others.index_one(session, product_id)

    boots = [product_id for _, product_id in steps].count("boots")
    assert (boots, len(steps)) == (MAX_TAUGHT_TIMES, 2 * MAX_TAUGHT_TIMES)
    after = {one.product_id: one.score for one in others.next_best(["boots"])}
    assert max(after, key=after.__getitem__) == max(before, key=before.__getitem__) == "laces"
    evidence = others.steps.evidence.rows
    place = {
        others.steps.slots.names[item]: c
        for c, item in enumerate(others.steps.evidence.items[: len(after)].tolist())
    }
    assert evidence[place["laces"], NEXT] == 10
    assert evidence[place["spam"], NEXT] <= MAX_TAUGHT_TIMES


def test_carts_and_orders_teach_too_and_an_order_only_once() -> None:
    order = an_event("Order Completed", at=NOON + 1, order_id="o", products=[{"product_id": "hat"}])
    again = an_event("Order Completed", at=NOON + 2, order_id="o", products=[{"product_id": "hat"}])
    examples = taught(an_event("Product Added", at=NOON, product_id="hat"), order, again)

    assert [example.action for example in examples] == ["cart", "order"]


def test_an_event_sent_twice_teaches_once() -> None:
    view = an_event(message_id="once")

    assert len(taught(view, view)) == 1


def click_away(
    story: Story, n_choices: int, placement: str = "hero", start: int = MIDNIGHT
) -> None:
    """Let Ann click on everything that a placement shows her, minute by minute."""
    for number in range(n_choices):
        at, decision_id = start + number * MINUTE, f"{placement}-{start}-{number}"
        choice = msgspec.structs.replace(SPRING, placement=placement)
        seen: dict[str, Any] = {"decision_id": decision_id, "position": placement}
        experiments = [("colors", "red")]
        story.tell(
            a_decision(choice, at=at, decision_id=decision_id, experiments=experiments),
            a_promotion(at=at + 1, **seen),
            a_promotion("Clicked", at + 2, **seen),
        )


def test_a_bot_that_clicks_all_day_teaches_a_policy_no_more_than_its_share() -> None:
    story = Story()

    click_away(story, 10 * MAX_TAUGHT_CHOICES)
    click_away(story, 3, "side", MIDNIGHT + 12 * HOUR)
    click_away(story, 3, start=MIDNIGHT + DAY)

    told = Counter((one.placement, (one.shown_at - MIDNIGHT) // DAY) for one in story.taught())
    assert told == {("hero", 0): MAX_TAUGHT_CHOICES, ("side", 0): 3, ("hero", 1): 3}


def test_what_experiments_count_of_a_visitor_has_no_such_bound() -> None:
    story = Story()
    click_away(story, 2 * MAX_TAUGHT_CHOICES)
    for number in range(2 * MAX_TAUGHT_CHOICES):
        story.tell(an_order(MIDNIGHT + 2 * HOUR + number, 5.0, f"o-{number}"))

    sums = story.sums()["colors", "red"]
    assert (sums["visitors"], sums["orders"]) == (1, 2 * MAX_TAUGHT_CHOICES)


def test_a_bot_that_comes_every_half_hour_teaches_few_of_its_visits() -> None:
    moments = [
        an_event(at=MIDNIGHT + number * 31 * MINUTE, message_id=name)
        for number, name in enumerate(CHOSEN[:40])
    ]

    assert len(visits(*moments)) == MAX_TAUGHT_MOMENTS


def test_steps_choices_and_moments_of_a_bot_share_one_day() -> None:
    story = Story()
    for number in range(MAX_TAUGHT - 5):
        story.tell(an_event(at=MIDNIGHT + number, product_id=f"p{number}"))

    click_away(story, MAX_TAUGHT_CHOICES, start=MIDNIGHT + HOUR)

    examples = story.batch.outbox.examples
    lessons = [one for one in examples if isinstance(one, Touched | Rewarded | Visited)]
    assert 0 < len(story.taught()) <= 5
    assert len(lessons) == MAX_TAUGHT
