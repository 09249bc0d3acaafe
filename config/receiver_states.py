"""How a receiver of webhooks stands, as the deliverer writes it down for commands and pages."""

import msgspec

from config.errors import ShopkeeperError


class ReceiverState(msgspec.Struct, frozen=True, rename="camel"):
    """Figures of one receiver; times in ms.

    ``n_taken`` and ``n_failed`` count tries since the deliverer started; ``last`` is what the last
    one came to. ``is_ready`` is false where its secret cannot be read, ``stopped_at`` is when it
    answered that it is gone, ``is_in_force`` is false once the file of triggers does not name it.
    """

    n_waiting: int = 0
    n_taken: int = 0
    n_failed: int = 0
    last: str = ""
    last_at: int = 0
    is_ready: bool = True
    stopped_at: int | None = None
    is_in_force: bool = True


class Stop(msgspec.Struct, frozen=True):
    """Since when (ms) nothing is sent to a receiver, and the address that said it is gone."""

    at: int
    url: str


class InvalidReceiverState(ShopkeeperError):
    """What is written of a receiver cannot be read."""


_encode = msgspec.json.Encoder().encode
_STATE = msgspec.json.Decoder(ReceiverState)
_STOP = msgspec.json.Decoder(Stop)


def encode_state(state: ReceiverState | Stop) -> bytes:
    """Return the bytes (JSON)."""
    return _encode(state)


def decode_state(data: bytes) -> ReceiverState:
    """Return how a receiver stands.

    Raises:
        InvalidReceiverState: the bytes are no state.
    """
    try:
        return _STATE.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidReceiverState(f"state of a receiver: {error}") from error


def decode_stop(data: bytes) -> Stop:
    """Return why a receiver gets nothing.

    Raises:
        InvalidReceiverState: the bytes are no stop.
    """
    try:
        return _STOP.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidReceiverState(f"stop of a receiver: {error}") from error
