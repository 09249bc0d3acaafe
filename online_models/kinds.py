"""Which dense models there are, and what an example teaches each of them."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TypeVar

from config.errors import ShopkeeperError
from config.examples import Example, Rewarded, Visited, Waited
from online_models.chances import UnfitExample
from online_models.contexts import N_CONTEXT
from online_models.dense import RHYTHM, Kind, Kinds, arm_of, reward_of
from online_models.features import FEATURES
from online_models.offers import OfferPolicy
from online_models.policies import ThompsonPolicy
from online_models.propensity import Propensity
from online_models.rhythm_model import RhythmModel

_ORDERS_OFTEN, _LEAVES_OFTEN = 0.02, 0.2  # as long as nothing is known


_P = TypeVar("_P", ThompsonPolicy, OfferPolicy)


class OtherFeatures(ShopkeeperError):
    """A model knows other features than this Shopkeeper gives; it is learned anew."""


def _read_policy(kind: type[_P], data: bytes) -> _P:
    policy = kind.from_bytes(data)
    if policy.n_features != N_CONTEXT:
        raise OtherFeatures(f"policy of {policy.n_features} features; there are {N_CONTEXT}")
    return policy


def _teach_policy(policy: ThompsonPolicy, example: Example) -> bool:
    """Teach whether the reward came: how much an order brought is the offers' business."""
    return isinstance(example, Rewarded) and _learn(policy, example, float(reward_of(example) > 0))


def _teach_offers(policy: OfferPolicy, example: Example) -> bool:
    """Teach the margin after discount, 0 where no order came."""
    return isinstance(example, Rewarded) and _learn(policy, example, example.margin)


def _learn(policy: ThompsonPolicy | OfferPolicy, example: Rewarded, reward: float) -> bool:
    try:
        policy.learn_one(example.features, arm_of(example), reward, example.probability)
    except UnfitExample:
        return False
    return True


def _read_propensity(data: bytes) -> Propensity:
    model = Propensity.from_bytes(data)
    if model.columns.n_places not in (0, len(FEATURES)):
        raise OtherFeatures(
            f"propensity of {model.columns.n_places} features; there are {len(FEATURES)}"
        )
    return model


def _teach_visit(outcome: Callable[[Visited], bool], model: Propensity, example: Example) -> bool:
    if not isinstance(example, Visited) or len(example.features) != len(FEATURES):
        return False
    model.learn_one(example.features, outcome(example))
    return True


def _teach_rhythm(model: RhythmModel, example: Example) -> bool:
    return isinstance(example, Waited) and model.learn_one(example)


_teach_order = partial(_teach_visit, attrgetter("is_ordered"))
_teach_leave = partial(_teach_visit, attrgetter("is_last"))


KINDS: Kinds = {
    "policy:": Kind(ThompsonPolicy, partial(_read_policy, ThompsonPolicy), _teach_policy),
    "offer:": Kind(OfferPolicy, partial(_read_policy, OfferPolicy), _teach_offers),
    "order": Kind(partial(Propensity, _ORDERS_OFTEN), _read_propensity, _teach_order),
    "leave": Kind(partial(Propensity, _LEAVES_OFTEN), _read_propensity, _teach_leave),
    RHYTHM: Kind(RhythmModel, RhythmModel.from_bytes, _teach_rhythm),
}
