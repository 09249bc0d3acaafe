"""The description of the API at ``/docs``, with examples that work when pasted."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from config.catalog import Item
from config.placements import Placement
from serving.answering import Answer, BatchAnswer
from serving.catalog_lines import MAX_CATALOG_BYTES
from serving.routes.batch import BATCH_PERSONALIZE_PATH
from serving.routes.catalog import CATALOG_PATH
from serving.routes.collect import BATCH_PATHS, SINGLE_PATHS
from serving.routes.personalize import PERSONALIZE_PATH
from serving.schemas import (
    MAX_BATCH_BYTES,
    MAX_BATCH_CHOICES,
    MAX_BATCH_USERS,
    MAX_BODY_BYTES,
    MAX_PLACEMENTS,
    BatchRequest,
    Request,
)

EVENT_EXAMPLE: dict[str, Any] = {
    "anonymousId": "browser-1",
    "event": "Product Viewed",
    "properties": {"product_id": "trail-boots", "category": "hiking", "price": 129.0},
}
CATALOG_EXAMPLE = (
    '{"id": "trail-boots", "name": "Trail Boots", "category": "hiking", "price": 129.0, '
    '"stock": 12, "link": "/products/trail-boots"}\n'
    '{"id": "wool-socks", "name": "Wool Socks", "category": "hiking", "price": 14.5}\n'
    '{"id": "old-hat", "delete": true}\n'
)
_KEYS: dict[str, Any] = {
    "key": {"type": "http", "scheme": "basic", "description": "The key as user name."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key as token."},
}


def personalize_examples(placements: Mapping[str, Placement]) -> dict[str, dict[str, Any]]:
    """Return requests that this shop answers, by what they are about."""
    names = list(placements)[:3]
    return {
        "a visitor on a product page": {
            "anonymousId": "browser-1",
            "page": {"type": "product", "productId": "trail-boots"},
            "placements": names,
        },
        "a visitor with a cart, about to leave": {
            "anonymousId": "browser-1",
            "page": {"type": "cart"},
            "cart": [{"productId": "wool-socks", "quantity": 2, "price": 14.5}],
            "context": {"trigger": "exit-intent"},
            "placements": names,
            "options": {"limit": 3, "exclude": ["trail-boots"]},
        },
        "a visitor who refuses": {
            "anonymousId": "browser-1",
            "context": {"consent": {"categoryPreferences": {"personalization": False}}},
            "placements": names,
        },
    }


def describe(
    title: str,
    description: str,
    routes: Sequence[BaseRoute],
    placements: Mapping[str, Placement],
) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's own routes and those below it."""
    document = get_openapi(title=title, version="1", description=description, routes=routes)
    _, schemas = msgspec.json.schema_components(
        (Request, Answer, BatchRequest, BatchAnswer, Item),
        ref_template="#/components/schemas/{name}",
    )
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas)
    components["securitySchemes"] = _KEYS
    document["security"] = [{name: []} for name in _KEYS]
    paths = document["paths"]
    paths[PERSONALIZE_PATH] = {"post": _personalize(placements)}
    paths[BATCH_PERSONALIZE_PATH] = {"post": _personalize_batch(placements)}
    paths[CATALOG_PATH] = {"put": _catalog()}
    for path in SINGLE_PATHS:
        if len(path) > len("/v1/x"):  # the short ones are the browser library's business
            paths[path] = {"post": _event(path)}
    paths[BATCH_PATHS[0]] = {"post": _batch()}
    return document


def _personalize(placements: Mapping[str, Placement]) -> dict[str, Any]:
    return {
        "summary": "Ask what to show to a visitor",
        "description": (
            f"At most {MAX_PLACEMENTS} placements and {MAX_BODY_BYTES} bytes. With the public key, "
            "a userId counts only with a userToken that the shop has signed."
        ),
        "requestBody": _json_body("Request", personalize_examples(placements)),
        "responses": {
            "200": {
                "description": "What to show; `fallback` says why, where it is not personal.",
                "headers": {"Server-Timing": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": _ref("Answer")}},
            },
            **_REFUSALS,
        },
    }


def _personalize_batch(placements: Mapping[str, Placement]) -> dict[str, Any]:
    example = {
        "channel": "email",
        "placements": list(placements)[:2],
        "users": [
            {"userId": "ann"},
            {"userId": "bob", "page": {"productId": "trail-boots"}, "context": {"sale": "spring"}},
        ],
    }
    return {
        "summary": "Ask what to show to each user of a list",
        "description": (
            f"At most {MAX_BATCH_USERS} users, {MAX_BATCH_CHOICES} users times placements, and "
            f"{MAX_BATCH_BYTES} bytes. Needs the secret key, without explain and preview. Where "
            "users cannot be read now it answers 503: send it again."
        ),
        "requestBody": _json_body("BatchRequest", {"a mailing": example}),
        "responses": {
            "200": {
                "description": "A decision for each user, in the order of the request.",
                "content": {"application/json": {"schema": _ref("BatchAnswer")}},
            },
            **_REFUSALS,
        },
    }


def _catalog() -> dict[str, Any]:
    lines = {
        "schema": {"type": "string", "description": "NDJSON; each line an Item."},
        "example": CATALOG_EXAMPLE,
    }
    return {
        "summary": "Put products into the catalog, or take them out",
        "description": f"At most {MAX_CATALOG_BYTES} bytes, gzip allowed. Needs the secret key.",
        "requestBody": {"required": True, "content": {"application/x-ndjson": lines}},
        "responses": {"200": {"description": "How many lines did what; bad ones by number."}}
        | _REFUSALS,
    }


def _event(path: str) -> dict[str, Any]:
    kind = path.rpartition("/")[2]
    example = {
        "identify": {"anonymousId": "browser-1", "userId": "ann", "traits": {"tier": "gold"}},
        "alias": {"previousId": "browser-1", "userId": "ann"},
        "group": {"userId": "ann", "groupId": "club"},
        "track": EVENT_EXAMPLE,
    }.get(kind, {"anonymousId": "browser-1", "name": "Home"})
    return {
        "summary": f"Take a {kind} event in (Segment protocol)",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        },
        "responses": {"200": {"description": "The event is in the log."}} | _REFUSALS,
    }


def _batch() -> dict[str, Any]:
    example = {"batch": [{"type": "track", **EVENT_EXAMPLE}]}
    return {
        "summary": "Take a batch of events in (Segment protocol)",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        },
        "responses": {"200": {"description": "The good events are in the log."}} | _REFUSALS,
    }


def _json_body(schema: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in examples.items()}
    content = {"application/json": {"schema": _ref(schema), "examples": named}}
    return {"required": True, "content": content}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_REFUSALS = {
    "4XX": {"description": "Refused; `reason` is a word to branch on, `detail` says more."},
    "5XX": {"description": "Not now; with `Retry-After`."},
}
