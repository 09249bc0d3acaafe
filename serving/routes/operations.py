"""For those who run the server: is it alive, is it ready, what does it count."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from serving.answers import answer
from serving.dependencies import CampaignFileOf, MetricsOf, WatcherOf

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
async def metrics(serving_metrics: MetricsOf) -> Response:
    """Answer with all metrics in Prometheus's text format."""
    return Response(generate_latest(serving_metrics.registry), media_type=CONTENT_TYPE_LATEST)
