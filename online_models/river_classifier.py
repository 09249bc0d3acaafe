"""The model of the next product as River's classifier, so that River's tools work on it.

A product is a label, and what a session has seen are its features. So ``river.evaluate``, River's
metrics (rolling ones too) and drift detectors apply. Servers and learners do not need it.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from river import base, metrics

from online_models.next_product import NextProduct

Features = dict[Hashable, Any]
Label = bool | str | int  # River's; a product's is its id


def steps_of(sessions: Iterable[Sequence[str]]) -> Iterator[tuple[Features, str]]:
    """Yield what River calls a data set: what a session has seen, and what it goes on to.

    >>> list(steps_of([["boots", "socks"]]))[1]
    ({'session': 0, 'viewed': ('boots',)}, 'socks')
    """
    for number, products in enumerate(sessions):
        for place, product_id in enumerate(products):
            yield {"session": number, "viewed": tuple(products[:place][::-1])}, product_id


class NextProductClassifier(base.Classifier):
    """Features are ``session`` (a key) and ``viewed`` (latest first); products have chances."""

    def __init__(self, model: NextProduct) -> None:
        self.model = model

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Features, y: Label) -> None:
        """Learn that a session went on to a product."""
        self.model.learn_one(x["session"], str(y))

    def predict_proba_one(self, x: Features, **kwargs: Any) -> dict[Label, float]:
        """Return the chances of the best 20, best first; none where nothing is known."""
        return {one.product_id: one.score for one in self.model.next_best(x["viewed"])}


class HitRate(metrics.base.MeanMetric, metrics.base.MultiClassMetric):
    """P@k as one of River's metrics: the share of steps whose product is among the first k."""

    _fmt = ".2%"

    def __init__(self, k: int = 20) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.k = k

    @property
    def requires_labels(self) -> bool:
        """Whether it takes a label instead of chances."""
        return False

    def _eval(self, y_true: Label, y_pred: Mapping[Label, float]) -> float:
        return float(y_true in list(y_pred)[: self.k])
