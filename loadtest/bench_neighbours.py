"""Whether answers follow the visitor: is the first product a neighbour of what was viewed last?

A file is imported in the order of its times, and at each stop users in the middle of a session
are asked about, then do what they did next, and are asked about once more: so each answer comes
from what was known at that moment, and nothing that came later.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from loadtest.children import ChildFailed
from loadtest.deciding_shop import deciding_shop, settle
from loadtest.decisions import NEXT_BEST, PATH, Decision, read_decision
from loadtest.formats import Timed
from loadtest.machine import machine
from loadtest.mid_session import Stop, plan_stops
from loadtest.processes import Launch, ShopUnderTest
from loadtest.replay import Target, replay
from loadtest.settled import hold_time
from loadtest.walks import Walks

FOLLOW_SECONDS = 0.1  # what servers may take to fetch a step; a page view comes later
_SAY_EVERY = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """What a user was suggested before and after a view, and the neighbours of what was viewed."""

    user: str
    viewed: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    neighbours: frozenset[str]
    says_fallback: bool

    @property
    def is_led(self) -> bool:
        """Whether the first product is a neighbour of the one viewed last."""
        return bool(self.after) and self.after[0] in self.neighbours


def bench_neighbours(
    history: Sequence[Timed],
    n_samples: int,
    seed: int,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Import a history, stopping to ask; return shares of the sampled users."""
    stops = plan_stops(history, n_samples, seed)
    samples: list[Sample] = []
    with (
        deciding_shop([timed.event for timed in history], launch) as shop,
        httpx.Client(
            base_url=shop.url, headers={"authorization": f"Bearer {shop.secret_key}"}
        ) as client,
    ):
        walks = Walks(shop.client, shop.keys)
        for number, stop in enumerate(stops, start=1):
            samples += _ask_round_views(shop, client, walks, stop)
            if number % _SAY_EVERY == 0:
                say(f"stop {number} of {len(stops)}: {len(samples)} users asked about")
        machines = machine(shop.client)
    return shares(samples) | {
        "n_events": sum(len(stop.before) + len(stop.views) for stop in stops),
        "stops": len(stops),
        "seed": seed,
        "machine": machines,
    }


def shares(samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the shares that bar 3 names, and what they are of."""
    n_samples = max(len(samples), 1)
    return {
        "first_is_neighbour_rate": round(sum(one.is_led for one in samples) / n_samples, 4),
        "answer_differs_rate": round(
            sum(one.before != one.after for one in samples) / n_samples, 4
        ),
        "first_differs_rate": round(
            sum(one.before[:1] != one.after[:1] for one in samples) / n_samples, 4
        ),
        "fallback_rate": round(sum(one.says_fallback for one in samples) / n_samples, 4),
        "samples": len(samples),
        "users": len({one.user for one in samples}),
    }


def _ask_round_views(
    shop: ShopUnderTest, client: httpx.Client, walks: Walks, stop: Stop
) -> list[Sample]:
    """Send what came before, ask, send the views, ask again."""
    _import(shop, stop.before)
    before = [_ask(client, timed.event["userId"]) for timed in stop.views]
    _import(shop, stop.views)
    after = [_ask(client, timed.event["userId"]) for timed in stop.views]
    walks.read()
    return [
        Sample(
            user=timed.event["userId"],
            viewed=timed.event["properties"]["product_id"],
            before=earlier.products,
            after=later.products,
            neighbours=walks.near(timed.event["properties"]["product_id"]),
            says_fallback=later.says_fallback,
        )
        for timed, earlier, later in zip(stop.views, before, after, strict=True)
    ]


def _import(shop: ShopUnderTest, events: Sequence[Timed]) -> None:
    """Import events and wait until they are applied, learned, and known to the server."""
    if not events:
        return
    result = replay(events, Target(shop.url, shop.secret_key, imports=True))
    if result.rejected:
        raise ChildFailed(f"collect rejected events of ours: {dict(result.rejected)}")
    settle(shop, lambda: hold_time(shop))
    time.sleep(FOLLOW_SECONDS)


def _ask(client: httpx.Client, user: str) -> Decision:
    body = orjson.dumps({"userId": user, "placements": [NEXT_BEST], "page": {"type": "home"}})
    answer = client.post(PATH, content=body)
    if answer.status_code != 200:
        raise ChildFailed(f"no decision: {answer.status_code} {answer.text[:300]}")
    return read_decision(answer.content)
