"""Where a tool asks what to show to the users of its own list."""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from serving.access import key_in_header
from serving.answers import refusal
from serving.batching import BatchPersonalizer
from serving.receiving import BODY_SECONDS, header, receive_body
from serving.refusals import Refused
from serving.schemas import MAX_BATCH_BYTES

BATCH_PERSONALIZE_PATH = "/v1/personalize/batch"


@dataclass(frozen=True, slots=True)
class BatchPersonalizeRoute:
    """The endpoint; the key is looked at before a body of that size is taken in."""

    batches: BatchPersonalizer
    body_seconds: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, also one that is refused."""
        try:
            await self._answer(scope, receive, send)
        except Refused as error:
            scope["state"]["metrics"].refused_requests.labels(error.reason).inc()
            await refusal(error)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        authorization = header(scope, b"authorization").decode("latin-1")
        caller = self.batches.caller(key_in_header(authorization or None))
        body = await receive_body(scope, receive, MAX_BATCH_BYTES, self.body_seconds)
        pieces = await self.batches.answer(body, caller)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % sum(map(len, pieces))),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})
