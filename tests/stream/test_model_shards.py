"""The learning flow's commit rule, on a real Redis, step by step."""

from math import isclose
from typing import Any

import redis

from config.events import ENTRY_FIELD, SUBJECT_FIELD
from config.examples import Example, Touched, encode_examples
from config.keys import N_MODEL_SHARDS, Keys
from config.session_log import STEPS_AN_ENTRY, STEPS_FIELD, Step, decode_steps
from online_models.dense import Kinds
from online_models.kinds import KINDS
from online_models.popularity import Row, decode_row, learn_row, rows_of
from stream.example_reader import ExampleReader
from stream.model_shards import LearnReport, ModelShard, Ranges, decode_model_commit
from stream.transactions import Transactions
from tests.builders import DAY, MINUTE, NOON

KEYS = Keys("test")
N_SOURCES = 3


def touch(product: str, session: int = 1, at: int = NOON, category: str = "shoes") -> Touched:
    return Touched(product, "view", at, session, category)


def append(client: redis.Redis, example: Example, source: int = 0) -> None:
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_examples([example]), SUBJECT_FIELD: b"ann"}
    client.xadd(KEYS.examples(source), fields)


def stored(client: redis.Redis, keys: Keys = KEYS) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for shard in range(N_MODEL_SHARDS):
        found: Any = client.hgetall(keys.model_rows(shard))
        rows |= {name.decode(): decode_row(value) for name, value in found.items()}
    return rows


def expected(*examples: Touched) -> dict[str, Row]:
    """Return the rows by learning one after the other, in memory."""
    rows: dict[str, Row] = {}
    for example in examples:
        for name in rows_of(example):
            learn_row(rows.setdefault(name, Row(example.occurred_at)), example)
    return rows


def alike(first: dict[str, Row], second: dict[str, Row]) -> bool:
    def close(mine: dict[str, float], other: dict[str, float]) -> bool:
        return mine.keys() == other.keys() and all(
            isclose(mine[name], other[name], rel_tol=1e-9) for name in mine
        )

    return first.keys() == second.keys() and all(
        close(first[name].sums, second[name].sums) for name in first
    )


def steps_in_log(client: redis.Redis, keys: Keys = KEYS) -> list[Step]:
    """Return all steps in their log, having checked that each entry says where it ends."""
    entries: Any = client.xrange(keys.session_log())
    steps: list[Step] = []
    for name, fields in entries:
        steps += decode_steps(fields[STEPS_FIELD])
        assert name == b"%d-0" % len(steps)
    return steps


def as_steps(*examples: Touched) -> list[Step]:
    return [Step(one.session, one.product_id, one.action) for one in examples]


class Owner:
    """A learner that believes to own all model shards."""

    def __init__(
        self,
        client: redis.Redis,
        max_rows: int = 1_000,
        max_steps: int = 1_000,
        kinds: Kinds | None = None,
    ) -> None:
        self.reader = ExampleReader(client, KEYS, N_SOURCES)
        transactions = Transactions(client)
        self.shards = [
            ModelShard(
                number,
                transactions,
                KEYS,
                "learner",
                self.reader.send_back,
                lambda error: None,
                max_rows=max_rows,
                max_steps=max_steps,
                kinds=KINDS if kinds is None else kinds,
            )
            for number in range(N_MODEL_SHARDS)
        ]
        for number in range(N_MODEL_SHARDS):
            commit: Any = client.get(KEYS.model_commit(number))
            self.reader.stand_at(decode_model_commit(commit).positions)

    def go(self, *only: int) -> list[LearnReport]:
        """Read once and learn, in all model shards or only in some."""
        parts = self.reader.read()
        chosen = only or range(N_MODEL_SHARDS)
        return [self.shards[number].handle(Ranges(number, parts)) for number in chosen]


STORY = [
    touch("hat", at=NOON),
    touch("tent", at=NOON + MINUTE, category="camping"),
    touch("boots", at=NOON + 2 * MINUTE),
    touch("hat", session=2, at=NOON + 40 * DAY),
    touch("boots", session=2, at=NOON + 41 * DAY),
]


