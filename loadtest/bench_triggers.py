"""What triggers cost the profile flow, and whether what fires is what a plain oracle says.

Logs of a week are drained with twenty triggers and without, in pairs of rounds that take turns in
who is first. What a pair says is how much longer the worker's processor works for the same events:
other work on the machine slows both, but does not count.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from config.durations import DAY_MS
from config.fired import FIRED_FIELD, Fired, decode_fired
from config.keys import Ids
from loadtest.bench_stream import Drain, drain
from loadtest.formats import Timed
from loadtest.made_up_triggers import ANYBODY_TOML, TRIGGERS_TOML, seeded_users
from loadtest.plain_triggers import PlainFiring, PlainTriggers
from loadtest.processes import Launch, ShopUnderTest
from loadtest.synthetic import Appended, file_events

BAR = 0.2  # by which triggers may slow the flow at most
_PAGE = 10_000
_WEEK_BEGAN_MS = 1_700_000_000_000 - 1_700_000_000_000 % DAY_MS


def bench_triggers(
    n_events: int,
    n_users: int,
    rounds: int,
    seed: int,
    launch: Launch,
    history: Sequence[Timed] | None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Drain a week of seeded users, and a real history where there is one, against the oracle.

    ``anybody``: with triggers that need no consent, so that many more fire. ``slowdown``: the
    median over pairs of rounds of (processor time with triggers / without) - 1, with the lowest
    and highest pair; ``without_us`` and ``with_us``: medians of processor time an event.
    """
    made_up = list(seeded_users(n_events, n_users, seed, _WEEK_BEGAN_MS))
    figures: dict[str, Any] = {
        "n_events": len(made_up),
        "n_users": len({timed.event["userId"] for timed in made_up}),
        "n_triggers": len(tomllib.loads(TRIGGERS_TOML)["triggers"]),
        "seed": seed,
        "rounds": rounds,
    }
    with TemporaryDirectory() as folder:
        bench = _Bench(Path(folder, "triggers.toml"), launch, say)
        compared = {"made_up": bench.compared("made up", made_up, TRIGGERS_TOML)}
        compared["made_up_anybody"] = bench.compared("made up, anybody", made_up, ANYBODY_TOML)
        if history is not None:
            compared["taobao815"] = bench.compared("taobao815", history, ANYBODY_TOML)
        figures["compared"] = compared
        figures["equal"] = all(one["equal"] for one in compared.values())
        figures |= bench.paired("made up", made_up, rounds)
        if history is not None:
            figures["taobao815"] = bench.paired("taobao815", history, rounds)
    return figures | {"machine": bench.machines}


