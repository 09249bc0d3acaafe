"""Reads files for evaluations: sessions, one a line, and cases, ``prefix TAB target``."""

from collections.abc import Iterator
from pathlib import Path

from online_models.evaluation import Case
from shopkeeper.line_files import BrokenLine, lines_of, texts_of


def read_sessions(path: Path) -> Iterator[list[str]]:
    """Yield the products of each session, oldest first; empty lines are passed over.

    Raises:
        BrokenLine: a line is no text, or holds a case.
        ShopkeeperError: the file cannot be read.
    """
    for number, line in _lines(path):
        if "\t" in line:
            raise BrokenLine(path, number, "products with blanks between are needed, found a TAB")
        yield line.split()


def read_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a test file in its order; empty lines are passed over.

    Raises:
        BrokenLine: a line is no text, or no case.
        ShopkeeperError: the file cannot be read.
    """
    for number, line in _lines(path):
        prefix, tab, target = line.partition("\t")
        case = Case(prefix.split(), target.strip())
        if not tab or not case.prefix or len(case.target.split()) != 1:
            raise BrokenLine(path, number, "products, a TAB and one product are needed")
        yield case


def count_lines(path: Path) -> int:
    """Return how many lines of a file are not empty.

    Raises:
        ShopkeeperError: the file cannot be read.
    """
    return sum(1 for line in lines_of(path) if line.strip())


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, text in enumerate(texts_of(path), start=1):
        if text.strip():
            yield number, text
