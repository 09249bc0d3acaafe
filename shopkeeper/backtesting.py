"""Values another file of campaigns on logged choices: what it would have earned, by placement."""

from collections.abc import Sequence
from typing import Any

from config.campaigns import Campaigns
from config.errors import ShopkeeperError
from online_models.backtest import Plan
from online_models.choice_log import LoggedChoice, chances_of, policy_log
from online_models.off_policy import Valuer
from online_models.picking import NOTHING
from shopkeeper.evaluating_policy import figures_of, rounded, rounded_interval

FEW = 100  # effective choices, below which nothing should be believed
_UNSUPPORTED = 0.2
_OF_GOALS = {"click": "clicks", "order": "orders", "margin": "margin"}


def backtest(logged: Sequence[LoggedChoice], campaigns: Campaigns, seed: int) -> dict[str, Any]:
    """Return, for each placement and goal of the log, what was earned and what would have been.

    Raises:
        ShopkeeperError: the log has no choice to value.
    """
    parts = sorted({(one.placement, one.goal) for one in logged if not one.is_holdout})
    if not parts:
        raise ShopkeeperError("the log holds no choice of a campaign; let the shop run for a while")
    return {
        "placements": [
            _of_placement(
                [one for one in logged if (one.placement, one.goal) == part], campaigns, seed
            )
            for part in parts
        ],
        "seed": seed,
    }


def _of_placement(
    logged: Sequence[LoggedChoice], campaigns: Campaigns, seed: int
) -> dict[str, Any]:
    placement, goal = logged[0].placement, logged[0].goal
    plan = Plan(campaigns, placement, logged)
    log = policy_log(placement, logged, plan.arms)
    valuer = Valuer(log.choices, seed, _known(log.arms.index(NOTHING), goal, log.held_out))
    target = chances_of(plan.chances, log)
    earned, gain = valuer.value_logged(), valuer.gain(target)
    figures: dict[str, Any] = {
        "placement": placement,
        "goal": goal,
        "n_choices": len(log.logged),
        "earned": rounded(earned.value),
        "earned_interval": rounded_interval(earned),
        **figures_of(valuer.value(target)),
        "gain": rounded(gain.value),
        "gain_interval": rounded_interval(gain),
        "shows_nothing": rounded(float(target[:, log.arms.index(NOTHING)].mean())),
    }
    return figures | {"says": _sentence(figures)}


def _known(nothing: int, goal: str, held_out: Sequence[LoggedChoice]) -> dict[int, float]:
    """Return what showing nothing brings, as far as it is known: no clicks; else, the holdout's."""
    if goal == "click":
        return {nothing: 0.0}
    if not held_out:
        return {}
    return {nothing: sum(choice.reward for choice in held_out) / len(held_out)}


def _sentence(figures: dict[str, Any]) -> str:
    what = _OF_GOALS[figures["goal"]]
    if figures["unsupported"] > _UNSUPPORTED:
        return (
            f"cannot be told: {figures['unsupported']:.0%} of the time it would show what was "
            "never shown before, or what the log cannot tell"
        )
    if figures["effective_choices"] < FEW:
        return (
            f"cannot be told: the log has as much to say as {figures['effective_choices']:.0f} "
            f"choices; {FEW} are needed"
        )
    low, high = figures["gain_interval"]
    if low > 0:
        return f"more {what} than now"
    return f"less {what} than now" if high < 0 else f"no difference in {what} can be shown"
