"""The dashboard's picture: what the page draws, as JSON, from the history of figures. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec

from config.announcements import Role
from config.events import EVENT_TYPES
from config.latencies import Counts, quantiles_ms
from serving.choices import Fallback
from serving.figure_history import FigureHistory, Point, Sums, levels
from serving.lights import (
    Light,
    Scored,
    decisions_light,
    fallbacks_light,
    freshness_light,
    lag_light,
    lag_state,
    memory_light,
    model_light,
    processes_light,
    title_of,
    worst,
)

DECISION_ROUTE = "/v1/personalize"
STAGES = ("read", "decide", "encode")
FRESHNESS = ("append", "append_to_commit", "example_to_commit", "learned_to_served")
NEXT_PRODUCT = "next-product"
N_SLOW = 8
N_ROWS = 40
N_SHARDS_SHOWN = 512
_ROLES: tuple[Role, ...] = get_args(Role)
_SHARES = (0.5, 0.9, 0.99)


@dataclass(slots=True)
class Around:
    """What is looked up beside the figures of processes."""

    n_shards: int
    cutoff_ms: int
    missing: Sequence[str] = ()
    memory_rate: float = 0.0
    log_entries: int | None = None
    experiments: list[Mapping[str, Any]] = field(default_factory=list)


def picture_of(history: FigureHistory, around: Around, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return all but the course of time; ``told`` is the last whole minute, by ``minute_of``."""
    workers = history.live("worker")
    lag = {shard: s for waiting in levels(workers, "lag") for shard, s in waiting.items()}
    n_shown = min(around.n_shards, N_SHARDS_SHOWN)
    owned = round(sum(own.get("owned", 0.0) for own in levels(workers, "worker")))
    live: dict[str, int] = {role: len(history.live(role)) for role in _ROLES}
    dead_letters = history.whole.total("dead_letters")
    decision = told["routes"].get(DECISION_ROUTE, {})
    lights = [
        processes_light(around.missing, live, history.whole.total("fired")),
        decisions_light(decision.get("p50"), decision.get("p99"), around.cutoff_ms),
        fallbacks_light(told["placements"], told["fallbacks"]),
        freshness_light((told["freshness"].get("append_to_commit") or {}).get("p99")),
        lag_light(max(lag.values(), default=0.0), owned, around.n_shards),
        memory_light(around.memory_rate, dead_letters),
    ]
    models = _models(history, live["learner"] > 0)
    model_lights = [Light(one["name"], one["state"], one["sentence"]) for one in models]
    first = worst([*lights, *model_lights])
    return {
        "at": history.now,
        "light": first._asdict(),
        "lights": [light._asdict() for light in lights],
        "processes": live,
        "perSecond": _rates(history),
        "minute": told,
        "lag": {"worst": max(lag.values(), default=0.0), "owned": owned, "of": around.n_shards}
        | {"shards": [_shard(lag.get(str(shard))) for shard in range(n_shown)]},
        "redis": {"rate": around.memory_rate, "logEntries": around.log_entries}
        | _memory(history)
        | {"deadLetters": dead_letters},
        "models": models,
        "placements": _placements(history.whole),
        "campaigns": _campaigns(history.whole),
        "triggers": _triggers(history.whole),
        "experiments": around.experiments,
        "slow": [msgspec.structs.asdict(slow) for slow in history.slowest(N_SLOW)],
    }


def point_of(point: Point) -> dict[str, Any]:
    """Return a point of the curves; times in ms, None where nothing was timed."""
    sums, latencies = point.sums, point.sums.latencies
    decision = _quantiles(latencies.get(DECISION_ROUTE, {}))
    commit = _quantiles(latencies.get("append_to_commit", {}))
    placements = sums.total("decisions")
    return {
        "at": point.at,
        "decisions": decision.get("n", 0) / 5,
        "events": _accepted(sums) / 5,
        "applied": _applied(sums) / 5,
        "p50": decision.get("p50"),
        "p99": decision.get("p99"),
        **{f"{stage}99": _quantiles(latencies.get(stage, {})).get("p99") for stage in STAGES},
        "commit50": commit.get("p50"),
        "commit99": commit.get("p99"),
        "lag": point.lag_seconds,
        "fallbacks": sum(_fallbacks(sums).values()) / placements if placements else None,
        "routes": {
            name: _quantiles(counts).get("p99")
            for name, counts in latencies.items()
            if name.startswith("/v1/")
        },
    }


def minute_of(began: int, sums: Sums) -> dict[str, Any]:
    """Return the figures of a minute that began then (ms)."""
    latencies = sums.latencies
    return {
        "from": began,
        "seconds": 60,
        "decisions": sum(latencies.get(DECISION_ROUTE, {}).values()),
        "placements": sums.total("decisions"),
        "events": _accepted(sums),
        "applied": _applied(sums),
        "fallbacks": _fallbacks(sums),
        "commits": sums.of("commits"),
        "learned": sums.of("learned"),
        "refused": sums.of("refused"),
        "dropped": sums.of("dropped"),
        "stages": {stage: _quantiles(latencies.get(stage, {})) for stage in STAGES},
        "routes": {
            name: _quantiles(counts)
            for name, counts in sorted(latencies.items())
            if name.startswith("/")
        },
        "freshness": {name: _quantiles(latencies.get(name, {})) for name in FRESHNESS},
    }


