"""What is wrong with a table of a settings file, and what is allowed, from msgspec's errors."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
_FIELD = re.compile(r"[^.\[\]\d][^.\[\]]*")


class TableError(NamedTuple):
    """Where in a table something is wrong, such as ``pin[0].slot`` ("": in all of it), and what."""

    field: str
    problem: str


def table_error(kind: type, message: str) -> TableError:
    """Return what a validation error of a struct says, in the words of the file."""
    what, _, where = message.partition(" - at `$.")
    path = where.rstrip("`")
    inner, hint = _at(kind, path)
    unknown_field = _UNKNOWN_FIELD.search(what)
    if unknown_field and inner is not None:
        name, hints = unknown_field[1], get_type_hints(inner)
        close = get_close_matches(name, list(hints), n=1)
        nearest = f" (did you mean {close[0]}?)" if close else ""
        problem = f"is no field of it{nearest}; allowed: {', '.join(hints)}"
        return TableError(f"{path}.{name}" if path else name, problem)
    allowed = allowed_by(hint)
    return TableError(path, f"{what}{f'; allowed: {allowed}' if allowed else ''}")


def allowed_by(hint: Any) -> str:
    """Return what a type hint says is allowed: its choices, or its description."""
    if get_origin(hint) is Literal:
        return ", ".join(repr(choice) for choice in get_args(hint))
    if get_origin(hint) is Annotated:
        said = next((meta.description for meta in get_args(hint)[1:] if meta.description), "")
        return said or allowed_by(get_args(hint)[0])
    # Of ``Days | None`` the first says it (a text of TOML is never None), of ``dict`` the values.
    return (
        allowed_by(get_args(hint)[-1 if get_origin(hint) is dict else 0]) if get_args(hint) else ""
    )


def unknown(name: str, what: str, known: Collection[str]) -> str:
    """Return that something is not known, and what there is."""
    return f"{name!r} is no {what}; allowed: {', '.join(sorted(known)) or 'none'}"


def _at(kind: type, path: str) -> tuple[type | None, Any]:
    """Return the struct at a path, if any, and the nearest type that says what is allowed."""
    inner: type | None = kind
    hint: Any = None
    for part in _FIELD.findall(path):
        if inner is None:
            break
        found = get_type_hints(inner, include_extras=True).get(part)
        hint = found if allowed_by(found) else hint
        inner = _struct_in(found)
    return inner, hint


def _struct_in(hint: Any) -> type | None:
    """Return the struct that a type is, or that its lists, tables or choices hold."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((one for one in map(_struct_in, get_args(hint)) if one is not None), None)
