"""When customers order again, as the model had learned it when it was told: for forecasts. Pure.

The curves come to a shard through its log, so that what is due when is the same on replay.
"""

from functools import cached_property
from itertools import accumulate
from math import exp, isfinite, log1p

import msgspec

from config.durations import DAY_MS
from config.errors import ShopkeeperError
from online_models.expected import Rhythm
from online_models.rhythm import N_BINS, N_GROUPS, group_of, place_of, ratio_at

USUAL_MS = 30 * DAY_MS  # between orders, as long as nothing is known
HORIZON_MS = 180 * DAY_MS  # who orders nothing for so long has left for good
MAX_CHANCE = 0.9  # of an order in a bin
LEAST_LEARNED = 500  # examples; with fewer nothing is foreseen, and nothing judged
TOLD_EVERY = 1.05  # curves are told again once they were learned from so much more
_STEPS = 30  # of a bisection: a millionth of a bin

_VERSION = 1


class InvalidCurves(ShopkeeperError):
    """The bytes are no curves that this version can read."""


class Curves(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """By group and bin the chance of an order in it, for who was silent until it.

    ``usual_ms`` is the usual interval between orders, ``n_learned`` from how much they were
    learned.
    """

    usual_ms: float
    n_learned: int
    chances: list[list[float]]

    def chance(self, rhythm: Rhythm, now: int, within_ms: int) -> float:
        """Return the chance of an order within so long from ``now`` on, if there was none yet."""
        start = max(now - rhythm.ordered_at, 0)
        return 1.0 - exp(self._silent(rhythm, start + within_ms) - self._silent(rhythm, start))

    def due_at(self, rhythm: Rhythm, share: float = 0.5, horizon_ms: int = HORIZON_MS) -> int:
        """Return when (ms) this share of those who order again within the horizon have."""
        returning = 1.0 - exp(self._silent(rhythm, horizon_ms))
        until = log1p(-min(share * returning, 1.0 - 1e-9))
        place = self._place_where(rhythm, until)
        silence = min(rhythm.scale_ms * ratio_at(place), horizon_ms)
        return rhythm.ordered_at + round(silence)

    def leaves_at(self, rhythm: Rhythm, chance: float, horizon_ms: int = HORIZON_MS) -> int | None:
        """Return from when (ms) on silence means, with such a chance, no order within the horizon.

        None: whatever the silence, as far as the model knows, that is less likely.
        """

        def has_left(place: float) -> bool:
            at = rhythm.ordered_at + round(rhythm.scale_ms * ratio_at(place))
            return 1.0 - self.chance(rhythm, at, horizon_ms) >= chance

        if 1.0 - self.chance(rhythm, rhythm.ordered_at, horizon_ms) >= chance:
            return rhythm.ordered_at
        end = next((number for number in range(N_BINS + 1) if has_left(number)), None)
        if end is None:
            return None
        early, late = float(end - 1), float(end)
        for _ in range(_STEPS):
            middle = (early + late) / 2
            early, late = (early, middle) if has_left(middle) else (middle, late)
        return rhythm.ordered_at + round(rhythm.scale_ms * ratio_at(late))

    @cached_property
    def _logs(self) -> list[list[float]]:
        """By group the log of the share that is silent when each bin begins, and at the end."""
        return [
            [0.0, *accumulate(log1p(-chance) for chance in chances)] for chances in self.chances
        ]

    def _silent(self, rhythm: Rhythm, silence_ms: float) -> float:
        """Return the log of the share that is silent for so long; after the bins as in the last."""
        logs = self._logs[group_of(rhythm.n_orders)]
        place = place_of(silence_ms / rhythm.scale_ms)
        if place == 0.0:
            return 0.0
        number = min(int(place), N_BINS - 1)
        return logs[number] + (place - number) * (logs[number + 1] - logs[number])

    def _place_where(self, rhythm: Rhythm, until: float) -> float:
        """Return where the log of the share that is silent falls to this, at most the last end."""
        logs = self._logs[group_of(rhythm.n_orders)]
        for number in range(N_BINS):
            if logs[number + 1] <= until:
                return number + (logs[number] - until) / (logs[number] - logs[number + 1])
        return float(N_BINS)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Curves)


def encode_curves(curves: Curves) -> bytes:
    """Return the bytes of curves, led by a version byte."""
    return bytes((_VERSION,)) + _encoder.encode(curves)


def decode_curves(data: bytes) -> Curves:
    """Return the curves that these bytes are.

    Raises:
        InvalidCurves: they are none, or of another version, or not finite.
    """
    if not data or data[0] != _VERSION:
        raise InvalidCurves(f"curves of version {data[:1]!r}; this Shopkeeper reads {_VERSION}")
    try:
        curves = _decoder.decode(data[1:])
    except msgspec.MsgspecError as error:
        raise InvalidCurves(f"curves cannot be read: {error}") from error
    chances = [chance for group in curves.chances for chance in group]
    is_whole = [len(group) for group in curves.chances] == [N_BINS] * N_GROUPS
    is_sound = all(0.0 <= chance <= MAX_CHANCE for chance in chances)
    if not (is_whole and is_sound and isfinite(curves.usual_ms) and curves.usual_ms > 0):
        raise InvalidCurves("curves cannot be read: other bins, or chances that are none")
    return curves
