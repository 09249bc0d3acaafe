"""The description at ``/docs``: what can be pasted from it works."""

from typing import Any

import httpx
import pytest

from tests.serving.conftest import Serve
from tests.serving.deciding import PLACEMENTS


@pytest.fixture
def owner(serve: Serve, redis_url: str) -> httpx.Client:
    return serve(redis_url, placements=PLACEMENTS, key="secret-key")


def document_of(shop: httpx.Client) -> dict[str, Any]:
    document: dict[str, Any] = shop.get("/openapi.json").json()
    return document


def examples_in(document: dict[str, Any]) -> list[tuple[str, str, str, Any]]:
    """Return method, path, content type and body of every example."""
    return [
        (method, path, kind, example)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        for kind, content in said.get("requestBody", {}).get("content", {}).items()
        for example in (
            [content["example"]]
            if "example" in content
            else [named["value"] for named in content["examples"].values()]
        )
    ]


def test_every_example_works_when_pasted(owner: httpx.Client) -> None:
    examples = examples_in(document_of(owner))
    assert {path for _, path, _, _ in examples} >= {
        "/v1/personalize",
        "/v1/catalog",
        "/v1/track",
        "/v1/batch",
    }
    for method, path, kind, example in examples:
        body: dict[str, Any] = (
            {"content": example} if isinstance(example, str) else {"json": example}
        )
        reply = owner.request(method, path, headers={"Content-Type": kind}, **body)
        assert reply.status_code == 200, (path, reply.text)
        assert reply.json().get("success", True), (path, reply.text)


def test_every_reference_leads_somewhere(owner: httpx.Client) -> None:
    document = document_of(owner)
    found: list[str] = []

    def walk(part: object) -> None:
        if isinstance(part, dict):
            found.extend([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)
    assert found
    for reference in found:
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference


def test_the_page_is_there(owner: httpx.Client) -> None:
    assert "/openapi.json" in owner.get("/docs").text
