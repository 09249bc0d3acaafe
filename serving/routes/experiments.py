"""What experiments have shown so far, for holders of the secret key."""

from fastapi import APIRouter, Response

from serving.answers import answer
from serving.dependencies import ExperimentsOf, NeedSecretKey

router = APIRouter(dependencies=[NeedSecretKey])


@router.get("/v1/experiments/{name}")
async def read_experiment(name: str, experiments: ExperimentsOf) -> Response:
    """Answer with the figures of each variation, its lifts, and what they mean in a sentence."""
    return answer(await experiments.tell(name))
