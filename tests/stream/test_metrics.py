"""What can go wrong is counted from 0 on: a rate is 0 before the first time, not absent."""

from typing import get_args

from prometheus_client import CollectorRegistry

from stream.metrics import LearnMetrics, StreamMetrics
from stream.model_parts import Refused


def test_a_worker_counts_moves_and_the_triggers_in_force_from_0_on() -> None:
    registry = CollectorRegistry()
    StreamMetrics(registry).expect(["cart-left"])
    for name, labels in (
        ("shopkeeper_triggers_fired_total", {"trigger": "cart-left"}),
        ("shopkeeper_lease_moves_total", {"direction": "gained"}),
        ("shopkeeper_lease_moves_total", {"direction": "lost"}),
    ):
        assert registry.get_sample_value(name, labels) == 0.0


def test_a_learner_counts_each_reason_to_refuse_from_0_on() -> None:
    registry = CollectorRegistry()
    LearnMetrics(registry)
    for reason in get_args(Refused):
        name, labels = "shopkeeper_examples_refused_total", {"reason": reason}
        assert registry.get_sample_value(name, labels) == 0.0
