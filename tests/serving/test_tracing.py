"""A caller's trace: answered, on log lines, on slow decisions, and on nobody else's."""

import asyncio
import socket
from random import Random
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.types import Message, Receive, Scope, Send

from config.traces import Trace, read_traceparent
from serving.metrics import ServingMetrics
from serving.middleware import InFlight, Observed
from serving.tracing import trace_of
from tests.serving.builders import an_event
from tests.serving.test_personalize import ask

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"


def answered(reply: httpx.Response) -> Trace | None:
    return read_traceparent(reply.headers.get("traceparent", "").encode())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/track", an_event()),
        ("POST", "/v1/personalize", {"anonymousId": "a", "placements": ["next-best"]}),
        ("POST", "/v1/personalize", {"placements": ["no such placement"]}),
        ("GET", "/healthz", None),
        ("GET", "/nothing/here", None),
    ],
)
def test_an_answer_names_our_part_of_the_callers_trace(
    shop: httpx.Client, method: str, path: str, body: Any
) -> None:
    reply = shop.request(method, path, json=body, headers={"traceparent": SENT})
    trace = answered(reply)
    assert trace is not None
    assert (trace.trace_id, trace.is_sampled) == (TRACE, True)
    assert trace.span_id != SPAN


@pytest.mark.parametrize("headers", [{}, {"traceparent": "00-not-a-trace"}])
def test_without_a_trace_none_is_made_up(shop: httpx.Client, headers: dict[str, str]) -> None:
    assert "traceparent" not in shop.get("/healthz", headers=headers).headers
    assert ask(shop)["decisionId"]


def test_pages_may_send_and_read_it(shop: httpx.Client) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,traceparent,tracestate",
    }
    assert shop.options("/v1/personalize", headers=asked).status_code == 200
    reply = shop.post(
        "/v1/personalize",
        json={"anonymousId": "a", "placements": ["next-best"]},
        headers={"Origin": "https://shop.example", "traceparent": SENT},
    )
    assert "traceparent" in reply.headers["access-control-expose-headers"].lower()


async def _fail(scope: Scope, _receive: Receive, _send: Send) -> None:
    assert scope["path"] == "/broken"
    raise ArithmeticError


def test_log_lines_of_a_request_name_its_trace() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    metrics = ServingMetrics(CollectorRegistry())
    scope: Scope = {
        "type": "http",
        "path": "/broken",
        "method": "GET",
        "headers": [(b"traceparent", SENT.encode())],
    }
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as lines:
        asyncio.run(Observed(_fail, metrics, InFlight(9, metrics), Random(1))(scope, receive, send))
    ours = trace_of(scope)
    assert ours is not None
    [line] = lines
    assert (line["event"], line["trace_id"], line["span_id"]) == (
        "request_failed",
        TRACE,
        ours.span_id,
    )
    assert sent[0]["status"] == 500
    assert (b"traceparent", ours.header().encode()) in sent[0]["headers"]


async def _never_answer(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Do as an endpoint whose client has gone."""


def test_what_was_never_answered_is_not_among_the_latencies_that_are_shown() -> None:
    async def receive() -> Message:
        pytest.fail("nothing is received")

    async def send(_message: Message) -> None:
        pytest.fail("nothing is sent")

    metrics = ServingMetrics(CollectorRegistry())
    scope: Scope = {"type": "http", "path": "/v1/personalize", "headers": []}
    observed = Observed(_never_answer, metrics, InFlight(9, metrics), Random(1))
    asyncio.run(observed(scope, receive, send))
    assert metrics.fine.latencies.take() == {}


def test_of_two_requests_on_a_connection_each_has_its_own_trace(shop: httpx.Client) -> None:
    one = f"GET /healthz HTTP/1.1\r\nHost: x\r\ntraceparent: {SENT}\r\n\r\n"
    two = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection((shop.base_url.host, shop.base_url.port or 80)) as connection:
        connection.sendall((one + two).encode())
        answers = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answers.count(b"HTTP/1.1 200") == 2
    assert answers.lower().count(b"traceparent") == 1
