"""Where a page asks what to show."""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from serving.access import key_in_header
from serving.answers import refusal
from serving.personalizing import Personalizer
from serving.receiving import BODY_SECONDS, header, receive_body
from serving.refusals import Refused
from serving.schemas import MAX_BODY_BYTES
from serving.tracing import trace_of

PERSONALIZE_PATH = "/v1/personalize"


@dataclass(frozen=True, slots=True)
class PersonalizeRoute:
    """The endpoint, below Starlette's requests and responses: they take longer than deciding."""

    body_seconds: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, also one that is refused."""
        try:
            await self._answer(scope, receive, send)
        except Refused as error:
            scope["state"]["metrics"].refused_requests.labels(error.reason).inc()
            await refusal(error)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        personalizer: Personalizer = scope["state"]["personalizer"]
        authorization = header(scope, b"authorization").decode("latin-1")
        key = key_in_header(authorization or None)
        body = await receive_body(scope, receive, MAX_BODY_BYTES, self.body_seconds)
        trace = trace_of(scope)
        reply = await personalizer.answer(body, key, "" if trace is None else trace.trace_id)
        timing = b"read;dur=%.3f, decide;dur=%.3f, encode;dur=%.3f" % (
            reply.read_ms,
            reply.decide_ms,
            reply.encode_ms,
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(reply.body)),
            (b"server-timing", timing),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
