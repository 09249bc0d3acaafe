"""The trainer on a real Redis: a function of the log of steps, whenever it is killed."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
import redis

from config.keys import Keys
from config.session_log import STEPS_FIELD, TIME_FIELD, Step, encode_steps
from online_models.progress import NextProductProgress
from online_models.session_index import COUNT
from online_models.snapshots import BLOCK_PRODUCTS, read_snapshot, take_snapshot
from stream.trainer import PUBLISH_SECONDS, Trainer

KEYS = Keys("test")
CAPACITY = 1_024


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time (s)."""
        return self.now


def a_trainer(client: redis.Redis, clock: Hand | None = None, capacity: int = CAPACITY) -> Trainer:
    clock = clock or Hand()
    return Trainer(client, KEYS, capacity, NextProductProgress(clock), clock)


def story(n_steps: int, seed: int = 1, n_products: int = 60) -> list[Step]:
    """Return steps of a few sessions at a time, carts among them."""
    rng = Random(seed)
    return [
        Step(
            n // 40 * 8 + rng.randrange(8),
            f"p{min(rng.randrange(n_products), rng.randrange(n_products))}",
            "cart" if rng.random() < 0.1 else "view",
        )
        for n in range(n_steps)
    ]


def append(client: redis.Redis, steps: Sequence[Step]) -> None:
    """Append an entry as the owner of the log does."""
    newest: Any = client.xrevrange(KEYS.session_log(), count=1)
    end = int(newest[0][0].split(b"-")[0]) if newest else 0
    fields: Any = {STEPS_FIELD: encode_steps(steps), TIME_FIELD: 1}
    client.xadd(KEYS.session_log(), fields, id=f"{end + len(steps)}-0")


def written(client: redis.Redis) -> tuple[Any, list[bytes]]:
    """Return the snapshot in Redis, having checked that it is whole, and its blocks."""
    data: Any = client.get(KEYS.snapshot())
    snapshot = read_snapshot(data)
    found: Any = client.hgetall(KEYS.vector_table(snapshot.table))
    assert sorted(int(name) for name in found) == list(range(snapshot.n_blocks))
    assert client.get(KEYS.snapshot_position()) == b"%d" % snapshot.position
    return snapshot, [found[b"%d" % n] for n in range(snapshot.n_blocks)]


def tables(client: redis.Redis) -> list[str]:
    """Return the names of the tables that lie in Redis, told or not."""
    keys: Any = client.keys(KEYS.vector_table("*").replace("{", "[{]"))
    named: Any = client.smembers(KEYS.vector_tables())
    assert {key.rpartition(b":")[2] for key in keys} == named
    return sorted(name.decode() for name in named)


def same(first: Trainer, second: Trainer) -> bool:
    """Tell whether two trainers know the same, to the byte."""
    (mine, my_blocks), (theirs, their_blocks) = (
        take_snapshot(one.model.next_product, one.position, "t") for one in (first, second)
    )
    my_index, their_index = (one.model.next_product.steps.index.products for one in (first, second))
    is_same = np.array_equal(my_index, their_index)
    return is_same and mine == theirs and my_blocks == their_blocks


@pytest.mark.parametrize("seed", range(4))
def test_a_trainer_killed_anywhere_ends_as_an_undisturbed_one(
    redis_client: redis.Redis, seed: int
) -> None:
    steps, rng = story(900), Random(seed)
    entries = [steps[start : start + 30] for start in range(0, len(steps), 30)]
    undisturbed = a_trainer(redis_client)
    for number, entry in enumerate(entries):
        append(redis_client, entry)
        undisturbed.step()
        if number % 5 == 4:
            undisturbed.publish()
    last, blocks = written(redis_client)
    redis_client.flushall()

    killed = a_trainer(redis_client)
    for number, entry in enumerate(entries):
        append(redis_client, entry)
        if rng.random() < 0.5:
            killed.step()
        if rng.random() < 0.3:
            killed = a_trainer(redis_client)
        if number % 5 == 4:
            killed.step()
            killed.publish()

    found, found_blocks = written(redis_client)
    assert (found.position, found.weights) == (last.position, last.weights)
    assert (found.random, found.n_trained) == (last.random, last.n_trained)
    assert last.n_trained > 100
    assert found_blocks == blocks
    assert same(killed, undisturbed)
    assert tables(redis_client) == [found.table]


