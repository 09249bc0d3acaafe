"""Values policies on logged choices: the Open Bandit format, and our own log."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.errors import ShopkeeperError
from online_models.choice_log import (
    LoggedChoice,
    PolicyLog,
    always,
    by_policy,
    chances_of,
    uniform,
)
from online_models.off_policy import Estimate, Estimates, Valuer, mean_reward
from shopkeeper.choice_files import choice_logs, choices_of
from shopkeeper.load_reports import say
from shopkeeper.open_bandit import log_file, read_log, read_prior, thompson_chances

_ESTIMATORS = ("ipw", "self_normalised_ipw", "direct_method", "doubly_robust")
_LOGGED_BY, _VALUED = "random", "bts"  # behaviours of the Open Bandit Dataset


def evaluate_folder(
    folder: Path, campaign: str, policy: str | None, n_slates: int, seed: int
) -> dict[str, Any]:
    """Return what policies are worth by the log in a folder, whichever kind it is.

    Raises:
        ShopkeeperError: it is of neither kind, or broken.
    """
    path = log_file(folder, _LOGGED_BY, campaign)
    if path is not None:
        return evaluate_open_bandit(folder, path, campaign, n_slates, seed)
    if not choice_logs(folder):
        raise ShopkeeperError(
            f"{folder} holds no log: {_LOGGED_BY}/{campaign}/{campaign}.csv (Open Bandit), "
            "or *.jsonl with logged choices"
        )
    return evaluate_choices(choices_of(folder), policy, seed)


def evaluate_open_bandit(
    folder: Path, path: Path, campaign: str, n_slates: int, seed: int
) -> dict[str, Any]:
    """Return the value of Thompson sampling, from the slots of ``path``, which were drawn evenly.

    Where the folder has slots of Thompson sampling itself, its own clicks stand beside it.
    """
    alpha, beta = read_prior(folder, campaign)
    log = read_log(path, len(alpha))
    chances = thompson_chances(alpha, beta, n_slates, seed)
    figures = figures_of(Valuer(log.choices, seed).value(chances[log.positions]))
    own = log_file(folder, _VALUED, campaign)
    if own is not None:
        measured = mean_reward(read_log(own, len(alpha)).choices.rewards, seed)
        figures["on_policy"] = rounded(measured.value)
        figures["intervals"]["on_policy"] = rounded_interval(measured)
        if measured.value > 0.0:
            figures["relative_errors"] = {
                name: round(abs(figures[name] / measured.value - 1.0), 4) for name in _ESTIMATORS
            }
    return figures | {
        "n_choices": len(log.choices.arms),
        "n_slates": n_slates,
        "campaign": campaign,
        "seed": seed,
    }


def evaluate_choices(
    logged: Sequence[LoggedChoice], policy: str | None, seed: int
) -> dict[str, Any]:
    """Return, for each policy of our log, what it earned and what simple ones would have."""
    logs = by_policy(logged, policy)
    if not logs:
        known = ", ".join(sorted({one.policy for one in logged if one.policy})) or "none"
        raise ShopkeeperError(f"the log has no choice of a policy to value; its policies: {known}")
    return {"policies": {log.name: _of_log(log, seed) for log in logs}, "seed": seed}


def _of_log(log: PolicyLog, seed: int) -> dict[str, Any]:
    say(f"{log.name}: {len(log.logged)} choices of {len(log.arms)} arms")
    valuer = Valuer(log.choices, seed)
    earned = valuer.value_logged()
    others = {"uniform": uniform} | {f"always {arm or 'nothing'}": always(arm) for arm in log.arms}
    figures: dict[str, Any] = {
        "n_choices": len(log.logged),
        "on_policy": rounded(earned.value),
        "on_policy_interval": rounded_interval(earned),
        "n_holdout": len(log.held_out),
        "values": {
            name: figures_of(valuer.value(chances_of(target, log)))
            for name, target in others.items()
        },
    }
    if log.held_out:
        rewards = [choice.reward for choice in log.held_out]
        figures["holdout"] = rounded(sum(rewards) / len(rewards))
    return figures


def figures_of(estimates: Estimates) -> dict[str, Any]:
    """Return all that is told of estimates, by name."""
    each = {name: getattr(estimates, name) for name in _ESTIMATORS}
    return {
        **{name: rounded(estimate.value) for name, estimate in each.items()},
        "intervals": {name: rounded_interval(estimate) for name, estimate in each.items()},
        "effective_choices": round(estimates.effective_choices, 1),
        "largest_weight": round(estimates.largest_weight, 3),
        "unsupported": round(estimates.unsupported, 4),
    }


def rounded_interval(estimate: Estimate) -> list[float]:
    """Return the ends of an interval as they are told."""
    return [rounded(estimate.low), rounded(estimate.high)]


def rounded(value: float) -> float:
    """Return a value as it is told."""
    return round(value, 6)