def _shard(lag_seconds: float | None) -> dict[str, Any]:
    """Return how a shard stands; its lag is None where no worker tells of it."""
    state = "red" if lag_seconds is None else lag_state(lag_seconds)
    return {"lag": lag_seconds, "state": state}


def _quantiles(counts: Counts) -> dict[str, Any]:
    found = quantiles_ms(counts, _SHARES)
    if found is None:
        return {}
    p50, p90, p99 = (round(ms, 4) for ms in found)
    return {"n": sum(counts.values()), "p50": p50, "p90": p90, "p99": p99}


def _rates(history: FigureHistory) -> dict[str, float]:
    rates: dict[str, Callable[[Sums], float]] = {
        "decisions": lambda sums: float(sum(sums.latencies.get(DECISION_ROUTE, {}).values())),
        "events": _accepted,
        "applied": _applied,
        "commits": lambda sums: sums.of("commits").get("committed", 0.0),
        "learned": lambda sums: sums.of("learned").get("examples", 0.0),
    }
    return {name: round(history.per_second(count), 1) for name, count in rates.items()}


def _accepted(sums: Sums) -> float:
    return sums.total("events", ends=(" accepted",))


def _applied(sums: Sums) -> float:
    """Return how many events profiles took in; a tick is none."""
    return sum(
        n
        for label, n in sums.of("applied").items()
        if label.startswith(EVENT_TYPES) and label.partition(" ")[2].startswith("applied")
    )


def _fallbacks(sums: Sums) -> dict[str, float]:
    found: dict[str, float] = {}
    for label, n in sums.of("decisions").items():
        reason = label.rpartition(" ")[2]
        if reason in _REASONS:
            found[reason] = found.get(reason, 0.0) + n
    return found


def _memory(history: FigureHistory) -> dict[str, float]:
    told = list(levels(history.live("worker"), "worker"))
    return {
        "used": max((one.get("memory", 0.0) for one in told), default=0.0),
        "limit": max((one.get("memory_limit", 0.0) for one in told), default=0.0),
        "cachedUsers": sum(one.get("cached_users", 0.0) for one in told),
    }


def _models(history: FigureHistory, learns: bool) -> list[dict[str, Any]]:
    sums = history.whole.of("progress")
    behind = sum(one.get("behind", 0.0) for one in levels(history.live("learner"), "learner"))
    names = {NEXT_PRODUCT, *(label.rpartition(" ")[0] for label in sums)}
    found = []
    for model in sorted(names, key=lambda name: (name != NEXT_PRODUCT, ":" in name, name))[:N_ROWS]:
        scored, is_loss = Scored.of(sums, model), model != NEXT_PRODUCT
        late = 0.0 if is_loss else behind
        light = model_light(model, scored, is_loss=is_loss, behind=late, learns=learns)
        found.append(
            light._asdict()
            | {
                "model": model,
                "title": title_of(model),
                "isLoss": is_loss,
                "scored": scored.n,
                "own": scored.points / scored.n if scored.n else None,
                "baseline": scored.baseline / scored.n if scored.n else None,
                "drifts": scored.n_drifts,
            }
        )
    return found


def _table(labels: Mapping[str, float], *, most: int = N_ROWS) -> list[dict[str, Any]]:
    """Return a row for each name of labels ``<name> <column>``, the largest first."""
    rows: dict[str, dict[str, Any]] = {}
    for label, number in labels.items():
        name, _, column = label.rpartition(" ")
        row = rows.setdefault(name, {"name": name})
        row[column] = row.get(column, 0.0) + number
    by_size = sorted(rows.values(), key=_size, reverse=True)
    return by_size[:most]


def _size(row: Mapping[str, Any]) -> tuple[float, str]:
    return max(n for column, n in row.items() if column != "name"), str(row["name"])


def _placements(sums: Sums) -> list[dict[str, Any]]:
    found = []
    for row in _table(sums.of("decisions")):
        total = sum(n for column, n in row.items() if column != "name")
        reasons = {reason: n for reason, n in row.items() if reason in _REASONS}
        found.append(
            {
                "name": row["name"],
                "decided": total,
                "personal": row.get("personal", 0.0) / total,
                "general": row.get("general", 0.0) / total,
                "fallback": sum(reasons.values()) / total,
            }
        )
    return found


def _campaigns(sums: Sums) -> list[dict[str, Any]]:
    chosen = sums.of("campaigns")
    brought = {row["name"]: row for row in _table(sums.of("rewards"), most=len(chosen) + N_ROWS)}
    names = sorted({*chosen, *brought}, key=lambda name: (-chosen.get(name, 0.0), name))
    return [
        {"name": name, "chosen": chosen.get(name, 0.0)} | brought.get(name, {})
        for name in names[:N_ROWS]
    ]


def _triggers(sums: Sums) -> list[dict[str, Any]]:
    """Return by trigger how often it fired, and what became of its deliveries."""
    fired = {f"{name} fired": n for name, n in sums.of("fired").items()}
    return _table(fired | sums.of("deliveries"))


_REASONS = frozenset(Fallback)
