"""What a user's state holds of what is still to come: triggers' waits, and the next order."""

import msgspec


class About(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A product that a reason is about, when (ms) it became one, and facts for texts."""

    at: int
    product_id: str
    facts: dict[str, str | float | int | bool] = {}


class Wait(msgspec.Struct, array_like=True, gc=False):
    """How far a trigger's reason has come for a user; by ``stream/waits.py``.

    ``times``: event times of what it counts, latest first, or of what began its wait. ``heard_at``:
    when the latest of them came in, by the shard's clock. ``until``: held so long, -1 where it is
    not. ``stopped_at``: the event time up to which all is used up. ``told_at``: when it
    fired last. ``about``: the products of a reason from outside, latest first.
    """

    times: list[int] = []
    heard_at: int = -1
    until: int = -1
    stopped_at: int = -1
    told_at: int = -1
    about: tuple[About, ...] = ()


class Rhythm(msgspec.Struct, array_like=True, gc=False):
    """The interval since a customer's last order (``online_models/rhythm.py``).

    ``scale_ms`` is how long the customer's intervals are, ``n_orders`` how many orders say so,
    ``taught`` the bins of silence that models have learned of.
    """

    ordered_at: int
    scale_ms: int
    n_orders: int
    taught: int = 0
