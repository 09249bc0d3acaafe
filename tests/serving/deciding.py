"""What tests of decisions begin with: visitors, a model, a catalog, placements."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

import jwt
import redis

from config.campaign_checks import read_campaigns
from config.catalog import Item, encode_item
from config.keys import Subject
from config.placements import Banner, Content, Offer, Picks, Placement, Products
from config.session_log import STEPS_FIELD, TIME_FIELD, Step, encode_steps
from online_models.popularity import Row, encode_row, model_shard, popular_row
from online_models.users import CartChange, UserState, encode_user
from serving.assigning import NO_EXPERIMENTS, Assigned
from serving.campaigns import made_ready
from serving.catalog import Catalog
from serving.choices import Decision, Fallback, Model, Promotion, Slate
from serving.decision import Shop, decide
from serving.schemas import Request
from serving.view import STRANGER, Visitor
from tests.serving.builders import IDS, NOW
from tests.serving.conftest import KEYS, SIGNING_KEY
from tests.serving.fake_model import FakeModel

ANN = IDS.known("ann")
COOKIE = IDS.anonymous("cookie-1")
HERO = Banner(content=Content(headline="Hello"))
OFFER = Offer()
PLACEMENTS: dict[str, Placement] = {
    "next-best": Products(slots=3, explore=0.0, fallback=(Picks(("gift-card", "map")),)),
    "trending": Products(
        strategy="trending", slots=3, explore=0.0, fallback=(Picks(("gift-card",)),)
    ),
    "hero": HERO,
    "exit": OFFER,
}


def a_request(*placements: str, **changes: Any) -> Request:
    """Return a question for next-best products unless it says otherwise."""
    return Request(placements=list(placements or ("next-best",)), **changes)


def a_user(**changes: Any) -> UserState:
    """Return a user who has viewed boots."""
    fields: dict[str, Any] = {"latest_at": NOW, "first_at": NOW, "received_at": NOW}
    return UserState(**(fields | {"viewed": [(NOW, "boots")]} | changes))


def in_cart(*products: str) -> list[CartChange]:
    return [CartChange(NOW, product, 1.0, 10.0) for product in products]


class Lessons(NamedTuple):
    """What a model is told: steps of visitors, and rows of what is popular."""

    steps: list[Step]
    rows: dict[str, bytes]


def lessons(
    after: Mapping[str, Iterable[str]] | None = None,
    popular: Mapping[str, Iterable[str]] | None = None,
) -> Lessons:
    """Return what teaches a model what comes after products, what is popular; best first.

    What comes after a product first is what most sessions went on to.
    """
    pairs = [
        (name, product)
        for name, products in (after or {}).items()
        for n_sessions, product in enumerate(reversed(list(products)), start=1)
        for _ in range(n_sessions)
    ]
    steps = [
        Step(session, product, "view") for session, pair in enumerate(pairs) for product in pair
    ]
    rows = {popular_row(name): _row(products) for name, products in (popular or {}).items()}
    return Lessons(steps, rows)


def _row(products: Iterable[str]) -> bytes:
    sums = {product: 1.0 / place for place, product in enumerate(products, start=1)}
    return encode_row(Row(NOW, sums))


AFTER = {"boots": ["socks", "tent", "stove"]}
POPULAR = {"": ["lamp", "socks", "rope"], "hiking": ["poles", "socks"]}


def a_model(
    after: Mapping[str, Sequence[str]] = AFTER,
    popular: Mapping[str, Sequence[str]] = POPULAR,
) -> FakeModel:
    """Return a model that says what comes after boots, and what is popular."""
    return FakeModel(after=after, trend=popular)


def a_catalog(*items: Item) -> Catalog:
    catalog = Catalog()
    for item in items:
        catalog.put(item.id, encode_item(item))
    return catalog


def decided(
    request: Request | None = None,
    user: UserState | None = None,
    *,
    model: Model | None = None,
    catalog: Catalog | None = None,
    placements: Mapping[str, Placement] = PLACEMENTS,
    missing: Fallback | None = None,
    rng: Random | None = None,
    failed: Callable[[str], None] = lambda _: None,
    campaigns: str = "",
    assigned: Assigned = NO_EXPERIMENTS,
    visitor: Visitor = STRANGER,
    now: int = NOW,
    **learned: Any,
) -> Decision:
    """Return what is decided at ``NOW``; without ``rng`` nothing is explored.

    ``campaigns`` is the text of a file, ``learned`` what a shop has of policies and the like.
    """
    catalog = Catalog() if catalog is None else catalog
    shop = Shop(model or a_model(), catalog, placements, failed, **learned)
    shop.use(made_ready(read_campaigns(campaigns, placements)))
    chance = rng or Certain()
    return decide(request or a_request(), user, shop, now, chance, missing, None, assigned, visitor)


def promotion_of(decision: Decision, name: str = "hero") -> Promotion:
    promotion = decision.choices[name]
    assert isinstance(promotion, Promotion)
    return promotion


def objections_to(decision: Decision, campaign: str, name: str = "hero") -> list[str]:
    """Return the words for what stands against a campaign."""
    considered = promotion_of(decision, name).considered
    assert considered is not None
    [against] = [found for one, found in considered.looked_at() if one == campaign]
    return [objection.reason for objection in against]


class Certain(Random):
    """Chance that draws nothing."""

    def random(self) -> float:
        """Return a number that no rate reaches."""
        return 1.0


def slate_of(decision: Decision, name: str = "next-best") -> Slate:
    slate = decision.choices[name]
    assert isinstance(slate, Slate)
    return slate


def ids_of(decision: Decision, name: str = "next-best") -> list[str]:
    """Return the products of a slate."""
    return [pick.product_id for pick in slate_of(decision, name).picks]


def remember(client: redis.Redis, subject: Subject, user: Any, offset: str = "5-0") -> None:
    """Put a user into Redis as the profile flow would."""
    client.set(KEYS.user(subject.shard, subject.digest), encode_user(user))
    client.set(KEYS.commit(subject.shard), f'{{"offset": "{offset}", "seq": 1}}')


def learn(client: redis.Redis, said: Lessons, at_ms: int | None = None) -> None:
    """Put rows and steps into Redis as the learning flow would."""
    t = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    for name, data in said.rows.items():
        shard = model_shard(name)
        client.hset(KEYS.model_rows(shard), name, data)
        client.xadd(KEYS.model_changes(shard), {"n": name, "t": t})
    if said.steps:
        newest: Any = client.xrevrange(KEYS.session_log(), count=1)
        end = int(newest[0][0].split(b"-")[0]) if newest else 0
        fields: Any = {STEPS_FIELD: encode_steps(said.steps), TIME_FIELD: t}
        client.xadd(KEYS.session_log(), fields, id=f"{end + len(said.steps)}-0")


def a_token(sub: object = "ann", seconds: float = 60, key: str = SIGNING_KEY, **claims: Any) -> str:
    """Return a token as a shop makes it."""
    said = {"sub": sub, "exp": int(time.time() + seconds)} | claims
    return jwt.encode({k: v for k, v in said.items() if v is not None}, key, algorithm="HS256")
