"""A model's rows after some more examples. Pure."""

from collections.abc import Callable, Iterable

from config.examples import Touched
from online_models.popularity import Row, learn_row, model_shard, rows_of

MAX_ROWS = 200_000  # a model shard; a stranger may send any product id


def row_names(examples: Iterable[Touched], shard: int) -> set[str]:
    """Return the rows of a model shard that these examples change."""
    names = {name for example in examples for name in rows_of(example)}
    return {name for name in names if model_shard(name) == shard}


def learn(
    rows: dict[str, Row | None],
    examples: Iterable[Touched],
    shard: int,
    may_add: Callable[[], bool],
) -> set[str]:
    """Learn examples in order in the rows of a model shard, in place; return which changed.

    ``rows`` holds what ``row_names`` asked for, None for a row that does not exist yet; one is
    added only while ``may_add`` says so.
    """
    changed = set()
    for example in examples:
        for name in rows_of(example):
            if model_shard(name) != shard:
                continue
            row = rows[name]
            if row is None:
                if not may_add():
                    continue
                row = rows[name] = Row(latest_at=example.occurred_at)
            learn_row(row, example)
            changed.add(name)
    return changed
