"""Pure: asks conditions. What cannot be evaluated does not hold, and is counted.

Conditions on products alone are asked when a product changes, not when a page is drawn.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

from config.catalog import Item
from config.conditions import EVALUATION_ERRORS, Test, needed_fields, new_context
from serving.lazy import lazy

if TYPE_CHECKING:
    from cel import Context

Needed = Mapping[str, frozenset[str] | None]
Failed = Callable[[Test], None]
Values = Callable[[str, frozenset[str] | None], object]


class Matching:
    """For each condition on a product alone: the products of the catalog that it holds for."""

    def __init__(self, tests: Iterable[Test], failed: Failed) -> None:
        self._tests = {test.source: test for test in tests}
        self._fields = needed_fields(self._tests.values()).get("product", frozenset())
        self._failed = failed
        self._found: dict[str, set[str]] = {source: set() for source in self._tests}

    def put(self, product_id: str, item: Item | None) -> None:
        """Take in a product for sale, None for one that is not, or not any more."""
        if not self._tests:
            return
        # One context for all conditions: making it takes longer than asking them.
        context = None if item is None else new_context()
        if context is not None and item is not None:
            context.add_variable("product", _product(item, self._fields))
        for source, found in self._found.items():
            holds = context is not None and _holds(self._tests[source], context, self._failed)
            (found.add if holds else found.discard)(product_id)

    def of(self, test: Test) -> Set[str]:
        """Return the products that a condition holds for."""
        return self._found[test.source]


class Facts:
    """What conditions of one request are asked about; each part made when one names it.

    ``values`` returns what a variable holds.
    """

    def __init__(self, values: Values, needed: Needed, failed: Failed) -> None:
        self._variable = values
        self._needed = needed
        self._failed = failed
        self._there: set[str] = set()
        self._answers: dict[Test, bool] = {}

    @property
    def answers(self) -> Mapping[Test, bool]:
        """Return the answers to all that was asked, also to what is asked later."""
        return self._answers

    def ask(self, tests: Iterable[Test], names: frozenset[str]) -> Mapping[Test, bool]:
        """Return the answers to conditions that name no product; each is asked once a request.

        ``names`` are the variables that they name. There may be hundreds of them.
        """
        if not names <= self._there:
            self._add(names - self._there)
        answers, context = self._answers, self._context
        new = [test for test in tests if test not in answers] if answers else tests
        for test in new:
            try:  # as ``_holds``, which takes as long to be called as a condition to be asked
                answer = test.execute(context)
            except EVALUATION_ERRORS:
                answer = None
            if answer is True:
                answers[test] = True
                continue
            if answer is not False:
                self._failed(test)
            answers[test] = False
        return answers

    def hold(self, tests: Iterable[Test]) -> bool:
        """Tell whether conditions that name no product hold, up to the first that does not."""
        return all(self.ask((test,), test.names)[test] for test in tests)

    def hold_for(self, item: Item | None, tests: Iterable[Test]) -> bool:
        """Tell whether conditions hold for a product; of one that is not in the catalog, none."""
        if item is None:
            return False
        self._context.add_variable("product", _product(item, self._needed.get("product")))
        return all(self._asked(test) for test in tests)

    def _asked(self, test: Test) -> bool:
        if not test.names <= self._there:
            self._add(test.names - self._there)
        return _holds(test, self._context, self._failed)

    def _add(self, variables: Set[str]) -> None:
        for variable in variables - {"product"}:
            values = self._variable(variable, self._needed.get(variable))
            self._context.add_variable(variable, values)
        self._there |= variables

    @lazy
    def _context(self) -> "Context":
        return new_context()


def _product(item: Item, fields: frozenset[str] | None) -> dict[str, Any]:
    # Each field has to be handed over, so only those that are named go.
    return {field: getattr(item, field) for field in fields or Item.__struct_fields__}


def _holds(test: Test, context: "Context", failed: Failed) -> bool:
    try:
        answer = test.execute(context)
    except EVALUATION_ERRORS:
        answer = None
    if answer is True or answer is False:
        return bool(answer)
    failed(test)
    return False
