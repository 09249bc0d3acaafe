"""Which variation is chosen, with what chance; who is held out; what is told to be learned from."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from config.experiments import PolicyName
from online_models.picking import NOTHING, draw_at
from serving.assigning import Assigned
from serving.choices import Fallback, Promotion
from serving.policies import place_of
from serving.schemas import Options, Preview
from serving.view import View, Visitor
from tests.serving.builders import IDS
from tests.serving.deciding import a_request, a_user, decided, objections_to, promotion_of
from tests.serving.test_campaigns import a_campaign

TWO = """
[campaigns.x]
placements = ["hero"]
variations.a.headline = "A"
variations.b.headline = "B"
[campaigns.y]
placements = ["hero"]
variations.a.headline = "C"
"""
TEN_OFF = """
[campaigns.ten]
placements = ["exit"]
discount_rate = 0.1
margin_rate = 0.4
cooldown_days = 1
holdout_rate = 0.2
variations.now.headline = "10 % off"
"""


def choose(campaigns: str, name: str = "hero", **changes: Any) -> Promotion:
    request = a_request(name, options=changes.pop("options", None))
    user = changes.pop("user", a_user())
    return promotion_of(decided(request, user, campaigns=campaigns, **changes), name)


class _Low(Random):
    def random(self) -> float:
        return 0.0


class _High(Random):
    def random(self) -> float:
        return 0.999


class Favours:
    """A policy that likes the last arm."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[float], list[str]]] = []

    def probabilities(self, features: Sequence[float], arms: Sequence[str]) -> list[float]:
        self.asked.append((list(features), list(arms)))
        return [*[0.3 / (len(arms) - 1)] * (len(arms) - 1), 0.7]


def test_while_nothing_is_learned_each_arm_is_as_likely_and_its_chance_is_told() -> None:
    rng = Random(1)
    drawn = Counter[tuple[str, str]]()
    for _ in range(3000):
        chosen = choose(TWO, rng=rng)
        assert chosen.choice is not None
        assert chosen.choice.probability == pytest.approx(1 / 3)
        drawn[chosen.campaign, chosen.variation] += 1
    assert set(drawn) == {("x", "a"), ("x", "b"), ("y", "a")}
    assert all(abs(times - 1000) < 130 for times in drawn.values())  # five standard deviations


def test_a_policy_chooses_among_the_arms_of_all_that_compete() -> None:
    policy = Favours()
    chosen = choose(
        TWO,
        policies={"policy:hero": policy},
        features=lambda view, zone: [1.0, 2.0],
        rng=_High(),
    )
    assert policy.asked == [([1.0, 2.0], ["x/a", "x/b", "y/a"])]
    assert chosen.choice is not None
    assert (chosen.choice.campaign, chosen.choice.variation) == ("y", "a")
    assert (chosen.choice.policy, chosen.choice.probability) == ("policy:hero", 0.7)
    assert chosen.choice.features == [1.0, 2.0]
    assert chosen.choice.arms == ["x/a", "x/b", "y/a"]


def test_an_offer_is_weighed_against_making_none() -> None:
    policy = Favours()
    policies = {"offer:exit": policy}
    choose(TEN_OFF, "exit", policies=policies, features=lambda view, zone: [1.0])
    assert policy.asked == [([1.0], [NOTHING, "ten/now"])]


def test_making_no_offer_is_a_choice_that_is_told_too() -> None:
    chosen = choose(TEN_OFF, "exit", rng=_Low(), features=lambda view, zone: [1.0])
    assert chosen.content is None
    assert chosen.choice is not None
    assert (chosen.choice.campaign, chosen.choice.variation) == ("ten", "")
    assert (chosen.choice.probability, chosen.choice.is_holdout) == (0.5, False)


def test_without_features_nothing_learns_from_a_choice() -> None:
    chosen = choose(TWO)
    assert chosen.choice is not None
    assert (chosen.choice.policy, chosen.choice.features) == ("", [])


def test_what_a_choice_is_learned_from_is_told_with_it() -> None:
    told = choose(TEN_OFF, "exit", rng=_High()).choice
    assert told is not None
    assert (told.placement, told.goal, told.variation) == ("exit", "margin", "now")
    assert (told.discount_rate, told.margin_rate) == (0.1, 0.4)
    assert (told.click_ms, told.order_ms) == (120_000, 86_400_000)