def test_a_trainer_that_starts_again_on_a_full_index_has_the_rows_and_counts_it_had(
    redis_client: redis.Redis,
) -> None:
    """Products come and go meanwhile; what stands in the last events is what there is."""
    before = a_trainer(redis_client, capacity=128)
    for number in range(40):
        append(redis_client, story(30, seed=number, n_products=20 + 10 * number))
        before.step()
    before.publish()

    after = a_trainer(redis_client, capacity=128)
    after.step()

    mine, theirs = before.model.next_product, after.model.next_product
    assert mine.steps.slots.names == theirs.steps.slots.names
    known = [row for row, name in enumerate(mine.steps.slots.names) if name]
    assert np.array_equal(mine.vectors.table[known], theirs.vectors.table[known])
    counts, again = (one.steps.index.products[known, COUNT] for one in (mine, theirs))
    assert np.array_equal(counts, again)


def test_it_publishes_when_it_is_time_and_only_what_is_new(redis_client: redis.Redis) -> None:
    clock = Hand()
    trainer = a_trainer(redis_client, clock)
    trainer.publish()
    trainer.step()
    assert redis_client.get(KEYS.snapshot()) is None
    append(redis_client, story(50))

    trainer.step()
    assert redis_client.get(KEYS.snapshot()) is None
    clock.now += PUBLISH_SECONDS
    trainer.step()
    first, _ = written(redis_client)
    for _ in range(3):
        clock.now += PUBLISH_SECONDS
        trainer.step()

    assert first.position == 50
    assert written(redis_client)[0] == first
    append(redis_client, story(10, seed=2))
    trainer.step()
    clock.now += PUBLISH_SECONDS
    trainer.step()
    second, _ = written(redis_client)
    assert second.position == 60
    assert tables(redis_client) == [second.table] != [first.table]


def test_two_trainers_at_once_never_leave_a_broken_snapshot(redis_client: redis.Redis) -> None:
    both, rng = [a_trainer(redis_client), a_trainer(redis_client)], Random(1)
    for number in range(120):
        append(redis_client, story(5, seed=number))
        one = rng.choice(both)
        one.step()
        if rng.random() < 0.4:
            one.publish()
        if redis_client.exists(KEYS.snapshot()):
            written(redis_client)
    for one in both:
        one.step()
        one.publish()
        one.step()
        one.publish()

    snapshot, _ = written(redis_client)
    assert snapshot.position == 600
    assert tables(redis_client) == [snapshot.table]


