import redis

from stream.sources import ENTRIES_A_ROUND, ENTRIES_A_SHARD, LogReader, decode
from tests.builders import an_event
from tests.stream.owners import KEYS, append


def a_reader(client: redis.Redis, n_shards: int) -> LogReader:
    reader = LogReader(client, KEYS)
    for shard in range(n_shards):
        reader.start(shard, "0-0")
    return reader


def test_each_read_says_after_which_entry_it_begins(redis_client: redis.Redis) -> None:
    reader = a_reader(redis_client, 1)
    first = append(redis_client, an_event(), shard=0)
    reader.read()
    append(redis_client, an_event(), shard=0)

    (read,) = reader.read()

    assert read.after == first


def test_a_round_is_bounded_and_a_shard_behind_does_not_hold_up_the_others(
    redis_client: redis.Redis,
) -> None:
    reader = a_reader(redis_client, 4)
    event = an_event()
    for _ in range(3 * ENTRIES_A_SHARD):
        append(redis_client, event, shard=0)
    for _ in range(2):
        assert sum(len(read.entries) for read in reader.read()) <= ENTRIES_A_ROUND
    append(redis_client, event, shard=3)

    reads = reader.read()

    assert 3 in [read.shard for read in reads]


def test_everything_is_read_in_order_once(redis_client: redis.Redis) -> None:
    reader = a_reader(redis_client, 2)
    ids = [append(redis_client, an_event(), shard=n % 2) for n in range(2_600)]
    found: list[str] = []
    while reads := reader.read():
        found += [logged.entry_id for read in reads for logged in decode(read).entries]

    assert sorted(found) == sorted(ids)
    assert len(found) == len(ids)


def test_a_shard_that_was_given_back_is_read_no_more(redis_client: redis.Redis) -> None:
    reader = a_reader(redis_client, 2)
    reader.stop(1)
    append(redis_client, an_event(), shard=1)

    assert reader.read() == []
