"""What the decisions during a fault come to: who fell back, and from when on all were personal."""

from loadtest.bench_faults import Times, judge, summary
from loadtest.steady import Asked

TIMES = Times(before=9.9, began=10.0, removed=12.0, back=12.5)


def personal(due_at: float, latency_ms: float = 2.0) -> Asked:
    return Asked(due_at, latency_ms, 200, is_personal=True, server_ms=latency_ms)


def fallen(due_at: float, latency_ms: float = 51.0) -> Asked:
    return Asked(due_at, latency_ms, 200, says_fallback=True, server_ms=latency_ms)


def test_shares_are_of_decisions_due_while_the_fault_lasted() -> None:
    asked = [personal(9.0), fallen(10.5), personal(11.0), fallen(12.2), personal(13.0)]
    outcome = judge("frozen", asked, TIMES)
    assert (outcome.n_in_fault, outcome.fallback_in_fault_rate) == (2, 0.5)
    assert (outcome.personal_before_rate, outcome.answered_max_ms) == (1.0, 51.0)


def test_recovery_lasts_until_the_last_decision_that_was_not_personal() -> None:
    asked = [fallen(11.0), fallen(12.6), personal(12.7), fallen(13.0), personal(13.1)]
    assert judge("frozen", asked, TIMES).personal_again_ms == 600.0


def test_where_all_are_personal_at_once_recovery_takes_no_time() -> None:
    assert judge("frozen", [fallen(11.0), personal(12.6)], TIMES).personal_again_ms == 0.0


def test_where_the_last_is_not_personal_there_was_no_recovery() -> None:
    outcome = judge("frozen", [fallen(11.0), personal(12.6), fallen(13.0)], TIMES)
    assert outcome.personal_again_ms is None
    assert summary([outcome])["personal_again_ms"] is None


def test_a_decision_without_answer_is_a_failure_as_long_as_it_was_waited_for() -> None:
    outcome = judge("frozen", [Asked(11.0, 5000.0, 0), personal(13.0)], TIMES)
    assert (outcome.failures, outcome.answered_max_ms) == (1, 5000.0)


def test_the_summary_names_the_worst_of_all_faults() -> None:
    good = judge("slowed", [fallen(11.0), personal(12.6)], TIMES)
    bad = judge("frozen", [personal(11.0), fallen(12.6, 70.0), personal(12.7)], TIMES)
    figures = summary([good, bad])
    assert (figures["answered_max_ms"], figures["fallback_in_fault_rate"]) == (70.0, 0.0)
    assert figures["personal_again_ms"] == 200.0
