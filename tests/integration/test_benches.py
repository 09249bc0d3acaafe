"""The benches run on whole shops and report what their tables promise; figures are not judged."""

import re
from pathlib import Path

import pytest

from loadtest.bench_append import bench_append
from loadtest.bench_memory import bench_memory
from loadtest.bench_stream import bench_stream
from loadtest.bench_triggers import bench_triggers
from shopkeeper.lifeline import tied

MACHINE = {"cpu", "cores", "python", "redis", "system"}


def test_stream_bench_drains_all_events_with_one_worker_and_with_two() -> None:
    figures = bench_stream(2000, 500, 2, rounds=1, seed=1, idle_seconds=0.2, launch=tied)
    assert [(drain["workers"], drain["n_events"]) for drain in figures["drains"]] == [
        (1, 2000),
        (2, 2000),
    ]
    assert figures["events_per_second"] > 0
    assert figures["two_workers_ratio"] > 0
    assert figures["idle_cpu_percent"] is not None
    assert figures["machine"].keys() == MACHINE


def test_append_bench_finds_the_commit_of_every_event() -> None:
    figures = bench_append(200, 10, 1.0, rounds=1, seed=1, launch=tied)
    assert figures["each_round"][0]["events"] == pytest.approx(200, abs=20)
    assert figures["refused_batches"] == 0
    assert 0 < figures["append_to_commit_p50_ms"] <= figures["append_to_commit_p99_ms"]
    assert figures["append_to_commit_p50_ms"] < figures["send_to_commit_p50_ms"] + 1.0


def test_memory_bench_accounts_for_the_state_by_its_parts() -> None:
    figures = bench_memory(50, seed=1, launch=tied)
    parts = dict(figures["state_parts_bytes"])
    whole = parts.pop("whole")
    assert sum(parts.values()) <= whole <= sum(parts.values()) + 20
    assert figures["bytes_per_user"] > whole
    assert figures["bytes_per_user"] == pytest.approx(
        figures["state_key_bytes"] + figures["timer_bytes"] + figures["watched_bytes"], abs=0.2
    )


def test_triggers_bench_finds_what_the_oracle_says_and_tells_what_its_table_names() -> None:
    figures = bench_triggers(200, 20, rounds=1, seed=1, launch=tied, history=None)
    assert figures["equal"]
    assert figures["is_met"] == (figures["slowdown"] <= figures["bar"])
    compared = figures["compared"]["made_up_anybody"]
    assert compared["firings"] == sum(compared["by_trigger"].values()) > 0
    told = (Path(__file__).parents[2] / "loadtest" / "README.md").read_text(encoding="utf-8")
    section = told.partition("## bench triggers\n")[2].partition("\n## ")[0]
    keys = {*figures, *figures["compared"], *compared} - {"bar", "is_met"}  # those of all benches
    assert keys <= set(re.findall(r"`(\w+)`", section))
