"""What an answer says of a decision, and its bytes."""

from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec

from config.decisions import Explanation
from config.experiments import Assignment
from config.placements import Content
from serving.choices import Choice, Decision, Pick, Slate
from serving.finding import Found
from serving.schemas import Part
from serving.tokens import TokenRejected

_encode = msgspec.json.Encoder().encode


class Profile(Part, frozen=True):
    """What an answer says of the visitor: how much is known, and how fresh it is."""

    known: bool = False
    events_seen: int = 0
    applied_up_to: str | None = None
    updated_ms_ago: int | None = None


class ProductsAnswer(Part, frozen=True, kw_only=True, tag="products"):
    """A slate; the list of products is encoded already."""

    strategy: str
    products: msgspec.Raw
    fallback: str | None


class _Promotion(Part, frozen=True, kw_only=True):
    """What is shown, null for nothing, and the campaign and variation that it is of, if any."""

    content: Content | None
    reason: str
    campaign: str | None
    variation: str | None
    overlay: bool
    explanation: Explanation | msgspec.UnsetType = msgspec.UNSET


class BannerAnswer(_Promotion, frozen=True, kw_only=True, tag="banner"):
    """A banner."""


class OfferAnswer(_Promotion, frozen=True, kw_only=True, tag="offer"):
    """An offer."""


PlacementAnswer = ProductsAnswer | BannerAnswer | OfferAnswer


class VariationAnswer(Part, frozen=True):
    """A variation that this answer shows, in the words of Segment's ``Experiment Viewed``."""

    experiment_id: str
    experiment_name: str
    variation_id: str
    variation_name: str


class Answer(Part, frozen=True, kw_only=True):
    """The answer; ``token_rejected`` says what was wrong with the token where one was needed."""

    decision_id: str
    profile: Profile
    placements: dict[str, PlacementAnswer]
    fallback: str | None
    experiments: list[VariationAnswer]
    server_timing_ms: float
    token_rejected: str | msgspec.UnsetType = msgspec.UNSET


class BatchAnswer(Part, frozen=True):
    """An answer for each user of a batch, in its order."""

    decisions: list[Answer]


_PROMOTIONS: dict[str, type[BannerAnswer] | type[OfferAnswer]] = {
    "banner": BannerAnswer,
    "offer": OfferAnswer,
}


def answer_bytes(
    decision_id: str,
    found: Found,
    decision: Decision,
    assignments: Sequence[Assignment],
    rejected: TokenRejected | None,
    now: int,
    started: float,
    shown: Callable[[Pick], bytes],
    *,
    explains: bool,
) -> bytes:
    """Return the bytes of an answer; ``shown`` returns those of a product in its slot.

    ``started`` is when the request came in, by the clock that never runs backwards.
    """
    answer = Answer(
        decision_id=decision_id,
        profile=_profile(found, now),
        placements={
            name: _placement(one, shown, explains) for name, one in decision.choices.items()
        },
        fallback=decision.fallback,
        experiments=[VariationAnswer(name, name, to, to) for name, to in assignments],
        server_timing_ms=round(1000 * (perf_counter() - started), 3),
        token_rejected=msgspec.UNSET if rejected is None else rejected,
    )
    return _encode(answer)


def _placement(choice: Choice, shown: Callable[[Pick], bytes], explains: bool) -> PlacementAnswer:
    if isinstance(choice, Slate):
        return ProductsAnswer(
            strategy=choice.strategy,
            products=msgspec.Raw(b"[%b]" % b",".join([shown(pick) for pick in choice.picks])),
            fallback=choice.fallback,
        )
    considered = choice.considered if explains else None
    return _PROMOTIONS[choice.kind](
        content=choice.content,
        reason=choice.reason,
        campaign=choice.campaign or None,
        variation=choice.variation or None,
        overlay=choice.overlay,
        explanation=msgspec.UNSET if considered is None else considered.explanation(None),
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
