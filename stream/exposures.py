"""What visitors did since an experiment had a say in what they saw. Pure, in place.

A visitor belongs to the variation that came first, and counts once. The figures are sums of the set
of the visitor's events since then; what is taught are their changes, so that the sums over all
visitors come out right also when an order is told twice or two histories turn out to be one. Who
refuses is forgotten, and counts again after coming back.
"""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from config.events import CampaignChoice, Decided
from config.examples import Exposed
from online_models.users import MAX_EXPOSURES, Exposure, OpenDecision, Order, UserState

_FOR_EVER = 1 << 62


class Figures(NamedTuple):
    """Sums over visitors, as ``Exposed`` tells their changes."""

    visitors: int = 0
    clicked: int = 0
    converted: int = 0
    orders: int = 0
    revenue: float = 0.0
    squared_revenue: float = 0.0
    margin: float = 0.0
    squared_margin: float = 0.0

    def plus(self, other: "Figures", sign: int = 1) -> "Figures":
        """Return the sums of both, or with ``sign`` -1 the difference."""
        pairs = zip(self, other, strict=True)
        return Figures._make([mine + sign * theirs for mine, theirs in pairs])


Told = dict[tuple[str, str], Figures]  # by experiment and variation


def figures_of(*exposures: Iterable[Exposure]) -> Told:
    """Return what all these exposures come to, by variation."""
    told: Told = {}
    for exposure in chain.from_iterable(exposures):
        name = (exposure.experiment, exposure.variation)
        margin = exposure.revenue * exposure.margin_rate - exposure.given
        figures = Figures(
            1,
            int(exposure.is_clicked),
            int(exposure.n_orders > 0),
            exposure.n_orders,
            exposure.revenue,
            exposure.revenue**2,
            margin,
            margin**2,
        )
        known = told.get(name)
        told[name] = figures if known is None else known.plus(figures)
    return told


def changes_since(before: Told, now: Told, at: int) -> list[Exposed]:
    """Return by how much the figures of each variation changed, those that did.

    Of an experiment that was let go of, what was told stands.
    """
    changed = [name for name in before.keys() | now.keys() if now.get(name) != before.get(name)]
    if not changed:  # mostly; a visitor may be in a hundred experiments
        return []
    kept = {experiment for experiment, _ in now}
    return [
        Exposed(
            *name,
            at,
            **now.get(name, Figures()).plus(before.get(name, Figures()), sign=-1)._asdict(),
        )
        for name in sorted(changed)
        if name[0] in kept
    ]


def expose(state: UserState, decided: Decided) -> None:
    """Note which experiments had a say in a decision; one that came earlier takes the visitor."""
    at = decided.received_at
    for experiment, variation in decided.experiments:
        known = next((e for e in state.exposures if e.experiment == experiment), None)
        if known is None:
            if not _make_room(state, decided):
                continue
            known = Exposure(experiment, variation, at, margin_rate=decided.margin_rate)
            state.exposures.append(known)
            _add_from(state, known, at, _FOR_EVER)
        elif (at, variation) < (known.exposed_at, known.variation):
            _add_from(state, known, at, known.exposed_at)
            known.exposed_at, known.variation = at, variation
            known.margin_rate = decided.margin_rate


def count_for_experiments(exposures: Iterable[Exposure], order: Order, sign: float) -> None:
    """Count an order where it came after the exposure, or take it back."""
    for exposure in exposures:
        if order.at >= exposure.exposed_at:
            exposure.n_orders += int(sign)
            exposure.revenue += sign * order.revenue


def join_exposures(known: UserState, other: UserState) -> None:
    """Join another history's exposures, before its decisions and orders are joined."""
    pairs: dict[str, list[tuple[UserState, Exposure]]] = {}
    for state in (known, other):
        for exposure in state.exposures:
            pairs.setdefault(exposure.experiment, []).append((state, exposure))
    joint = []
    for experiment, found in pairs.items():
        _, first = min(found, key=lambda pair: (pair[1].exposed_at, pair[1].variation))
        exposed = Exposure(
            experiment, first.variation, first.exposed_at, margin_rate=first.margin_rate
        )
        own = {id(state): exposure for state, exposure in found}
        for state in (known, other):
            counted = own.get(id(state))
            _add_from(
                state,
                exposed,
                exposed.exposed_at,
                _FOR_EVER if counted is None else counted.exposed_at,
            )
            if counted is not None:
                exposed.is_clicked |= counted.is_clicked
                exposed.n_orders += counted.n_orders
                exposed.revenue += counted.revenue
                exposed.given += counted.given
        joint.append(exposed)
    joint.sort(key=lambda exposure: (exposure.exposed_at, exposure.experiment))
    known.exposures = joint[-MAX_EXPOSURES:]


def given_rate(choice: CampaignChoice) -> float:
    """Return the share of an order's revenue that a choice gives away."""
    return choice.discount_rate if choice.shows else 0.0


def _make_room(state: UserState, decided: Decided) -> bool:
    """Let go of the oldest exposure that this decision does not name, where there are too many."""
    if len(state.exposures) < MAX_EXPOSURES:
        return True
    named = {experiment for experiment, _ in decided.experiments}
    others = [exposure for exposure in state.exposures if exposure.experiment not in named]
    if not others:
        return False
    state.exposures.remove(min(others, key=lambda e: (e.exposed_at, e.experiment)))
    return True


def _add_from(state: UserState, exposure: Exposure, start: int, end: int) -> None:
    """Add what is remembered of ``start`` up to ``end`` (ms), that excluded."""
    for order in state.order_history:
        if start <= order.at < end:
            exposure.n_orders += 1
            exposure.revenue += order.revenue
    for decision in state.open_decisions:
        if start <= decision.decided_at < end:
            exposure.given += discount_of(decision)


def discount_of(decision: OpenDecision) -> float:
    """Return what an offer gave away so far."""
    return decision.revenue * given_rate(decision.choice)
