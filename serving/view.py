"""Pure: what all placements of one request look at, each part worked out once, and when needed."""

from collections.abc import Callable, Mapping, Sequence, Set
from random import Random
from typing import NamedTuple
from weakref import proxy

from config.condition_words import FIELDS, NESTED, SINGLE
from config.durations import MINUTE_MS
from config.placements import Strategy
from online_models.users import Session, UserState
from online_models.visitors import (
    Fields,
    focus_of,
    open_session,
    session_values,
    shares,
    strongest,
    user_field,
    user_map,
)
from serving.assigning import NO_EXPERIMENTS, Assigned
from serving.cart import Cart, lines_in
from serving.choices import UNSEEN, Allowed, Fallback, Model, Shelf, Suggested
from serving.conditions import Facts, Failed, Needed
from serving.eligibility import barred_products, resting_products
from serving.knowledge import context_values, page_values
from serving.lazy import lazy
from serving.rules import Excluded, SlateRules
from serving.schemas import Request

SPARE = 40  # candidates beyond the slots, where rules pass some over after ranking
MAX_HISTORY = 30
SESSION_GAP_MS = 30 * MINUTE_MS

SessionKey = Callable[[int], int]  # of a session by its start (ms); see ``Ids.session_key``


class Visitor(NamedTuple):
    """Who asks, beside what is remembered of them.

    ``digest`` names who answers are about, if there is anybody. ``may_be_named``: whoever asks
    may be told what the visitor is called.
    """

    digest: str | None = None
    may_be_named: bool = False


STRANGER = Visitor()


