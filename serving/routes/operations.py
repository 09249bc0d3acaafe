"""For those who run the server: is it alive, is it ready, what does it count."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.answers import answer
from serving.dependencies import CampaignFileOf, MetricPagesOf, WatcherOf

router = APIRouter()


@router.get("/healthz")
async def healthz() -> Response:
    """Answer as long as the process does."""
    return answer({"alive": True})


@router.get("/readyz")
async def readyz(watcher: WatcherOf, campaign_file: CampaignFileOf) -> Response:
    """Answer 200 when nothing is missing, else 503 and what is; also how campaigns stand."""
    missing = sorted(watcher.last.missing)
    told = {"ready": not missing, "missing": missing, "campaigns": campaign_file.state}
    return answer(told, 503 if missing else 200)


@router.get("/metrics")
async def metrics(pages: MetricPagesOf) -> Response:
    """Answer with the metrics of all processes on this machine, in Prometheus' text format."""
    return Response(await pages.page(), media_type=CONTENT_TYPE_LATEST)
