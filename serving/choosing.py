"""Pure: which campaign, and which of its variations, a placement of banners or offers shows.

Of the campaigns that nothing stands against, those with the highest priority compete. Who is held
out of offers is so by a draw that no rule has a say in, and the same each time; it is told where an
offer would have been made, so that what follows can be compared.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from config.decisions import Objection
from config.placements import Banner, Offer
from online_models.competing import competing, fixed_chances, learned_arms
from online_models.picking import Picked, draw, draw_at
from serving.campaign_rules import Given, Situation
from serving.campaigns import Group, InForce, Ready
from serving.choices import Promotion
from serving.considered import Candidate, Considered
from serving.contents import content_for, reason_of
from serving.lazy import lazy
from serving.policies import Policies, Uniform, place_of
from serving.reasons import why_promotion
from serving.refusals import Refusal, Refused
from serving.schemas import Preview
from serving.view import View

Features = Callable[[View, str], list[float]]  # of a request, in a time zone

_UNIFORM = Uniform()
_HELD_OUT = Objection("holdout", "the visitor is held out of offers")
_FORCED = Objection("preview", "another one is previewed")


class Chooser(NamedTuple):
    """What is chosen with; without ``features`` nothing is learned from what is chosen."""

    campaigns: InForce
    policies: Policies
    given: Given
    features: Features | None = None


class _Looked(NamedTuple):
    """The campaigns of a placement that were looked at, and those that nothing stands against.

    ``passed`` is what stands against some of these after all.
    """

    candidates: list[Candidate]
    eligible: list[Ready]
    untold: int = 0
    passed: Mapping[str, Objection] = {}


class _Choice(NamedTuple):
    """How an arm was picked: by what, for which policy to learn from, and among what."""

    by: str
    policy: str
    pick: Picked
    arms: Sequence[str]
    chances: Sequence[float]


class Choosing:
    """Chooses for the placements of one request, in their order: only one may get an overlay."""

    def __init__(self, view: View, chooser: Chooser) -> None:
        self._view = view
        self._chooser = chooser
        options = view.request.options
        self._explains = options is not None and options.explain
        self._preview = options.preview if options is not None else None

    def promotion(self, name: str, placement: Banner | Offer) -> Promotion:
        """Return what a placement shows."""
        groups = self._chooser.campaigns.groups.get(name, ())
        if not groups:
            return self._own(placement)
        forced = self._forced(name, placement, groups)
        if forced is not None:
            return forced
        looked = self._look(groups)
        held_out: list[Ready] = []
        standing: list[Ready] = []
        for one in looked.eligible:
            is_out = one.holdout_rate and self._offer_place < one.holdout_rate
            (held_out if is_out else standing).append(one)
        if held_out:
            looked = _left(looked, held_out, _HELD_OUT)
        if standing:
            return self._choose(name, placement, looked, standing)
        if held_out:
            return self._hold_out(name, placement, looked, held_out[0])
        considered = Considered(looked.candidates, untold=looked.untold, passed=looked.passed)
        return self._own(placement, considered)

    @lazy
    def _asked(self) -> Situation:
        view = self._view
        contacts = view.user.contacts if view.user is not None else ()
        return Situation(
            now=view.now,
            answers=view.facts.answers,
            contacts={contact.campaign: contact for contact in contacts},
            is_unseen=view.is_unseen,
            channel=view.request.channel(),
            given=self._chooser.given,
            barred=view.assigned.barred,
            segment=self._preview.segment if self._preview is not None else None,
        )

    @lazy
    def _offer_place(self) -> float:
        digest = self._view.visitor.digest
        return 1.0 if digest is None else place_of(digest, "holdout")

    @lazy
    def _features(self) -> list[float]:
        features = self._chooser.features
        return [] if features is None else features(self._view, self._chooser.campaigns.time_zone)

    def _look(self, groups: Sequence[Group]) -> _Looked:
        """Look at campaigns, from the highest priority on, until some may be shown."""
        if self._explains:
            return self._look_at_all(groups)
        candidates: list[Candidate] = []
        for place, group in enumerate(groups):
            eligible = self._look_at(group, candidates)
            if eligible:
                untold = sum(len(other.campaigns) for other in groups[place + 1 :])
                return _Looked(candidates, eligible, untold)
        return _Looked(candidates, [])

    def _look_at(self, group: Group, candidates: list[Candidate]) -> list[Ready]:
        """Return those that may be shown; tell of each what first stands against it."""
        asked, eligible = self._asked, []
        answers = self._view.facts.ask(group.tests, group.names)
        for one, test, unmet in group.asked:
            if test is not None and not answers[test]:
                candidates.append(unmet)
                continue
            objection = one.against(asked)
            if objection is None:
                eligible.append(one)
            candidates.append((one.name, () if objection is None else (objection,)))
        return eligible

    def _look_at_all(self, groups: Sequence[Group]) -> _Looked:
        """Tell of all campaigns all that stands against them."""
        candidates: list[Candidate] = []
        eligible: list[Ready] = []
        for group in groups:
            self._view.facts.ask(group.tests, group.names)
            higher = [Objection("priority", f"{one.name!r} has a higher one") for one in eligible]
            found = [(one, one.all_against(self._asked)) for one in group.campaigns]
            candidates += [(one.name, against or higher[:1]) for one, against in found]
            eligible = eligible or [one for one, against in found if not against]
        return _Looked(candidates, eligible)

    def _choose(
        self, name: str, placement: Banner | Offer, looked: _Looked, standing: list[Ready]
    ) -> Promotion:
        among = competing(standing, self._view.assigned.policies.get(name))
        if len(among) < len(standing):
            names = {one.name for one in among}
            passed = [one for one in standing if one.name not in names]
            before = Objection("order", f"{standing[0].name!r} stands before it in the file")
            looked = _left(looked, passed, before)
        choice = self._pick(name, self._by(name, standing[0]), among)
        _, _, variation = choice.pick.arm.partition("/")
        one = next((one for one in among if choice.pick.arm in one.arms), among[0])
        features = self._features if choice.policy else []
        considered = Considered(
            candidates=looked.candidates,
            passed=looked.passed,
            policy=choice.by,
            probability=choice.pick.probability,
            probabilities=dict(zip(choice.arms, choice.chances, strict=True)),
            features=features,
            untold=looked.untold,
        )
        told = one.choice(
            name,
            variation,
            policy=choice.policy if features else "",
            probability=choice.pick.probability,
            features=features,
            arms=list(choice.arms),
        )
        shown = self._shown(one, variation) if variation else self._own(placement)
        return shown._replace(choice=told, considered=considered)

    def _pick(self, name: str, by: str, among: Sequence[Ready]) -> _Choice:
        first = among[0]
        fixed = fixed_chances(by, first)
        if fixed is not None:
            arms, chances, digest = list(fixed), list(fixed.values()), self._view.visitor.digest
            place = self._view.rng.random() if digest is None else place_of(digest, first.name)
            return _Choice(by, "", draw_at(arms, chances, place), arms, chances)
        policy_name = first.policy_in(name)
        arms = learned_arms(among)
        learned = self._chooser.policies.get(policy_name) if by == "learned" else None
        likely = (learned or _UNIFORM).probabilities(self._features, arms)
        pick = draw(arms, likely, self._view.rng)
        return _Choice(policy_name if learned else "uniform", policy_name, pick, arms, likely)

    def _hold_out(
        self, name: str, placement: Banner | Offer, looked: _Looked, one: Ready
    ) -> Promotion:
        # Beside the choices that it is to be compared with.
        is_learned = fixed_chances(self._by(name, one), one) is None
        features = self._features if is_learned else []
        considered = Considered(
            looked.candidates,
            "holdout",
            features=features,
            is_holdout=True,
            untold=looked.untold,
            passed=looked.passed,
        )
        policy = one.policy_in(name) if features else ""
        told = one.choice(name, "", policy=policy, features=features, is_holdout=True)
        return self._own(placement)._replace(choice=told, considered=considered)

    def _by(self, name: str, first: Ready) -> str:
        """Return how a placement chooses among campaigns of which this is the first."""
        return self._view.assigned.policies.get(name) or first.campaign.choose

    def _forced(
        self, name: str, placement: Banner | Offer, groups: Sequence[Group]
    ) -> Promotion | None:
        """Return what a preview wants to see, where it is of this placement."""
        wanted = self._preview.variation if self._preview is not None else None
        if wanted is None:
            return None
        standing = [one for group in groups for one in group.campaigns]
        one = next((one for one in standing if wanted in one.arms), None)
        if one is None:
            return None
        found = [(other.name, () if other is one else (_FORCED,)) for other in standing]
        considered = Considered(found, "preview", probabilities={wanted: 1.0})
        return self._shown(one, wanted.partition("/")[2])._replace(considered=considered)

    def _shown(self, one: Ready, variation: str) -> Promotion:
        campaign = one.campaign
        if campaign.overlay:
            self._asked.overlay = one.name
        is_personal = bool(campaign.when or campaign.segments)
        return Promotion(
            kind="offer" if one.is_offer else "banner",
            content=content_for(campaign.variations[variation], self._view),
            reason=reason_of(campaign, self._view)
            or why_promotion(is_shown=True, is_personal=is_personal),
            fallback=None,
            is_personal=is_personal,
            overlay=campaign.overlay,
            campaign=one.name,
            variation=variation,
        )

    def _own(self, placement: Banner | Offer, considered: Considered | None = None) -> Promotion:
        is_banner = isinstance(placement, Banner)
        content = placement.content if isinstance(placement, Banner) else None
        return Promotion(
            kind="banner" if is_banner else "offer",
            content=content,
            reason=why_promotion(is_shown=content is not None, is_personal=False),
            fallback=self._view.missing,
            considered=considered,
        )


def check_preview(preview: Preview, campaigns: InForce) -> None:
    """Check that what is to be previewed is there.

    Raises:
        Refused: it is not; the text names what there is.
    """
    if preview.segment is not None and preview.segment not in campaigns.segments:
        known = ", ".join(sorted(campaigns.segments)) or "none"
        raise Refused(
            Refusal.BAD_REQUEST,
            f"options.preview.segment: {preview.segment!r} is no segment; allowed: {known}",
        )
    arms = [arm for one in campaigns.campaigns.values() for arm in one.arms]
    if preview.variation is not None and preview.variation not in arms:
        close = get_close_matches(preview.variation, arms, n=3) or sorted(arms)[:3]
        raise Refused(
            Refusal.BAD_REQUEST,
            f"options.preview.variation: {preview.variation!r} is none; allowed: "
            f"campaign/variation, such as {', '.join(close) or 'those of campaigns.toml'}",
        )


def _left(looked: _Looked, out: Sequence[Ready], why: Objection) -> _Looked:
    """Return what was looked at, with this against some that could be shown."""
    return looked._replace(passed={**looked.passed, **{one.name: why for one in out}})
