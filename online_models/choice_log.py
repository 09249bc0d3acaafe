"""The log of choices as JSON lines: what a policy chose, with which chance, and what it brought.

It names nobody: it is made of reward examples (``config/examples.py``). ``off_policy.py`` reads
from it what another policy would have earned.
"""

from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from typing import NamedTuple

import msgspec
import numpy as np

from config.errors import ShopkeeperError
from config.events import Goal
from config.examples import Rewarded
from online_models.dense import arm_of, reward_of
from online_models.off_policy import Choices, Doubles

MAX_FEATURES = 1_000
MAX_ARMS = 200  # of a policy


class InvalidChoice(ShopkeeperError):
    """A line is no logged choice; the text says why."""


class LoggedChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line: ``arm`` is empty where nothing was shown, times are in ms since the epoch, UTC.

    ``arms`` are what was chosen from, none where it is not known.
    """

    policy: str
    placement: str
    arm: str
    probability: float
    reward: float
    features: list[float] = []
    goal: Goal = "click"
    shown_at: int = 0
    is_holdout: bool = False
    arms: list[str] = []


class PolicyLog(NamedTuple):
    """The choices of one policy, in the order of the log; holdout visitors apart."""

    name: str
    arms: list[str]
    logged: list[LoggedChoice]
    choices: Choices
    held_out: list[LoggedChoice]


# Returns the chances of the arms, in their order, at the moment of a choice.
Target = Callable[[LoggedChoice, Sequence[str]], Sequence[float]]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LoggedChoice)


def choice_of(example: Rewarded) -> LoggedChoice:
    """Return the line of an example: its arm and reward in the terms of its policy."""
    return LoggedChoice(
        policy=example.policy,
        placement=example.placement,
        arm=arm_of(example),
        probability=example.probability,
        reward=reward_of(example),
        features=example.features,
        goal=example.goal,
        shown_at=example.shown_at,
        is_holdout=example.is_holdout,
        arms=example.arms,
    )


def encode_choice(choice: LoggedChoice) -> bytes:
    """Return a line, without its end."""
    return _encoder.encode(choice)


def decode_choice(line: bytes) -> LoggedChoice:
    """Return the choice of a line.

    Raises:
        InvalidChoice: it is none, or a number in it is out of range.
    """
    try:
        choice = _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidChoice(f"this is no logged choice: {error}") from error
    if not 0.0 < choice.probability <= 1.0:
        raise InvalidChoice(f"probability {choice.probability}: above 0 and at most 1 is needed")
    if len(choice.features) > MAX_FEATURES:
        raise InvalidChoice(f"{len(choice.features)} features: at most {MAX_FEATURES} are allowed")
    if not all(map(isfinite, (choice.reward, *choice.features))):
        raise InvalidChoice("the reward or a feature is not finite")
    return choice


def by_policy(logged: Sequence[LoggedChoice], only: str | None = None) -> list[PolicyLog]:
    """Return the choices of each policy that learns (or ``only`` one), policies and arms by name.

    One that was asked for nobody but holdout visitors yet is left out.

    Raises:
        InvalidChoice: see ``policy_log``.
    """
    asked = {one.policy for one in logged if one.policy and not one.is_holdout}
    names = sorted(asked if only is None else asked & {only})
    return [policy_log(name, [one for one in logged if one.policy == name]) for name in names]


def chances_of(target: Target, log: PolicyLog) -> Doubles:
    """Return the chances with which a policy picks each arm, a row for each logged choice."""
    return np.array([target(choice, log.arms) for choice in log.logged], np.float64)


def always(arm: str) -> Target:
    """Return the policy that picks one arm."""
    return lambda _, arms: [float(one == arm) for one in arms]


def uniform(_: LoggedChoice, arms: Sequence[str]) -> list[float]:
    """Pick every arm as often: a policy."""
    return [1.0 / len(arms)] * len(arms)


def policy_log(
    name: str, logged: Sequence[LoggedChoice], more_arms: Iterable[str] = ()
) -> PolicyLog:
    """Return choices as one log, whose arms are those that were chosen and these.

    Raises:
        InvalidChoice: there are too many arms, or the choices have not as many features each.
    """
    chosen = [choice for choice in logged if not choice.is_holdout]
    held_out = [choice for choice in logged if choice.is_holdout]
    arms = sorted({*(choice.arm for choice in chosen), *more_arms})
    if len(arms) > MAX_ARMS:
        raise InvalidChoice(f"{name} has {len(arms)} arms; at most {MAX_ARMS} can be valued")
    lengths = sorted({len(choice.features) for choice in chosen})
    if len(lengths) > 1:
        raise InvalidChoice(
            f"{name}: choices have {lengths[0]} to {lengths[-1]} features; "
            "keep those of one version of its features"
        )
    if not chosen:
        raise InvalidChoice(f"{name}: all choices are of holdout visitors")
    number = {arm: place for place, arm in enumerate(arms)}
    choices = Choices(
        np.array([number[choice.arm] for choice in chosen]),
        np.array([choice.probability for choice in chosen]),
        np.array([choice.reward for choice in chosen]),
        np.array([choice.features for choice in chosen], np.float64).reshape(len(chosen), -1),
        len(arms),
    )
    return PolicyLog(name, arms, chosen, choices, held_out)
