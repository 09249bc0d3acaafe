"""Conditions of placements and campaigns, in CEL (https://cel.dev): compiled, checked, cut.

What a part names decides how often it has to be looked at: one on the product alone, once for each
product of the catalog; one without the product, once a request; the others for each candidate.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from config.condition_texts import bound_names, flattened, named_fields, split_condition
from config.condition_words import FIELDS, FUNCTIONS, OF_CUSTOMERS, OF_REQUESTS, SINGLE
from config.errors import ShopkeeperError

if TYPE_CHECKING:
    from cel import Context, Program

# All that cel raises while it evaluates: unknown names and keys, wrong kinds, overflows.
EVALUATION_ERRORS = (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError)
_TYPE_NAMES = frozenset({"int", "uint", "double", "string", "bytes", "bool", "list", "map"})
_OURS = {*FIELDS, *(f"{one}_{field}" for one in SINGLE for field in FIELDS[one] or ())}
_PLACE = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")


class InvalidCondition(ShopkeeperError):
    """A condition that is none; the text says where it breaks off, and what is allowed."""


@dataclass(frozen=True, slots=True, eq=False)
class Test:
    """A part of a condition, compiled, and the variables that it names.

    ``fields``: which of what each variable holds it names (None: all of it, or it is no map); a
    field may be a variable of its own (``user_n_views``). ``execute`` asks it.
    """

    source: str
    execute: Callable[["Context"], object]
    fields: dict[str, frozenset[str] | None]
    names: frozenset[str]

    @property
    def names_product(self) -> bool:
        """Tell whether it has to be asked about each product."""
        return "product" in self.names


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A condition holds where all of its parts do.

    ``product`` is the part on the product alone, ``request`` those without it, ``both`` the rest.
    """

    product: Test | None
    request: tuple[Test, ...]
    both: tuple[Test, ...]

    @property
    def tests(self) -> tuple[Test, ...]:
        """Return all parts."""
        return (*(() if self.product is None else (self.product,)), *self.request, *self.both)


@cache
def compile_condition(source: str) -> Condition:
    """Return the condition that a text of the settings is; the same one for the same text.

    Raises:
        InvalidCondition: it is none; the text says where, and what is allowed.
    """
    _compile(source)
    tests = [_compile(part) for part in split_condition(source)]
    alone = [test.source for test in tests if test.names == {"product"}]
    return Condition(
        product=_compile(" && ".join(f"({part})" for part in alone)) if alone else None,
        request=tuple(test for test in tests if not test.names_product),
        both=tuple(test for test in tests if test.names_product and test.source not in alone),
    )


@cache
def compile_test(source: str) -> Test:
    """Return a condition that is asked once a request, whole; the same one for the same text.

    Raises:
        InvalidCondition: it is none, or is on a product; the text says where, and what is allowed.
    """
    return _compile(source, OF_REQUESTS)


@cache
def compile_for_customers(source: str) -> Test:
    """Return a condition on a customer who is not there; the same one for the same text.

    Raises:
        InvalidCondition: it is none, or names what only a page or the catalog knows.
    """
    test = _compile(source, frozenset(OF_CUSTOMERS))
    for variable, known in OF_CUSTOMERS.items():
        if known is None:
            continue
        named, is_all = named_fields(source, variable)
        others = (named if is_all else FIELDS[variable] or named) - known
        if others:
            raise InvalidCondition(
                f"{variable}.{min(others)} is not known of somebody who is not there; "
                f"allowed: {', '.join(sorted(known))}"
            )
    return test


def new_context() -> "Context":
    """Return a context without variables."""
    from cel import Context  # noqa: PLC0415 -- takes a quarter of a second

    return Context()


def needed_fields(tests: Iterable[Test]) -> dict[str, frozenset[str] | None]:
    """Return which fields of each variable some tests name together (None: all of them)."""
    needed: dict[str, frozenset[str] | None] = {}
    for test in tests:
        needed = both_needed(needed, test.fields)
    return needed


def both_needed(
    one: Mapping[str, frozenset[str] | None], other: Mapping[str, frozenset[str] | None]
) -> dict[str, frozenset[str] | None]:
    """Return which fields of each variable are needed for one or the other (None: all of them)."""
    needed = dict(one)
    for variable, fields in other.items():
        known = needed.get(variable, frozenset())
        needed[variable] = None if fields is None or known is None else known | fields
    return needed


def _compile(source: str, allowed: frozenset[str] = frozenset(FIELDS)) -> Test:
    import cel  # noqa: PLC0415 -- takes a quarter of a second, which few processes need to spend

    try:
        program = cel.compile(source)
    except ValueError as error:
        raise InvalidCondition(_explain(source, str(error))) from error
    bound = bound_names(source)
    if bound & _OURS:
        taken = min(bound & _OURS)
        raise InvalidCondition(f"{taken!r} is a name of ours; give what you look at another one")
    names = set(program.variables()) - bound - _TYPE_NAMES
    for name in sorted(names - allowed):
        known = ", ".join(name for name in FIELDS if name in allowed)
        raise InvalidCondition(f"{name!r} is not known; allowed: {known}")
    for function in program.functions():
        if function.isidentifier() and function[0] != "_" and function not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise InvalidCondition(f"{function}() is not known; allowed: {known}")
    for name in names:
        _fields(source, name)  # are they known?
    if not names:
        _check_constant(program)
    flat, program = _flattened(source, program)
    named = set(program.variables()) - bound - _TYPE_NAMES
    fields = {name: _fields(flat, name) for name in sorted(named)}
    return Test(source, program.execute, fields, frozenset(named))


def _check_constant(program: "Program") -> None:
    """Check that what names nothing is true or false; of the rest CEL does not tell before.

    Raises:
        InvalidCondition: it is something else, or cannot be evaluated.
    """
    try:
        always = program.execute({})
    except EVALUATION_ERRORS as error:
        raise InvalidCondition(f"this can never be evaluated: {error}") from error
    if always is not True and always is not False:
        raise InvalidCondition(f"this is always {always!r:.40}; allowed: what is true or false")


def _flattened(source: str, program: "Program") -> tuple[str, "Program"]:
    """Return what asks the same in less time: CEL copies a map, and what lies in it, each time."""
    import cel  # noqa: PLC0415 -- see above

    flat = flattened(source)
    if flat == source:
        return source, program
    try:
        return flat, cel.compile(flat)
    except ValueError:  # such as has(user.traits)
        return source, program


def _fields(source: str, variable: str) -> frozenset[str] | None:
    """Return which fields of a variable are named; None where it is used in another way.

    Raises:
        InvalidCondition: it has no such field.
    """
    named, is_all = named_fields(source, variable)
    known = FIELDS.get(variable)  # those of a flattened map are its names
    for field in sorted(named - known) if known is not None else ():
        allowed = ", ".join(sorted(known or ()))
        raise InvalidCondition(f"{variable}.{field} is not known; allowed: {allowed}")
    return named if is_all else None


def _explain(source: str, error: str) -> str:
    found = _PLACE.search(error)
    if found is None:
        return error
    place, what = int(found[1]), found[2]
    return f"at {place} of {source!r}, before {source[place - 1 :][:20]!r}: {what[:200]}"
