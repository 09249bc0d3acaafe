"""The bench of learning drains a real learner's outboxes; its rate is not judged."""

from itertools import islice
from pathlib import Path

from loadtest.bench_learning import EXAMPLES_AN_ENTRY, bench_learning, made_up_examples
from shopkeeper.lifeline import tied


def test_a_learner_takes_in_all_examples_and_its_trainer_catches_up() -> None:
    figures = bench_learning(3_000, rounds=1, seed=1, launch=tied)
    [drain] = figures["drains"]
    assert drain["n_examples"] == 3_000
    assert 0 < figures["examples_per_second"] <= figures["committed_per_second"]
    assert 0 <= figures["behind_when_committed"] <= 3_000
    assert drain["catch_up_seconds"] >= 0.0
    assert figures["learner_cpu_us_per_example"] > 0.0
    assert figures["machine"]["cores"] >= 1
    told = (Path(__file__).parents[2] / "loadtest" / "README.md").read_text(encoding="utf-8")
    section = told.partition("## bench learning")[2].partition("\n## ")[0]
    assert [key for key in figures if f"`{key}`" not in section] == []


def test_made_up_examples_are_sessions_in_turn_on_all_sources() -> None:
    entries = list(islice(made_up_examples(1, 8), 4_000))
    assert {source for source, _ in entries} == set(range(8))
    assert {len(examples) for _, examples in entries} == {EXAMPLES_AN_ENTRY}
    steps: dict[int, int] = {}
    sources: dict[int, set[int]] = {}
    for source, examples in entries:
        for example in examples:
            steps[example.session] = steps.get(example.session, 0) + 1
            sources.setdefault(example.session, set()).add(source)
    assert all(len(found) == 1 for found in sources.values())
    assert 4.0 < sum(steps.values()) / len(steps) < 6.0