class View:
    """One request and what is known; ``taken`` is what its placements show so far."""

    def __init__(
        self,
        request: Request,
        user: UserState | None,
        model: Model,
        shelf: Shelf,
        rules: Mapping[str, SlateRules],
        now: int,
        rng: Random,
        missing: Fallback | None,
        needed: Needed,
        failed: Failed,
        session_key: SessionKey | None,
        assigned: Assigned = NO_EXPERIMENTS,
        visitor: Visitor = STRANGER,
        gap_ms: int = SESSION_GAP_MS,
    ) -> None:
        self.request = request
        self.user = user
        self.model = model
        self.shelf = shelf
        self.now = now
        self.rng = rng
        self.missing = missing
        self.assigned = assigned
        self.visitor = visitor
        self.taken: set[str] = set()
        self._gap_ms = gap_ms
        self._rules = rules
        self._needed = needed
        self._failed = failed
        self._session_key = session_key
        self._allowed: dict[tuple[Excluded, bool], Allowed] = {}
        self._asked: dict[tuple[Strategy, Allowed], Sequence[Suggested]] = {}

    @lazy
    def page_product(self) -> str | None:
        """The product that the page shows."""
        return self.request.page_product()

    @lazy
    def page_category(self) -> str | None:
        """The category that the page shows, or that of its product."""
        if self.request.page is not None and self.request.page.category:
            return self.request.page.category
        return None if self.page_product is None else self.category_of(self.page_product)

    @lazy
    def category(self) -> str | None:
        """The category that the visitor turned to most."""
        return (strongest(self.user.categories) or None) if self.user is not None else None

    @lazy
    def fitting_category(self) -> str | None:
        """The category that fits the page, else the visitor."""
        return self.page_category or self.category or None

    @lazy
    def brand(self) -> str | None:
        """The brand that the visitor turned to most."""
        return (strongest(self.user.brands) or None) if self.user is not None else None

    @lazy
    def focus(self) -> str:
        """The category of what the visitor looks at in this visit, "" where there is no such."""
        seen = self._page_first(self._viewed_in(self._visit))
        return focus_of(self.category_of(name) for name in seen)

    @lazy
    def context(self) -> dict[str, object]:
        """What conditions read as ``context``."""
        return context_values(self.request, self.user)

    @lazy
    def locale(self) -> str:
        """The visitor's language, "" where nobody says it."""
        return str(self.context.get("locale", ""))

    @lazy
    def viewed(self) -> Sequence[str]:
        """What the visitor viewed, latest first, the page's product before all."""
        return self._page_first([n for _, n in self.user.viewed] if self.user is not None else [])

    @lazy
    def visited(self) -> Sequence[str]:
        """What was viewed in the session of the latest steps, as ``viewed``; without, all of it."""
        session = self._latest_session
        if session is None:
            return self.viewed
        return self._page_first(self._viewed_in(session)) or self.viewed

    @lazy
    def session(self) -> int | None:
        """The key of the session of the visitor's latest steps, as they were taught with."""
        session = self._latest_session
        if session is None or self._session_key is None:
            return None
        return self._session_key(session.start_at)

    @lazy
    def _visit(self) -> Session | None:
        """The visit that goes on now; conditions speak of it."""
        return open_session(self.user, self.now, self._gap_ms)

    @property
    def _latest_session(self) -> Session | None:
        """The latest session that the stream holds open: what is late may still belong to it."""
        return self.user.open_sessions[-1] if self.user and self.user.open_sessions else None

    def _viewed_in(self, session: Session | None) -> Sequence[str]:
        """Return what was viewed since a session began, latest first."""
        if session is None or self.user is None:
            return []
        return [name for at, name in self.user.viewed if at >= session.start_at]

    def _page_first(self, seen: Sequence[str]) -> Sequence[str]:
        current = self.page_product
        return seen if current is None else [current, *(name for name in seen if name != current)]

    @lazy
    def history(self) -> Sequence[str]:
        """What the visitor viewed, put into the cart or bought, in any session, latest first."""
        if self.user is None:
            return []
        dated = sorted((*self.user.viewed, *self.user.carted, *self.user.bought), reverse=True)
        return list(dict.fromkeys(name for _, name in dated))[:MAX_HISTORY]

    @lazy
    def cart(self) -> Cart:
        """The cart: the request's, else the remembered one."""
        return Cart(lines_in(self.request, self.user), self.shelf)

    def n_wanted(self, strategy: Strategy) -> int:
        """Return how many candidates fill all slots, whatever was taken for slots before them."""
        options = self.request.options
        limit = options.limit if options is not None else None
        n_slots, n_wanted, spare = 0, 0, 0
        for name in self.request.placements:
            rules = self._rules.get(name)
            if rules is None:
                continue
            n_slots += limit or rules.placement.slots
            if strategy in rules.steps:
                n_wanted = n_slots
                spare = SPARE if rules.is_picky else spare
        return n_wanted + spare

    @lazy
    def facts(self) -> Facts:
        """What conditions are asked about."""
        known: View = proxy(self)  # a circle of references would be left to the garbage collector

        def values(variable: str, fields: Fields) -> object:
            return known.values(variable, fields)

        return Facts(values, self._needed, self._failed)

    def category_of(self, product_id: str) -> str | None:
        """Return a product's category, if it is known."""
        item = self.shelf.item(product_id)
        return None if item is None else item.category

    def allowed(self, excluded: Excluded, *, also_resting: bool = False) -> Allowed:
        """Return what tells whether a product may be shown by a placement that excludes this."""
        key = (excluded, also_resting)
        allowed = self._allowed.get(key)
        if allowed is None:
            barred = barred_products(self.request, self.user, excluded, self.now)
            if self.user is not None and excluded.rotate_after and not also_resting:
                barred |= resting_products(self.user, excluded, self.now)
            allowed = self._allowed[key] = _allowed(self.shelf.for_sale(excluded.filter), barred)
        return allowed

    def ask(
        self, what: Strategy, allowed: Allowed, question: Callable[[int], Sequence[Suggested]]
    ) -> Sequence[Suggested]:
        """Ask the model, once for all placements that ask the same and allow the same."""
        key = (what, allowed)
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = question(self.n_wanted(what))
        return answer

    @property
    def is_unseen(self) -> bool:
        """Whether nobody could look who the visitor is."""
        return self.user is None and self.missing in UNSEEN

    def values(self, variable: str, fields: Fields) -> object:
        """Return what a variable of conditions holds; of a map at least those fields.

        ``user_n_orders`` is a field alone, ``user_traits`` a map that ``user`` holds.
        """
        name, _, field = variable.partition("_")
        if field in NESTED:
            return _named(user_map(self.user, field), fields)
        if field:
            return self._field(name, field)
        if name in SINGLE:
            return {field: self._field(name, field) for field in fields or FIELDS[name] or ()}
        return _named(self.assigned.seen if name == "experiment" else self.context, fields)

    def _field(self, name: str, field: str) -> object:
        if name == "user":
            return user_field(self.user, field, self.now)
        if name == "cart":
            return self.cart.fact(field)
        if name == "page":
            return page_values(self.request)[field]
        return self.focus if field == "focus" else self._session_values[field]

    @lazy
    def _session_values(self) -> Mapping[str, object]:
        """What conditions read as ``session``, but for ``focus``."""
        return session_values(self.user, self._visit, "", self.now, is_unseen=self.is_unseen)

    @lazy
    def affinities(self) -> tuple[dict[str, float], dict[str, float]]:
        """The visitor's shares of categories, and of brands."""
        if self.user is None:
            return {}, {}
        return shares(self.user.categories), shares(self.user.brands)


def _named(values: Mapping[str, object], fields: Fields) -> Mapping[str, object]:
    """Return those that are named: CEL copies a map for each condition that asks it."""
    if fields is None:
        return dict(values)
    return {field: values[field] for field in fields if field in values}


def _allowed(for_sale: Set[str] | None, barred: set[str]) -> Allowed:
    if for_sale is None:
        return lambda product_id: product_id not in barred
    return lambda product_id: product_id in for_sale and product_id not in barred