@pytest.mark.parametrize("choose_by", ["first", "split"])
@pytest.mark.parametrize("holdout_rate", [0.0, 0.5])
def test_what_no_policy_learns_from_is_told_without_what_policies_know(
    choose_by: str, holdout_rate: float
) -> None:
    held = next(name for name in map(str, range(99)) if place_of(name, "holdout") < 0.5)
    said = f'choose = "{choose_by}"\nholdout_rate = {holdout_rate}'
    offer = TEN_OFF.replace("holdout_rate = 0.2", said)

    def features(_view: View, _zone: str) -> list[float]:
        pytest.fail("these take time to work out")

    chosen = choose(offer, "exit", features=features, visitor=Visitor(held))
    assert chosen.choice is not None
    assert chosen.considered is not None
    assert (chosen.choice.is_holdout, chosen.choice.policy) == (holdout_rate > 0, "")
    assert (chosen.choice.features, chosen.considered.features) == ([], [])


def test_the_first_variation_of_the_first_campaign_is_certain() -> None:
    chosen = choose(TWO.replace('["hero"]\n', '["hero"]\nchoose = "first"\n'), rng=_High())
    assert (chosen.campaign, chosen.variation) == ("x", "a")
    assert chosen.choice is not None
    assert (chosen.choice.probability, chosen.choice.arms) == (1.0, ["x/a"])


SPLIT = a_campaign("x", 'variations.b = { headline = "B", weight = 3 }').replace("first", "split")


def test_a_split_is_by_weights_and_the_same_for_a_visitor_each_time() -> None:
    visitors = [Visitor(IDS.anonymous(f"v-{n}").digest) for n in range(1000)]
    chosen = [choose(SPLIT, visitor=visitor) for visitor in visitors]
    again = [choose(SPLIT, visitor=visitor, rng=_Low()) for visitor in visitors]
    assert [one.variation for one in chosen] == [one.variation for one in again]
    n_b = sum(one.variation == "b" for one in chosen)
    assert abs(n_b - 750) < 70  # five standard deviations
    chances = {one.variation: one.choice.probability for one in chosen if one.choice}
    assert chances == {"a": 0.25, "b": 0.75}
    assert {tuple(one.choice.arms) for one in chosen if one.choice} == {("x/b", "x/a")}


def test_an_experiment_replaces_how_a_placement_chooses() -> None:
    split = TWO.replace('["hero"]\n', '["hero"]\nchoose = "first"\n')
    policies = {"policy:hero": Favours()}
    random = choose(split, policies=policies, assigned=Assigned(policies={"hero": "random"}))
    assert random.choice is not None
    assert random.choice.probability == pytest.approx(1 / 3)
    first = choose(TWO, policies=policies, assigned=Assigned(policies={"hero": "first"}))
    assert (first.campaign, first.variation) == ("x", "a")


def visitors_of(n: int) -> list[Visitor]:
    return [Visitor(IDS.known(f"u-{number}").digest) for number in range(n)]


def test_those_held_out_never_see_an_offer_however_often_they_ask() -> None:
    lower = TEN_OFF.replace("ten]", "five]").replace("0.1", "0.05") + "priority = -1\n"
    campaigns = TEN_OFF + lower.replace("variations.now.headline", "variations.low.headline")
    campaigns = campaigns.replace('low.headline = "10 % off"\npriority = -1', 'low.headline = "5"')
    seen = {
        visitor.digest: [
            choose(campaigns, "exit", visitor=visitor, rng=Random(turn)) for turn in range(12)
        ]
        for visitor in visitors_of(400)
    }
    held_out = {digest for digest in seen if place_of(str(digest), "holdout") < 0.2}
    assert 50 < len(held_out) < 110  # 80 expected, four standard deviations are 32
    for digest, choices in seen.items():
        told = [one.choice for one in choices if one.choice is not None]
        assert len(told) == len(choices)
        assert {one.is_holdout for one in told} == {digest in held_out}
        if digest in held_out:
            assert all(one.content is None for one in choices)
        else:
            assert any(one.content is not None for one in choices)


def test_one_who_is_held_out_and_not_eligible_is_not_told_to_be_held_out() -> None:
    held_out = next(v for v in visitors_of(99) if place_of(str(v.digest), "holdout") < 0.2)
    never = TEN_OFF.replace("discount_rate", 'when = "cart.value > 20.0"\ndiscount_rate')
    assert choose(TEN_OFF, "exit", visitor=held_out).choice is not None
    assert choose(never, "exit", visitor=held_out).choice is None


def test_the_explanation_says_who_is_held_out() -> None:
    held_out = next(v for v in visitors_of(99) if place_of(str(v.digest), "holdout") < 0.2)
    decision = decided(a_request("exit"), a_user(), campaigns=TEN_OFF, visitor=held_out)
    assert objections_to(decision, "ten", "exit") == ["holdout"]
    considered = promotion_of(decision, "exit").considered
    assert considered is not None
    assert considered.explanation().holdout


