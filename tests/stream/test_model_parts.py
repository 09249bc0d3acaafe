"""Dense models and sums of experiments, committed with the positions: each example once."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
import redis

from config.examples import Example, Exposed, Rewarded, Visited
from config.keys import MODELS_CHANGED, N_MODEL_SHARDS, SUMS_CHANGED
from online_models.budgets import KEPT_DAYS
from online_models.dense import Kind, Kinds, arm_of, reward_of
from online_models.experiment_sums import decode_sums, experiment_shard, sums_field
from online_models.popularity import model_shard
from online_models.progress import Progress
from stream.commands import Command
from stream.model_parts import DenseShard, SumsShard
from tests.builders import NOON
from tests.stream.test_model_shards import KEYS, Owner, append


@dataclass
class Diary:
    """A model that remembers, in order, all it was taught: anything lost or twice shows."""

    entries: list[tuple[str, float]] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self.entries)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Diary":
        return cls(msgspec.json.decode(data, type=list[tuple[str, float]]))


def note(diary: Diary, example: Example) -> bool:
    if isinstance(example, Rewarded):
        if example.probability <= 0:
            return False
        diary.entries.append((arm_of(example), reward_of(example)))
    elif isinstance(example, Visited):
        diary.entries.append(("visit", example.features[0]))
    return True


DIARY = Kind(Diary, Diary.from_bytes, note)
DIARIES: Kinds = {"policy:": DIARY, "order": DIARY, "leave": DIARY}


def a_reward(number: int = 0, policy: str = "policy:hero", **more: Any) -> Rewarded:
    facts: dict[str, Any] = {
        "policy": policy,
        "goal": "margin",
        "placement": "hero",
        "campaign": "spring",
        "variation": f"v{number}",
        "probability": 0.5,
        "features": [0.5],
        "is_holdout": False,
        "shown_at": NOON,
        "is_clicked": True,
        "n_orders": 1,
        "revenue": 20.0,
        "margin": float(number),
    }
    return Rewarded(**facts | more)


def exposed(experiment: str = "colors", variation: str = "red", **more: Any) -> Exposed:
    return Exposed(experiment, variation, NOON, **more)


def diary(client: redis.Redis, name: str) -> list[tuple[str, float]]:
    data: Any = client.hget(KEYS.models(model_shard(name)), name)
    return [] if data is None else Diary.from_bytes(data).entries


def test_each_example_is_learned_once_whatever_is_killed_between(redis_client: redis.Redis) -> None:
    rng, owner = Random(5), Owner(redis_client, kinds=DIARIES)
    for number in range(40):
        append(redis_client, a_reward(number))
        append(redis_client, Visited([float(number)], NOON, is_last=False, is_ordered=True))
        append(redis_client, exposed(orders=1, revenue=float(number)))
        if number % 7 == 3:
            owner.reader.read()  # lost between the reader and the commit
        if number % 5 == 0:
            owner = Owner(redis_client, kinds=DIARIES)
        owner.go(*rng.sample(range(N_MODEL_SHARDS), 5))  # as if killed before the others
    for _ in range(3):
        Owner(redis_client, kinds=DIARIES).go()

    sums: Any = redis_client.hget(
        KEYS.experiments(experiment_shard("colors")), sums_field("colors", "red")
    )
    assert diary(redis_client, "policy:hero") == [(f"spring/v{n}", float(n)) for n in range(40)]
    assert diary(redis_client, "order") == [("visit", float(n)) for n in range(40)]
    assert diary(redis_client, "leave") == diary(redis_client, "order")
    assert (decode_sums(sums).orders, decode_sums(sums).revenue) == (40, sum(range(40)))


def test_two_learners_taking_turns_learn_each_example_once(redis_client: redis.Redis) -> None:
    owners = [Owner(redis_client, kinds=DIARIES) for _ in range(2)]
    for number in range(30):
        append(redis_client, a_reward(number))
        owners[number % 2].go()
    for owner in owners:
        owner.go()

    assert diary(redis_client, "policy:hero") == [(f"spring/v{n}", float(n)) for n in range(30)]


def test_servers_are_told_of_models_and_sums(redis_client: redis.Redis) -> None:
    append(redis_client, a_reward())
    append(redis_client, exposed(visitors=1))
    Owner(redis_client, kinds=DIARIES).go()

    told: dict[bytes, list[str]] = {}
    for shard in range(N_MODEL_SHARDS):
        entries: Any = redis_client.xrange(KEYS.model_changes(shard))
        for _, fields in entries:
            for what in (MODELS_CHANGED, SUMS_CHANGED):
                if what in fields:
                    told.setdefault(what, []).append(fields[what].decode())

    assert told == {
        MODELS_CHANGED: ["policy:hero"],
        SUMS_CHANGED: [sums_field("colors", "red")],
    }


def test_what_no_model_can_use_is_refused_and_counted(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client, kinds=DIARIES)
    append(redis_client, a_reward(policy="oracle:hero"))
    append(redis_client, a_reward(policy="policy:"))
    append(redis_client, a_reward(probability=0.0))
    append(redis_client, a_reward(policy=""))  # a rule chose: nothing learns from it

    reports = owner.go()

    refused = sum((report.refused for report in reports), start=reports[0].refused.__class__())
    assert refused == {"unknown_model": 2, "bad_example": 1}
    assert all(report.is_committed for report in reports)


def in_memory(stored: dict[str, bytes]) -> Any:
    """Return what reads from a hash that lies in memory."""

    def read(command: Command) -> Any:
        if command[0] == "HLEN":
            return len(stored)
        return [stored.get(str(name)) for name in command[2:]]

    return read


def test_a_model_shard_takes_a_bounded_number_of_models() -> None:
    names = [f"policy:p{n}" for n in range(200)]  # about 25 for each model shard
    mine = [name for name in names if model_shard(name) == 3]
    stored = {mine[0]: Diary().to_bytes()}
    part = DenseShard(3, "models", DIARIES, Progress(float), max_models=3)

    learned = part.learn([a_reward(policy=name) for name in names], in_memory(stored))

    assert len(learned.names) == 3
    assert learned.refused == {"too_many_models": len(mine) - 3}


def test_a_model_that_cannot_be_read_is_learned_anew_and_counted() -> None:
    part = DenseShard(model_shard("policy:hero"), "models", DIARIES, Progress(float))

    learned = part.learn([a_reward(3)], in_memory({"policy:hero": b"\xff"}))

    assert learned.refused == {"unreadable_model": 1}
    assert learned.commands == [
        ("HSET", "models", "policy:hero", Diary([("spring/v3", 3.0)]).to_bytes())
    ]


def test_a_model_shard_takes_a_bounded_number_of_sums() -> None:
    shard = experiment_shard("colors")
    part = SumsShard(shard, "sums", max_sums=2)
    examples = [exposed(variation=f"v{n}", visitors=1) for n in range(5)]

    learned = part.learn(examples, in_memory({}))

    assert learned.names == [sums_field("colors", "v0"), sums_field("colors", "v1")]
    assert learned.refused == {"too_many_sums": 3}


def test_sums_that_would_not_be_finite_are_refused() -> None:
    part = SumsShard(experiment_shard("colors"), "sums")

    learned = part.learn([exposed(revenue=float("inf")), exposed(orders=1)], in_memory({}))

    assert learned.refused == {"bad_example": 1}
    assert learned.names == [sums_field("colors", "red")]


def test_days_of_a_campaign_that_are_long_over_go_with_a_new_one() -> None:
    name = "campaign:ten-off"
    part = SumsShard(experiment_shard(name), "sums")

    learned = part.learn([exposed(name, "2026-03-05", revenue=5.0)], in_memory({}))

    removed = next(command for command in learned.commands if command[0] == "HDEL")
    assert len(removed) == 2 + KEPT_DAYS
    assert removed[2] == sums_field(name, "2026-02-01")
    assert set(removed[2:]) | {sums_field(name, "2026-03-05")} == set(learned.names)
