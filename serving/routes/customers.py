"""What is known of a customer, and how to forget it; for holders of the secret key."""

from fastapi import APIRouter, Response

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Erase, encode_entry
from online_models.features import picture
from serving.answers import answer
from serving.dependencies import CollectorOf, NeedSecretKey, UsersOf
from serving.event_log import LogUnavailable
from serving.refusals import Refusal, Refused

router = APIRouter(dependencies=[NeedSecretKey])


@router.get("/v1/users/{user_id:path}")
async def read_user(
    user_id: str, users: UsersOf, collector: CollectorOf, anonymous: bool = False
) -> Response:
    """Answer with the picture of a customer, as fresh as the worker has committed it."""
    state = await users.find(users.subject(user_id, anonymous=anonymous))
    return answer(picture(state, collector.clock_ms()))


@router.delete("/v1/users/{user_id:path}")
async def erase_user(
    user_id: str, users: UsersOf, collector: CollectorOf, anonymous: bool = False
) -> Response:
    """Put the erasure into the log; whether there is such a user is not told."""
    subject = users.subject(user_id, anonymous=anonymous)
    entry = encode_entry(Erase(collector.clock_ms(), suppress=not anonymous))
    stream = collector.keys.events(subject.shard)
    try:
        await collector.log.append(
            [("XADD", stream, "*", ENTRY_FIELD, entry, SUBJECT_FIELD, subject.digest)]
        )
    except LogUnavailable as error:
        raise Refused(Refusal.LOG_UNAVAILABLE, str(error), retry_after_seconds=1) from error
    return answer({"success": True})
