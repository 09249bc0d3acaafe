"""Reads the tables ``[placements.NAME]``, and says of each mistake what is allowed there."""

from collections.abc import Iterator

import msgspec

from config.conditions import InvalidCondition, compile_condition
from config.errors import SettingsError
from config.placements import HISTORY, RELEVANT, Banner, Offer, Placement, Products, Weight
from config.table_errors import table_error

_KINDS: dict[str, type] = {"products": Products, "banner": Banner, "offer": Offer}


def read_placements(tables: object) -> dict[str, Placement]:
    """Return the placements that the settings name.

    Raises:
        SettingsError: one is wrong; the text names it, the field, and what is allowed.
    """
    if not isinstance(tables, dict):
        raise SettingsError("placements: tables [placements.NAME] are allowed")
    return {name: _read(name, table) for name, table in tables.items()}


def _read(name: str, table: object) -> Placement:
    kind = _KINDS.get(str(table.get("type"))) if isinstance(table, dict) else None
    if kind is None:
        allowed = ", ".join(repr(known) for known in _KINDS)
        raise SettingsError(f"[placements.{name}] type: allowed: {allowed}")
    try:
        placement: Placement = msgspec.convert(table, Placement)
    except msgspec.ValidationError as error:
        field, problem = table_error(kind, str(error))
        raise SettingsError(f"[placements.{name}] {field}: {problem}") from error
    if isinstance(placement, Products):
        for field, problem in placement_problems(placement):
            raise SettingsError(f"[placements.{name}] {field}: {problem}")
    return placement


def placement_problems(placement: Products) -> Iterator[tuple[str, str]]:
    """Yield what does not go together in a placement: the field, and what is allowed."""
    if placement.min_items > placement.slots:
        yield "min_items", f"{placement.min_items}; allowed: 0 to its {placement.slots} slots"
    if placement.min_relevance and placement.strategy not in RELEVANT:
        yield (
            "min_relevance",
            f"{placement.strategy} knows no relevance; allowed: with {', '.join(sorted(RELEVANT))}",
        )
    if placement.exclude_viewed_days and placement.strategy == "recently-viewed":
        yield "exclude_viewed_days", "nothing is left of recently-viewed; allowed: 0"
    if placement.explore and placement.strategy in HISTORY:
        yield "explore", f"{placement.strategy} shows what the visitor knows; allowed: 0"
    yield from _pin_problems(placement)
    if placement.filter:
        yield from _condition_problems("filter", placement.filter)
    for field, weights in (("boost", placement.boost), ("bury", placement.bury)):
        for index, weight in enumerate(weights):
            yield from _weight_problems(f"{field}[{index}]", weight, is_boost=field == "boost")


def _pin_problems(placement: Products) -> Iterator[tuple[str, str]]:
    slots = [pin.slot for pin in placement.pin]
    products = [pin.product for pin in placement.pin]
    for index, slot in enumerate(slots):
        if slot >= placement.slots:
            yield f"pin[{index}].slot", f"{slot}; allowed: 0 to {placement.slots - 1}"
    if len(set(slots)) < len(slots) or len(set(products)) < len(products):
        yield "pin", "allowed: each slot once, each product once"


def _weight_problems(field: str, weight: Weight, *, is_boost: bool) -> Iterator[tuple[str, str]]:
    if (weight.factor > 1) is not is_boost or weight.factor == 1:
        allowed = "above 1, to 100" if is_boost else "between 0 and 1"
        yield f"{field}.factor", f"{weight.factor}; allowed: {allowed}"
    if not (weight.when or weight.categories or weight.brands):
        yield field, "allowed: when, categories or brands, at least one of them"
    if weight.when:
        yield from _condition_problems(f"{field}.when", weight.when)


def _condition_problems(field: str, source: str) -> Iterator[tuple[str, str]]:
    try:
        compile_condition(source)
    except InvalidCondition as error:
        yield field, str(error)
