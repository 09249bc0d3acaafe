"""The table of ``serving/README.md``, row by row: who gets what with which key and token."""

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from tests.serving.builders import NOW
from tests.serving.builders import an_event as an_event_of
from tests.serving.conftest import wait_for
from tests.serving.deciding import ANN, COOKIE, a_token, a_user, learn, lessons, remember

README = Path(__file__).parents[2] / "serving" / "README.md"
KEYS: dict[str, httpx.Auth] = {
    "none": httpx.Auth(),
    "unknown": httpx.BasicAuth("other", ""),
    "write": httpx.BasicAuth("write-key", ""),
    "secret": httpx.BasicAuth("secret-key", ""),
}
BODIES: dict[str, Any] = {
    "POST /v1/track": {"json": an_event_of()},
    "POST /v1/batch": {"json": {"batch": [an_event_of()]}},
    "POST /v1/import": {"json": {"batch": [an_event_of()]}},
    "POST /v1/personalize/batch": {
        "json": {"channel": "email", "placements": ["next-best"], "users": [{"userId": "ann"}]}
    },
    "PUT /v1/catalog": {"content": b'{"id": "boots", "name": "Boots"}'},
}


def _unsigned() -> str:
    parts = ({"alg": "none"}, {"sub": "ann", "exp": 4102444800})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return b".".join(encoded).decode() + "."


def _tokens() -> dict[str, str | None]:
    return {
        "none": None,
        "valid": a_token(),
        "expired": a_token(seconds=-10),
        "valid for more than a day": a_token(seconds=25 * 60 * 60),
        "for another user": a_token(sub="bob"),
        "signed by a stranger": a_token(key="a-key-that-no-shop-of-ours-has-got"),
        "unsigned": _unsigned(),
    }


def table() -> list[tuple[str, ...]]:
    """Return the rows of the README's first table."""
    lines = README.read_text(encoding="utf-8").split("|---|---|---|---|\n")[1].split("\n\n")[0]
    return [
        tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
        for line in lines.splitlines()
    ]


def test_the_table_covers_every_key_of_every_kind_of_route() -> None:
    keys = {(route, key) for route, key, _, _ in table()}
    routes = {route for route, _ in keys if route.split()[1].startswith("/v1")}
    assert len(routes) == 11
    assert {(route, key) for route in routes for key in ("none", "write", "secret")} <= keys


@pytest.mark.parametrize(("route", "key", "token", "expected"), table())
def test_each_row_of_the_table_holds(
    stranger: httpx.Client,
    redis_client: redis.Redis,
    route: str,
    key: str,
    token: str,
    expected: str,
) -> None:
    remember(redis_client, ANN, a_user(user_id="ann", viewed=[(NOW, "boots")]))
    remember(redis_client, COOKIE, a_user(viewed=[(NOW, "hat")]))
    method, path = route.split()
    if path == "/v1/personalize":
        learn(redis_client, lessons({"boots": ["socks"], "hat": ["scarf"]}))
        body: dict[str, Any] = {
            "userId": "ann",
            "anonymousId": "cookie-1",
            "placements": ["next-best"],
        }
        body |= {"userToken": _tokens()[token]}

        def ask() -> str:
            return _outcome(stranger.post(path, json=body, auth=KEYS[key]))

        wait_for(lambda: ask() == expected)  # until the server has seen the rows
        return
    reply = stranger.request(method, path, auth=KEYS[key], **BODIES.get(route, {}))
    assert _outcome(reply) == expected


def _outcome(reply: httpx.Response) -> str:
    if reply.status_code != 200:
        return f"{reply.status_code} {reply.json()['reason']}"
    if not reply.headers["content-type"].startswith("application/json"):
        return "200"
    told = reply.json()
    if "decisionId" not in told:
        return "200"
    [first, *_] = [p["id"] for p in told["placements"]["next-best"]["products"]] or [None]
    who = {
        (True, "socks"): "the customer's",
        (False, "scarf"): "the visitor's",
    }
    return who.get((told["profile"]["known"], first), f"{told}")
