"""What conditions may name: variables and their fields, of requests and of customers, functions."""

from config.catalog import Item

# None: the shop names them as it likes; a condition asks first: ``has(context.weather)``.
FIELDS: dict[str, frozenset[str] | None] = {
    "product": frozenset(Item.__struct_fields__),
    "user": frozenset(
        [
            "known",
            "traits",
            "context",
            "categories",
            "brands",
            "viewed",
            "bought",
            "n_events",
            "n_views",
            "n_carts",
            "n_orders",
            "n_sessions",
            "revenue",
            "favourite_category",
            "favourite_brand",
            "days_since_order",
            "discounted_share",
        ]
    ),
    "session": frozenset(
        [
            "number",
            "days_away",
            "minutes",
            "n_pages",
            "n_views",
            "n_carts",
            "n_orders",
            "stage",
            "stage_minutes",
            "focus",
            "referrer",
            "campaign",
            "landing_page",
        ]
    ),
    "cart": frozenset(["products", "categories", "brands", "value", "n_products", "n_pieces"]),
    "page": frozenset(["type", "product_id", "category"]),
    "context": None,
    "experiment": None,
}
# Maps of ``user`` by names that come from elsewhere; to conditions each is a variable of its own.
NESTED = ("traits", "context", "categories", "brands")
SINGLE = ("user", "session", "cart", "page")  # whose fields conditions ask for one by one
OF_REQUESTS = frozenset(FIELDS) - {"product"}
# What is known of a customer who is not there: no page, no experiment, and no catalog.
OF_CUSTOMERS: dict[str, frozenset[str] | None] = {
    "user": FIELDS["user"] or frozenset(),
    "session": (FIELDS["session"] or frozenset()) - {"focus"},
    "cart": frozenset(["products", "value", "n_products", "n_pieces"]),
    "context": None,
}
FUNCTIONS = frozenset(
    [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "timestamp",
        "duration",
        "type",
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    ]
)
