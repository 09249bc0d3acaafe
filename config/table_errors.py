"""What is wrong with a table of a settings file, and what is allowed, from msgspec's errors."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")


class TableError(NamedTuple):
    """Where in a table something is wrong, such as ``pin[0].slot`` ("": in all of it), and what."""

    field: str
    problem: str


def table_error(kind: type, message: str) -> TableError:
    """Return what a validation error of a struct says, in the words of the file."""
    what, _, where = message.partition(" - at `$.")
    path = where.rstrip("`")
    unknown = _UNKNOWN_FIELD.search(what)
    hints = get_type_hints(kind, include_extras=True)
    if unknown and not path:
        name = unknown[1]
        close = get_close_matches(name, list(hints), n=1)
        nearest = f" (did you mean {close[0]}?)" if close else ""
        return TableError(name, f"is no field of it{nearest}; allowed: {', '.join(hints)}")
    if not path:
        return TableError("", what)
    allowed = allowed_by(hints.get(re.split(r"[.\[]", path)[0]))
    return TableError(path, f"{what}{f'; allowed: {allowed}' if allowed else ''}")


def allowed_by(hint: Any) -> str:
    """Return what a type hint says is allowed: its choices, or its description."""
    if get_origin(hint) is Literal:
        return ", ".join(repr(choice) for choice in get_args(hint))
    if get_origin(hint) is Annotated:
        said = next((meta.description for meta in get_args(hint)[1:] if meta.description), "")
        return said or allowed_by(get_args(hint)[0])
    # Of ``Days | None`` the first says it; a text of TOML is never None.
    return allowed_by(get_args(hint)[0]) if get_args(hint) else ""
