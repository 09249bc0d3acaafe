"""The holes that a weaker commit rule would leave, each tried on a real Redis."""

from collections.abc import Callable, Sequence

import redis

from config.events import Erase, Tick
from online_models.users import Suppressed, UserState
from stream.commands import Command
from stream.transactions import Transactions
from tests.builders import MINUTE, NOON, an_event
from tests.stream.owners import ANN, KEYS, SHARD, Owner, append


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
