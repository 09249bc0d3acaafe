"""From a request's raw body to a decision and its answer."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from time import perf_counter

from config.decision_ids import new_decision_id
from serving.access import Caller, KeyRing
from serving.answering import answer_bytes
from serving.asking import Asker, asker_of, is_granted, said_by_request
from serving.assigning import assigned_to
from serving.choices import Fallback
from serving.choosing import check_preview
from serving.decision import Shop, decide
from serving.decision_log import Made
from serving.finding import Finder, Found
from serving.limits import RateLimit
from serving.noting import Notes, Reply
from serving.reading import Rules
from serving.refusals import Refusal, Refused
from serving.schemas import Preview, Request, read_request
from serving.tokens import Tokens
from serving.view import STRANGER, Visitor

_MANY = 8  # of fewer, each would only wait for what else the server does
_REFUSED = Found(missing=Fallback.CONSENT_REFUSED)


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
    notes: Notes
    clock_ms: Callable[[], int]
    clock_seconds: Callable[[], float]

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
        reply = await self.reply_to(request, caller, started, trace_id)
        if not reply.is_preview:
            self.notes.take(reply)
        return reply

    async def reply_to(
        self, request: Request, caller: Caller, started: float, trace_id: str = ""
    ) -> Reply:
        """Return the answer to a request that may be made; nothing was noted of it yet.

        ``started`` is when it came in.

        Raises:
            Refused: it asks for what only holders of the secret key may see.
        """
        preview = self._preview(request, caller)
        now = self.clock_ms()
        asker = asker_of(request, caller, self.rules.ids, self.tokens, now)
        before_read = perf_counter()
        found = await self._find(request, asker)
        read = perf_counter()
        subject = found.subject
        session_key, visitor = None, STRANGER
        if subject is not None:
            session_key = partial(self.rules.ids.session_key, subject.digest)
            visitor = Visitor(subject.digest, may_be_named=found.is_told)
        campaigns = self.shop.chooser.campaigns
        assigned = assigned_to(
            request,
            asker,
            found.user,
            campaigns.experiments,
            campaigns.names,
            is_granted=subject is not None,
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
        await self._let_others_catch_up()
        resumed = perf_counter()
        made = Made(
            new_decision_id(now, self.rng),
            now,
            subject if found.user is not None else None,
            decision,
            found.applied_up_to,
            visitor=subject,
            channel=request.channel(),
            experiments=assigned.counted,
            margin_rate=campaigns.margin_rate,
        )
        answer = answer_bytes(
            made.decision_id,
            found,
            decision,
            assigned.counted,
            asker.rejected,
            now,
            started,
            self.shop.catalog.shown,
            explains=request.options is not None and request.options.explain,
        )
        encoded = perf_counter()
        await self._let_others_catch_up()
        return Reply(
            answer,
            made,
            1000 * (encoded - started),
            1000 * (read - before_read),
            1000 * (decided - read),
            1000 * (encoded - resumed),
            trace_id,
            preview is not None,
        )

    async def _let_others_catch_up(self) -> None:
        """Where many were read together, let all come to the end of a stage before one goes on.

        The code of a stage then stays in the processor's caches for all of them; with each request
        run through from end to end, every stage would drive out the one before.
        """
        if self.finder.n_together >= _MANY:
            await asyncio.sleep(0)

    async def _find(self, request: Request, asker: Asker) -> Found:
        """Return who asks; without a ``subject`` where nobody may look, or nobody could."""
        said = said_by_request(request, self.rules)
        found = _REFUSED if said is False else await self.finder.find(asker)
        if found.subject is not None and not is_granted(said, found.user, self.rules):
            return Found(applied_up_to=found.applied_up_to, missing=Fallback.CONSENT_REFUSED)
        return found

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
