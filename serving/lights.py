"""Red, amber or green, each with a sentence: is all well, or why not. Pure.

``idle`` is what nothing can be said of, since nothing happens there.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Literal, NamedTuple

State = Literal["red", "amber", "green", "idle"]

LATE_SECONDS, VERY_LATE_SECONDS = 1.0, 5.0  # from an event to the profile that knows it
_SOON_SECONDS = 0.1
LAG_SECONDS, LONG_LAG_SECONDS = 2.0, 10.0  # of a shard
FULL_RATE, REFUSING_RATE = 0.6, 0.8  # of Redis' memory: entries go early; collect refuses
FAULTS = ("redis_slow", "redis_unavailable", "unreadable_user")  # fallbacks that are nobody's wish
FAULTY_RATE, VERY_FAULTY_RATE = 0.001, 0.01
MANY_BEHIND = 5_000  # steps
FEW_SCORED = 100
_LOSS_NOISE = 0.02  # of the baseline's loss

_ORDER: dict[State, int] = {"red": 0, "amber": 1, "green": 2, "idle": 3}


class Light(NamedTuple):
    """How a part of the shop is, and why."""

    name: str
    state: State
    sentence: str


def worst(lights: Sequence[Light]) -> Light:
    """Return the light that needs looking at first."""
    return min(lights, key=lambda light: _ORDER[light.state])


def graded(value: float, amber: float, red: float) -> State:
    """Return the state of a value that should be small.

    >>> graded(0.5, 1.0, 5.0), graded(2.0, 1.0, 5.0), graded(9.0, 1.0, 5.0)
    ('green', 'amber', 'red')
    """
    if value > red:
        return "red"
    return "amber" if value > amber else "green"


def processes_light(missing: Sequence[str], live: Mapping[str, int], n_fired: float) -> Light:
    """Return whether all that is needed runs; ``n_fired`` triggers want to be told of."""
    if missing:
        what = ", ".join(sorted(name.replace("_", " ") for name in missing))
        return Light("Processes", "red", f"Not ready: {what}.")
    running = [f"{n} {role}{'s' * (n > 1)}" for role, n in live.items() if n]
    if not live.get("learner"):
        return Light("Processes", "red", "No learner runs: models stay as they are.")
    if n_fired and not live.get("deliverer"):
        return Light("Processes", "red", "No deliverer runs: nobody is told of what fires.")
    return Light("Processes", "green", f"{', '.join(running)}: all there.")


def decisions_light(p50_ms: float | None, p99_ms: float | None, cutoff_ms: int) -> Light:
    """Return whether decisions come in time."""
    if p50_ms is None or p99_ms is None:
        return Light("Decisions", "idle", "Nobody asked in the last minute.")
    said = f"Half take {p50_ms:.1f} ms, 99 of 100 at most {p99_ms:.1f} ms"
    state = graded(p99_ms, cutoff_ms, 2 * cutoff_ms)
    than = "within" if state == "green" else "beyond"
    return Light("Decisions", state, f"{said}; {than} the {cutoff_ms} ms that Redis may take.")


def fallbacks_light(n_placements: float, fallbacks: Mapping[str, float]) -> Light:
    """Return whether answers had to do without what is known; strangers are no fault."""
    if not n_placements:
        return Light("Fallbacks", "idle", "Nothing was decided in the last minute.")
    faults = {reason: n for reason, n in fallbacks.items() if n and reason in FAULTS}
    rate = sum(faults.values()) / n_placements
    if not faults:
        return Light("Fallbacks", "green", "No answer had to do without what is known.")
    why = " and ".join(reason.replace("_", " ") for reason in sorted(faults))
    said = f"{100 * rate:.2g} % of placements had to do without what is known: {why}."
    return Light("Fallbacks", graded(rate, FAULTY_RATE, VERY_FAULTY_RATE), said)


def freshness_light(p99_ms: float | None) -> Light:
    """Return whether profiles know of events soon."""
    if p99_ms is None:
        return Light("Freshness", "idle", "No events in the last minute.")
    state = graded(p99_ms / 1000, LATE_SECONDS, VERY_LATE_SECONDS)
    return Light("Freshness", state, f"99 of 100 batches are in profiles after {p99_ms:.0f} ms.")


def lag_light(lag_seconds: float, n_owned: int, n_shards: int) -> Light:
    """Return whether each shard has somebody who keeps up with it."""
    if n_owned < n_shards:
        missing = n_shards - n_owned
        return Light("Shards", "red", f"{missing} of {n_shards} shards have no worker.")
    state = lag_state(lag_seconds)
    if lag_seconds < _SOON_SECONDS:
        return Light("Shards", state, f"No entry waits for long in any of {n_shards} shards.")
    return Light("Shards", state, f"The oldest entry has waited for {lag_seconds:.1f} s.")


def lag_state(lag_seconds: float) -> State:
    """Return how a shard that has a worker keeps up."""
    return graded(lag_seconds, LAG_SECONDS, LONG_LAG_SECONDS)


def memory_light(rate: float, dead_letters: float) -> Light:
    """Return whether there is room in Redis, and nothing was set aside."""
    state = graded(rate, FULL_RATE, REFUSING_RATE)
    said = f"{100 * rate:.0f} % of Redis' memory is in use"
    if state == "red":
        return Light("Redis", state, f"{said}: events are refused.")
    if dead_letters:
        return Light("Redis", "amber", f"{said}; {dead_letters:.0f} dead letters in 15 minutes.")
    return Light("Redis", state, f"{said}; no dead letters in 15 minutes.")


class Scored(NamedTuple):
    """How a model did in the last minutes: sums over ``n`` cases, of it and of its baseline."""

    n: float
    points: float
    baseline: float
    n_drifts: float

    @classmethod
    def of(cls, sums: Mapping[str, float], model: str) -> "Scored":
        """Return what is counted of a model."""
        parts = ("n", "points", "baseline", "drifts")
        return cls(*(sums.get(f"{model} {part}", 0.0) for part in parts))


def model_light(model: str, scored: Scored, *, is_loss: bool, behind: float, learns: bool) -> Light:
    """Return whether a model is worth more than its baseline, and still learns."""
    name = title_of(model)
    if not learns:
        return Light(name, "red", "No learner runs: it stays as it is.")
    if scored.n < FEW_SCORED:
        return Light(name, "idle", f"{scored.n:.0f} of {FEW_SCORED} cases to judge it by so far.")
    return _judged(name, scored, is_loss=is_loss, behind=behind)


def _judged(name: str, scored: Scored, *, is_loss: bool, behind: float) -> Light:
    own, other = scored.points / scored.n, scored.baseline / scored.n
    if is_loss:
        said = f"Log loss {own:.3f}; knowing only how often it comes, {other:.3f}"
        gain, noise = other - own, _LOSS_NOISE * other
    else:
        shares = f"{100 * own:.0f} %", f"{100 * other:.0f} %"
        said = "{} of next products are among its first 20; S-POP has {}".format(*shares)
        gain, noise = own - other, 2 * sqrt(2 * max(other * (1 - other), 0.01) / scored.n)
    if gain < -noise:
        return Light(name, "red", f"{said}: worse than the baseline.")
    if behind > MANY_BEHIND:
        return Light(name, "amber", f"{said}; it is {behind:,.0f} steps behind.")
    if scored.n_drifts:
        return Light(name, "amber", f"{said}; it got worse of late and learns anew.")
    if gain <= 0:
        return Light(name, "amber", f"{said}: no better than the baseline yet.")
    return Light(name, "green", f"{said}.")


def title_of(model: str) -> str:
    """Return what people call a model.

    >>> title_of("policy:hero"), title_of("next-product")
    ('Banners of hero', 'Next product')
    """
    kind, _, placement = model.partition(":")
    if placement:
        return f"{'Offers' if kind == 'offer' else 'Banners'} of {placement}"
    return {"next-product": "Next product", "order": "Will order", "leave": "Will leave"}.get(
        model, model
    )
