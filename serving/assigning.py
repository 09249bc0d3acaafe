"""Pure: which variations of experiments a visitor is in, and what that changes in a decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.experiment_effects import (
    barred_campaigns,
    having_a_say,
    replaced_policies,
    replaced_strategies,
    variations_in_force,
    variations_seen,
)
from config.experiments import Assignment, Attribute, Experiments, PolicyName, assign
from config.placements import Strategy
from online_models.users import UserState
from serving.asking import Asker
from serving.schemas import Request, id_text


@dataclass(frozen=True, slots=True)
class Assigned:
    """What experiments say of one visitor.

    ``seen`` is what conditions are asked about. ``counted`` are those whose variation this decision
    shows: they belong into the answer, and into its log entry.
    """

    counted: tuple[Assignment, ...] = ()
    seen: Mapping[str, str] = field(default_factory=dict)
    barred: frozenset[str] = frozenset()
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    policies: Mapping[str, PolicyName] = field(default_factory=dict)


NO_EXPERIMENTS = Assigned()


def assigned_to(
    request: Request,
    asker: Asker,
    user: UserState | None,
    experiments: Experiments,
    campaigns: Mapping[str, frozenset[str]],
    *,
    is_granted: bool,
) -> Assigned:
    """Return what experiments say of who asks; without consent, what they say of nobody.

    ``campaigns`` are by placement all that stand in it.
    """
    if not experiments:
        return NO_EXPERIMENTS
    kept = {one.experiment: one.variation for one in user.exposures} if user is not None else None
    found = assign(experiments, _ids(request, asker), kept) if is_granted else []
    by_name = dict(found)
    in_force = variations_in_force(experiments, by_name)
    return Assigned(
        counted=tuple(having_a_say(experiments, found, request.placements, campaigns)),
        seen=variations_seen(experiments, by_name),
        barred=barred_campaigns(experiments, in_force),
        strategies=replaced_strategies(in_force),
        policies=replaced_policies(in_force),
    )


def _ids(request: Request, asker: Asker) -> dict[Attribute, str]:
    """Return the ids as the shop spells them; a ``userId`` counts only where somebody vouches."""
    ids: dict[Attribute, str] = {}
    user_id, anonymous_id = id_text(request.user_id), id_text(request.anonymous_id)
    if user_id is not None and asker.known is not None:
        ids["userId"] = user_id
    if anonymous_id is not None:
        ids["anonymousId"] = anonymous_id
    return ids
