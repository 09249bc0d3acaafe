"""Figures of many processes become points and minutes; time passes also where nobody tells."""

import itertools
from typing import Any

import pytest

from config.announcements import Role
from config.figures import Figures, Slow
from config.keys import FIGURES_AGE_MS
from serving.figure_history import LIVE_MS, MINUTE_MS, POINT_MS, FigureHistory

START = 1_700_000_000_000  # a multiple of POINT_MS


def told(process: str = "s-1", n: int = 0, role: Role = "server", **fields: Any) -> Figures:
    filled: dict[str, Any] = {"counts": {}, "levels": {}, "latencies": {}} | fields
    return Figures(process, role, n, **filled)


def events(n: float) -> dict[str, dict[str, float]]:
    return {"events": {"track accepted": n}}


def test_a_minute_is_the_sum_of_its_points_over_all_processes() -> None:
    history = FigureHistory()
    for second in range(130):
        for process in ("s-1", "s-2"):
            entry = told(process, second, counts=events(1.0), latencies={"read": {100: 2}})
            history.take(START + 1000 * second, entry)
    minute = history.minute()
    assert history.minute_began() == START + 65_000
    assert minute.total("events") == 120.0
    assert minute.latencies == {"read": {100: 240}}
    assert history.whole.total("events") == 260.0


def test_an_entry_whose_reply_was_lost_is_replaced_by_the_one_that_holds_it() -> None:
    history = FigureHistory()
    history.take(START, told(n=0, counts=events(3.0), latencies={"read": {7: 3}}))
    history.take(START + POINT_MS, told(n=0, counts=events(5.0), latencies={"read": {7: 5}}))
    history.take(START + 2 * POINT_MS, told(n=1, counts=events(1.0)))
    first, second = history.complete()
    assert (first.sums.total("events"), second.sums.total("events")) == (0.0, 5.0)
    assert first.sums.latencies == {"read": {}}
    assert history.whole.total("events") == 6.0


def test_what_is_too_old_goes_and_its_counts_with_it() -> None:
    history = FigureHistory()
    history.take(START, told(counts=events(9.0)))
    history.take(START + FIGURES_AGE_MS // 2, told(n=1, counts=events(2.0)))
    history.pass_to(START + FIGURES_AGE_MS + POINT_MS)
    assert history.whole.total("events") == 2.0
    assert len(history.complete()) <= FIGURES_AGE_MS // POINT_MS
    history.pass_to(START + 10 * FIGURES_AGE_MS)
    assert history.whole.of("events") == {}


def test_a_long_silence_leaves_empty_points_and_no_endless_ones() -> None:
    history = FigureHistory()
    history.take(START, told(counts=events(1.0)))
    history.close_to(START + 1000 * FIGURES_AGE_MS)
    history.pass_to(START + 1000 * FIGURES_AGE_MS)
    points = history.complete()
    assert 100 < len(points) < FIGURES_AGE_MS // POINT_MS
    assert all(later.at - earlier.at == POINT_MS for earlier, later in itertools.pairwise(points))


def test_a_point_is_over_once_all_of_it_was_read_however_late_it_is() -> None:
    history = FigureHistory()
    history.take(START, told(n=0, counts=events(1.0)))
    history.close_to(START + POINT_MS + 1)
    history.pass_to(START + 10 * POINT_MS)  # nothing can be read meanwhile
    assert [point.at for point in history.complete()] == [START]
    history.take(START + POINT_MS + 2, told(n=1, counts=events(2.0)))
    history.take(START + 3 * POINT_MS, told(n=2))
    sums = [point.sums.total("events") for point in history.complete()]
    assert sums == [1.0, 2.0, 0.0]


def test_amounts_that_go_leave_no_dust() -> None:
    history = FigureHistory()
    for second, revenue in enumerate((0.1, 0.2, 0.3)):
        entry = told(n=second, counts={"rewards": {"spring revenue": revenue}})
        history.take(START + POINT_MS * second, entry)
    history.pass_to(START + 2 * FIGURES_AGE_MS)
    assert history.whole.of("rewards") == {}


def test_a_process_that_tells_nothing_is_gone() -> None:
    history = FigureHistory()
    history.take(START, told("w-1", role="worker"))
    history.take(START + LIVE_MS, told("s-1"))
    assert [one.process for one in history.live()] == ["w-1", "s-1"]
    history.pass_to(START + LIVE_MS + 1)
    assert [one.process for one in history.live()] == ["s-1"]
    assert history.live("worker") == []


@pytest.mark.parametrize("late_ms", [0, 3_000])
def test_a_rate_is_that_of_the_last_seconds(late_ms: int) -> None:
    history = FigureHistory()
    for n, at in enumerate(range(START, START + MINUTE_MS + late_ms, 500)):
        history.take(at, told(n=n, counts=events(5.0)))
    assert history.per_second(lambda sums: sums.total("events")) == pytest.approx(10.0, rel=0.12)


def test_the_slowest_decisions_are_those_of_all_servers_that_live() -> None:
    def slow(ms: float) -> Slow:
        return Slow(START, f"d{ms:g}", "", ms, ms, 0.0, 0.0, "")

    history = FigureHistory()
    history.take(START, told("s-gone", slow=[slow(99.0)]))
    history.take(START + LIVE_MS + 1, told("s-1", slow=[slow(7.0), slow(3.0)]))
    history.take(START + LIVE_MS + 1, told("s-2", slow=[slow(5.0)]))
    assert [one.total_ms for one in history.slowest(2)] == [7.0, 5.0]