class _Bench:
    def __init__(self, file: Path, launch: Launch, say: Callable[[str], None]) -> None:
        self.machines: dict[str, Any] = {}
        self._file = file
        self._overrides = {"SHOPKEEPER_DELIVERY_TRIGGERS_FILE": str(file)}
        self._launch = launch
        self._say = say

    def compared(self, name: str, events: Sequence[Timed], triggers: str) -> dict[str, Any]:
        """Return how what fired differs from what the oracle says."""
        found: list[list[Fired]] = []
        logs: list[list[Timed]] = []

        def look(shop: ShopUnderTest) -> None:
            found.extend(fired_of(shop))
            logs.extend(_logs_of(events, shop.ids))

        self._file.write_text(triggers, encoding="utf-8")
        self._drain(events, with_triggers=True, look=look)
        expected = PlainTriggers(tomllib.loads(triggers)).firings(logs)
        figures = compare(found, expected)
        self._say(f"{name}: {figures}")
        return figures

    def paired(self, name: str, events: Sequence[Timed], rounds: int) -> dict[str, Any]:
        """Return by how much triggers slow the flow."""
        times: list[tuple[float, float]] = []
        costs: list[float] = []
        self._file.write_text(TRIGGERS_TOML, encoding="utf-8")
        for number in range(rounds):
            order = (True, False) if number % 2 else (False, True)
            by_kind = {has: self._drain(events, with_triggers=has) for has in order}
            having, without = (
                by_kind[has].worker_cpu_seconds / by_kind[has].n_events for has in (True, False)
            )
            times.append((without, having))
            costs.append(having / without - 1)
            self._say(
                f"{name}, round {number + 1}: {1e6 * without:.1f} and {1e6 * having:.1f} µs an "
                f"event, {100 * costs[-1]:+.1f} %; {by_kind[True].events_per_second:,.0f} events/s"
            )
        if not costs:
            return {}
        without_us, with_us = (round(1e6 * median(one), 1) for one in zip(*times, strict=True))
        return {
            "without_us": without_us,
            "with_us": with_us,
            "slowdown": round(median(costs), 4),
            "bar": BAR,
            "is_met": median(costs) <= BAR,
            "slowdown_interval": [round(min(costs), 4), round(max(costs), 4)],
            "slowdown_each_round": [round(cost, 4) for cost in costs],
        }

    def _drain(
        self,
        events: Sequence[Timed],
        *,
        with_triggers: bool,
        look: Callable[[ShopUnderTest], None] = lambda _: None,
    ) -> Drain:
        def fill(ids: Ids) -> Iterable[Appended]:
            return file_events(events, ids)

        overrides = self._overrides if with_triggers else {}
        return drain(fill, 1, 0.0, self._launch, self.machines, overrides, look)


def fired_of(shop: ShopUnderTest) -> list[list[Fired]]:
    """Return what fired, by shard, in the order of the outboxes."""
    found = []
    for shard in range(shop.ids.n_shards):
        fired: list[Fired] = []
        after = "-"
        while True:
            entries: Any = shop.client.xrange(shop.keys.triggers(shard), after, count=_PAGE)
            fired += [decode_fired(fields[FIRED_FIELD]) for _, fields in entries]
            if len(entries) < _PAGE:
                break
            after = f"({entries[-1][0].decode()}"
        found.append(fired)
    return found


def compare(found: Iterable[Sequence[Fired]], expected: Iterable[PlainFiring]) -> dict[str, Any]:
    """Return how what was found differs from what was expected; ``equal`` where it does not."""
    by_shard = [list(fired) for fired in found]
    seen = [_plain(one) for fired in by_shard for one in fired]
    ids = [one.firing_id for fired in by_shard for one in fired]
    wanted = set(expected)
    n_missing, n_unexpected = len(wanted - set(seen)), len(set(seen) - wanted)
    n_repeated = len(ids) - len(set(ids))
    n_out_of_order = sum(_n_out_of_order(fired) for fired in by_shard)
    return {
        "firings": len(seen),
        "by_trigger": _counts(seen),
        "missing": n_missing,
        "unexpected": n_unexpected,
        "repeated_ids": n_repeated,
        "out_of_order": n_out_of_order,
        "equal": not (n_missing or n_unexpected or n_repeated or n_out_of_order),
    }


def _counts(seen: Iterable[PlainFiring]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for firing in seen:
        counts[firing.trigger] += 1
    return dict(sorted(counts.items()))


def _n_out_of_order(fired: Sequence[Fired]) -> int:
    """Count the firings that stand behind a later one of the same user."""
    latest: dict[str, int] = {}
    n_found = 0
    for one in fired:
        n_found += one.fired_at < latest.get(one.digest, 0)
        latest[one.digest] = max(one.fired_at, latest.get(one.digest, 0))
    return n_found


def _plain(fired: Fired) -> PlainFiring:
    return PlainFiring(
        fired.user_id or "",
        fired.trigger,
        fired.channel,
        fired.due_at,
        fired.fired_at,
        fired.expires_at,
    )


def _logs_of(events: Iterable[Timed], ids: Ids) -> list[list[Timed]]:
    logs: dict[int, list[Timed]] = defaultdict(list)
    for timed in events:
        logs[ids.known(timed.event["userId"]).shard].append(timed)
    return list(logs.values())
