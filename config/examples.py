"""What models learn from: the entries of the outbox ``examples``, as MessagePack arrays."""

import msgspec


class SessionFinished(
    msgspec.Struct, frozen=True, array_like=True, tag="session", tag_field="kind", gc=False
):
    """A visit that is over, with its outcome. Times in ms."""

    start_at: int
    end_at: int
    finished_at: int
    n_events: int
    n_pages: int
    n_views: int
    n_carts: int
    n_orders: int
    revenue: float


Example = SessionFinished
