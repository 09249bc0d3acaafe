"""The fine histogram: percentiles to 3 %, and counts of processes that add up."""

import itertools
from math import ceil
from random import Random

import pytest

from config.latencies import (
    MAX_BOOK,
    Counts,
    LatencyBook,
    add,
    bucket_of,
    milliseconds_of,
    quantiles_ms,
)


def test_the_middle_of_a_bucket_is_near_to_what_fell_into_it() -> None:
    for us in (*range(70), *range(70, 100_000, 7), 3_000_000, 59_999_999):
        middle_us = 1000 * milliseconds_of(bucket_of((us + 0.5) / 1e6))
        assert abs(middle_us - us - 0.5) <= max(0.5, us / 63), us


def test_buckets_leave_no_gap_and_grow_with_the_latency() -> None:
    buckets = [bucket_of((us + 0.5) / 1e6) for us in range(50_000)]
    assert all(later - earlier in (0, 1) for earlier, later in itertools.pairwise(buckets))


@pytest.mark.parametrize(("seconds", "ms"), [(-5.0, 0.0005), (3600.0, 60_000.0)])
def test_what_is_beyond_the_ends_counts_at_the_end(seconds: float, ms: float) -> None:
    assert milliseconds_of(bucket_of(seconds)) == pytest.approx(ms, rel=0.02)


def test_percentiles_of_several_processes_are_those_of_all_their_latencies_together() -> None:
    rng = Random(3)
    processes = [[rng.lognormvariate(mean, 1.0) / 1000 for _ in range(3_000)] for mean in (0, 1, 3)]
    together: Counts = {}
    for latencies in processes:
        counts: Counts = {}
        for seconds in latencies:
            add(counts, {bucket_of(seconds): 1})
        add(together, counts)
    exact = sorted(1000 * seconds for latencies in processes for seconds in latencies)
    found = quantiles_ms(together, (0.5, 0.99))
    assert found is not None
    for share, ms in zip((0.5, 0.99), found, strict=True):
        assert ms == pytest.approx(exact[ceil(share * len(exact)) - 1], rel=1 / 32)


def test_what_is_taken_away_again_is_gone() -> None:
    counts: Counts = {5: 2}
    add(counts, {5: 2, 7: 1})
    add(counts, {5: 4, 7: 1}, -1)
    assert counts == {}
    assert quantiles_ms(counts, (0.5,)) is None


def test_a_book_begins_anew_when_it_is_taken_and_recorders_go_on() -> None:
    book = LatencyBook()
    record = book.recorder("read")
    record(0.001)
    record(0.001)
    assert book.take() == {"read": {bucket_of(0.001): 2}}
    assert book.take() == {}
    record(0.5)
    assert book.take() == {"read": {bucket_of(0.5): 1}}


def test_a_book_holds_so_many_names_and_no_more() -> None:
    book = LatencyBook()
    for number in range(MAX_BOOK + 5):
        book.recorder(f"route {number}")(0.001)
    assert len(book.take()) == MAX_BOOK
