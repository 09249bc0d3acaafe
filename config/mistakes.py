"""Mistakes in a TOML file: each with its place, its line, and what is allowed there."""

import tomllib
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, NamedTuple

from config.errors import SettingsError
from config.toml_lines import Path, line_of, lines_of

MAX_LETTERS = 2_000_000
TOLD_MISTAKES = 5


class Mistake(NamedTuple):
    """One mistake: its place as a path of keys, its line from 1, and what is allowed."""

    path: Path
    line: int
    problem: str

    def __str__(self) -> str:
        place = f"{'.'.join(map(str, self.path))}: " if self.path else ""
        return f"line {self.line}: {place}{self.problem}"


class InvalidFile(SettingsError):
    """A file that cannot be in force, and all mistakes that were found in it."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        told = "; ".join(map(str, mistakes[:TOLD_MISTAKES]))
        more = len(mistakes) - TOLD_MISTAKES
        super().__init__(f"{told}; and {more} more" if more > 0 else told)
        self.mistakes = mistakes


def read_tables(text: str | bytes) -> tuple[str, dict[str, Any]]:
    """Return a TOML text, which may come as the bytes of its file, and what it holds.

    Raises:
        InvalidFile: it is none, is no UTF-8, or is beyond all measure.
    """
    if len(text) > MAX_LETTERS:
        raise InvalidFile([Mistake((), 1, f"allowed: at most {MAX_LETTERS:,} letters")])
    if isinstance(text, bytes):
        text = _decoded(text)
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidFile([_syntax(text, str(error))]) from error
    except (ValueError, RecursionError) as error:  # numbers and nesting beyond all measure
        line = _first_unreadable_line(text)
        raise InvalidFile([Mistake((), line, f"this cannot be read: {error}")]) from error


def placed(text: str, found: Iterable[tuple[Path, str]]) -> list[Mistake]:
    """Return mistakes with their lines in a TOML text, in the order of these."""
    told = list(found)
    lines = lines_of(text) if told else {}
    mistakes = [Mistake(path, line_of(lines, path), problem) for path, problem in told]
    return sorted(mistakes, key=lambda mistake: mistake.line)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidFile([Mistake((), line, f"this is not UTF-8: {error.reason}")]) from error


def _first_unreadable_line(text: str) -> int:
    """Return the line at which reading fails for another reason than that this is not TOML."""
    lines = text.splitlines(keepends=True)

    def is_unreadable(n_lines: int) -> bool:
        try:
            tomllib.loads("".join(lines[:n_lines]))
        except tomllib.TOMLDecodeError:
            return False  # it breaks off before
        except (ValueError, RecursionError):
            return True
        return False

    return bisect_left(range(len(lines)), True, key=is_unreadable)


def _syntax(text: str, error: str) -> Mistake:
    what, _, place = error.partition(" (at ")
    words = place.rstrip(")").replace(",", "").split()
    line = int(words[1]) if words[:1] == ["line"] else text.count("\n") + 1
    return Mistake((), line, f"this is not TOML: {what[:1].lower()}{what[1:]}")
