"""Kills servers, workers and Redis while events come in, and compares with an undisturbed run.

Each run sends the same phases (``workload``) as an import with resends. Between kills at random
moments, every named fail point is hit in a worker. What ended is started again, as the supervisor
would. At the end each user's bytes and all timers must be those of the undisturbed run.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from config.keys import Ids
from loadtest.disturbance import Disturbance, Plan, Toll, send, settle
from loadtest.fail_points import FailPoint
from loadtest.formats import Timed
from loadtest.processes import N_SHARDS, Launch, shop_under_test
from loadtest.settled import Stored, hold_time, stored
from loadtest.verdict import Verdict, compare
from loadtest.workload import Workload, chaos_workload

_STRICT = {"SHOPKEEPER_REDIS_DURABILITY": "strict"}


def run_chaos(
    history: Sequence[Timed],
    plans: Sequence[Plan],
    seed: int,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run all plans over one history; return the figures (``loadtest/README.md``)."""
    began = time.monotonic()
    secret = secrets.token_hex(32)
    workload = chaos_workload(history, Ids(bytes.fromhex(secret), N_SHARDS), seed)
    say(f"undisturbed: {workload.n_events} events")
    expected = undisturbed(workload, secret, launch)
    runs = [disturbed(workload, expected, plan, secret, launch, say) for plan in plans]
    hits = Counter[str]()
    for run in runs:
        hits.update(run["fail_points"])
    return {
        "seed": seed,
        "events": workload.n_events,
        "kills": sum(run["kills"] for run in runs),
        "fail_points": {str(point): hits[point] for point in FailPoint},
        "events_accepted": sum(run["events_accepted"] for run in runs),
        "events_lost": sum(run["events_lost"] for run in runs),
        "effects_repeated": sum(run["effects_repeated"] for run in runs),
        "state_equal": all(run["state_equal"] for run in runs),
        "seconds": round(time.monotonic() - began, 1),
        "runs": runs,
    }


def undisturbed(workload: Workload, secret: str, launch: Launch) -> Stored:
    """Send the workload to one worker, nothing resent and nothing killed; return what it stored."""
    with shop_under_test(_STRICT, launch, secret) as shop:
        shop.start_redis()
        shop.start_server()
        shop.start_worker("worker-1")
        for phase in workload.phases:
            send(shop, phase.events, Toll())
            settle(shop, lambda: hold_time(shop))
        return stored(shop)


def disturbed(
    workload: Workload,
    expected: Stored,
    plan: Plan,
    secret: str,
    launch: Launch,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run one plan and return its figures."""
    began = time.monotonic()
    with ExitStack() as stack:
        shop = stack.enter_context(shop_under_test(_STRICT, launch, secret))
        toll = Disturbance(shop, plan, say, stack).run(workload.phases)
        verdict = compare(workload, toll.accepted, stored(shop), expected, shop.ids, shop.keys)
        restarts = sum(child.starts - 1 for child in shop.children.values())
    seconds = round(time.monotonic() - began, 1)
    return _figures(plan, toll, verdict) | {"restarts": restarts, "seconds": seconds}


def _figures(plan: Plan, toll: Toll, verdict: Verdict) -> dict[str, Any]:
    return {
        "run": plan.name,
        "workers": plan.workers,
        "kills": sum(toll.kills.values()),
        "kills_by_process": dict(toll.kills),
        "fail_points": {str(point): toll.hits[point] for point in FailPoint},
        "joins": toll.joins,
        "retries": toll.retries,
        "events_accepted": len(toll.accepted),
        "events_lost": verdict.lost,
        "effects_repeated": verdict.repeated,
        "state_equal": verdict.state_equal,
        "users_compared": verdict.users,
        "first_difference": verdict.first_difference,
    }
