"""The holes that a weaker commit rule would leave, each tried on a real Redis."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import redis

from config.events import ENTRY_FIELD, Decided, Erase, Tick
from config.examples import Rewarded, decode_examples
from online_models.users import Suppressed, UserState
from stream.commands import Command
from stream.transactions import Transactions
from tests.builders import DAY, HOUR, MINUTE, NOON, an_event
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append, fields_of
from tests.stream.test_attribution import OFFER, SPRING, sums_of

OFFER_AT_EXIT = msgspec.structs.replace(OFFER, placement="exit", order_ms=HOUR - 1)


def test_two_owners_taking_turns_count_each_event_once(redis_client: redis.Redis) -> None:
    owners = [Owner(redis_client), Owner(redis_client)]
    for number in range(40):
        append(redis_client, an_event())
        owners[number % 2].go()

    for owner in owners:
        owner.go()

    assert owners[0].n_events() == 40


def test_two_owners_that_both_read_everything_count_each_event_once(
    redis_client: redis.Redis,
) -> None:
    owners = [Owner(redis_client), Owner(redis_client)]
    for number in range(30):
        append(redis_client, an_event())
        batches = [owner.read() for owner in owners]
        for owner, batch in zip(owners, batches, strict=True):
            owner.shard.handle(batch)

        assert owners[0].n_events() == number + 1


class Interrupted(Transactions):
    """Lets something else happen between reading the commit and writing the next one."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self.between: list[Callable[[], object]] = []

    def execute(self, commands: Sequence[Command]) -> None:
        while self.between:
            self.between.pop()()
        super().execute(commands)


def test_a_commit_that_another_owner_overtakes_is_refused_and_redone(
    redis_client: redis.Redis,
) -> None:
    interrupted = Interrupted(redis_client)
    slow = Owner(redis_client, transactions=interrupted)
    quick = Owner(redis_client)
    append(redis_client, an_event())
    interrupted.between.append(quick.go)

    report = slow.go()

    assert (report.n_conflicts, slow.n_events(), slow.commit().seq) == (1, 1, 1)


def test_a_commit_that_another_owner_overtakes_by_a_timer_is_refused_and_redone(
    redis_client: redis.Redis,
) -> None:
    interrupted = Interrupted(redis_client)
    slow = Owner(redis_client, transactions=interrupted)
    quick = Owner(redis_client)
    append(redis_client, an_event(at=NOON))
    slow.go()
    append(redis_client, Tick(NOON + 31 * MINUTE))
    batch = slow.read()
    append(redis_client, an_event(at=NOON + 32 * MINUTE))
    interrupted.between.append(quick.go)

    report = slow.shard.handle(batch)

    assert (report.n_conflicts, slow.n_events(), slow.commit().seq) == (1, 2, 2)


def test_an_owner_that_finds_another_seq_drops_its_cache(redis_client: redis.Redis) -> None:
    first, second = Owner(redis_client), Owner(redis_client)
    append(redis_client, an_event())
    first.go()
    append(redis_client, an_event())
    second.go()
    append(redis_client, an_event())

    first.go()

    assert first.n_events() == 3


