"""Why something was shown: a decision as it stands in the log; for holders of the secret key."""

import msgspec
from fastapi import APIRouter, Response

from serving.dependencies import DecisionsOf, NeedSecretKey

router = APIRouter(dependencies=[NeedSecretKey])
_encode = msgspec.json.Encoder().encode


@router.get("/v1/decisions/{decision_id}")
async def read_decision(decision_id: str, decisions: DecisionsOf) -> Response:
    """Answer with what was chosen, what else was looked at, and what stood against it."""
    decided = await decisions.find(decision_id)
    return Response(_encode(decided), media_type="application/json")
