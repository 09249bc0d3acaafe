"""``GET /v1/experiments/{name}`` with sums as the learning flow writes them, and its page."""

import asyncio
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
import redis
from playwright.sync_api import Page, expect

from config.examples import Exposed
from config.experiments import HOLDOUT
from online_models.experiment_sums import (
    ExperimentSums,
    decode_sums,
    encode_sums,
    experiment_shard,
    sums_field,
)
from serving.experiments import ExperimentReader
from serving.refusals import Refusal, Refused
from tests.builders import read_experiments
from tests.chromium import chromium, is_elsewhere, needs_chromium
from tests.serving.builders import NOW
from tests.serving.conftest import KEYS, OwnRedis, Serve, a_file, wait_for

TEXT = """
[experiments.hero]
variations = [{ name = "control" }, { name = "new" }]
holdout = 0.2
"""
HERO = read_experiments(tomllib.loads(TEXT)["experiments"])
PATH = "/v1/experiments/hero"


def expose(client: redis.Redis, variation: str, *, n: int, converted: int) -> None:
    """Add visitors of whom some ordered for 50 each, as one example of the learning flow."""
    example = Exposed(
        experiment="hero",
        variation=variation,
        occurred_at=NOW,
        visitors=n,
        clicked=n // 8,
        converted=converted,
        orders=converted,
        revenue=50.0 * converted,
        squared_revenue=2_500.0 * converted,
        margin=20.0 * converted,
        squared_margin=400.0 * converted,
    )
    key, field = KEYS.experiments(experiment_shard("hero")), sums_field("hero", variation)
    before: Any = client.hget(key, field)
    sums = decode_sums(before) if before else ExperimentSums()
    assert sums.add(example)
    client.hset(key, field, encode_sums(sums))


@pytest.fixture
def owner(serve: Serve, redis_url: str, tmp_path: Path) -> httpx.Client:
    """Return a client with the secret key of a shop with an experiment."""
    shop = serve(redis_url, campaigns=a_file(tmp_path, TEXT))
    shop.auth = httpx.BasicAuth("secret-key", "")
    return shop


def test_nobody_was_counted_yet(owner: httpx.Client) -> None:
    told = owner.get(PATH).json()
    assert told["sentence"] == "Nobody has been counted yet."
    assert (told["visitors"], told["firstAt"]) == (0, None)
    assert [one["visitors"] for one in told["variations"]] == [0, 0, 0]


def test_figures_follow_what_is_committed(owner: httpx.Client, redis_client: redis.Redis) -> None:
    expose(redis_client, "control", n=800, converted=40)
    expose(redis_client, "new", n=800, converted=44)
    expose(redis_client, HOLDOUT, n=400, converted=20)
    told = owner.get(PATH).json()
    assert [one["name"] for one in told["variations"]] == ["control", "new", HOLDOUT]
    assert [one["role"] for one in told["variations"]] == ["control", "variation", "holdout"]
    new = told["variations"][1]
    assert {name: new[name] for name in ("visitors", "clicked", "converted", "orders")} == {
        "visitors": 800,
        "clicked": 100,
        "converted": 44,
        "orders": 44,
    }
    assert (new["revenue"], new["margin"]) == (2_200.0, 880.0)
    assert new["perVisitor"] == {"click": 0.125, "order": 0.055, "revenue": 2.75, "margin": 1.1}
    assert new["lifts"]["order"]["relative"] == pytest.approx(0.1)
    assert new["lifts"]["order"]["isSure"] is False
    assert told["sampleRatio"]["isMismatch"] is False
    assert (told["visitors"], told["firstAt"], told["latestAt"]) == (2_000, NOW, NOW)
    expose(redis_client, "new", n=1, converted=1)
    assert owner.get(PATH).json()["variations"][1]["visitors"] == 801


def test_what_is_sure_is_said(owner: httpx.Client, redis_client: redis.Redis) -> None:
    expose(redis_client, "control", n=40_000, converted=2_000)
    expose(redis_client, "new", n=40_000, converted=2_600)
    expose(redis_client, HOLDOUT, n=20_000, converted=1_000)
    told = owner.get(PATH).json()
    assert told["variations"][1]["lifts"]["order"]["isSure"] is True
    assert told["sentence"].startswith("new against control: 30.0\u00a0% more visitors order (")


def test_a_split_that_cannot_be_chance_is_said(
    owner: httpx.Client, redis_client: redis.Redis
) -> None:
    for name, n in (("control", 4_000), ("new", 3_000), (HOLDOUT, 1_750)):
        expose(redis_client, name, n=n, converted=100)
    told = owner.get(PATH).json()
    assert told["sampleRatio"]["isMismatch"] is True
    assert told["sentence"].startswith("The split is not what was asked for")


def test_sdks_are_told_how_to_assign(owner: httpx.Client) -> None:
    told = owner.get(PATH).json()["growthbook"]
    assert (told["key"], told["hashAttribute"], told["hashVersion"]) == ("hero", "anonymousId", 2)


def test_experiments_are_those_that_the_file_now_names(
    serve: Serve, redis_url: str, tmp_path: Path
) -> None:
    shop = serve(redis_url, campaigns=a_file(tmp_path, ""))
    shop.auth = httpx.BasicAuth("secret-key", "")
    missing = shop.get(PATH)
    assert (missing.status_code, missing.json()["reason"]) == (404, Refusal.UNKNOWN_EXPERIMENT)
    assert missing.json()["detail"] == "'hero' is none of no experiments"
    a_file(tmp_path, TEXT)
    wait_for(lambda: shop.get(PATH).status_code == 200)
    assert shop.get("/v1/experiments/other").json()["detail"] == "'other' is none of hero"


