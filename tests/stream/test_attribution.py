"""What was decided for a visitor meets what follows, told as short stories of one shard."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from config.events import CampaignChoice, ConsentRefused, Decided, Entry, Event, Tick
from config.examples import Example, Exposed, Rewarded
from config.experiments import MAX_EXPERIMENTS
from online_models.features import feature_vector, picture
from online_models.users import MAX_EXPOSURES, MAX_OPEN_DECISIONS, Contact, UserState
from stream.batch import Batch
from stream.journal import apply
from tests.builders import DAY, HOUR, MINUTE, NOON, an_event, logged
from tests.stream.test_sessions import ANN, a_batch, ann

SPRING = CampaignChoice(
    placement="hero",
    campaign="spring",
    variation="a",
    policy="policy:hero",
    probability=0.25,
    features=[1.0, 0.5],
    click_ms=2 * MINUTE,
    order_ms=DAY,
)
NOTHING = msgspec.structs.replace(SPRING, variation="", probability=0.75)
OFFER = msgspec.structs.replace(
    SPRING, policy="offer:hero", goal="margin", margin_rate=0.5, discount_rate=0.125
)


def a_decision(
    *choices: CampaignChoice,
    at: int = NOON,
    decision_id: str = "d-1",
    experiments: list[tuple[str, str]] | None = None,
    channel: str = "web",
) -> Decided:
    return Decided(decision_id, at, list(choices or (SPRING,)), experiments or [], channel, 0.5)


def a_promotion(what: str = "Viewed", at: int = NOON, **more: Any) -> Event:
    facts = {"promotion_id": "spring", "position": "hero", "decision_id": "d-1", "creative": "a"}
    return an_event(f"Promotion {what}", at=at, **facts | more)


def an_order(at: int, revenue: float = 80.0, order_id: str = "o-1") -> Event:
    return an_event("Order Completed", at=at, order_id=order_id, revenue=revenue)


@dataclass
class Story:
    """A shard of its own, to which entries about Ann come."""

    batch: Batch = field(default_factory=a_batch)

    def tell(self, *entries: Entry) -> "Story":
        for entry in entries:
            digest = "" if isinstance(entry, Tick) else ANN
            apply(self.batch, logged(entry, digest))
        return self

    def taught(self) -> list[Rewarded]:
        return [one for one in self.batch.outbox.examples if isinstance(one, Rewarded)]

    def sums(self) -> dict[tuple[str, str], dict[str, float]]:
        return sums_of(self.batch.outbox.examples)

    def contact(self, campaign: str = "spring") -> Contact:
        return next(one for one in ann(self.batch).contacts if one.campaign == campaign)


def sums_of(examples: list[Example]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the sums of all changes by experiment and variation, those that are not 0."""
    sums: dict[tuple[str, str], dict[str, float]] = {}
    for example in examples:
        if isinstance(example, Exposed):
            row = sums.setdefault((example.experiment, example.variation), {})
            for name, value in msgspec.structs.asdict(example).items():
                if isinstance(value, int | float) and name != "occurred_at":
                    row[name] = row.get(name, 0.0) + value
    return {
        name: {what: value for what, value in row.items() if abs(value) > 1e-6}
        for name, row in sums.items()
    }


def test_a_click_is_taught_as_soon_as_it_comes_and_once() -> None:
    story = Story().tell(a_decision(), a_promotion(at=NOON + 1000))
    assert story.taught() == []

    story.tell(a_promotion("Clicked", NOON + 5000), a_promotion("Clicked", NOON + 6000))
    story.tell(Tick(NOON + 3 * DAY))

    assert story.taught() == [
        Rewarded(
            policy="policy:hero",
            goal="click",
            placement="hero",
            campaign="spring",
            variation="a",
            probability=0.25,
            features=[1.0, 0.5],
            is_holdout=False,
            shown_at=NOON + 1000,
            is_clicked=True,
            n_orders=0,
            revenue=0.0,
            margin=0.0,
        )
    ]
    assert ann(story.batch).open_decisions == []


def test_without_a_click_the_end_of_its_window_teaches_that() -> None:
    story = Story().tell(a_decision(), a_promotion(at=NOON + 1000))

    story.tell(Tick(NOON + 1000 + 2 * MINUTE))
    assert story.taught() == []
    story.tell(Tick(NOON + 1001 + 2 * MINUTE))
    story.tell(a_promotion("Clicked", NOON + 10 * MINUTE), Tick(NOON + 3 * DAY))

    assert [one.is_clicked for one in story.taught()] == [False]


