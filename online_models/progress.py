"""How good models are while they learn: each is asked before it is taught, beside a baseline.

Progressive validation (Blum, Kalai, Langford, COLT 1999) of the very models that are learned. P@20:
is the next product among the first 20; the baseline is S-POP (``popular.py``). Log loss: of the
chance that was given to what came; the baseline knows how often it came so far. A drift is told by
River's ADWIN (Bifet, Gavaldà, SDM 2007), and only where it is for the worse. All of it is of this
process since its start, and where a commit is done again, its examples are scored again.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from math import log

from river.drift import ADWIN

from config.examples import Rewarded
from config.figures import MAX_LABELS
from config.session_log import Step
from online_models.popular import Popular

K = 20
SCORED_PER_SECOND = 20.0  # steps, so that scoring takes a hundredth of a learner at most
SCORED_EXAMPLES = 4  # one of so many
# Each has four numbers, which are told together or not at all.
MAX_MODELS = MAX_CAMPAIGNS = MAX_LABELS // 4
_MAX_OPEN = 10_000  # sessions whose products are remembered
_MAX_VIEWED = 20
_SURELY = 1e-4  # of false alarms of a drift
_FEW = 20  # outcomes until the baseline is one
_FADE = 1 / 20_000  # of how often an outcome came, with each one
_LEAST = 1e-6
NEXT_PRODUCT = "next-product"

Suggested = Callable[[Sequence[str], int], Sequence[str]]  # by what was viewed, and the session


class Tally:
    """Sums of one model: scored cases, its points and its baseline's, and drifts for the worse."""

    def __init__(self, *, is_loss: bool) -> None:
        self.n = 0
        self.points = 0.0
        self.baseline = 0.0
        self.n_drifts = 0
        self._is_loss = is_loss
        self._watch = ADWIN(delta=_SURELY)

    def take(self, points: float, baseline: float) -> None:
        """Add a case."""
        self.n += 1
        self.points += points
        self.baseline += baseline
        before = self._watch.estimation
        self._watch.update(points)
        if self._watch.drift_detected:
            rose = self._watch.estimation > before
            self.n_drifts += rose == self._is_loss

    def numbers(self, name: str) -> dict[str, float]:
        """Return the sums, named after the model."""
        return {
            f"{name} n": float(self.n),
            f"{name} points": self.points,
            f"{name} baseline": self.baseline,
            f"{name} drifts": float(self.n_drifts),
        }


class NextProductProgress:
    """P@20 of the model of the next product; ``clock`` tells seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.tally = Tally(is_loss=False)
        self._clock = clock
        self._score_at = clock()
        self._popular = Popular()
        self._viewed: OrderedDict[int, list[str]] = OrderedDict()

    def take(self, step: Step, suggested: Suggested) -> None:
        """Score a view before it is learned, if it is time; remember where the session is.

        ``suggested`` returns ``K`` products for a session, by what it viewed, latest first.
        """
        if step.action != "view":
            return
        viewed = self._viewed.get(step.session)
        if viewed is None:
            viewed = self._viewed[step.session] = []
            if len(self._viewed) > _MAX_OPEN:
                self._viewed.popitem(last=False)
        elif self._clock() >= self._score_at:
            self._score_at = max(self._score_at, self._clock() - 1.0) + 1.0 / SCORED_PER_SECOND
            found = suggested(viewed[::-1], step.session)
            target = step.product_id
            self.tally.take(float(target in found), float(target in self._popular.best(viewed, K)))
        viewed.append(step.product_id)
        del viewed[:-_MAX_VIEWED]
        self._popular.learn_one(step.product_id)


class LossProgress:
    """Log loss of a model that gives chances."""

    def __init__(self) -> None:
        self.tally = Tally(is_loss=True)
        self._n_seen = 0
        self._rate = 0.5

    def take(self, chance: float, came: bool) -> None:
        """Score a chance that was given; the first few only teach the baseline."""
        if self._n_seen >= _FEW:
            self.tally.take(_loss(chance, came), _loss(self._rate, came))
        self._n_seen += 1
        self._rate += max(1.0 / (self._n_seen + 1.0), _FADE) * (float(came) - self._rate)


class Progress:
    """All that a learner scores, and what campaigns brought; nothing here changes what it learns.

    >>> progress = Progress(lambda: 0.0)
    >>> for came in (True, False) * 20:
    ...     progress.chance("order", 0.5, came)
    >>> progress.numbers()["order n"]
    20.0
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.next_product = NextProductProgress(clock)
        self._losses: dict[str, LossProgress] = {}
        self._campaigns: dict[str, float] = {}
        self._n_examples = 0

    def is_scored(self) -> bool:
        """Tell whether the next example is to be scored."""
        self._n_examples += 1
        return self._n_examples % SCORED_EXAMPLES == 0

    def chance(self, model: str, chance: float, came: bool) -> None:
        """Score a chance that a model gave before it learned."""
        losses = self._losses.get(model)
        if losses is None:
            if len(self._losses) + 1 >= MAX_MODELS:  # that of the next product is one
                return
            losses = self._losses[model] = LossProgress()
        losses.take(chance, came)

    def rewarded(self, example: Rewarded) -> None:
        """Count what came of a campaign's choice."""
        name = example.campaign
        if f"{name} choices" not in self._campaigns and len(self._campaigns) >= 4 * MAX_CAMPAIGNS:
            return
        for what, number in (
            ("choices", 1.0),
            ("clicks", float(example.is_clicked)),
            ("orders", float(example.n_orders)),
            ("revenue", example.revenue),
        ):
            label = f"{name} {what}"
            self._campaigns[label] = self._campaigns.get(label, 0.0) + number

    def numbers(self) -> dict[str, float]:
        """Return the sums of all models."""
        found = self.next_product.tally.numbers(NEXT_PRODUCT)
        for name, losses in self._losses.items():
            found |= losses.tally.numbers(name)
        return found

    def rewards(self) -> dict[str, float]:
        """Return what came of campaigns' choices, by campaign and what it is."""
        return dict(self._campaigns)


def _loss(chance: float, came: bool) -> float:
    given = chance if came else 1.0 - chance
    return -log(min(max(given, _LEAST), 1.0))
