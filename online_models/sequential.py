"""Statistics of experiments that stay valid however often one looks: pure, from current sums alone.

A confidence sequence is a row of intervals, one after each visitor, that with probability 1 - alpha
*all* hold what is true; so one may look at any time and stop when one likes. A p-value below is of
the same kind.

- ``difference``: the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas
  (Annals of Statistics 2024, arXiv 2103.06476, Theorem 2.2) with the running variance; of the mean
  effect under random assignment. Its boundary is that of the mixture test of Johari, Koomen,
  Pekelis, Walsh (Operations Research 2022, arXiv 1512.04922).
- ``ratio``: the same sequence for mean - c * mean of the control, turned round as Fieller (1954)
  does: all c that it does not rule out.
- ``mismatch``: Lindon, Malek, Anytime-valid inference for multinomial count data (NeurIPS 2022,
  arXiv 2011.03567).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

# Where intervals are narrowest for what was seen; a tenth or ten times of it costs them little.
_TUNED_FOR_VISITORS = 20_000
# A difference needs some visitors on both sides before its own variance is anything to go by.
MIN_VISITORS = 30
# How strongly a split is believed in before anybody is counted, in visitors.
_PRIOR_VISITORS = 1_000.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured of ``n`` visitors: mean and variance of one figure."""

    n: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and the bounds between which the true value lies."""

    estimate: float
    low: float
    high: float

    @property
    def is_apart(self) -> bool:
        """Tell whether it leaves 0 out."""
        return self.low > 0 or self.high < 0


def sample_of(n: int, total: float, squares: float) -> Sample:
    """Return the sample of ``n`` visitors with this sum, and this sum of squares.

    >>> sample_of(4, 2.0, 2.0)
    Sample(n=4, mean=0.5, variance=0.25)
    """
    if n <= 0:
        return Sample(0, 0.0, 0.0)
    mean = total / n
    return Sample(n, mean, max(squares / n - mean * mean, 0.0))


def difference(sample: Sample, control: Sample, alpha: float) -> Interval | None:
    """Return by how much the mean lies above the control's; None while that is too early to say."""
    if min(sample.n, control.n) < MIN_VISITORS:
        return None
    variance = sample.variance / sample.n + control.variance / control.n
    radius = boundary(sample.n + control.n, alpha) * math.sqrt(variance)
    estimate = sample.mean - control.mean
    return Interval(estimate, estimate - radius, estimate + radius)


def ratio(sample: Sample, control: Sample, alpha: float) -> Interval | None:
    """Return the mean as a multiple of the control's; None while that has no bounds.

    It leaves 1 out exactly where ``difference`` leaves 0 out.
    """
    if min(sample.n, control.n) < MIN_VISITORS:
        return None
    z_squared = boundary(sample.n + control.n, alpha) ** 2
    # (mean - c * control)^2 <= z^2 * (variance + c^2 * control's), that is a c^2 - 2 b c + d <= 0
    a = control.mean**2 - z_squared * control.variance / control.n
    b = control.mean * sample.mean
    d = sample.mean**2 - z_squared * sample.variance / sample.n
    if a <= 0 or control.mean <= 0:
        return None
    root = math.sqrt(max(b * b - a * d, 0.0))
    return Interval(sample.mean / control.mean, (b - root) / a, (b + root) / a)


def boundary(n: int, alpha: float) -> float:
    """Return how many standard errors the interval after ``n`` visitors reaches to each side."""
    log_alpha = -2 * math.log(alpha)
    # Formula for the best rho^2 at a number of visitors: section 2.4 of the paper on the sequence.
    intrinsic = n * (log_alpha + math.log(log_alpha) + 1) / _TUNED_FOR_VISITORS
    return math.sqrt((intrinsic + 1) / intrinsic * (math.log(intrinsic + 1) + log_alpha))


def mismatch(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return the p-value, valid at any time, of these counts where those shares were asked for.

    The inverse of a Bayes factor: any other split, by a Dirichlet prior around the one asked for,
    against that one.
    """
    asked = {name: share for name, share in shares.items() if share > 0}
    if any(count and name not in asked for name, count in counts.items()):
        return 0.0  # nobody should be there at all
    n = sum(counts.values())
    log_factor = math.lgamma(_PRIOR_VISITORS) - math.lgamma(_PRIOR_VISITORS + n)
    for name, share in asked.items():
        prior, count = _PRIOR_VISITORS * share, counts.get(name, 0)
        log_factor += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return math.exp(min(-log_factor, 0.0))