@pytest.mark.parametrize(
    ("how", "replaced", "policy"),
    [
        ("learned", None, "offer:exit"),
        ("split", None, ""),
        ("first", None, ""),
        ("split", "random", "offer:exit"),
        ("learned", "first", ""),
    ],
)
def test_one_who_is_held_out_is_told_beside_those_to_be_compared_with(
    how: str, replaced: PolicyName | None, policy: str
) -> None:
    campaigns = TEN_OFF.replace("discount_rate", f'choose = "{how}"\ndiscount_rate')
    assigned = Assigned(policies={} if replaced is None else {"exit": replaced})
    visitors = visitors_of(40)
    told = [
        choose(campaigns, "exit", visitor=one, assigned=assigned, features=lambda *_: [1.0]).choice
        for one in visitors
    ]
    by_holdout = {
        is_holdout: {one.policy for one in told if one and one.is_holdout is is_holdout}
        for is_holdout in (True, False)
    }
    assert by_holdout == {True: {policy}, False: {policy}}


@pytest.mark.parametrize("missing", [Fallback.NO_ID, Fallback.CONSENT_REFUSED, Fallback.REDIS_SLOW])
def test_no_offer_is_made_to_somebody_whom_nobody_knows_to_be_held_out(missing: Fallback) -> None:
    decision = decided(a_request("exit"), campaigns=TEN_OFF, missing=missing)
    assert promotion_of(decision, "exit").content is None
    assert objections_to(decision, "ten", "exit") == ["unseen"]


class Spent:
    """What was given away: as much as a test says, by campaign and day."""

    def __init__(self, given: dict[tuple[str, str], float]) -> None:
        self._given = given

    def on(self, campaign: str, day: str) -> float:
        return self._given.get((campaign, day), 0.0)


@pytest.mark.parametrize(("given", "is_made"), [(49.9, True), (50.0, False)])
def test_an_offer_ends_for_the_day_with_its_budget(given: float, is_made: bool) -> None:
    campaigns = TEN_OFF.replace("discount_rate", "budget_per_day = 50\ndiscount_rate")
    decision = decided(
        a_request("exit"),
        a_user(),
        campaigns=campaigns,
        rng=_High(),
        given=Spent({("ten", "2023-11-14"): given}),
        now=1_700_000_000_000,
    )
    assert (promotion_of(decision, "exit").content is not None) is is_made
    if not is_made:
        assert objections_to(decision, "ten", "exit") == ["budget"]


def test_a_preview_shows_a_variation_whatever_stands_against_it() -> None:
    campaigns = TWO + a_campaign("z", 'when = "cart.value > 99.0"\npriority = 9')
    preview = Options(preview=Preview(variation="z/a"))
    chosen = choose(campaigns, options=preview)
    assert (chosen.campaign, chosen.choice) == ("z", None)


def test_a_preview_puts_the_visitor_into_a_segment() -> None:
    campaigns = '[segments.gold]\nwhen = "false"\n' + a_campaign("z", 'segments = ["gold"]')
    assert choose(campaigns).campaign == ""
    assert choose(campaigns, options=Options(preview=Preview(segment="gold"))).campaign == "z"


def test_where_it_is_explained_the_chances_of_all_arms_are_told() -> None:
    chosen = choose(TWO, options=Options(explain=True), policies={"policy:hero": Favours()})
    assert chosen.considered is not None
    told = chosen.considered.explanation()
    assert told.policy == "policy:hero"
    by_campaign = {one.campaign: one.probabilities for one in told.candidates}
    assert by_campaign == {"x": {"a": 0.15, "b": 0.15}, "y": {"a": 0.7}}


def test_features_are_worked_out_once_a_request() -> None:
    times: list[str] = []

    def features(view: View, time_zone: str) -> list[float]:
        times.append(time_zone)
        return [1.0]

    campaigns = 'time_zone = "Europe/Berlin"\n' + TWO + TEN_OFF
    decided(a_request("hero", "exit"), a_user(), campaigns=campaigns, features=features)
    assert times == ["Europe/Berlin"]


def test_a_draw_takes_room_by_weight() -> None:
    drawn = Counter(draw_at(["a", "b", "c"], [0.25, 0.5, 0.25], n / 100).arm for n in range(100))
    assert drawn == {"a": 25, "b": 50, "c": 25}


def test_places_of_visitors_are_even_and_differ_by_salt() -> None:
    digests = [str(visitor.digest) for visitor in visitors_of(2000)]
    tenths = Counter(int(10 * place_of(digest, "holdout")) for digest in digests)
    assert all(abs(times - 200) < 68 for times in tenths.values())  # five standard deviations
    both = [(place_of(d, "a") < 0.5) is (place_of(d, "b") < 0.5) for d in digests]
    assert abs(sum(both) - 1000) < 112
