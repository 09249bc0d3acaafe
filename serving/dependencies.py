"""What routes may ask for: typed aliases over the lifespan's state."""

from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from serving.access import key_in_header
from serving.cataloging import CatalogWriter
from serving.collecting import Collector
from serving.dashboard import Dashboard
from serving.decision_reading import DecisionReader
from serving.experiments import ExperimentReader
from serving.health import Watcher
from serving.metric_pages import MetricPages
from serving.metrics import ServingMetrics
from serving.personalizing import Personalizer
from serving.reloading import CampaignFile
from serving.trigger_feed import TriggerFeed
from serving.users import UserReader


class State(TypedDict):
    """What the lifespan hands to every request."""

    campaign_file: CampaignFile
    catalog_writer: CatalogWriter
    collector: Collector
    dashboard: Dashboard
    experiments: ExperimentReader
    decisions: DecisionReader
    metric_pages: MetricPages
    metrics: ServingMetrics
    personalizer: Personalizer
    trigger_feed: TriggerFeed
    users: UserReader
    watcher: Watcher


# Async although they wait for nothing: FastAPI would run plain functions in threads.
async def _campaign_file(request: Request) -> CampaignFile:
    return cast(CampaignFile, request.state.campaign_file)


async def _collector(request: Request) -> Collector:
    return cast(Collector, request.state.collector)


async def _dashboard(request: Request) -> Dashboard:
    return cast(Dashboard, request.state.dashboard)


async def _experiments(request: Request) -> ExperimentReader:
    return cast(ExperimentReader, request.state.experiments)


async def _decisions(request: Request) -> DecisionReader:
    return cast(DecisionReader, request.state.decisions)


async def _metric_pages(request: Request) -> MetricPages:
    return cast(MetricPages, request.state.metric_pages)


async def _trigger_feed(request: Request) -> TriggerFeed:
    return cast(TriggerFeed, request.state.trigger_feed)


async def _users(request: Request) -> UserReader:
    return cast(UserReader, request.state.users)


async def _watcher(request: Request) -> Watcher:
    return cast(Watcher, request.state.watcher)


async def _need_secret_key(request: Request) -> None:
    key = key_in_header(request.headers.get("authorization"))
    collector: Collector = request.state.collector
    collector.key_ring.secret_caller(key)


CampaignFileOf = Annotated[CampaignFile, Depends(_campaign_file)]
CollectorOf = Annotated[Collector, Depends(_collector)]
DashboardOf = Annotated[Dashboard, Depends(_dashboard)]
ExperimentsOf = Annotated[ExperimentReader, Depends(_experiments)]
DecisionsOf = Annotated[DecisionReader, Depends(_decisions)]
MetricPagesOf = Annotated[MetricPages, Depends(_metric_pages)]
TriggerFeedOf = Annotated[TriggerFeed, Depends(_trigger_feed)]
UsersOf = Annotated[UserReader, Depends(_users)]
WatcherOf = Annotated[Watcher, Depends(_watcher)]
NeedSecretKey = Depends(_need_secret_key)
