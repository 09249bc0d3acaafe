"""What workers and learners tell the dashboard: what they committed, and once."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry
from redis.exceptions import OutOfMemoryError

from config.figures import FIGURES_FIELD, Figures, decode_figures
from online_models.progress import Progress
from stream.figures import FiguresPublisher, learner_figures, worker_figures
from stream.main import run_learner
from stream.metrics import LearnMetrics, StreamMetrics
from tests.builders import IDS, an_event
from tests.stream.test_learner import append as append_example
from tests.stream.test_learner import stories
from tests.stream.test_worker import KEYS, append, settings_for, until, workers


def told(client: redis.Redis, role: str) -> list[Figures]:
    """Return what processes of a role told; of entries with one number the last."""
    entries: Any = client.xrange(KEYS.figures())
    found = [decode_figures(fields[FIGURES_FIELD]) for _, fields in entries]
    return list({(one.process, one.n): one for one in found if one.role == role}.values())


def sums(entries: list[Figures], family: str) -> dict[str, float]:
    counted: dict[str, float] = Counter()  # type: ignore[assignment]
    for entry in entries:
        for label, number in entry.counts.get(family, {}).items():
            counted[label] += number
    return counted


def applied(client: redis.Redis) -> float:
    return sums(told(client, "worker"), "applied")["track applied"]


def has_applied(client: redis.Redis, n_events: int) -> bool:
    return applied(client) == n_events


def test_workers_of_one_name_tell_together_what_each_applied_and_how_long_it_took(
    redis_client: redis.Redis, redis_url: str
) -> None:
    for n_before in (0, 25):
        for number in range(25):
            append(redis_client, an_event(user=f"ann-{number}", message_id=f"{n_before}-{number}"))
        with workers(settings_for(redis_url), "one"):
            until(partial(has_applied, redis_client, n_before + 25))
    entries = told(redis_client, "worker")
    assert len({entry.process for entry in entries}) == 2
    timed = sum(n for one in entries for n in one.latencies.get("append_to_commit", {}).values())
    assert timed == sums(entries, "commits")["committed"] > 0
    assert entries[-1].levels["worker"]["owned"] == IDS.n_shards
    assert set(entries[-1].levels["lag"]) <= {str(shard) for shard in range(IDS.n_shards)}
    assert entries[-1].levels["worker"]["memory"] > 0


def test_a_learner_tells_what_it_learned(redis_client: redis.Redis, redis_url: str) -> None:
    examples = stories(seed=5, n_examples=60)
    for number, example in enumerate(examples):
        append_example(redis_client, example, number % 4)
    with workers(settings_for(redis_url), "l-1", run=run_learner):
        until(lambda: sums(told(redis_client, "learner"), "learned")["steps"] == len(examples))
    last = told(redis_client, "learner")[-1]
    assert last.levels == {"learner": {"behind": 0.0}}


class Full:
    """A Redis that is full at first."""

    def __init__(self, client: redis.Redis) -> None:
        self.is_full = True
        self._client = client

    def xadd(self, *arguments: Any, **more: Any) -> Any:
        """Refuse while it is full."""
        if self.is_full:
            raise OutOfMemoryError
        return self._client.xadd(*arguments, **more)


def test_a_full_redis_loses_nothing_of_what_is_told(redis_client: redis.Redis) -> None:
    metrics, full, now = StreamMetrics(CollectorRegistry()), Full(redis_client), [100.0]
    publisher = FiguresPublisher(
        full,  # type: ignore[arg-type]
        KEYS,
        "w-1",
        "worker",
        lambda: worker_figures(metrics),
        lambda: now[0],
    )
    metrics.commits.inc(3)
    publisher.publish()
    metrics.commits.inc(2)
    full.is_full = False
    now[0] += 1.0
    publisher.publish()
    [entry] = told(redis_client, "worker")
    assert entry.counts["commits"]["committed"] == 5.0


@pytest.mark.parametrize(("passed", "n_entries"), [(0.9, 1), (1.0, 2)])
def test_nothing_is_told_before_it_is_time(
    redis_client: redis.Redis, passed: float, n_entries: int
) -> None:
    metrics, progress, now = LearnMetrics(CollectorRegistry()), Progress(float), [100.0]
    publisher = FiguresPublisher(
        redis_client,
        KEYS,
        "l-1",
        "learner",
        lambda: learner_figures(metrics, progress),
        lambda: now[0],
    )
    publisher.publish()
    now[0] += passed
    publisher.publish()
    assert redis_client.xlen(KEYS.figures()) == n_entries
