"""JSON read strictly (RFC 8259): what two readers could take differently is refused by name."""

import json
import math
from typing import Any, NoReturn

from config.events import InvalidEvent, Reason

MAX_DEPTH = 32


def parse_object(raw: bytes) -> dict[str, Any]:
    """Return the object that ``raw`` holds; lone surrogates in its texts are left to the caller.

    >>> parse_object(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}

    Raises:
        InvalidEvent: no JSON, no object, nested deeper than 32, a key twice in an object, or a
            number that is not finite or wider than 64 bits.
    """
    try:
        value = _decoder.decode(raw.decode())
    except RecursionError as error:
        raise _too_deep() from error
    except UnicodeDecodeError as error:
        raise InvalidEvent(Reason.BAD_JSON, f"no UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InvalidEvent(Reason.BAD_JSON, f"no JSON at character {error.pos}") from error
    if type(value) is not dict:
        raise InvalidEvent(Reason.NOT_AN_OBJECT, "an object is needed")
    # Only what opens more than 32 brackets in all can be nested deeper than that.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth(value, 1)
    return value


def _check_depth(value: dict[str, Any] | list[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    for child in value.values() if type(value) is dict else value:
        if type(child) is dict or type(child) is list:
            _check_depth(child, depth + 1)


def _too_deep() -> InvalidEvent:
    return InvalidEvent(Reason.TOO_DEEP, f"at most {MAX_DEPTH} levels are allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidEvent(Reason.DUPLICATE_KEY, "an object names a key twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        _refuse_constant(text)
    return number


def _whole(text: str) -> int:
    # The length first: turning a million digits into a number takes quadratic time.
    if len(text) <= 20 and -(2**63) <= (number := int(text)) < 2**64:
        return number
    raise InvalidEvent(Reason.NOT_FINITE, "a whole number of at most 64 bits is allowed")


def _refuse_constant(_text: str) -> NoReturn:
    raise InvalidEvent(Reason.NOT_FINITE, "a number is not finite")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=_finite,
    parse_int=_whole,
    parse_constant=_refuse_constant,
)
