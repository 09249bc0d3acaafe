"""A whole shop over real HTTP: decisions, what visitors did with them, and what came of it.

Impressions, clicks and orders meet the decision they follow in the worker, the learner learns from
that, and the server answers by it: figures of an experiment, a policy that follows a drift.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import httpx
import orjson
import pytest
import redis

from config.keys import Keys
from config.settings import Settings
from online_models.choice_log import LoggedChoice, decode_choice
from online_models.policies import ThompsonPolicy
from online_models.popularity import model_shard
from shopkeeper.choice_files import choices_in
from shopkeeper.configuration import load
from shopkeeper.redis_connection import connect
from tests.shopkeeper.builders import RunningShop, a_project, a_running_shop, wait_for

PLACEMENTS = '\n[placements.stage]\ntype = "banner"\n[placements.side]\ntype = "banner"\n'
MARGIN_RATE = 0.5
# Windows that are over soon: what was not clicked is learned when they are.
CAMPAIGNS = f"""
margin_rate = {MARGIN_RATE}

[campaigns.swap]
placements = ["stage"]
click_minutes = 0.005
order_hours = 0.0002
variations.a.headline = "A"
variations.b.headline = "B"

[campaigns.plain]
placements = ["side"]
choose = "first"
variations.only.headline = "Plain"

[campaigns.bright]
placements = ["side"]
choose = "first"
variations.only.headline = "Bright"

[[experiments.colors.variations]]
name = "control"
campaigns = ["plain"]

[[experiments.colors.variations]]
name = "new"
campaigns = ["bright"]
"""
SHOWN_BY = {"control": "plain", "new": "bright"}
POLICY = "policy:stage"
CLICKED = {"a": 0.95, "b": 0.05}  # chances, until they are swapped
VISITS_A_WAVE = 40
LEARNED = 0.8  # a chance that says the policy knows which one is better


@dataclass
class Shop:
    """A shop that runs: a browser's client, the owner's, and its Redis."""

    running: RunningShop
    browser: httpx.Client
    owner: httpx.Client
    redis: redis.Redis
    settings: Settings

    @property
    def keys(self) -> Keys:
        return Keys(self.settings.shop.namespace)

    def ask(self, visitor: str, placement: str) -> dict[str, Any]:
        """Return what a visitor is shown."""
        asked = {"anonymousId": visitor, "placements": [placement]}
        answer: dict[str, Any] = self.browser.post("/v1/personalize", json=asked).json()
        shown: dict[str, Any] = answer["placements"][placement]
        return answer | shown

    def tell(self, events: list[dict[str, Any]]) -> None:
        """Send events as the page does."""
        reply = self.browser.post("/v1/batch", json={"batch": events})
        assert (reply.status_code, reply.json()) == (200, {"success": True})

    def chance_of(self, visitor: str, variation: str) -> float:
        """Return with which chance somebody new would be shown a variation on the stage."""
        asked = {
            "anonymousId": visitor,
            "placements": ["stage"],
            "options": {"explain": True},
        }
        answer = self.owner.post("/v1/personalize", json=asked).json()
        [candidate] = answer["placements"]["stage"]["explanation"]["candidates"]
        return float(candidate["probabilities"][variation])

    def n_drifts(self) -> int:
        """Return how often the policy of the stage, as the learner committed it, saw a drift."""
        data: Any = self.redis.hget(self.keys.models(model_shard(POLICY)), POLICY)
        return ThompsonPolicy.from_bytes(data).chances.n_drifts


def reaction(
    what: Literal["Viewed", "Clicked"], visitor: str, shown: dict[str, Any], position: str
) -> dict[str, Any]:
    """Return the event that tells what a visitor did with what was shown."""
    return {
        "type": "track",
        "anonymousId": visitor,
        "event": f"Promotion {what}",
        "properties": {
            "promotion_id": shown["campaign"],
            "creative": shown["variation"],
            "decision_id": shown["decisionId"],
            "position": position,
        },
    }


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sk-")))
        config = a_project(folder, port="0")
        with config.open("a", encoding="utf-8") as file:
            file.write(PLACEMENTS)
        (folder / "campaigns.toml").write_text(CAMPAIGNS, encoding="utf-8")
        settings, secrets = load(config)
        running = stack.enter_context(a_running_shop(folder))
        browser, owner = (
            stack.enter_context(httpx.Client(base_url=running.url, auth=(key, ""), timeout=30.0))
            for key in (secrets.write_keys[0], secrets.secret_keys[0])
        )
        client = stack.enter_context(connect(running.facts["redis_url"], timeout_seconds=5.0))
        yield Shop(running, browser, owner, client, settings)


def figures_of(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return the figures of the experiment, by variation."""
    told = shop.owner.get("/v1/experiments/colors").json()
    return {one["name"]: one for one in told["variations"]}


