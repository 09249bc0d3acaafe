"""A seeded shop with four banners: who would click which, and how that changes half-way.

The true chances stand here and nowhere else. Visitors are described by what policies know of real
ones (``online_models/contexts.py``). A banner's chance depends on device, weather, evening, cart,
whether the visitor is known, and on a favourite category; mobile visitors in the rain are a case of
their own, which no sum of effects describes. At the drift each banner takes over another's ways,
and its effects are drawn anew: what was learned is wrong then.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from online_models.contexts import CONTEXT_NAMES, N_CONTEXT

Doubles = NDArray[np.float64]

BANNERS = ("hiking/a", "camping/a", "running/a", "outlet/a")
N_BANNERS = len(BANNERS)
BASE_CHANCE = 0.06
FAVOURITE_EFFECT = 1.2  # on the log odds, as all effects
_EFFECTS = 0.5  # standard deviation of an effect of a banner
_SPREAD = 0.25  # of how good banners are
_COLUMN = {name: number for number, name in enumerate(CONTEXT_NAMES)}


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits in their order: what policies know of each, and each banner's true chance."""

    features: Doubles  # (n, features)
    chances: Doubles  # (n, banners)


class BannerShop:
    """A shop of a seed; ``phase`` is 0 before the drift, 1 after it."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 4])
        base = np.log(BASE_CHANCE / (1.0 - BASE_CHANCE))
        self._bases = base + rng.normal(0.0, _SPREAD, (2, N_BANNERS))
        self._effects = rng.normal(0.0, _EFFECTS, (2, N_BANNERS, 6))
        self._favourites = np.stack([np.arange(N_BANNERS), np.roll(np.arange(N_BANNERS), 1)])
        self._rng = rng

    def visits(self, n: int, phase: int) -> Visits:
        """Return the next visits of a phase."""
        told, rng = np.zeros((n, N_CONTEXT)), self._rng
        device = rng.random(n)
        is_mobile, is_known = device < 0.55, rng.random(n) < 0.6
        is_rain, hour = rng.random(n) < 0.3, rng.uniform(0.0, 24.0, n)
        has_cart = rng.random(n) < 0.25
        favourite = np.where(is_known, rng.integers(N_BANNERS, size=n), -1)

        def tell(name: str, values: "NDArray[Any]") -> None:
            told[:, _COLUMN[name]] = values

        tell("mobile", is_mobile)
        tell("tablet", device > 0.93)
        tell("hour_sin", np.sin(hour / 12.0 * np.pi))
        tell("hour_cos", np.cos(hour / 12.0 * np.pi))
        tell("weekend", rng.random(n) < 0.28)
        tell("nobody", ~is_known)
        tell("known", is_known & (rng.random(n) < 0.4))
        tell("age", is_known * rng.exponential(0.7, n))
        tell("sessions_month", is_known * rng.exponential(0.5, n))
        tell("views_day", is_known * rng.exponential(0.6, n))
        tell("category_focus", is_known * rng.uniform(0.3, 1.0, n))
        tell("cart_value", has_cart * rng.normal(0.8, 0.15, n))
        tell("session_pages", rng.exponential(0.6, n))
        tell("shop_3", is_rain)
        for place in range(N_BANNERS):
            tell(f"favourite_{2 * place}", favourite == place)
        causes = np.stack(
            [is_mobile, is_rain, is_mobile & is_rain, (hour > 18.0), has_cart, is_known], axis=1
        )
        scores = self._bases[phase] + causes @ self._effects[phase].T
        scores += FAVOURITE_EFFECT * (favourite[:, None] == self._favourites[phase])
        return Visits(told, 1.0 / (1.0 + np.exp(-scores)))
