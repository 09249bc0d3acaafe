"""Takes note of decisions that were answered: counted, timed, the slow ones kept, all logged."""

from typing import NamedTuple

from serving.choices import Decision, Promotion, result_of
from serving.decision_log import DecisionLog, Made
from serving.metrics import ServingMetrics
from serving.slow import SlowDecisions


class Reply(NamedTuple):
    """An answer's bytes and the decision behind it; how many ms all took, and each stage.

    ``is_preview``: it was only to be looked at, and is not to be noted.
    """

    body: bytes
    made: Made
    total_ms: float
    read_ms: float
    decide_ms: float
    encode_ms: float
    trace_id: str
    is_preview: bool


class Notes:
    """Takes note of replies; what notes the time of a stage is looked up once."""

    def __init__(
        self, metrics: ServingMetrics, slow: SlowDecisions, decision_log: DecisionLog
    ) -> None:
        self._slow = slow
        self._log = decision_log
        self._decided = metrics.decisions.count
        self._chose = metrics.fine.chose
        self._record = [
            (metrics.decision_seconds.recorder(stage), metrics.fine.latencies.recorder(stage))
            for stage in ("read", "decide", "encode")
        ]

    @property
    def room(self) -> int:
        """How many more decisions the log would take now."""
        return self._log.room

    def take(self, reply: Reply) -> None:
        """Take note of a reply."""
        made, stages = reply.made, (reply.read_ms, reply.decide_ms, reply.encode_ms)
        for (record, record_finely), ms in zip(self._record, stages, strict=True):
            record(ms / 1000)
            record_finely(ms / 1000)
        self._count(made.decision)
        self._slow.put(
            made.at,
            made.decision_id,
            reply.trace_id,
            reply.total_ms,
            *stages,
            made.decision.fallback or "",
        )
        self._log.put(made)

    def _count(self, decision: Decision) -> None:
        for name, choice in decision.choices.items():
            self._decided(name, result_of(choice))
            if isinstance(choice, Promotion) and choice.campaign:
                self._chose(choice.campaign)
