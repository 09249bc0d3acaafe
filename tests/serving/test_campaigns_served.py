"""Campaigns of a file over HTTP: shown, logged, followed, explained, previewed."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from config.decisions import DECISION_FIELD, decode_decided
from config.events import ENTRY_FIELD, SUBJECT_FIELD, Decided, decode_entry
from config.settings import DecisionSettings
from online_models.users import Suppressed
from tests.serving.builders import IDS
from tests.serving.conftest import Serve, stream_of, wait_for
from tests.serving.deciding import ANN, COOKIE, PLACEMENTS, a_token, a_user, remember
from tests.serving.test_personalize import GRANTS, REFUSES, ask

CAMPAIGNS = """
[campaigns.hello]
placements = ["hero"]
when = "context.weather == 'rain'"
reason = "because it rains in {city|your town}"
[campaigns.hello.variations.wet]
headline = "Dry feet, {first_name|friend}?"
locales.de.headline = "Trockene Füße, {first_name|du}?"

[campaigns.ten]
placements = ["exit"]
when = "context.trigger == 'exit-intent'"
choose = "first"
discount_rate = 0.1
holdout_rate = 0.0
variations.now.headline = "10 % off"
"""
RAIN: dict[str, Any] = {"weather": "rain", "city": "Graz"}
BOTH = ["hero", "exit"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "campaigns.toml"
    path.write_text(CAMPAIGNS, encoding="utf-8")
    return path


@pytest.fixture
def shop(serve: Serve, redis_url: str, file: Path) -> httpx.Client:
    """Return a client of a server with campaigns."""
    return serve(redis_url, placements=PLACEMENTS, campaigns=file)


def hero(shop: httpx.Client, **fields: Any) -> dict[str, Any]:
    asked = {"anonymousId": "cookie-1", "placements": ["hero"], "context": RAIN} | fields
    told: dict[str, Any] = ask(shop, **asked)["placements"]["hero"]
    return told


def told_events(client: redis.Redis) -> list[tuple[str, Decided]]:
    """Return what stands in the logs of events of all shards: about whom, and what."""
    keys = sorted(str(key, "utf-8") for key in client.scan_iter("*:events"))
    fields = [entry for key in keys for _, entry in stream_of(client, key)]
    read = [(entry[SUBJECT_FIELD].decode(), decode_entry(entry[ENTRY_FIELD])) for entry in fields]
    return [(digest, entry) for digest, entry in read if isinstance(entry, Decided)]


def test_a_campaign_is_told_with_its_variation_and_a_reason_for_shoppers(
    shop: httpx.Client,
) -> None:
    told = hero(shop)
    assert (told["campaign"], told["variation"], told["overlay"]) == ("hello", "wet", False)
    assert told["content"]["headline"] == "Dry feet, friend?"
    assert told["reason"] == "because it rains in Graz"
    assert "explanation" not in told


def test_a_campaign_speaks_the_language_of_the_visitor(shop: httpx.Client) -> None:
    german = hero(shop, context=RAIN | {"locale": "de-AT"})
    assert german["content"]["headline"] == "Trockene Füße, du?"


def test_a_name_is_told_to_nobody_but_whom_a_token_vouches_for(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", traits={"firstName": (1, "Ann\n{city}")}))
    with_token = hero(shop, userId="ann", userToken=a_token())
    assert with_token["content"]["headline"] == "Dry feet, Ann{city}?"
    assert hero(shop, userId="ann")["content"]["headline"] == "Dry feet, friend?"


def test_what_campaigns_chose_goes_into_the_visitors_log_of_events(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    context = RAIN | GRANTS | {"trigger": "exit-intent", "channel": "app"}
    answer = ask(shop, anonymousId="cookie-1", placements=BOTH, context=context)
    wait_for(lambda: told_events(redis_client))
    [(digest, decided)] = told_events(redis_client)
    assert (digest, decided.decision_id) == (COOKIE.digest, answer["decisionId"])
    assert decided.channel == "app"
    choices = {choice.placement: choice for choice in decided.choices}
    assert (choices["hero"].campaign, choices["hero"].variation) == ("hello", "wet")
    assert (choices["exit"].campaign, choices["exit"].discount_rate) == ("ten", 0.1)


def test_the_margin_rate_of_the_file_goes_with_each_choice_into_the_log_of_events(
    serve: Serve, redis_url: str, redis_client: redis.Redis, file: Path
) -> None:
    file.write_text(f"margin_rate = 0.25\n{CAMPAIGNS}margin_rate = 0.5\n", encoding="utf-8")
    shop = serve(redis_url, placements=PLACEMENTS, campaigns=file)
    context = RAIN | {"trigger": "exit-intent"}
    ask(shop, anonymousId="cookie-1", placements=BOTH, context=context)
    wait_for(lambda: told_events(redis_client))
    [(_, decided)] = told_events(redis_client)
    assert decided.margin_rate == 0.25
    assert {one.campaign: one.margin_rate for one in decided.choices} == {"hello": 0.25, "ten": 0.5}


@pytest.mark.parametrize(
    "fields",
    [
        {"anonymousId": "cookie-1", "context": RAIN | REFUSES},
        {"context": RAIN},
        {"anonymousId": "cookie-1"},
        {"anonymousId": "cookie-1", "placements": ["next-best"], "context": RAIN},
    ],
    ids=["refused", "no id", "no campaign", "no such placement"],
)
def test_where_no_campaign_chose_or_nobody_may_be_written_about_nothing_is(
    shop: httpx.Client, redis_client: redis.Redis, fields: dict[str, Any]
) -> None:
    ask(shop, **({"placements": ["hero"]} | fields))
    ask(shop, anonymousId="cookie-2", placements=["hero"], context=RAIN)
    wait_for(lambda: told_events(redis_client))
    assert [digest for digest, _ in told_events(redis_client)] == [IDS.anonymous("cookie-2").digest]


def test_choices_are_told_also_where_decisions_are_not_logged(
    serve: Serve, redis_url: str, redis_client: redis.Redis, file: Path
) -> None:
    without = DecisionSettings(log_decisions=False)
    hero(serve(redis_url, placements=PLACEMENTS, campaigns=file, decision=without))
    wait_for(lambda: told_events(redis_client))
    assert not list(redis_client.scan_iter("*:decisions"))


def test_an_erased_visitor_is_shown_what_strangers_are(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    remember(redis_client, COOKIE, Suppressed(erased_at=5))
    assert hero(shop)["content"]["headline"] == "Dry feet, friend?"


def test_a_changed_file_is_in_force_and_one_with_mistakes_changes_nothing(
    shop: httpx.Client, file: Path
) -> None:
    def headline() -> str:
        return str(hero(shop)["content"]["headline"])

    def says(state: str) -> bool:
        return bool(shop.get("/readyz").json()["campaigns"] == state)

    file.write_text(CAMPAIGNS.replace("Dry feet", "Umbrella"), encoding="utf-8")
    wait_for(lambda: headline() == "Umbrella, friend?")
    file.write_text(CAMPAIGNS + "[campaigns.x]\nplacment = 3\n", encoding="utf-8")
    wait_for(lambda: says("newest_refused"))
    assert headline() == "Umbrella, friend?"
    metrics = shop.get("/metrics").text
    assert 'shopkeeper_campaigns_refused{process="server"} 1.0' in metrics
    assert 'shopkeeper_campaigns_in_force{process="server"} 2.0' in metrics
    file.unlink()
    wait_for(lambda: not says("in_force"))
    assert headline() == "Umbrella, friend?"
    file.write_text("", encoding="utf-8")
    wait_for(lambda: headline() == "Hello")
    assert says("in_force")
    assert 'shopkeeper_campaigns_refused{process="server"} 0.0' in shop.get("/metrics").text


def test_a_server_starts_with_a_broken_file_and_says_so(
    serve: Serve, redis_url: str, file: Path
) -> None:
    file.write_bytes(b"\xff\xfe")
    shop = serve(redis_url, placements=PLACEMENTS, campaigns=file)
    assert hero(shop)["content"]["headline"] == "Hello"
    assert shop.get("/readyz").json()["campaigns"] == "newest_refused"


SECRET = httpx.BasicAuth("secret-key", "")


def test_an_explanation_names_every_campaign_and_what_stood_against_it(
    shop: httpx.Client,
) -> None:
    shop.auth = SECRET
    told = hero(shop, context={}, options={"explain": True})
    [candidate] = told["explanation"]["candidates"]
    assert candidate == {
        "campaign": "hello",
        "eligible": False,
        "against": [{"reason": "condition", "detail": "context.weather == 'rain'"}],
    }
    shown = hero(shop, options={"explain": True})["explanation"]
    assert (shown["policy"], shown["probability"]) == ("uniform", 1.0)
    assert shown["candidates"][0]["probabilities"] == {"wet": 1.0}


@pytest.mark.parametrize("time", [0, "0001-01-01T00:00:00Z", "2099-12-31T23:59:59+02:00"])
def test_a_preview_may_be_of_the_first_and_of_the_last_time(
    shop: httpx.Client, file: Path, time: int | str
) -> None:
    shop.auth = SECRET
    assert hero(shop, options={"preview": {"time": time}})["campaign"] == "hello"


@pytest.mark.parametrize("options", [{"explain": True}, {"preview": {"variation": "hello/wet"}}])
def test_the_public_key_gets_neither_explanations_nor_previews(
    shop: httpx.Client, options: dict[str, Any]
) -> None:
    asked = {"placements": ["hero"], "options": options}
    reply = shop.post("/v1/personalize", json=asked)
    assert (reply.status_code, reply.json()["reason"]) == (403, "secret_key_needed")


def decisions_counted(shop: httpx.Client) -> list[str]:
    lines = shop.get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith("shopkeeper_decision")]


def test_a_preview_is_neither_counted_nor_logged(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    shop.auth = SECRET
    before = decisions_counted(shop)
    preview = {"preview": {"variation": "hello/wet", "time": "2030-01-01T00:00:00Z"}}
    told = hero(shop, context={}, options=preview)
    assert told["campaign"] == "hello"
    assert decisions_counted(shop) == before
    hero(shop, anonymousId="cookie-2")
    wait_for(lambda: told_events(redis_client))
    assert len(told_events(redis_client)) == 1


def test_a_preview_may_be_of_another_time(shop: httpx.Client, file: Path) -> None:
    shop.auth = SECRET
    file.write_text(CAMPAIGNS.replace("reason =", "starts = 2099-01-01\nreason ="))
    wait_for(lambda: hero(shop)["campaign"] is None)
    for time in ("2099-06-01T12:00:00+02:00", 4_100_000_000_000):
        assert hero(shop, options={"preview": {"time": time}})["campaign"] == "hello"


@pytest.mark.parametrize(
    ("preview", "problem"),
    [
        ({"segment": "gold"}, "options.preview.segment: 'gold' is no segment; allowed: none"),
        ({"variation": "hello/dry"}, "'hello/dry' is none; allowed: campaign/variation, such as "),
        ({"time": "soon"}, "options.preview.time: "),
        ({"time": -1}, "options.preview.time: "),
        ({"time": 253_402_300_799_000}, "options.preview: expected a time before the year 2100"),
        ({"time": "9999-12-31T23:59:59Z"}, "options.preview: expected a time before the year 2100"),
    ],
)
def test_a_preview_of_what_there_is_not_is_refused(
    shop: httpx.Client, preview: dict[str, Any], problem: str
) -> None:
    shop.auth = SECRET
    asked = {"placements": ["hero"], "options": {"preview": preview}}
    reply = shop.post("/v1/personalize", json=asked)
    assert reply.status_code == 400
    assert problem in reply.json()["detail"]


def test_a_decision_is_found_by_its_id_with_what_was_looked_at(
    shop: httpx.Client, redis_client: redis.Redis
) -> None:
    asked = {"placements": BOTH, "context": RAIN, "anonymousId": "cookie-1"}
    answers = [ask(shop, **asked) for _ in range(3)]
    wait_for(lambda: len(logged(redis_client)) == 3)
    shop.auth = SECRET
    told = shop.get(f"/v1/decisions/{answers[1]['decisionId']}").json()
    assert told["decision_id"] == answers[1]["decisionId"]
    assert told["placements"]["hero"]["campaign"] == "hello"
    explained = told["placements"]["exit"]["explanation"]
    assert explained["candidates"][0]["against"] == [
        {"reason": "condition", "detail": "context.trigger == 'exit-intent'"}
    ]


def logged(client: redis.Redis) -> list[str]:
    keys = sorted(str(key, "utf-8") for key in client.scan_iter("*:decisions"))
    entries = [fields for key in keys for _, fields in stream_of(client, key)]
    return [decode_decided(fields[DECISION_FIELD]).decision_id for fields in entries]


@pytest.mark.parametrize("name", ["nothing", "0" * 25, "é" * 25, "018bcfe56800" + "0" * 13])
def test_a_decision_that_is_not_there_is_not_found(shop: httpx.Client, name: str) -> None:
    shop.auth = SECRET
    reply = shop.get(f"/v1/decisions/{name}")
    assert (reply.status_code, reply.json()["reason"]) == (404, "unknown_decision")


def test_decisions_cannot_be_read_while_redis_is_gone(serve: Serve, file: Path) -> None:
    shop = serve("unix:///nowhere/redis.sock", placements=PLACEMENTS, campaigns=file)
    shop.auth = SECRET
    reply = shop.get(f"/v1/decisions/{'0' * 25}")
    assert (reply.status_code, reply.json()["reason"]) == (503, "state_unavailable")


@pytest.mark.parametrize(
    "context",
    [
        {"weather": "x" * 5000, "list": [1], "object": {"a": 1}, "none": None, "yes": True},
        {"number": 10**30, "other": -(10**18), "city": 3, "locale": ["de"], "trigger": 7},
        {"device": {"type": 3}, "channel": "x" * 500, "locale": "-" * 300},
        {f"name-{n}": n for n in range(32)},
    ],
)
def test_whatever_a_page_tells_there_is_an_answer(
    shop: httpx.Client, context: dict[str, Any]
) -> None:
    assert hero(shop, context=context)["content"]["headline"] == "Hello"


def test_a_context_of_too_many_facts_is_refused(shop: httpx.Client) -> None:
    asked = {"placements": ["hero"], "context": {f"name-{n}": n for n in range(33)}}
    reply = shop.post("/v1/personalize", json=asked)
    assert (reply.status_code, "context" in reply.json()["detail"]) == (400, True)
