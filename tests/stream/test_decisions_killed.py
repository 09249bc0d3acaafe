"""Workers and learners are killed while decisions and what follows come in: each counts once."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import msgspec
import redis

from config.events import (
    ENTRY_FIELD,
    SUBJECT_FIELD,
    CampaignChoice,
    Decided,
    Entry,
    Event,
    encode_entry,
)
from config.examples import Rewarded, decode_examples
from online_models.contexts import N_CONTEXT
from online_models.experiment_sums import decode_sums, experiment_shard, sums_field
from stream.main import run_learner
from tests.builders import IDS, an_event
from tests.stream.test_learner import n_commits
from tests.stream.test_worker import KEYS, now_ms, settings_for, until, workers

SPRING = CampaignChoice(
    "hero",
    "spring",
    "a",
    policy="policy:hero",
    features=[0.0] * N_CONTEXT,
    goal="order",
    click_ms=300,
    order_ms=300,
)
N_VISITORS = 240
Sums = tuple[int, int, int, float, float]


def story(number: int) -> list[Decided | Event]:
    """Return what is decided for a visitor and what the visitor does, not dated yet."""
    user, decision_id = f"user-{number}", f"d-{number}"
    seen: dict[str, Any] = {
        "promotion_id": "spring",
        "position": "hero",
        "decision_id": decision_id,
    }
    entries: list[Decided | Event] = [
        Decided(decision_id, 0, [SPRING], [("colors", "red" if number % 2 else "blue")]),
        an_event("Promotion Viewed", user=user, **seen),
    ]
    if number % 3 == 0:
        entries.append(an_event("Promotion Clicked", user=user, **seen))
    if number % 5 == 0:
        facts: dict[str, Any] = {"order_id": f"o-{number}", "revenue": float(number)}
        entries.append(an_event("Order Completed", user=user, **facts))
    return entries


def append_story(client: redis.Redis, number: int) -> None:
    """Append a story at once, dated now: what follows a decision comes within its windows."""
    at, subject = now_ms(), IDS.known(f"user-{number}")
    with client.pipeline(transaction=True) as pipeline:
        for entry in story(number):
            dated: Entry = msgspec.structs.replace(entry, received_at=at)
            if isinstance(dated, Event):
                dated = msgspec.structs.replace(dated, occurred_at=at)
            fields: Any = {ENTRY_FIELD: encode_entry(dated), SUBJECT_FIELD: subject.digest}
            pipeline.xadd(KEYS.events(subject.shard), fields)
        pipeline.execute()


def go_on(client: redis.Redis, numbers: Iterator[int], n_rounds: int = 8) -> None:
    """Append stories until workers and learners have committed so many more rounds.

    Only a few ahead of them: those that take long to start must not find all in one round.
    """
    before, n_appended = n_committed(client), 0

    def have_gone_on() -> bool:
        nonlocal n_appended
        n_more = min(now - then for now, then in zip(n_committed(client), before, strict=True))
        if n_appended < 3 * (n_more + 1):
            for number in islice(numbers, 3):
                append_story(client, number)
                n_appended += 1
        return n_more >= n_rounds

    until(have_gone_on)


def n_committed(client: redis.Redis) -> tuple[int, int]:
    """Return how many commits of workers taught something, and how many learners have made."""
    counts: list[Any] = [client.xlen(KEYS.examples(shard)) for shard in range(IDS.n_shards)]
    return sum(counts), n_commits(client)


def rewards(client: redis.Redis) -> list[Rewarded]:
    replies: list[Any] = [client.xrange(KEYS.examples(shard)) for shard in range(IDS.n_shards)]
    fields = [found[ENTRY_FIELD] for entries in replies for _, found in entries]
    examples = [example for data in fields for example in decode_examples(data)]
    return [example for example in examples if isinstance(example, Rewarded)]


def sums_of(client: redis.Redis) -> dict[str, Sums]:
    """Return visitors, clicked, orders, revenue and its squares, by variation."""
    key, found = KEYS.experiments(experiment_shard("colors")), {}
    for name in ("red", "blue"):
        data: Any = client.hget(key, sums_field("colors", name))
        if data is not None:
            sums = decode_sums(data)
            found[name] = (
                sums.visitors,
                sums.clicked,
                sums.orders,
                sums.revenue,
                sums.squared_revenue,
            )
    return found


def expected_sums(variation: str) -> Sums:
    numbers = [n for n in range(N_VISITORS) if (n % 2 == 1) is (variation == "red")]
    orders = [float(n) for n in numbers if n % 5 == 0]
    clicked = [n for n in numbers if n % 3 == 0]
    return len(numbers), len(clicked), len(orders), sum(orders), sum(n * n for n in orders)


def test_killed_workers_and_learners_count_and_teach_each_decision_once(
    redis_client: redis.Redis, redis_url: str
) -> None:
    settings = settings_for(redis_url)
    numbers = iter(Random(1).sample(range(N_VISITORS), N_VISITORS))
    expected = {name: expected_sums(name) for name in ("red", "blue")}
    with (
        workers(settings, "one", "two") as working,
        workers(settings, "three", "four", run=run_learner) as learning,
    ):
        go_on(redis_client, numbers)
        working[0].kill()
        learning[0].kill()
        go_on(redis_client, numbers)
        with workers(settings, "five"), workers(settings, "six", run=run_learner):
            go_on(redis_client, numbers)
            working[1].kill()
            learning[1].kill()
            go_on(redis_client, numbers)
            rest = list(numbers)
            assert rest, "all came before the last kill"
            for number in rest:
                append_story(redis_client, number)
            until(lambda: len(rewards(redis_client)) >= N_VISITORS)
            until(lambda: sums_of(redis_client) == expected)

    taught = rewards(redis_client)
    times = Counter((one.is_clicked, one.n_orders, one.revenue) for one in taught)
    assert len(taught) == N_VISITORS
    assert times == Counter(
        (n % 3 == 0, int(n % 5 == 0), float(n) if n % 5 == 0 else 0.0) for n in range(N_VISITORS)
    )
