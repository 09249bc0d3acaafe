"""From a request's raw body to a decision, and to the answer's bytes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from time import perf_counter
from typing import NamedTuple

import msgspec

from config.decision_ids import new_decision_id
from config.experiments import Assignment
from serving.access import Caller, KeyRing
from serving.asking import asker_of, is_granted, said_by_request
from serving.assigning import Assigned, assigned_to
from serving.choices import Choice, Decision, Fallback, Promotion, Slate, result_of
from serving.choosing import check_preview
from serving.decision import Shop, decide
from serving.decision_log import DecisionLog, Made
from serving.finding import Finder, Found
from serving.limits import RateLimit
from serving.metrics import ServingMetrics
from serving.reading import Rules
from serving.refusals import Refusal, Refused
from serving.schemas import (
    Answer,
    BannerAnswer,
    OfferAnswer,
    PlacementAnswer,
    Preview,
    ProductsAnswer,
    Profile,
    Request,
    VariationAnswer,
    read_request,
)
from serving.slow import SlowDecisions
from serving.tokens import TokenRejected, Tokens
from serving.view import STRANGER, Visitor

_encode = msgspec.json.Encoder().encode
_ANSWERS: dict[str, type[BannerAnswer] | type[OfferAnswer]] = {
    "banner": BannerAnswer,
    "offer": OfferAnswer,
}
_REFUSED = Found(missing=Fallback.CONSENT_REFUSED)


class Reply(NamedTuple):
    """The answer's bytes, how many ms each stage took, and why it is not personal, if so."""

    body: bytes
    read_ms: float
    decide_ms: float
    encode_ms: float
    fallback: Fallback | None = None


