"""What routes may ask for: typed aliases over the lifespan's state."""

from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from serving.access import key_in_header
from serving.cataloging import CatalogWriter
from serving.collecting import Collector
from serving.decision_reading import DecisionReader
from serving.experiments import ExperimentReader
from serving.health import Watcher
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
    experiments: ExperimentReader
    decisions: DecisionReader
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


async def _experiments(request: Request) -> ExperimentReader:
    return cast(ExperimentReader, request.state.experiments)


async def _decisions(request: Request) -> DecisionReader:
    return cast(DecisionReader, request.state.decisions)


async def _metrics(request: Request) -> ServingMetrics:
    return cast(ServingMetrics, request.state.metrics)


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
ExperimentsOf = Annotated[ExperimentReader, Depends(_experiments)]
DecisionsOf = Annotated[DecisionReader, Depends(_decisions)]
MetricsOf = Annotated[ServingMetrics, Depends(_metrics)]
TriggerFeedOf = Annotated[TriggerFeed, Depends(_trigger_feed)]
UsersOf = Annotated[UserReader, Depends(_users)]
WatcherOf = Annotated[Watcher, Depends(_watcher)]
NeedSecretKey = Depends(_need_secret_key)
