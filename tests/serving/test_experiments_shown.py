"""Experiments in answers: what is shown follows the variation, and the page tells so."""

import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from config.events import Event
from config.experiments import HOLDOUT, assign
from config.keys import Subject
from config.placements import Products
from config.settings import CollectSettings
from online_models.users import Exposure
from tests.builders import read_experiments
from tests.chromium import chromium, needs_chromium
from tests.serving.builders import IDS, NOW
from tests.serving.conftest import KEYS, Serve, a_file, events_in, wait_for
from tests.serving.deciding import a_user, remember

CLIENT = Path(__file__).parents[2] / "storefront" / "shopkeeper.js"
TEXT = """
[experiments.row-test]
variations = [{ name = "control" }, { name = "new", strategy = { row = "recently-viewed" } }]
"""
HELD_TEXT = f"{TEXT}holdout = 0.5"
ROW = read_experiments(tomllib.loads(TEXT)["experiments"])
HELD = read_experiments(tomllib.loads(HELD_TEXT)["experiments"])
PLACEMENTS = {"row": Products(strategy="trending"), "side": Products()}


@pytest.fixture
def shop(serve: Serve, redis_url: str, tmp_path: Path) -> httpx.Client:
    return serve(redis_url, placements=PLACEMENTS, campaigns=a_file(tmp_path, TEXT))


def ask(shop: httpx.Client, **fields: Any) -> dict[str, Any]:
    reply = shop.post("/v1/personalize", json={"placements": ["row"]} | fields)
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


def test_the_strategy_is_that_of_the_variation_and_the_variation_that_of_the_hash(
    shop: httpx.Client,
) -> None:
    seen = set()
    for number in range(20):
        told = ask(shop, anonymousId=f"browser-{number}")
        [(_, variation)] = assign(ROW, {"anonymousId": f"browser-{number}"})
        assert told["experiments"] == [
            {
                "experimentId": "row-test",
                "experimentName": "row-test",
                "variationId": variation,
                "variationName": variation,
            }
        ]
        expected = {"control": "trending", "new": "recently-viewed"}[variation]
        assert told["placements"]["row"]["strategy"] == expected
        seen.add(variation)
    assert seen == {"control", "new"}


def test_an_experiment_without_a_say_is_not_told(shop: httpx.Client) -> None:
    assert ask(shop, anonymousId="browser-1", placements=["side"])["experiments"] == []


@pytest.mark.parametrize(
    "fields", [{}, {"anonymousId": "browser-1", "context": {"consent": False}}]
)
def test_nobody_sees_what_was_there_before(shop: httpx.Client, fields: dict[str, Any]) -> None:
    told = ask(shop, **fields)
    assert told["experiments"] == []
    assert told["placements"]["row"]["strategy"] == "trending"


def test_where_consent_is_needed_a_stranger_who_says_nothing_is_in_no_experiment(
    serve: Serve, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    needed = CollectSettings(consent_required=True)
    shop = serve(redis_url, placements=PLACEMENTS, campaigns=a_file(tmp_path, TEXT), collect=needed)
    silent = ask(shop, anonymousId="browser-1")
    assert (silent["experiments"], silent["fallback"]) == ([], "consent_refused")
    wait_for(lambda: keys_of(redis_client, "decisions"))
    assert keys_of(redis_client, "events") == []  # these would be written together
    assert ask(shop, anonymousId="browser-1", context={"consent": True})["experiments"]
    wait_for(lambda: keys_of(redis_client, "events"))


def test_who_could_not_be_read_is_in_no_experiment(
    serve: Serve, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    campaigns = a_file(tmp_path, TEXT)
    gone = serve("unix:///nowhere/redis.sock", placements=PLACEMENTS, campaigns=campaigns)
    told = [ask(gone, anonymousId="browser-1", context={"consent": said}) for said in (None, True)]
    assert [one["experiments"] for one in told] == [[], []]
    shard, digest = IDS.anonymous("browser-1")
    redis_client.set(KEYS.user(shard, digest), b"no user")
    shop = serve(redis_url, placements=PLACEMENTS, campaigns=campaigns)
    unreadable = ask(shop, anonymousId="browser-1")
    assert (unreadable["experiments"], unreadable["fallback"]) == ([], "unreadable_user")


def keys_of(client: redis.Redis, what: str) -> list[bytes]:
    return list(client.scan_iter(f"*:{what}"))


def test_a_holdout_is_told_and_shown_what_was_there_before(
    serve: Serve, redis_url: str, tmp_path: Path
) -> None:
    shop = serve(redis_url, placements=PLACEMENTS, campaigns=a_file(tmp_path, HELD_TEXT))
    held = next(
        name
        for name in map(str, range(100))
        if assign(HELD, {"anonymousId": name}) == [("row-test", HOLDOUT)]
    )
    told = ask(shop, anonymousId=held)
    assert told["experiments"][0]["variationId"] == HOLDOUT
    assert told["placements"]["row"]["strategy"] == "trending"


@pytest.mark.parametrize("variation", ["control", "new"])
def test_what_a_visitor_was_shown_before_lasts(
    shop: httpx.Client, redis_client: redis.Redis, variation: str
) -> None:
    subject: Subject = IDS.anonymous("browser-1")
    remember(redis_client, subject, a_user(exposures=[Exposure("row-test", variation, NOW)]))
    told = ask(shop, anonymousId="browser-1")
    assert told["experiments"][0]["variationId"] == variation


def test_without_experiments_none_is_told(serve: Serve, redis_url: str) -> None:
    assert ask(serve(redis_url, placements=PLACEMENTS), anonymousId="a")["experiments"] == []


@needs_chromium
def test_the_page_tells_once_which_variation_was_viewed(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{shop.base_url}/healthz")
        told: dict[str, Any] = page.evaluate(
            """async ([source, server]) => {
                const module = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
                const { Shopkeeper } = await import(module);
                const shopkeeper = new Shopkeeper({ server, writeKey: "write-key" });
                await shopkeeper.personalize(["row"]);
                await shopkeeper.personalize(["row"]);
                await shopkeeper.flush();
                return { id: shopkeeper.anonymousId };
            }""",
            [CLIENT.read_text(encoding="utf-8"), str(shop.base_url).rstrip("/")],
        )
    wait_for(lambda: viewed(redis_client, told["id"]))
    [event] = viewed(redis_client, told["id"])
    [(_, variation)] = assign(ROW, {"anonymousId": told["id"]})
    assert event.properties == {
        "experiment_id": "row-test",
        "experiment_name": "row-test",
        "variation_id": variation,
        "variation_name": variation,
    }


def viewed(client: redis.Redis, anonymous_id: str) -> list[Event]:
    found = events_in(client, IDS.anonymous(anonymous_id).shard)
    return [event for event in found if event.name == "Experiment Viewed"]
