"""Dense models: one small value each, named after what they learn.

``policy:<placement>`` and ``offer:<placement>`` choose among arms, ``order`` and ``leave`` say how
likely a visit ends in an order, or ends now, ``rhythm`` when customers order again. The learning
flow commits them, servers follow them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from config.errors import ShopkeeperError
from config.examples import Example, Rewarded, Visited, Waited

MAX_NAME = 200
RHYTHM = "rhythm"


class UnknownModel(ShopkeeperError):
    """No dense model is called that."""

    def __init__(self, name: str, kinds: Iterable[str]) -> None:
        super().__init__(f"there is no model {name[:MAX_NAME]!r}; there are: {', '.join(kinds)}")
        self.name = name


class Dense(Protocol):
    """What all dense models share."""

    def to_bytes(self) -> bytes:
        """Return all of the model, with its version."""
        ...


class Kind(NamedTuple):
    """Models of a kind: how they are made, read from their bytes, and taught.

    ``learn`` returns whether the example could be used.
    """

    make: Callable[[], Any]
    read: Callable[[bytes], Any]
    learn: Callable[[Any, Example], bool]


Kinds = Mapping[str, Kind]  # by name, or by what a name begins with up to its colon


def kind_of(name: str, kinds: Kinds) -> Kind:
    """Return the kind of a model by its name.

    Raises:
        UnknownModel: there is none of that name.
    """
    prefix, colon, placement = name.partition(":")
    kind = kinds.get(prefix + colon)
    if kind is None or bool(colon) != bool(placement) or len(name) > MAX_NAME:
        raise UnknownModel(name, kinds)
    return kind


def models_of(example: Example) -> tuple[str, ...]:
    """Return the names of the models that an example teaches."""
    if isinstance(example, Rewarded):
        return (example.policy,) if example.policy else ()
    if isinstance(example, Waited):
        return (RHYTHM,)
    return ("order", "leave") if isinstance(example, Visited) else ()


def reward_of(example: Rewarded) -> float:
    """Return what a choice brought, in the terms of its goal."""
    if example.goal == "click":
        return float(example.is_clicked)
    return float(example.n_orders > 0) if example.goal == "order" else example.margin


def arm_of(example: Rewarded) -> str:
    """Return what a choice is called among the arms of its policy; nothing shown is an arm."""
    if not example.variation or example.is_holdout:
        return ""
    return f"{example.campaign}/{example.variation}"


class DenseModels:
    """The dense models as the learning flow has committed them."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._models: dict[str, Any] = {}

    def put(self, name: str, data: bytes | None) -> None:
        """Take a model, None where there is none any more.

        Raises:
            UnknownModel: a newer Shopkeeper wrote a model that this one does not know.
            ShopkeeperError, ValueError: it cannot be read; the one before stays in use.
        """
        if data is None:
            self._models.pop(name, None)
        else:
            self._models[name] = kind_of(name, self._kinds).read(data)

    def get(self, name: str) -> Any | None:
        """Return a model, None where nothing was learned of that name yet."""
        return self._models.get(name)
