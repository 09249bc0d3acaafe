"""What a process tells of itself adds up to what it counted, also where Redis' replies are lost."""

from random import Random

import pytest
from prometheus_client import CollectorRegistry, Counter

from config.figures import (
    MAX_LABELS,
    Figures,
    InvalidFigures,
    Numbers,
    Teller,
    decode_figures,
    encode_figures,
    numbers_of,
)
from config.latencies import Counts, add


def told(entries: list[Figures]) -> tuple[Numbers, dict[str, Counts]]:
    """Return the sums of entries; of those with one ``n`` the last counts."""
    counts: Numbers = {}
    latencies: dict[str, Counts] = {}
    for entry in {entry.n: entry for entry in entries}.values():
        for family, numbers in entry.counts.items():
            sums = counts.setdefault(family, {})
            for label, number in numbers.items():
                sums[label] = sums.get(label, 0.0) + number
        for name, more in entry.latencies.items():
            add(latencies.setdefault(name, {}), more)
    return counts, latencies


@pytest.mark.parametrize("seed", range(5))
def test_entries_add_up_to_the_totals_whichever_replies_are_lost(seed: int) -> None:
    rng = Random(seed)
    teller, entries = Teller("s-1", "server"), list[Figures]()
    totals: Numbers = {"events": {}}
    recorded: Counts = {}
    for _ in range(50):
        label = rng.choice(("track accepted", "page accepted", "track dead"))
        totals["events"][label] = totals["events"].get(label, 0.0) + rng.randrange(1, 9)
        new: Counts = {rng.randrange(90): rng.randrange(1, 4)}
        add(recorded, new)
        figures = teller.figures(totals, {}, {"read": new})
        fate = rng.choice(("confirmed", "confirmed", "reply lost", "not written"))
        if fate != "not written":
            entries.append(decode_figures(encode_figures(figures)))
        if fate == "confirmed":
            teller.confirm()
    entries.append(teller.figures(totals, {}, {}))
    counts, latencies = told(entries)
    assert counts == totals
    assert latencies == {"read": recorded}


def test_what_has_not_changed_is_not_told() -> None:
    teller = Teller("w-1", "worker")
    teller.figures({"commits": {"committed": 3.0}}, {}, {})
    teller.confirm()
    assert teller.figures({"commits": {"committed": 3.0}}, {}, {}).counts == {}


def test_labels_are_bounded_and_numbers_are_numbers() -> None:
    many = {f"shard {number}": float(number) for number in range(MAX_LABELS + 50)}
    broken = {"nan": float("nan"), "endless": float("inf"), "x" * 900: 1.0}
    figures = Teller("w-1", "worker").figures({}, {"lag": many, "odd": broken}, {})
    assert len(figures.levels["lag"]) == MAX_LABELS
    assert max(figures.levels["lag"].values()) == MAX_LABELS + 49
    assert figures.levels["odd"] == {"x" * 200: 1.0}


@pytest.mark.parametrize("data", [b"", b"\x02\x90", b"\x01\xff", b"\x01\x93\x01\x02\x03"])
def test_other_bytes_are_an_error_with_a_name(data: bytes) -> None:
    with pytest.raises(InvalidFigures):
        decode_figures(data)


def test_a_counter_is_summed_by_the_labels_asked_for() -> None:
    counter = Counter("made_total", "", ("type", "result"), registry=CollectorRegistry())
    counter.labels("track", "accepted").inc(2)
    counter.labels("page", "accepted").inc(3)
    counter.labels("page", "dead").inc()
    assert numbers_of(counter.collect(), "result") == {"accepted": 5.0, "dead": 1.0}
    assert numbers_of(counter.collect(), "type", "result")["page dead"] == 1.0
    assert numbers_of(counter.collect()) == {"": 6.0}
