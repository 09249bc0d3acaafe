"""What triggers fire, as server-sent events, for holders of the secret key."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, Request, Response

from serving.answers import answer
from serving.dependencies import NeedSecretKey, TriggerFeedOf
from serving.sse import sse
from serving.trigger_feed import TriggerFeed

_STILL_HERE = b": nothing fired\n\n"
_MISSED = b"event: missed\ndata: {}\n\n"  # what was asked for is not kept any more, in part

router = APIRouter(dependencies=[NeedSecretKey])


async def _place(feed: TriggerFeedOf) -> AsyncIterator[None]:
    """Take a place among those who listen, until the answer has ended."""
    with feed.place():
        yield


@router.get("/v1/triggers", dependencies=[Depends(_place)])
async def stream_triggers(
    request: Request,
    feed: TriggerFeedOf,
    after: str | None = None,
    trigger: str | None = None,
    channel: str | None = None,
) -> Response:
    """Answer with what fires from now on, or after `Last-Event-ID` or `after` (`0-0`: all kept).

    An event `missed` comes first where some of it is not kept any more.
    """
    start, has_missed = await feed.start(request.headers.get("last-event-id") or after)
    return sse(request, _events(feed, start, trigger, channel, has_missed=has_missed))


@router.get("/v1/receivers")
async def read_receivers(feed: TriggerFeedOf) -> Response:
    """Answer with how each receiver of webhooks stands: what waits, what was given up."""
    return answer({"receivers": await feed.receivers()})


async def _events(
    feed: TriggerFeed,
    start: str,
    trigger: str | None,
    channel: str | None,
    *,
    has_missed: bool,
) -> AsyncIterator[bytes]:
    yield _MISSED if has_missed else _STILL_HERE
    async for heard in feed.listen(start):
        if heard is None:
            yield _STILL_HERE
        elif trigger in (None, heard.trigger) and channel in (None, heard.channel):
            yield b"id: %s\nevent: trigger\ndata: %s\n\n" % (heard.entry_id.encode(), heard.body)