def test_a_choice_that_nobody_saw_teaches_nothing() -> None:
    story = Story().tell(a_decision(), Tick(NOON + 3 * DAY))

    assert story.taught() == []
    assert ann(story.batch).open_decisions == []


@pytest.mark.parametrize(
    "choice", [NOTHING, msgspec.structs.replace(NOTHING, is_holdout=True)], ids=["arm", "holdout"]
)
def test_showing_nothing_is_taught_from_the_time_of_the_decision(choice: CampaignChoice) -> None:
    choice = msgspec.structs.replace(choice, goal="order")
    story = Story().tell(a_decision(choice), an_order(NOON + HOUR), Tick(NOON + DAY + 1))

    (example,) = story.taught()
    assert (example.shown_at, example.n_orders, example.revenue) == (NOON, 1, 80.0)
    assert example.is_holdout == choice.is_holdout


def test_orders_within_the_window_are_the_reward_and_their_margin_is_after_discount() -> None:
    story = Story().tell(
        a_decision(OFFER),
        an_order(NOON + 1, order_id="before"),
        a_promotion(at=NOON + 1000),
        an_order(NOON + HOUR, 80.0, "o-1"),
        an_order(NOON + 2 * HOUR, 40.0, "o-2"),
        an_order(NOON + 2 * HOUR, 40.0, "o-2"),  # page and till both tell it
        an_order(NOON + 1001 + DAY, order_id="after"),
        Tick(NOON + 2 * DAY),
    )

    (example,) = story.taught()
    assert (example.n_orders, example.revenue, example.margin) == (2, 120.0, 120.0 * 0.375)


def test_what_an_offer_gives_away_is_told_with_the_order_by_day_of_the_decision() -> None:
    story = Story().tell(a_decision(OFFER), a_promotion(), an_order(NOON + HOUR, 80.0))

    assert story.sums() == {("campaign:spring", "2023-11-14"): {"orders": 1, "revenue": 10.0}}


def test_an_order_told_earlier_by_the_till_takes_back_what_the_page_told() -> None:
    story = Story().tell(
        a_decision(OFFER),
        a_promotion(),
        an_order(NOON + HOUR, 80.0),
        msgspec.structs.replace(an_order(NOON + MINUTE, 64.0), received_at=NOON + HOUR),
    )

    assert story.sums() == {("campaign:spring", "2023-11-14"): {"orders": 1, "revenue": 8.0}}


def test_a_holdout_gives_nothing_away() -> None:
    holdout = msgspec.structs.replace(OFFER, is_holdout=True)
    story = Story().tell(a_decision(holdout), an_order(NOON + HOUR), Tick(NOON + 2 * DAY))

    assert story.sums() == {}
    assert [one.margin for one in story.taught()] == [40.0]


def test_caps_count_one_impression_a_decision_by_channel() -> None:
    story = Story().tell(
        a_promotion(at=NOON + 2000),
        a_promotion(at=NOON + 1000),
        a_decision(channel="email"),
        a_promotion(at=NOON + 3000),
        a_promotion(at=NOON + 4000, decision_id=None),
    )

    assert story.contact().shown == [(NOON + 4000, "web"), (NOON + 1000, "email")]


def test_dismissals_clicks_and_conversions_are_kept_of_a_campaign() -> None:
    story = Story().tell(
        a_decision(),
        a_promotion(at=NOON + 1000),
        a_promotion("Clicked", NOON + 2000),
        an_order(NOON + HOUR),
        a_promotion("Dismissed", NOON + 2 * HOUR),
    )

    contact = story.contact()
    assert (contact.clicked_at, contact.dismissed_at) == (NOON + 2000, NOON + 2 * HOUR)
    assert contact.converted_at == NOON + HOUR


def test_the_picture_of_a_customer_tells_campaigns_and_experiments() -> None:
    story = Story().tell(
        a_decision(experiments=[("colors", "red")]),
        a_promotion(at=NOON + 1000),
        a_promotion("Dismissed", NOON + 2000),
    )

    told = picture(ann(story.batch), NOON + HOUR)

    assert told["experiments"] == {"colors": "red"}
    assert told["campaigns"] == [
        {
            "campaign": "spring",
            "shown": [{"at": NOON + 1000, "channel": "web"}],
            "clickedAt": None,
            "dismissedAt": NOON + 2000,
            "convertedAt": None,
        }
    ]