class Interrupted(redis.Redis):
    """A client with which something happens before a command is sent."""

    meanwhile: Callable[[str], None] = staticmethod(lambda _: None)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        """Let it happen also before what is watched changes."""
        pipeline = super().pipeline(transaction, shard_hint)
        multi = pipeline.multi

        def interrupted() -> None:
            self.meanwhile("MULTI")
            multi()

        pipeline.multi = interrupted  # type: ignore[method-assign]
        return pipeline

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Let it happen first."""
        self.meanwhile(str(args[0]))
        return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("publishes", [True, False])
@pytest.mark.parametrize(
    ("command", "nth"),
    [("SADD", 1), ("HSET", 1), ("HSET", 2), ("MULTI", 1), ("UNLINK", 1), ("SREM", 1)],
)
def test_a_trainer_that_another_overtakes_while_it_publishes_leaves_nothing_broken(
    redis_client: redis.Redis, redis_url: str, command: str, nth: int, publishes: bool
) -> None:
    """Another one that starts removes tables of no snapshot: also one that is half written."""
    steps = [Step(n // 4, f"p{n}", "view") for n in range(33 * BLOCK_PRODUCTS)]
    for start in range(0, len(steps), 200):
        append(redis_client, steps[start : start + 200])
    client = Interrupted.from_url(redis_url)
    assert isinstance(client, Interrupted)
    slow, quick = (a_trainer(one, capacity=1 << 14) for one in (client, redis_client))
    for one in (slow, quick):
        one.behind = len(steps)  # so that most is only indexed
        one.step()
    n_told = 0

    def overtake(told: str) -> None:
        nonlocal n_told
        n_told += told == command
        if n_told == nth:
            client.meanwhile = lambda _: None
            quick.forget()
            quick.step()
            if publishes:
                quick.publish()

    slow.publish()
    append(redis_client, story(5))
    slow.step()
    client.meanwhile = overtake
    slow.publish()
    client.meanwhile = lambda _: None
    assert n_told == nth

    snapshot, blocks = written(redis_client)
    assert len(blocks) >= 33
    slow.step()
    slow.publish()
    snapshot, _ = written(redis_client)
    assert snapshot.position == len(steps) + 5
    a_trainer(redis_client, capacity=1 << 14).step()
    assert tables(redis_client) == [snapshot.table]
    client.close()


def test_an_emptied_redis_is_learned_anew(redis_client: redis.Redis) -> None:
    clock = Hand()
    trainer = a_trainer(redis_client, clock)
    append(redis_client, story(100))
    trainer.step()
    trainer.publish()
    redis_client.flushall()
    append(redis_client, story(40, seed=2))
    clock.now += PUBLISH_SECONDS
    trainer.step()
    trainer.step()
    trainer.publish()

    fresh = a_trainer(redis_client)
    redis_client.delete(KEYS.snapshot())
    fresh.step()
    assert trainer.position == written_position(redis_client) == 40
    assert same(trainer, fresh)


def written_position(client: redis.Redis) -> int:
    value: Any = client.get(KEYS.snapshot_position())
    return int(value)


def test_a_log_that_was_trimmed_is_learned_from_where_it_begins(redis_client: redis.Redis) -> None:
    steps = story(300)
    for start in range(0, 300, 10):
        append(redis_client, steps[start : start + 10])
    redis_client.xtrim(KEYS.session_log(), minid="200-0", approximate=False)
    trainer = a_trainer(redis_client)
    trainer.step()

    assert trainer.position == 300
    assert trainer.n_learned == 110
    assert len(trainer.model.next_product.steps) + len(trainer.model.baskets.steps) == 110


@pytest.mark.parametrize("harm", ["weights", "block", "no block", "version", "other log"])
def test_a_snapshot_that_cannot_be_used_is_learned_anew_and_replaced(
    redis_client: redis.Redis, harm: str
) -> None:
    for number in range(10):
        append(redis_client, story(10, seed=number))
    first = a_trainer(redis_client)
    first.step()
    first.publish()
    snapshot, _ = written(redis_client)
    data: Any = redis_client.get(KEYS.snapshot())
    table = KEYS.vector_table(snapshot.table)
    if harm == "weights":
        redis_client.set(KEYS.snapshot(), data.replace(snapshot.weights, snapshot.weights[::-1]))
    elif harm == "block":
        redis_client.hset(table, "0", b"broken")
    elif harm == "no block":
        redis_client.delete(table)
    elif harm == "version":
        redis_client.set(KEYS.snapshot(), data[:-1] + b"\x02")
    else:
        redis_client.delete(KEYS.session_log())
        append(redis_client, story(150, seed=3))
    trainer, clock = a_trainer(redis_client, hand := Hand()), hand
    while trainer.step():
        pass
    append(redis_client, story(10, seed=99))
    trainer.step()
    clock.now += PUBLISH_SECONDS
    trainer.step()

    again, _ = written(redis_client)
    assert again.position == trainer.position == (160 if harm == "other log" else 110)
    assert trainer.n_learned == trainer.position
    assert tables(redis_client) == [again.table]