def test_a_batch_after_a_refused_one_is_refused_too_and_the_source_goes_back(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    owner.read()  # lost between the source and the commit
    append(redis_client, an_event())

    report = owner.go()

    assert (report.n_gaps, owner.n_events()) == (1, 0)
    owner.go()
    assert owner.n_events() == 2


def test_a_commit_by_timer_only_makes_another_owners_cache_stale(
    redis_client: redis.Redis,
) -> None:
    sleeper, awake = Owner(redis_client), Owner(redis_client)
    append(redis_client, an_event(at=NOON))
    sleeper.go()
    append(redis_client, Tick(NOON + 31 * MINUTE))
    awake.go()
    append(redis_client, an_event(at=NOON + 32 * MINUTE))

    sleeper.go()

    state = sleeper.user()
    assert isinstance(state, UserState)
    assert (state.sessions.total, len(state.open_sessions)) == (1, 1)


def test_an_erased_user_does_not_come_back_from_another_owners_cache(
    redis_client: redis.Redis,
) -> None:
    caching, erasing = Owner(redis_client), Owner(redis_client)
    append(redis_client, an_event())
    caching.go()
    append(redis_client, Erase(NOON + 1), ANN.digest)
    erasing.go()
    append(redis_client, an_event(at=NOON + 2))

    caching.go()

    assert isinstance(caching.user(), Suppressed)


def test_a_redis_that_came_back_with_older_data_is_caught_up(redis_client: redis.Redis) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    owner.go()
    before = {key: redis_client.dump(key) for key in redis_client.scan_iter("*")}
    for _ in range(3):
        append(redis_client, an_event())
    owner.go()
    log_after = redis_client.dump(KEYS.events(SHARD))
    redis_client.flushall()
    for key, value in before.items():
        assert isinstance(value, bytes)
        redis_client.restore(key, 0, value)
    # The log reached the disk, the commit after it did not.
    assert isinstance(log_after, bytes)
    redis_client.restore(KEYS.events(SHARD), 0, log_after, replace=True)
    append(redis_client, an_event())

    owner.go()
    owner.go()

    assert owner.n_events() == 5


def test_a_quiet_shard_is_caught_up_too_when_redis_came_back_with_older_data(
    redis_client: redis.Redis,
) -> None:
    owner = Owner(redis_client)
    append(redis_client, an_event())
    owner.go()
    redis_client.delete(KEYS.commit(SHARD), KEYS.user(SHARD, ANN.digest), KEYS.timers(SHARD))

    owner.reader.stand_back({SHARD: owner.commit().offset})
    owner.go()

    assert owner.n_events() == 1


def test_choices_are_taught_once_whichever_owner_commits_what(redis_client: redis.Redis) -> None:
    interrupted = Interrupted(redis_client)
    owners = [Owner(redis_client, transactions=interrupted), Owner(redis_client)]
    for number in range(12):
        at = NOON + number * HOUR
        shown: dict[str, Any] = {
            "decision_id": f"d-{number}",
            "position": "hero",
            "promotion_id": "spring",
        }
        experiments = [("colors", "red"), (f"e{number % 3}", "a")]
        append(
            redis_client,
            Decided(f"d-{number}", at, [SPRING, OFFER_AT_EXIT], experiments),
            ANN.digest,
        )
        append(redis_client, an_event("Promotion Viewed", at=at + 1, **shown))
        append(
            redis_client, an_event("Promotion Viewed", at=at + 2, **shown | {"position": "exit"})
        )
        if number % 2:
            append(redis_client, an_event("Promotion Clicked", at=at + 3, **shown))
        if number % 4 == 0:
            append(
                redis_client,
                an_event("Order Completed", at=at + 4, order_id=f"o-{number}", revenue=80.0),
            )
        if number % 3 == 0:
            interrupted.between.append(owners[1].go)  # overtakes
        if number % 5 == 4:
            owners[0].read()  # lost between the source and the commit
        owners[number % 2].go()
    append(redis_client, Tick(NOON + 3 * DAY))
    for owner in (*owners, *owners):
        owner.go()

    found = [
        example
        for fields in fields_of(redis_client, KEYS.examples(SHARD))
        for example in decode_examples(fields[ENTRY_FIELD])
    ]
    taught = [(one.placement, one.shown_at) for one in found if isinstance(one, Rewarded)]
    clicked = [one.is_clicked for one in found if isinstance(one, Rewarded) if one.goal == "click"]
    sums = sums_of(found)
    assert len(taught) == len(set(taught)) == 24
    assert sum(clicked) == 6
    assert {
        name: sums[name, variation]["visitors"] for name, variation in sums if name[0] == "e"
    } == {
        "e0": 1,
        "e1": 1,
        "e2": 1,
    }
    assert (sums["colors", "red"]["orders"], sums["colors", "red"]["revenue"]) == (3, 240.0)