def test_a_decision_is_no_event_and_changes_no_feature() -> None:
    events = [an_event(at=NOON), an_event(at=NOON + 5 * MINUTE)]
    plain, story = Story().tell(*events), Story()

    story.tell(a_decision(at=NOON - HOUR), *events)
    story.tell(a_decision(at=NOON + 9 * MINUTE, decision_id="d-2"))

    known, other = ann(story.batch), ann(plain.batch)
    now = NOON + 10 * MINUTE
    assert feature_vector(known, now) == feature_vector(other, now)
    assert (known.n_events, known.first_at, known.latest_at) == (2, NOON, NOON + 5 * MINUTE)


def test_a_decision_told_twice_counts_once_also_after_it_was_closed() -> None:
    story = Story().tell(a_decision(NOTHING), a_decision(NOTHING), Tick(NOON + HOUR))

    story.tell(a_decision(NOTHING), Tick(NOON + 2 * DAY))

    assert len(story.taught()) == 1
    assert story.batch.results["decided", "duplicate"] == 2


def test_a_click_that_comes_before_its_impression_and_decision_waits_for_both() -> None:
    story = Story().tell(a_promotion("Clicked", NOON + 5000), a_decision())
    assert story.taught() == []

    story.tell(a_promotion(at=NOON + 1000))

    assert [(one.is_clicked, one.shown_at) for one in story.taught()] == [(True, NOON + 1000)]


def test_a_click_without_an_impression_is_taught_when_its_window_is_over() -> None:
    story = Story().tell(a_decision(), a_promotion("Clicked", NOON + 5000))
    story.tell(Tick(NOON + 3 * MINUTE))

    assert [(one.is_clicked, one.shown_at) for one in story.taught()] == [(True, NOON + 5000)]


def test_a_click_without_an_impression_begins_the_window_of_orders() -> None:
    story = Story().tell(
        a_decision(msgspec.structs.replace(SPRING, goal="order")),
        a_promotion("Clicked", NOON + 23 * HOUR),
        Tick(NOON + DAY + 1000),
        an_order(NOON + 25 * HOUR, 80.0),
        Tick(NOON + 3 * DAY),
    )

    told = [(one.shown_at, one.n_orders, one.revenue) for one in story.taught()]
    assert told == [(NOON + 23 * HOUR, 1, 80.0)]


def test_events_of_an_unknown_decision_are_let_go_of_after_an_hour() -> None:
    story = Story().tell(a_promotion(decision_id="d-0"), Tick(NOON + HOUR + 1))

    assert ann(story.batch).open_decisions == []
    assert story.contact().shown == [(NOON, "web")]


def test_where_too_many_are_open_the_oldest_closes_early() -> None:
    story = Story()
    for number in range(MAX_OPEN_DECISIONS + 1):
        at, decision_id = NOON + number, f"d-{number}"
        story.tell(a_decision(OFFER, at=at, decision_id=decision_id))
        story.tell(a_promotion(at=at, decision_id=decision_id))

    assert [one.shown_at for one in story.taught()] == [NOON]
    assert len(ann(story.batch).open_decisions) == MAX_OPEN_DECISIONS


def test_unseen_choices_make_room_before_those_that_wait_for_a_reward() -> None:
    story = Story().tell(a_decision(OFFER), a_promotion(at=NOON))
    for number in range(2, 3 * MAX_OPEN_DECISIONS):
        story.tell(a_decision(at=NOON + number * MINUTE, decision_id=f"d-{number}"))

    kept = ann(story.batch).open_decisions

    assert (story.taught(), len(kept)) == ([], MAX_OPEN_DECISIONS)
    assert "d-1" in {decision.decision_id for decision in kept}


def test_an_open_choice_keeps_its_features_small_and_only_until_it_is_taught() -> None:
    story = Story().tell(a_decision(), a_promotion(at=NOON))
    (waiting,) = ann(story.batch).open_decisions
    assert (waiting.choice.features, len(waiting.features)) == ([], 4)

    story.tell(a_promotion("Clicked", NOON + 1))

    assert ann(story.batch).open_decisions[0].features == b""


def test_nothing_is_taught_of_a_visitor_who_refused() -> None:
    story = Story().tell(
        an_event(at=NOON - 1),
        a_decision(NOTHING, experiments=[("colors", "red")]),
        ConsentRefused(NOON + 1, NOON + 1),
        a_decision(NOTHING, at=NOON + 2, decision_id="d-2"),
        Tick(NOON + 3 * DAY),
    )

    assert story.taught() == []
    assert story.batch.results["decided", "refused"] == 1
    assert ann(story.batch).exposures == []


