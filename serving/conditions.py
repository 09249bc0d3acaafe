"""Pure: asks the conditions of placements. What cannot be evaluated does not hold, and is counted.

Conditions on products alone are asked when a product changes, not when a page is drawn.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

from config.catalog import Item
from config.conditions import FIELDS, Test, needed_fields
from online_models.users import UserState
from serving.lazy import lazy
from serving.schemas import Request

if TYPE_CHECKING:
    from cel import Context

Needed = Mapping[str, frozenset[str] | None]
Failed = Callable[[Test], None]

# All that cel raises while it evaluates: unknown names and keys, wrong kinds, overflows.
_ERRORS = (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError)


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
    """What conditions of one request are asked about; each part made when one names it."""

    def __init__(
        self,
        request: Request,
        user: UserState | None,
        cart: Mapping[str, object],
        needed: Needed,
        failed: Failed,
    ) -> None:
        self._request = request
        self._user = user
        self._cart = cart
        self._needed = needed
        self._failed = failed
        self._there: set[str] = set()
        self._answers: dict[Test, bool] = {}

    def hold(self, tests: Iterable[Test]) -> bool:
        """Tell whether conditions that name no product hold; each is asked once a request."""
        for test in tests:
            answer = self._answers.get(test)
            if answer is None:
                answer = self._answers[test] = self._asked(test)
            if not answer:
                return False
        return True

    def hold_for(self, item: Item | None, tests: Iterable[Test]) -> bool:
        """Tell whether conditions hold for a product; of one that is not in the catalog, none."""
        if item is None:
            return False
        self._context.add_variable("product", _product(item, self._needed.get("product")))
        return all(self._asked(test) for test in tests)

    def _asked(self, test: Test) -> bool:
        for variable in test.fields.keys() - self._there:
            if variable != "product":
                self._there.add(variable)
                self._context.add_variable(variable, self._values(variable))
        return _holds(test, self._context, self._failed)

    @lazy
    def _context(self) -> "Context":
        return new_context()

    def _values(self, variable: str) -> dict[str, object]:
        if variable == "user":
            fields = self._needed.get("user") or FIELDS["user"]
            return {field: user_field(self._user, field) for field in fields}
        if variable == "cart":
            return dict(self._cart)
        page, context = self._request.page, self._request.context
        return {
            "type": None if page is None else page.type,
            "product_id": self._request.page_product(),
            "category": None if page is None else page.category,
            "trigger": None if context is None else context.trigger,
        }


def user_field(user: UserState | None, field: str) -> object:
    """Return what a condition reads as ``user.<field>``; of a stranger the same, empty."""
    state = _NOBODY if user is None else user
    if field == "known":
        return user is not None
    if field in ("traits", "context"):
        return {name: value for name, (_, value) in getattr(state, field).items()}
    if field in ("categories", "brands"):
        return shares(getattr(state, field))
    if field in ("viewed", "bought"):
        return [name for _, name in getattr(state, field)]
    if field == "n_events":
        return state.n_events
    counter = field if field == "revenue" else field.removeprefix("n_")
    total = getattr(state, counter).total
    return float(total) if field == "revenue" else int(total)


def shares(values: Mapping[str, float]) -> dict[str, float]:
    """Return each share of the whole."""
    whole = sum(values.values())
    return {name: value / whole for name, value in values.items()} if whole > 0 else {}


def new_context() -> "Context":
    """Return a context without variables."""
    from cel import Context  # noqa: PLC0415 -- see config/conditions.py

    return Context()


def _product(item: Item, fields: frozenset[str] | None) -> dict[str, Any]:
    # Each field takes 1.5 µs to hand over, so only those that are named go.
    return {
        field: getattr(item, field) for field in (FIELDS["product"] if fields is None else fields)
    }


def _holds(test: Test, context: "Context", failed: Failed) -> bool:
    try:
        answer = test.program.execute(context)
    except _ERRORS:
        answer = None
    if answer is True or answer is False:
        return bool(answer)
    failed(test)
    return False


_NOBODY = UserState(latest_at=0, first_at=0, received_at=0)
