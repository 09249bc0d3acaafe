"""Pure: what is known of a customer who is not there, for the conditions and texts of triggers."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from config.condition_words import NESTED
from config.conditions import EVALUATION_ERRORS, Test, new_context
from online_models.bounded import CartLine, cart_lines
from online_models.users import UserState
from online_models.visitors import (
    Fields,
    open_session,
    said,
    session_values,
    user_field,
    user_map,
    user_values,
)
from stream.trigger_rules import Rule

if TYPE_CHECKING:
    from cel import Context

Facts = dict[str, str | float | int | bool]


class Customer:
    """A user at a moment (ms, by the shard's clock); conditions are each asked once.

    ``needed``: which fields of each variable conditions name.
    """

    __slots__ = ("_answers", "_context", "_gap_ms", "_needed", "_now", "_state", "_there")

    def __init__(
        self, state: UserState, now: int, gap_ms: int, needed: Mapping[str, Fields]
    ) -> None:
        self._state = state
        self._now = now
        self._gap_ms = gap_ms
        self._needed = needed
        self._context: Context | None = None
        self._answers: dict[Test, bool] = {}

    def meets(self, rule: Rule) -> bool:
        """Tell whether a trigger's condition holds, and one of its segments where it names some."""
        for test in rule.tests:
            if not self.holds(test):
                return False
        if not rule.segments:
            return True
        return any(self.holds(test) for test in rule.segments)

    def holds(self, test: Test) -> bool:
        """Tell whether a condition holds; one that cannot be evaluated does not."""
        answer = self._answers.get(test)
        if answer is None:
            answer = self._answers[test] = self._ask(test)
        return answer

    def _ask(self, test: Test) -> bool:
        if self._context is None:
            self._context = new_context()
            self._there: set[str] = set()
        for variable in test.names:
            if variable not in self._there:
                self._context.add_variable(variable, self._value(variable))
                self._there.add(variable)
        try:
            return test.execute(self._context) is True
        except EVALUATION_ERRORS:
            return False

    def _value(self, variable: str) -> object:
        """Return a variable, or a field of one that is asked for alone."""
        name, _, field = variable.partition("_")
        if not field or field in NESTED:
            return self._map(variable)
        if name == "user":
            return user_field(self._state, field, self._now)
        return self._others(name)[field]

    def _map(self, variable: str) -> Mapping[str, object]:
        fields = self._needed.get(variable)
        if variable == "user":
            return user_values(self._state, self._now, fields)
        values = self._others(variable)
        # Each field has to be handed over, so only those that are named go.
        return values if fields is None else {f: values[f] for f in fields if f in values}

    def _others(self, variable: str) -> Mapping[str, object]:
        if variable == "session":
            session = open_session(self._state, self._now, self._gap_ms)
            return session_values(self._state, session, "", self._now, is_unseen=False)
        if variable == "cart":
            return cart_values(self._state)
        if variable == "context":
            return {name: said(self._state, name) for name in ("device", "locale", "city")}
        return user_map(self._state, variable.removeprefix("user_"))


def cart_values(state: UserState) -> dict[str, object]:
    """Return ``cart``; products whose price no event told count nothing."""
    lines = cart_lines(state.cart)
    return {
        "products": list(lines),
        "value": _value_of(lines),
        "n_products": len(lines),
        "n_pieces": float(sum(line.quantity for line in lines.values())),
    }


def products_about(state: UserState, what: str, most: int) -> list[str]:
    """Return the products that a reason is about, latest first: cart, bought or viewed."""
    if what == "cart":
        lines = cart_lines(state.cart)
        latest = [change.product_id for change in reversed(state.cart)]
        names: Iterable[str] = (name for name in latest if name in lines)
        return list(dict.fromkeys(names))[:most]
    return [name for _, name in (state.bought if what == "bought" else state.viewed)[:most]]


def facts_for_texts(state: UserState) -> Facts:
    """Return short facts that texts may tell."""
    facts: Facts = {"n_visits": int(state.sessions.total) + len(state.open_sessions)}
    if state.cart and (lines := cart_lines(state.cart)):
        facts["n_in_cart"] = len(lines)
        facts["cart_value"] = round(_value_of(lines), 2)
    return facts


def _value_of(lines: Mapping[str, CartLine]) -> float:
    return float(sum([line.quantity * (line.price or 0.0) for line in lines.values()]))
