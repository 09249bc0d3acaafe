"""What campaigns cost a decision: the medians with and without them, in one process, by turns.

There is neither Redis nor HTTP, and the model has its answer ready: the figures are of ``decide``.
"""

import time
from collections.abc import Sequence
from random import Random
from statistics import median
from typing import Any

from config.campaign_checks import read_campaigns
from config.durations import DAY_MS, MINUTE_MS
from config.placements import Banner, Content, Placement, Products
from online_models.policies import ThompsonPolicy
from online_models.users import Contact, Order, Session, UserState
from serving.campaigns import made_ready
from serving.context_features import context_features
from serving.decision import Shop, decide
from serving.schemas import CartLine, Page, Request
from serving.view import Visitor
from shopkeeper.bench_rules import Ranked, a_catalog

BAR_MS = 0.5  # that all campaigns together may add to a decision
N_CATEGORIES = 20
N_USERS = 200
N_LEARNED = 60
_NOW = 1_700_000_000_000
_PLACEMENTS: dict[str, Placement] = {
    "row": Products(),
    "hero": Banner(content=Content(headline="Hello")),
}

# Each names the number of the campaign, so that no two are the same.
CONDITIONS = (
    "user.n_orders >= {n} && cart.value > {n}.5",
    "has(user.traits.tier) && user.traits.tier == 'tier-{n}-silver'",
    "session.number >= 2 && session.days_away > {n}.0",
    "context.weather == 'weather-{n}' && page.type == 'home'",
    "'c{c}' in user.categories && user.categories['c{c}'] > 0.{n}",
    "session.focus == 'c{c}' && user.n_views > {n}",
    "user.days_since_order > {n}.0 && user.discounted_share > 0.5",
    "context.city == 'city-{n}' || context.device == 'device-{n}'",
)


def campaigns_toml(n_campaigns: int) -> str:
    """Return a file of campaigns with conditions, no two the same, all in one placement.

    The first ``N_LEARNED`` are chosen by a policy. Every second one also has a cap, every fourth
    hours, every tenth a segment of ten.
    """
    parts = [f'[segments.s{n}]\nwhen = "user.n_events > {n * 7}"\n' for n in range(10)]
    for n in range(n_campaigns):
        when = CONDITIONS[n % len(CONDITIONS)].format(n=n, c=n % N_CATEGORIES)
        more = [f'when = "{when}"', 'variations.a.headline = "Hello {first_name|there}"']
        if n % 2 == 0:
            more.append("caps = [{ times = 3, days = 7 }]")
        if n % 4 == 0:
            more.append('hours = ["06:00-23:00"]')
        if n % 10 == 0:
            more.append(f'segments = ["s{n // 10 % 10}"]')
        if n >= N_LEARNED:
            more.append('choose = "first"')
        parts.append(f'[campaigns.c{n}]\nplacements = ["hero"]\n' + "\n".join(more) + "\n")
    return "\n".join(parts)


def bench_campaigns(n_campaigns: int, rounds: int, seed: int) -> dict[str, Any]:
    """Return µs a decision of a banner and a row of products, with campaigns and without."""
    rng = Random(seed)
    ids = [f"p{n}" for n in range(3_000)]
    catalog, model = a_catalog(ids, rng), Ranked(rng.sample(ids, 200))
    users = [_user(ids, n_campaigns, rng) for n in range(N_USERS)]
    request = Request(
        placements=["row", "hero"],
        anonymous_id="a",
        page=Page(type="home"),
        cart=[CartLine(product_id="p1", quantity=2)],
        context={"weather": "weather-3", "locale": "en"},
    )
    policies = {"policy:hero": taught(n_campaigns, rng)}
    without, having = (
        Shop(model, catalog, _PLACEMENTS, policies=policies, features=context_features)
        for _ in range(2)
    )
    having.use(made_ready(read_campaigns(campaigns_toml(n_campaigns), _PLACEMENTS)))
    visitor, chance = Visitor("digest-of-somebody"), Random(seed)

    def once(shop: Shop) -> tuple[float, float]:
        """Return µs a decision, and the share in which a campaign was shown."""
        n_shown, started = 0, time.process_time()
        for user in users:
            decision = decide(request, user, shop, _NOW, chance, visitor=visitor)
            n_shown += bool(getattr(decision.choices["hero"], "campaign", ""))
        return (time.process_time() - started) / len(users) * 1e6, n_shown / len(users)

    for shop in (without, having):
        once(shop)  # what is compiled or cached at first
    turns = [(once(without), once(having)) for _ in range(rounds)]
    base, loaded = (median(turn[place][0] for turn in turns) for place in (0, 1))
    return {
        "without_us": round(base, 1),
        "with_us": round(loaded, 1),
        "added_ms": round((loaded - base) / 1000, 4),
        "bar": BAR_MS,
        "is_met": (loaded - base) / 1000 <= BAR_MS,
        "ratio": round(loaded / base, 2),
        "shown_rate": turns[0][1][1],
        "n_campaigns": n_campaigns,
        "n_conditions": n_campaigns + 10,
        "rounds": rounds,
        "seed": seed,
    }


def taught(n_campaigns: int, rng: Random) -> ThompsonPolicy:
    """Return a policy that knows the campaigns it may be asked about."""
    policy, n_learned = ThompsonPolicy(), min(n_campaigns, N_LEARNED)
    for n in range(10 * n_learned):
        arm = f"c{n % n_learned}/a"
        features = [rng.random() for _ in range(policy.n_features)]
        policy.learn_one(features, arm, float(rng.random() < 0.1), 0.5)
    return policy


def _user(ids: Sequence[str], n_campaigns: int, rng: Random) -> UserState:
    begun = _NOW - 10 * MINUTE_MS
    seen = rng.sample(ids, 20)
    session = Session(begun, _NOW, _NOW, n_events=12, n_pages=4, n_views=8)
    met = rng.sample(range(n_campaigns), min(8, n_campaigns))
    return UserState(
        _NOW,
        _NOW - 90 * DAY_MS,
        _NOW,
        n_events=rng.randrange(80),
        traits={
            "tier": (_NOW, f"tier-{rng.randrange(n_campaigns)}-silver"),
            "firstName": (_NOW, "Ann"),
        },
        context={"city": (_NOW, f"city-{rng.randrange(n_campaigns)}")},
        viewed=[(_NOW - MINUTE_MS * n, name) for n, name in enumerate(seen)],
        categories={f"c{n}": rng.random() for n in rng.sample(range(N_CATEGORIES), 8)},
        order_history=[Order(_NOW - rng.randrange(90) * DAY_MS, "o", 30.0, rng.random() < 0.5)],
        open_sessions=[session],
        left_at=begun - rng.randrange(60) * DAY_MS,
        contacts=[Contact(f"c{n}", [(_NOW - DAY_MS * k, "web") for k in range(4)]) for n in met],
    )
