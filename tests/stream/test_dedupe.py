from online_models.users import MAX_RECENT_IDS
from stream.dedupe import VALID_SECONDS, remember_id

START = 1_700_000_000_000


def ring_of(n: int) -> bytes:
    ring = b""
    for number in range(n):
        added = remember_id(ring, f"m-{number}", START + number)
        assert added is not None
        ring = added
    return ring


def test_the_last_ids_are_known() -> None:
    ring = ring_of(1_000)

    known = [remember_id(ring, f"m-{n}", START + 1_000) is None for n in range(1_000)]

    assert known == [False] * (1_000 - MAX_RECENT_IDS) + [True] * MAX_RECENT_IDS


def test_an_id_is_valid_for_a_day_of_the_shards_clock() -> None:
    ring = ring_of(1)

    assert remember_id(ring, "m-0", START + VALID_SECONDS * 1000) is None
    assert remember_id(ring, "m-0", START + (VALID_SECONDS + 1) * 1000) is not None


def test_ids_no_longer_valid_take_no_room() -> None:
    ring = remember_id(ring_of(100), "new", START + 2 * VALID_SECONDS * 1000)

    assert ring is not None
    assert len(ring) == 12
