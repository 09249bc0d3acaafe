"""A request's place in its caller's trace: on log lines, on slow decisions and in the answer.

Only where ``traceparent`` is sent; a request without pays for looking, and nothing else.
"""

from random import Random

import structlog
from starlette.types import Message, Scope, Send

from config.traces import Trace, read_traceparent
from serving.receiving import header

_TRACE = "shopkeeper.trace"  # in a scope: our part of the caller's trace


def traced(scope: Scope, send: Send, rng: Random) -> Send:
    """Take note of the trace that a request names; return what sends an answer that names it.

    ``rng`` is what ids of spans are made of.
    """
    sent = header(scope, b"traceparent")
    if not sent:
        return send
    trace = read_traceparent(sent)
    if trace is None:
        return send
    ours = trace.child(rng)
    scope[_TRACE] = ours
    structlog.contextvars.bind_contextvars(trace_id=ours.trace_id, span_id=ours.span_id)
    named = (b"traceparent", ours.header().encode())

    async def send_named(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], named]}
        await send(message)

    return send_named


def trace_of(scope: Scope) -> Trace | None:
    """Return our part of the trace that a request named, if it named one."""
    return scope.get(_TRACE)
