"""What the dashboard shows, for holders of the secret key."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response

from serving.dashboard import Dashboard
from serving.dependencies import DashboardOf, NeedSecretKey
from serving.sse import event, sse

router = APIRouter(dependencies=[NeedSecretKey])


@router.get("/v1/dashboard")
async def read_dashboard(dashboard: DashboardOf) -> Response:
    """Answer with the figures of now, of the last minute, and of the minutes before by 5 s."""
    return Response(await dashboard.look(), media_type="application/json")


@router.get("/v1/dashboard/stream")
async def stream_dashboard(request: Request, dashboard: DashboardOf) -> Response:
    """Answer with the same as server-sent events, once a second; later ones with new points."""
    dashboard.check_room()
    return sse(request, _events(dashboard))


async def _events(dashboard: Dashboard) -> AsyncIterator[bytes]:
    async for told in dashboard.watch():
        yield event("now", told)