def test_what_visitors_did_stands_in_the_figures_of_the_experiment(shop: Shop) -> None:
    expected = {name: Counter[str]() for name in SHOWN_BY}
    events: list[dict[str, Any]] = []
    for number in range(48):
        visitor = f"tester-{number}"
        shown = shop.ask(visitor, "side")
        [assigned] = shown["experiments"]
        assert shown["campaign"] == SHOWN_BY[assigned["variationId"]]
        came = expected[assigned["variationId"]]
        came["visitors"] += 1
        events.append(reaction("Viewed", visitor, shown, "side"))
        if number % 2:
            came["clicked"] += 1
            events.append(reaction("Clicked", visitor, shown, "side"))
        for order in range(number % 3):  # none, one or two
            came.update(orders=1, converted=int(order == 0), revenue=10 * (number + 1))
            facts = {"order_id": f"o-{number}-{order}", "revenue": 10.0 * (number + 1)}
            events.append(
                {
                    "type": "track",
                    "anonymousId": visitor,
                    "event": "Order Completed",
                    "properties": facts,
                }
            )
    shop.tell(events)

    names = ("visitors", "clicked", "converted", "orders", "revenue")

    def is_counted() -> bool:
        told = figures_of(shop)
        return all(told[name][what] == expected[name][what] for name in told for what in names)

    wait_for(is_counted, f"not counted: {expected}")
    assert min(came["visitors"] for came in expected.values()) > 0
    for name, told in figures_of(shop).items():
        assert told["margin"] == pytest.approx(MARGIN_RATE * expected[name]["revenue"])


@dataclass
class Played:
    """What visitors of the stage did: how often each variation was shown, and clicked."""

    shown: Counter[str] = field(default_factory=Counter)
    clicked: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def played(shop: Shop) -> Played:
    """Let visitors come until the policy knows what they like; then they like the other one."""
    played, rng, n_waves = Played(), Random(1), 0

    def wave(clicked: dict[str, float]) -> None:
        nonlocal n_waves
        n_waves += 1
        events = []
        for number in range(VISITS_A_WAVE):
            visitor = f"guest-{n_waves}-{number}"
            shown = shop.ask(visitor, "stage")
            played.shown[shown["variation"]] += 1
            events.append(reaction("Viewed", visitor, shown, "stage"))
            if rng.random() < clicked[shown["variation"]]:
                played.clicked[shown["variation"]] += 1
                events.append(reaction("Clicked", visitor, shown, "stage"))
        shop.tell(events)

    def knows_a() -> bool:
        wave(CLICKED)
        return played.shown["a"] > 300 and shop.chance_of("nobody", "a") > LEARNED

    def notices() -> bool:
        wave({"a": CLICKED["b"], "b": CLICKED["a"]})
        return shop.n_drifts() > n_drifts

    wait_for(knows_a, "the policy does not learn")
    n_drifts = shop.n_drifts()
    wait_for(notices, "the policy notices no drift")
    return played


def test_a_policy_that_noticed_a_drift_shows_what_visitors_like_now(
    shop: Shop, played: Played
) -> None:
    assert played.shown["a"] > 300
    wait_for(lambda: shop.chance_of("nobody", "b") > LEARNED, "the policy does not follow")


def test_the_log_that_a_shop_wrote_is_exported_whole_and_valued(shop: Shop, played: Played) -> None:
    n_visits = sum(played.shown.values())

    def is_written() -> bool:
        held = choices_in(shop.redis, shop.keys, shop.settings.redis.shards)
        return sum(one.placement == "stage" for one in held) == n_visits

    wait_for(is_written, "not every visit is a choice in the log")
    out = shop.running.config.parent / "choices.jsonl"
    told = shop.running.run("choices", "--out", str(out))
    assert told.returncode == 0, told.stderr
    logged = [decode_choice(line) for line in out.read_bytes().splitlines()]
    staged = [choice for choice in logged if choice.placement == "stage"]

    assert counts_of(staged) == (
        {f"swap/{name}": times for name, times in played.shown.items()},
        {f"swap/{name}": times for name, times in played.clicked.items()},
    )
    assert {(one.policy, tuple(one.arms)) for one in staged} == {(POLICY, ("swap/a", "swap/b"))}
    same = shop.running.config.parent / "campaigns.toml"
    told = shop.running.run("backtest", "--campaigns", str(same), "--log", str(out), "--json")
    assert told.returncode == 0, told.stderr
    by_placement = {one["placement"]: one for one in orjson.loads(told.stdout)["placements"]}
    figures = by_placement["stage"]
    assert figures["n_choices"] == n_visits
    assert figures["earned"] == pytest.approx(sum(played.clicked.values()) / n_visits, abs=1e-4)
    assert figures["says"] == "no difference in clicks can be shown"


def counts_of(choices: list[LoggedChoice]) -> tuple[dict[str, int], dict[str, int]]:
    """Return how often each arm was shown, and how often clicked."""
    shown = Counter(choice.arm for choice in choices)
    clicked = Counter(choice.arm for choice in choices if choice.reward > 0)
    return dict(shown), dict(clicked)