@dataclass(frozen=True, slots=True)
class Personalizer:
    """Answers what to show; ``clock_ms`` is wall time, ``clock_seconds`` never runs backwards.

    ``rng`` is the chance with which decisions explore, and what their ids are made of.
    """

    key_ring: KeyRing
    tokens: Tokens
    rules: Rules
    limit: RateLimit
    finder: Finder
    shop: Shop
    rng: Random
    decision_log: DecisionLog
    metrics: ServingMetrics
    slow: SlowDecisions
    clock_ms: Callable[[], int]
    clock_seconds: Callable[[], float]
    _counts: "_Counts" = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counts", _Counts(self.metrics))

    async def answer(self, body: bytes, key: str | None, trace_id: str = "") -> Reply:
        """Return the answer to a request, which may be part of a trace.

        Raises:
            Refused: the caller may not, or not now, or the request is none.
        """
        started = perf_counter()
        request = read_request(body)
        caller = self.key_ring.caller(key or request.write_key)
        self.check_limit(caller)
        self.check_placements(request.placements)
        return await self.reply_to(request, caller, started, trace_id)

    async def reply_to(
        self, request: Request, caller: Caller, started: float, trace_id: str = ""
    ) -> Reply:
        """Return the answer to a request that may be made; ``started`` is when it came in.

        Raises:
            Refused: it asks for what only holders of the secret key may see.
        """
        preview = self._preview(request, caller)
        now = self.clock_ms()
        asker = asker_of(request, caller, self.rules.ids, self.tokens, now)
        said = said_by_request(request, self.rules)
        before_read = perf_counter()
        found = _REFUSED if said is False else await self.finder.find(asker)
        if found.missing is None and not is_granted(said, found.user, self.rules):
            found = Found(applied_up_to=found.applied_up_to, missing=Fallback.CONSENT_REFUSED)
        read = perf_counter()
        session_key, visitor = None, STRANGER
        if found.subject is not None:
            session_key = partial(self.rules.ids.session_key, found.subject.digest)
            visitor = Visitor(found.subject.digest, may_be_named=found.is_told)
        assigned = assigned_to(
            request,
            asker,
            found.user,
            self.shop.chooser.campaigns.experiments,
            self.shop.chooser.campaigns.standing_in,
            is_granted=found.missing is not Fallback.CONSENT_REFUSED,
        )
        decision = decide(
            request,
            found.user,
            self.shop,
            now if preview is None else preview.at(now),
            self.rng,
            found.missing,
            session_key,
            assigned,
            visitor,
        )
        decided = perf_counter()
        decision_id = new_decision_id(now, self.rng)
        explains = request.options is not None and request.options.explain
        answer = self._answer(
            decision_id,
            found,
            decision,
            assigned.counted,
            asker.rejected,
            now,
            started,
            explains=explains,
        )
        encoded = perf_counter()
        stages = (read - before_read, decided - read, encoded - decided)
        read_ms, decide_ms, encode_ms = 1000 * stages[0], 1000 * stages[1], 1000 * stages[2]
        if preview is None:
            self._counts.count(decision, *stages)
            self.slow.put(
                now,
                decision_id,
                trace_id,
                1000 * (encoded - started),
                read_ms,
                decide_ms,
                encode_ms,
                decision.fallback or "",
            )
            self._log(decision_id, now, request, found, decision, assigned)
        return Reply(answer, read_ms, decide_ms, encode_ms, decision.fallback)

    def _log(
        self,
        decision_id: str,
        now: int,
        request: Request,
        found: Found,
        decision: Decision,
        assigned: Assigned,
    ) -> None:
        subject = found.subject if found.user is not None else None
        self.decision_log.put(
            Made(
                decision_id,
                now,
                subject,
                decision,
                found.applied_up_to,
                visitor=found.subject,
                channel=request.channel(),
                experiments=assigned.counted,
                margin_rate=self.shop.chooser.campaigns.margin_rate,
            )
        )

    def _preview(self, request: Request, caller: Caller) -> Preview | None:
        """Return what is only to be looked at, if it is.

        Raises:
            Refused: a write key may not see what stands behind an answer, or it names nothing.
        """
        options = request.options
        if options is None or not (options.explain or options.preview):
            return None
        if not caller.secret:
            raise Refused(
                Refusal.SECRET_KEY_NEEDED, "options.explain and options.preview need a secret key"
            )
        if options.preview is not None:
            check_preview(options.preview, self.shop.chooser.campaigns)
        return options.preview

    def check_limit(self, caller: Caller, n_decisions: int = 1) -> None:
        """Count decisions for a key.

        Raises:
            Refused: they are too many now.
        """
        now = self.clock_seconds()
        wait = self.limit.wait_seconds(caller.name, n_decisions, now)
        if wait > 0:
            raise Refused(
                Refusal.RATE_LIMITED,
                "too many decisions for this key",
                retry_after_seconds=max(math.ceil(wait), 1),
            )
        self.limit.take(caller.name, n_decisions, now)

    def check_placements(self, names: Sequence[str]) -> None:
        """Check that the shop has these placements.

        Raises:
            Refused: it has not.
        """
        for name in names:
            if name not in self.shop.placements:
                raise Refused(
                    Refusal.UNKNOWN_PLACEMENT,
                    f"placements: {name!r} is none of {', '.join(sorted(self.shop.placements))}",
                )

    def _answer(
        self,
        decision_id: str,
        found: Found,
        decision: Decision,
        assignments: Sequence[Assignment],
        rejected: TokenRejected | None,
        now: int,
        started: float,
        *,
        explains: bool,
    ) -> bytes:
        answer = Answer(
            decision_id=decision_id,
            profile=_profile(found, now),
            placements={n: self._shown(one, explains) for n, one in decision.choices.items()},
            fallback=decision.fallback,
            experiments=[VariationAnswer(name, name, to, to) for name, to in assignments],
            server_timing_ms=round(1000 * (perf_counter() - started), 3),
            token_rejected=msgspec.UNSET if rejected is None else rejected,
        )
        return _encode(answer)

    def _shown(self, choice: Choice, explains: bool) -> PlacementAnswer:
        if isinstance(choice, Slate):
            shown = self.shop.catalog.shown
            return ProductsAnswer(
                strategy=choice.strategy,
                products=msgspec.Raw(b"[%b]" % b",".join([shown(pick) for pick in choice.picks])),
                fallback=choice.fallback,
            )
        considered = choice.considered
        told = considered is not None and explains
        return _ANSWERS[choice.kind](
            content=choice.content,
            reason=choice.reason,
            campaign=choice.campaign or None,
            variation=choice.variation or None,
            overlay=choice.overlay,
            explanation=considered.explanation(None) if told and considered else msgspec.UNSET,
        )


def _profile(found: Found, now: int) -> Profile:
    user = found.user
    if user is None or not found.is_told:
        return Profile(applied_up_to=found.applied_up_to)
    return Profile(
        known=found.is_known,
        events_seen=user.n_events,
        applied_up_to=found.applied_up_to,
        updated_ms_ago=max(now - user.received_at, 0),
    )


class _Counts:
    """Counts decisions; what notes the time of a stage is looked up once."""

    def __init__(self, metrics: ServingMetrics) -> None:
        self._decided = metrics.decisions.count
        self._chose = metrics.fine.chose
        self._record = [
            (metrics.decision_seconds.recorder(stage), metrics.fine.latencies.recorder(stage))
            for stage in ("read", "decide", "encode")
        ]

    def count(self, decision: Decision, *seconds: float) -> None:
        for (record, record_finely), value in zip(self._record, seconds, strict=True):
            record(value)
            record_finely(value)
        for name, choice in decision.choices.items():
            self._decided(name, result_of(choice))
            if isinstance(choice, Promotion) and choice.campaign:
                self._chose(choice.campaign)
