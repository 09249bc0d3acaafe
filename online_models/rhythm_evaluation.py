"""Evaluates what is foreseen of customers' next orders, with the functions that run in a shop.

Orders come in as time passes; customers are asked about before anything later is learned. *Again*:
after each order, will the next come within ``within_ms``, and how long will it take? *Leaving*: at
``horizon_ms`` before the end of the data, who will not order any more until then? Only what the
data follow for a whole horizon is judged: else intervals would count by how short they are.

Baselines: ``mean_interval`` expects the next order after the customer's mean interval, else after
that of all (``purchases.due_again`` does so); ``recency`` takes those who are silent for longest as
the likeliest to have left; ``rate`` knows the share of what happened, in hindsight.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from math import exp, log
from statistics import fmean

import numpy as np

from config.durations import DAY_MS
from online_models.chance_scores import area_under_curve, log_loss
from online_models.curves import LEAST_LEARNED, TOLD_EVERY, Curves
from online_models.expected import Rhythm
from online_models.rhythm import N_BINS, follow, next_at, order_times, pass_time
from online_models.rhythm_model import RhythmModel
from online_models.users import MAX_ORDERS

_DIGITS = 4

Ordered = tuple[int, str]  # time (ms) and customer


@dataclass(slots=True)
class Asked:
    """What was foreseen and what came of it, one by one."""

    came: list[bool] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    by_baseline: list[float] = field(default_factory=list)
    times_off: list[float] = field(default_factory=list)
    times_off_baseline: list[float] = field(default_factory=list)

    def figures(self, baseline: str) -> dict[str, float]:
        """Return areas under the curve, and log losses beside the rate in hindsight."""
        came = np.array(self.came, bool)
        rate = fmean(self.came)
        told = {
            "n": len(came),
            "rate": rate,
            "auc": area_under_curve(came, np.array(self.chances)),
            f"auc_{baseline}": area_under_curve(came, np.array(self.by_baseline)),
            "log_loss": log_loss(came, np.array(self.chances)),
            "log_loss_rate": log_loss(came, np.full(len(came), rate)),
        }
        if self.times_off:
            told["times_off"] = exp(fmean(self.times_off))
            told[f"times_off_{baseline}"] = exp(fmean(self.times_off_baseline))
        return {name: round(figure, _DIGITS) for name, figure in told.items()}


@dataclass(slots=True)
class Shop:
    """All customers' rhythms as time passes, and what was learned of them."""

    model: RhythmModel = field(default_factory=RhythmModel)
    curves: Curves = field(default_factory=lambda: RhythmModel().curves())
    rhythms: dict[str, Rhythm] = field(default_factory=dict)
    orders: dict[str, list[int]] = field(default_factory=dict)  # latest first
    intervals: list[int] = field(default_factory=list)
    _timers: list[tuple[int, str]] = field(default_factory=list)
    _n_learned: int = 0

    def order(self, at: int, customer: str) -> None:
        """Take an order in, once time has passed to it."""
        self.pass_time(at)
        kept = self.orders.setdefault(customer, [])
        kept.insert(0, at)
        del kept[MAX_ORDERS:]
        times = order_times(kept)
        before = self.rhythms.get(customer)
        rhythm, examples = follow(before, times, self.curves.usual_ms)
        for example in examples:
            self._n_learned += self.model.learn_one(example)
        if before is not None and rhythm.ordered_at > before.ordered_at:
            self.intervals.append(rhythm.ordered_at - before.ordered_at)
        self.rhythms[customer] = rhythm
        self._set_timer(customer)

    def pass_time(self, now: int) -> None:
        """Let timers fire until ``now``, and curves be told."""
        while self._timers and self._timers[0][0] <= now:
            due_at, customer = heappop(self._timers)
            rhythm = self.rhythms[customer]
            if rhythm.taught < N_BINS and next_at(rhythm) == due_at:
                for example in pass_time(rhythm, due_at):
                    self._n_learned += self.model.learn_one(example)
                self._set_timer(customer)
        if self._n_learned > TOLD_EVERY * self.curves.n_learned:
            self.curves = self.model.curves()

    def mean_interval(self, customer: str) -> float:
        """Return the customer's mean interval, else that of all; what the baseline expects."""
        times = order_times(self.orders[customer])
        gaps = [later - earlier for later, earlier in pairwise(times)]
        return fmean(gaps or self.intervals[-1_000:])

    def knows_enough(self) -> bool:
        """Tell whether anything may be judged."""
        return self._n_learned >= LEAST_LEARNED and bool(self.intervals)

    def _set_timer(self, customer: str) -> None:
        rhythm = self.rhythms[customer]
        if rhythm.taught < N_BINS:
            heappush(self._timers, (next_at(rhythm), customer))


def evaluate_rhythm(
    ordered: Sequence[Ordered], horizon_ms: int, within_ms: int
) -> dict[str, dict[str, float]]:
    """Return the figures of both questions; one of which there is nothing to judge is left out."""
    in_order = sorted(ordered)
    times: dict[str, list[int]] = {}
    for at, customer in in_order:
        times.setdefault(customer, []).append(at)
    shop, again, leaving = Shop(), Asked(), Asked()
    judged_until = (in_order[-1][0] if in_order else 0) - horizon_ms
    for at, customer in in_order:
        if at > judged_until and not leaving.came and shop.knows_enough():
            shop.pass_time(judged_until)
            _ask_who_left(shop, times, judged_until, horizon_ms, leaving)
        known = shop.rhythms.get(customer)
        shop.order(at, customer)
        is_new = known is None or shop.rhythms[customer].ordered_at > known.ordered_at
        if is_new and at <= judged_until and shop.knows_enough():
            _ask_when_again(shop, customer, times[customer], horizon_ms, within_ms, again)
    told = {
        "again": again.figures("mean_interval") if _is_fit(again) else {},
        "leaving": leaving.figures("recency") if _is_fit(leaving) else {},
    }
    return {name: figures for name, figures in told.items() if figures}


def _ask_when_again(
    shop: Shop, customer: str, times: Sequence[int], horizon_ms: int, within_ms: int, asked: Asked
) -> None:
    rhythm = shop.rhythms[customer]
    at = rhythm.ordered_at
    # As an interval counts: orders of the same day are one.
    place = bisect_right(times, at + DAY_MS - 1)
    took = times[place] - at if place < len(times) else None
    expected = shop.mean_interval(customer)
    asked.came.append(took is not None and took <= within_ms)
    asked.chances.append(shop.curves.chance(rhythm, at, within_ms))
    asked.by_baseline.append(-expected)
    if took is not None and took <= horizon_ms:
        due = max(shop.curves.due_at(rhythm, horizon_ms=horizon_ms) - at, DAY_MS)
        asked.times_off.append(abs(log(due / took)))
        asked.times_off_baseline.append(abs(log(expected / took)))


def _ask_who_left(
    shop: Shop, times: dict[str, list[int]], now: int, horizon_ms: int, asked: Asked
) -> None:
    for customer, rhythm in shop.rhythms.items():
        place = bisect_right(times[customer], now)
        asked.came.append(place == len(times[customer]))
        asked.chances.append(1.0 - shop.curves.chance(rhythm, now, horizon_ms))
        asked.by_baseline.append(float(now - rhythm.ordered_at))


def _is_fit(asked: Asked) -> bool:
    return 0 < sum(asked.came) < len(asked.came)