def test_rows_are_those_of_learning_one_after_the_other(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    for example in STORY:
        append(redis_client, example)
        owner.go()

    assert alike(stored(redis_client), expected(*STORY))
    assert steps_in_log(redis_client) == as_steps(*STORY)


def test_a_model_shard_that_fell_behind_catches_up_and_the_others_learn_nothing_twice(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    for number, example in enumerate(STORY):
        append(redis_client, example, source=number % N_SOURCES)
        owner.go(*range(number % 4, N_MODEL_SHARDS))  # as if killed before the others committed

    for _ in range(4):
        Owner(redis_client).go()

    assert alike(stored(redis_client), expected(*STORY))


def test_a_gap_is_refused_and_the_reader_goes_back(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, STORY[0])
    owner.reader.read()  # lost between the reader and the commit
    append(redis_client, STORY[1])

    reports = owner.go()

    assert {report.n_gaps for report in reports} == {1}
    assert stored(redis_client) == {}
    owner.go()
    assert alike(stored(redis_client), expected(*STORY[:2]))


def test_two_learners_taking_turns_learn_each_example_once(redis_client: redis.Redis) -> None:
    owners = [Owner(redis_client), Owner(redis_client)]
    for number, example in enumerate(STORY * 6):
        append(redis_client, example)
        owners[number % 2].go()
    for owner in owners:
        owner.go()

    assert alike(stored(redis_client), expected(*STORY * 6))
    assert steps_in_log(redis_client) == as_steps(*STORY * 6)


def test_positions_move_on_without_examples_for_a_model_shard(redis_client: redis.Redis) -> None:
    append(redis_client, STORY[0])
    Owner(redis_client).go()

    positions = []
    for number in range(N_MODEL_SHARDS):
        value: Any = redis_client.get(KEYS.model_commit(number))
        positions.append(decode_model_commit(value).positions)

    assert all(position == positions[0] for position in positions)


def test_servers_are_told_which_rows_changed(redis_client: redis.Redis) -> None:
    append(redis_client, STORY[1])
    Owner(redis_client).go()

    told: set[str] = set()
    for number in range(N_MODEL_SHARDS):
        entries: Any = redis_client.xrange(KEYS.model_changes(number))
        for _, fields in entries:
            told |= set(fields[b"n"].decode().split("\n"))

    assert told == set(rows_of(STORY[1]))


def test_a_full_model_shard_takes_no_new_rows_and_goes_on_learning(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client, max_rows=1)
    for number in range(40):
        append(redis_client, touch("boots", category=f"c{number}"))
    reports = owner.go()

    assert max(redis_client.hlen(KEYS.model_rows(n)) for n in range(N_MODEL_SHARDS)) == 1
    assert sum(report.n_refused_rows for report in reports) > 0


def test_steps_of_one_source_stay_in_order_and_none_is_lost_or_twice(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    by_source = [[touch(f"p{n}", session=source) for n in range(30)] for source in range(N_SOURCES)]
    for number in range(30):
        for source, examples in enumerate(by_source):
            append(redis_client, examples[number], source)
        if number % 7 == 3:
            owner.reader.read()  # lost between the reader and the commit
        if number % 4 == 0:
            owner = Owner(redis_client)
        owner.go(*range(number % 2, N_MODEL_SHARDS))
    for _ in range(3):
        Owner(redis_client).go()

    found = steps_in_log(redis_client)
    for source, examples in enumerate(by_source):
        assert [one for one in found if one.session == source] == as_steps(*examples)


def test_a_long_round_becomes_several_entries_and_old_entries_go(
    redis_client: redis.Redis,
) -> None:
    examples = [touch(f"p{number}") for number in range(3 * STEPS_AN_ENTRY // 2)]
    fields: dict[Any, Any] = {ENTRY_FIELD: encode_examples(examples), SUBJECT_FIELD: b"ann"}
    owner, key = Owner(redis_client, max_steps=STEPS_AN_ENTRY), KEYS.session_log()
    redis_client.xadd(KEYS.examples(0), fields)
    owner.go()
    assert redis_client.xlen(key) == 2
    assert steps_in_log(redis_client) == as_steps(*examples)

    for _ in range(200):  # an approximate bound drops whole nodes, of a hundred entries
        redis_client.xadd(KEYS.examples(0), fields)
        owner.go()

    assert redis_client.xlen(key) < 150
    newest: Any = redis_client.xrevrange(key, count=1)
    assert newest[0][0] == b"%d-0" % (201 * len(examples))