def test_redis_gone_is_named_so(serve: Serve, own_redis: OwnRedis, tmp_path: Path) -> None:
    shop = serve(own_redis.url, campaigns=a_file(tmp_path, TEXT))
    shop.auth = httpx.BasicAuth("secret-key", "")
    own_redis.process.kill()
    own_redis.process.wait()
    reply = shop.get(PATH)
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.STATE_UNAVAILABLE)
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("data", "detail"),
    [(b"\x09", "hero: sums of version 09"), (b"\x01\xff", "hero: no sums: ")],
)
def test_sums_that_cannot_be_read_are_named_so(
    owner: httpx.Client, redis_client: redis.Redis, data: bytes, detail: str
) -> None:
    key = KEYS.experiments(experiment_shard("hero"))
    redis_client.hset(key, sums_field("hero", "new"), data)
    reply = owner.get(PATH)
    assert (reply.status_code, reply.json()["reason"]) == (503, Refusal.STATE_UNAVAILABLE)
    assert reply.json()["detail"].startswith(detail)
    # A dashboard that looks at experiments goes on without it.
    assert owner.get("/v1/dashboard").json()["now"]["experiments"] == []


@pytest.mark.parametrize(
    ("auth", "status"), [(None, 401), (("other", ""), 401), (("write-key", ""), 403)]
)
def test_figures_are_for_the_secret_key(
    owner: httpx.Client, auth: tuple[str, str] | None, status: int
) -> None:
    with httpx.Client(base_url=owner.base_url) as stranger:
        assert stranger.get(PATH, auth=auth).status_code == status


class _Written:
    """Sums that a test has written down."""

    def __init__(self, sums: Mapping[str, ExperimentSums]) -> None:
        self._sums = sums

    async def read(
        self, experiment: str, variations: Collection[str]
    ) -> Mapping[str, ExperimentSums]:
        assert experiment == "hero"
        return {name: self._sums[name] for name in variations if name in self._sums}


@pytest.mark.parametrize("name", ["", "x" * 300, "hero\nnew", "campaign:hero"])
def test_a_name_that_is_none_asks_nobody(name: str) -> None:
    reader = ExperimentReader(_Written({}), lambda: HERO)
    with pytest.raises(Refused) as caught:
        asyncio.run(reader.tell(name))
    assert len(str(caught.value)) < 150


def test_sums_of_what_is_no_variation_any_more_do_not_count() -> None:
    written = _Written({"gone": ExperimentSums(1, 1, 9), "new": ExperimentSums(1, 1, 2)})
    told = asyncio.run(ExperimentReader(written, lambda: HERO).tell("hero"))
    assert told["visitors"] == 2


def test_the_page_holds_nothing_and_lets_nothing_in(owner: httpx.Client) -> None:
    with httpx.Client(base_url=owner.base_url) as stranger:
        page = stranger.get("/experiments/hero")
        files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(files) == 3
        for answer in (page, *(stranger.get(path) for path in files)):
            assert answer.status_code == 200
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        for path in ("../main.py", "none.js", "%2e%2e/main.py"):
            assert stranger.get(f"/page-files/{path}").status_code == 404


@needs_chromium
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_the_page_asks_for_the_key_and_draws_live_figures(
    owner: httpx.Client, redis_client: redis.Redis, scheme: Literal["light", "dark"], width: int
) -> None:
    expose(redis_client, "control", n=40_000, converted=2_000)
    expose(redis_client, "new", n=40_000, converted=2_600)
    expose(redis_client, HOLDOUT, n=20_000, converted=1_000)
    with chromium() as browser:
        viewport: Any = {"width": width, "height": 800}
        page = browser.new_context(color_scheme=scheme, viewport=viewport).new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda r: errors.extend([r.url] if is_elsewhere(r.url) else []))
        page.goto(f"{owner.base_url}/experiments/hero")
        give_key(page, "wrong")
        expect(page.get_by_role("alert")).to_have_text("No such key.")
        give_key(page, "write-key")
        expect(page.get_by_role("alert")).to_contain_text("That is a write key")
        give_key(page, "secret-key")
        expect(page.locator("#sentence")).to_contain_text("30.0 % more visitors order")
        expect(page.get_by_label("Secret key of the shop")).to_be_hidden()
        new = page.locator('[data-variation="new"]')
        expect(new).to_contain_text("40,000 visitors")
        expect(new.locator("tr.lift.good").first).to_contain_text("for sure")
        expose(redis_client, "new", n=7, converted=0)
        expect(new).to_contain_text("40,007 visitors")
        page.reload()
        expect(new).to_contain_text("40,007 visitors")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(22, 24, 26)" if scheme == "dark" else "rgb(251, 249, 244)")
        assert errors == []


def give_key(page: Page, key: str) -> None:
    page.get_by_label("Secret key of the shop").fill(key)
    page.get_by_role("button", name="Show figures").click()


def test_a_served_shop_without_experiments_says_so(shop: httpx.Client) -> None:
    shop.auth = httpx.BasicAuth("secret-key", "")
    assert shop.get(PATH).json()["reason"] == Refusal.UNKNOWN_EXPERIMENT
