"""Twenty triggers of all kinds that time and events make, and seeded users to try them on."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from config.durations import DAY_MS
from loadtest.formats import Timed, iso_time

N_PRODUCTS = 5_000
_ZONES = (None, None, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Not/A Zone")

# As shops have them: most speak to those alone who said yes to marketing. Conditions are those that
# ``plain_triggers.py`` spells in Python.
TRIGGERS_TOML = """
[quiet_hours]
hours = ["22:00-08:00"]
time_zone = "Asia/Shanghai"

[caps]
email = [{ times = 2, within = "1 day" }, { times = 5, within = "7 days" }]
push = [{ times = 3, within = "1 day" }]

[triggers.third-visit]
on = "event"
event = "visit"
times = 3
within = "7 days"
unless = ["Order Completed"]
channel = "email"

[triggers.looks-a-lot]
on = "event"
event = "Product Viewed"
times = 10
within = "1 hour"
once_in = "7 days"
channel = "push"
consent = "none"

[triggers.first-cart]
on = "event"
event = "Product Added"
when = "user.n_orders == 0"
once_in = "7 days"
channel = "push"
quiet = "skip"

[triggers.many-carts]
on = "event"
event = "Product Added"
times = 4
within = "1 day"
unless = ["Order Completed"]
channel = "email"
late = "fire"

[triggers.thanks]
on = "event"
event = "Order Completed"
channel = "letter"
quiet = "ignore"
consent = "none"

[triggers.second-order]
on = "event"
event = "Order Completed"
times = 2
within = "7 days"
channel = "email"

[triggers.wishes]
on = "event"
event = "Product Added to Wishlist"
times = 2
within = "3 days"
channel = "push"

[triggers.keen]
on = "event"
event = "visit"
times = 2
within = "2 days"
when = "user.n_views > 20"
once_in = "3 days"
channel = "push"

[triggers.marketing-visit]
on = "event"
event = "visit"
times = 4
within = "5 days"
channel = "email"

[triggers.looks-again]
on = "event"
event = "Product Viewed"
times = 3
within = "10 minutes"
when = "session.n_views >= 3"
once_in = "1 day"
channel = "push"
quiet = "skip"

[triggers.cart-idle]
on = "absence"
after = ["Product Added"]
lasting = "30 minutes"
idle = true
unless = ["Order Completed"]
when = "cart.n_products > 0"
once_in = "1 day"
channel = "push"

[triggers.cart-left]
on = "absence"
after = ["Product Added"]
lasting = "1 day"
unless = ["Order Completed"]
channel = "email"

[triggers.gone]
on = "absence"
after = ["Product Viewed"]
lasting = "2 hours"
idle = true
unless = ["Product Added", "Order Completed"]
once_in = "1 day"
channel = "push"

[triggers.stuck]
on = "absence"
after = ["Checkout Started", "Checkout Step Completed"]
lasting = "3 minutes"
unless = ["Order Completed"]
channel = "page"
quiet = "ignore"
valid = "1 hour"
consent = "none"
once_in = "1 day"

[triggers.away]
on = "absence"
after = ["visit"]
lasting = "3 days"
channel = "email"
late = "fire"

[triggers.no-second-order]
on = "absence"
after = ["Order Completed"]
lasting = "4 days"
channel = "email"

[triggers.ask-how-it-was]
on = "absence"
after = ["Order Completed"]
lasting = "2 days"
channel = "letter"
quiet = "skip"
consent = "none"

[triggers.wish-left]
on = "absence"
after = ["Product Added to Wishlist"]
lasting = "12 hours"
unless = ["Product Added", "Order Completed"]
channel = "push"
valid = "2 hours"

[triggers.marketing-gone]
on = "absence"
after = ["visit"]
lasting = "1 day"
idle = true
channel = "email"
once_in = "3 days"

[triggers.soon-forgotten]
on = "absence"
after = ["Product Viewed", "Product Added"]
lasting = "5 days"
idle = true
channel = "email"
when = "user.n_orders == 0"
"""

# The same where nobody has to be asked: many more of them fire.
ANYBODY_TOML = TRIGGERS_TOML.replace('\nconsent = "none"', "").replace(
    "\nchannel =", '\nconsent = "none"\nchannel ='
)

_ACTS = {  # of 100 visits of five events 30 fill the cart, and 4 end in an order
    "Product Viewed": 0.797,
    "Product Added": 0.06,
    "Product Added to Wishlist": 0.02,
    "Checkout Started": 0.015,
    "Order Completed": 0.008,
    "Search": 0.10,
}


def seeded_users(n_events: int, n_users: int, seed: int, start_ms: int) -> Iterator[Timed]:
    """Yield events of a week in the order of time.

    A third of the users come once, others again and again, in visits of a few minutes; a third of
    the visits say a time zone, a fifth what they think of marketing.
    """
    rng = np.random.default_rng(seed)
    weights = 1.0 / np.sqrt(np.arange(1, n_users + 1))
    n_visits = max(n_events // 5, 1)
    users = rng.choice(n_users, n_visits, p=weights / weights.sum())
    begins = rng.integers(7 * DAY_MS, size=n_visits)
    sizes = rng.geometric(0.2, size=n_visits)
    rows = [
        (int(begin) + int(step), int(user), visit)
        for visit, (user, begin, size) in enumerate(zip(users, begins, sizes, strict=True))
        for step in np.cumsum(rng.exponential(90_000, size=int(size))).astype(int)
    ][:n_events]
    rows.sort()
    names = rng.choice(list(_ACTS), len(rows), p=list(_ACTS.values()))
    products = rng.integers(N_PRODUCTS, size=len(rows))
    for line, ((after, user, visit), name, product) in enumerate(
        zip(rows, names.tolist(), products.tolist(), strict=True), start=1
    ):
        at = start_ms + after
        yield Timed(at, line, _event(at, line, user, visit, name, product))


def _event(at: int, line: int, user: int, visit: int, name: str, product: int) -> dict[str, Any]:
    item = {"product_id": f"product-{product}", "price": 1.0 + product % 97, "quantity": 1}
    order = {"order_id": f"order-{line}", "revenue": item["price"], "products": [item]}
    context: dict[str, Any] = {}
    if (zone := _ZONES[visit % len(_ZONES)]) is not None:
        context["timezone"] = zone
    if visit % 5 == 0:
        context["marketing"] = visit % 15 != 0
    return {
        "type": "track",
        "event": name,
        "messageId": f"made-up-{line}",
        "userId": f"user-{user}",
        "timestamp": iso_time(at),
        "receivedAt": iso_time(at),
        "properties": order if name == "Order Completed" else item,
        "context": context,
    }