def test_a_visitor_counts_once_in_an_experiment_with_clicks_orders_and_margin() -> None:
    experiments = [("colors", "red")]
    story = Story().tell(
        an_order(NOON - HOUR, 500.0, "before"),
        a_decision(OFFER, experiments=experiments),
        a_promotion(at=NOON + 1),
        a_promotion("Clicked", NOON + 2),
        a_decision(OFFER, at=NOON + 3, decision_id="d-2", experiments=experiments),
        an_order(NOON + HOUR, 80.0, "o-1"),
        an_order(NOON + 2 * DAY, 40.0, "o-2"),
    )

    margin = 120 * 0.5 - 10.0
    assert story.sums()["colors", "red"] == {
        "visitors": 1,
        "clicked": 1,
        "converted": 1,
        "orders": 2,
        "revenue": 120.0,
        "squared_revenue": 120.0**2,
        "margin": margin,
        "squared_margin": margin**2,
    }


def test_a_click_on_a_product_that_a_decision_showed_counts_in_its_experiments() -> None:
    story = Story().tell(
        a_decision(NOTHING, experiments=[("colors", "red")]),
        an_event("Product Clicked", at=NOON + 1),
    )
    assert story.sums()["colors", "red"] == {"visitors": 1}

    story.tell(an_event("Product Clicked", at=NOON + 2, decision_id="d-7"))

    assert story.sums()["colors", "red"] == {"visitors": 1, "clicked": 1}


def test_a_visitor_stays_in_the_variation_that_came_first() -> None:
    story = Story().tell(
        a_decision(at=NOON + 5, decision_id="d-2", experiments=[("colors", "red")]),
        a_decision(at=NOON, experiments=[("colors", "blue")]),
        a_decision(at=NOON + 9, decision_id="d-3", experiments=[("colors", "red")]),
    )

    assert story.sums() == {("colors", "red"): {}, ("colors", "blue"): {"visitors": 1}}


def test_an_experiment_that_was_let_go_of_keeps_its_visitor() -> None:
    story = Story()
    for number in range(MAX_EXPOSURES + 1):
        story.tell(
            a_decision(
                at=NOON + number, decision_id=f"d-{number}", experiments=[(f"e{number}", "a")]
            )
        )

    assert len(ann(story.batch).exposures) == MAX_EXPOSURES
    assert {row["visitors"] for row in story.sums().values()} == {1}
    assert len(story.sums()) == MAX_EXPOSURES + 1


def test_more_experiments_than_are_kept_count_nobody_twice() -> None:
    many = [(f"e{number}", "a") for number in range(MAX_EXPOSURES + 3)]
    story = Story()
    for number in range(3):
        story.tell(a_decision(at=NOON + number, decision_id=f"d-{number}", experiments=many))

    assert [row["visitors"] for row in story.sums().values()] == [1] * MAX_EXPOSURES


def test_pages_that_ask_for_other_experiments_in_turn_count_a_visitor_once() -> None:
    names = [(f"e{number}", "a") for number in range(MAX_EXPERIMENTS)]
    halves = (names[: MAX_EXPERIMENTS // 2], names[MAX_EXPERIMENTS // 2 :])
    story = Story()
    for number in range(6):
        experiments = halves[number % 2]
        story.tell(a_decision(at=NOON + number, decision_id=f"d-{number}", experiments=experiments))

    assert [row["visitors"] for row in story.sums().values()] == [1] * MAX_EXPERIMENTS


def test_the_margin_of_an_experiment_is_that_of_the_shop_not_of_what_was_shown() -> None:
    dear = msgspec.structs.replace(SPRING, margin_rate=0.9)
    decision = a_decision(dear, experiments=[("colors", "red")])
    story = Story().tell(decision, an_order(NOON + HOUR, 80.0))

    assert story.sums()["colors", "red"]["margin"] == 80.0 * decision.margin_rate


def test_a_state_that_only_decisions_made_has_no_times_of_its_own() -> None:
    story = Story().tell(a_decision(at=NOON + HOUR), an_event(at=NOON))

    state = ann(story.batch)
    assert isinstance(state, UserState)
    assert (state.first_at, state.latest_at, state.n_events) == (NOON, NOON, 1)
