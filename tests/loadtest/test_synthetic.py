"""Made-up log entries: seeded, of the right users and shards, readable as the log's entries are."""

from collections import Counter

import redis

from config.commerce import check_commerce
from config.events import Event, decode_entry
from config.keys import Ids, Keys
from loadtest.synthetic import Appended, append_all, shop_events

IDS = Ids(b"s" * 32, n_shards=8)


def entries(seed: int, n_events: int = 3000) -> list[Appended]:
    return list(shop_events(n_events, 100, seed, IDS, start_ms=1_000_000, step_ms=7))


def events(seed: int) -> list[Event]:
    found = [decode_entry(appended.data) for appended in entries(seed)]
    return [event for event in found if isinstance(event, Event)]


def test_the_same_seed_gives_the_same_entries() -> None:
    assert entries(seed=1) == entries(seed=1)
    assert entries(seed=1) != entries(seed=2)


def test_entries_are_valid_events_of_their_shard_with_new_ids_in_rising_time() -> None:
    found = events(seed=3)
    for event, (subject, _) in zip(found, entries(seed=3), strict=True):
        check_commerce(event)
        assert subject == IDS.known(str(event.user_id))
    assert len({event.message_id for event in found}) == len(found) == 3000
    assert [event.received_at for event in found] == [1_000_000 + 7 * n for n in range(3000)]


def test_few_users_have_most_events() -> None:
    counts = Counter(event.user_id for event in events(seed=4))
    assert counts["user-0"] > 400  # 1 of 5.19 by Zipf's law over 100 users: 578 expected
    assert counts["user-0"] > 5 * counts["user-50"]


def test_all_entries_land_in_their_logs(redis_url: str, redis_client: redis.Redis) -> None:
    keys, appended = Keys("fill"), entries(seed=5, n_events=2500)
    assert append_all(redis_url.removeprefix("unix://"), keys, appended) == 2500
    lengths = {shard: redis_client.xlen(keys.events(shard)) for shard in range(8)}
    assert lengths == Counter(subject.shard for subject, _ in appended)
