"""Whole learner processes on a real Redis, killed while they learn."""

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD
from config.examples import Touched, encode_examples
from config.keys import N_MODEL_SHARDS
from stream.main import run_learner
from stream.model_shards import decode_model_commit
from tests.builders import IDS, MINUTE, NOON
from tests.stream.test_model_shards import alike, as_steps, expected, steps_in_log, stored
from tests.stream.test_worker import KEYS, settings_for, until, workers

N_SOURCES = IDS.n_shards


def stories(seed: int, n_examples: int) -> list[Touched]:
    rng = Random(seed)
    products = [f"p{n}" for n in range(40)]
    return [
        Touched(
            rng.choice(products),
            rng.choice(("view", "view", "cart", "order")),
            NOON + n * MINUTE,
            n,
            rng.choice(("shoes", "camping", None)),
        )
        for n in range(n_examples)
    ]


def append(client: redis.Redis, example: Touched, source: int) -> None:
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_examples([example]), SUBJECT_FIELD: b""}
    client.xadd(KEYS.examples(source), fields, id=f"{example.occurred_at}-0")


def n_commits(client: redis.Redis) -> int:
    values: Any = client.mget([KEYS.model_commit(shard) for shard in range(N_MODEL_SHARDS)])
    return sum(decode_model_commit(value).seq for value in values)


def append_until_more_is_learned(
    client: redis.Redis, numbered: Iterator[tuple[int, Touched]], n_rounds: int
) -> None:
    """Append examples while learners commit so many rounds.

    Only a few ahead of them: learners that take long to start must not find all in one round.
    """
    n_before, n_appended = n_commits(client), 0

    def is_learned() -> bool:
        nonlocal n_appended
        n_more = n_commits(client) - n_before
        if n_appended < 10 * (n_more + 1):
            for number, example in islice(numbered, 1):
                append(client, example, source=number % N_SOURCES)
                n_appended += 1
        return n_more >= n_rounds

    until(is_learned)


def has_learned_all(client: redis.Redis) -> bool:
    ends = {}
    for source in range(N_SOURCES):
        newest: Any = client.xrevrange(KEYS.examples(source), count=1)
        ends[source] = newest[0][0].decode()
    for shard in range(N_MODEL_SHARDS):
        value: Any = client.get(KEYS.model_commit(shard))
        if decode_model_commit(value).positions != ends:
            return False
    return True


def test_killed_learners_leave_what_learning_one_after_the_other_does(
    redis_client: redis.Redis, redis_url: str
) -> None:
    examples, settings = stories(seed=1, n_examples=4_000), settings_for(redis_url)
    numbered = iter(enumerate(examples))
    for n_kill in range(4):
        with workers(settings, "one", "two", run=run_learner) as running:
            append_until_more_is_learned(redis_client, numbered, n_rounds=9)
            running[n_kill % 2].kill()
            append_until_more_is_learned(redis_client, numbered, n_rounds=9)
    for number, example in numbered:
        append(redis_client, example, source=number % N_SOURCES)
    with workers(settings, "last", run=run_learner):
        until(lambda: has_learned_all(redis_client))

    # Each source is in order; sums of several sources do not depend on how they mix.
    assert alike(stored(redis_client, KEYS), expected(*examples))
    steps = steps_in_log(redis_client, KEYS)
    assert sorted(steps, key=lambda step: step.session) == as_steps(*examples)
    for source in range(N_SOURCES):
        told = as_steps(*examples[source::N_SOURCES])
        assert [step for step in steps if step.session % N_SOURCES == source] == told
