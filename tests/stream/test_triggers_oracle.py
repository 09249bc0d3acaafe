"""Twenty triggers against the plain oracle: the same firings, whatever the seed."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from random import Random

import pytest

from config.durations import DAY_MS
from config.events import Event
from config.fired import Fired
from config.trigger_checks import Around, read_triggers
from config.trigger_file import read_trigger_tables
from loadtest.formats import Timed
from loadtest.made_up_triggers import ANYBODY_TOML, TRIGGERS_TOML, seeded_users
from loadtest.plain_triggers import PlainFiring, PlainTriggers
from stream.batch import Rules
from stream.trigger_rules import made_ready
from tests.builders import IDS, NOON
from tests.stream.simulation import Network

# In a shard of few users the clock stands still for hours, and finds it late; few carts in a day.
RARE = {"stuck", "many-carts"}
AROUND = Around({}, {}, 180 * DAY_MS)


def rules_of(text: str) -> Rules:
    return Rules(triggers=made_ready(read_triggers(read_trigger_tables(text), AROUND)))


def event_of(timed: Timed) -> Event:
    event = timed.event
    return Event(
        type="track",
        name=event["event"],
        message_id=event["messageId"],
        occurred_at=timed.at_ms,
        received_at=timed.at_ms,
        user_id=event["userId"],
        properties=event["properties"],
        context=event.get("context", {}),
    )


def logs_of(events: Iterable[Timed]) -> list[Sequence[Timed]]:
    logs: dict[int, list[Timed]] = defaultdict(list)
    for timed in events:
        logs[IDS.known(timed.event["userId"]).shard].append(timed)
    return list(logs.values())


def plain_of(fired: Fired) -> PlainFiring:
    assert fired.user_id is not None
    return PlainFiring(
        fired.user_id,
        fired.trigger,
        fired.channel,
        fired.due_at,
        fired.fired_at,
        fired.expires_at,
    )


@pytest.mark.parametrize(("seed", "text"), [(1, TRIGGERS_TOML), (2, ANYBODY_TOML)])
def test_what_fires_in_a_week_is_what_the_plain_oracle_says(seed: int, text: str) -> None:
    events = list(seeded_users(4_000, 150, seed, NOON))
    network = Network(rules_of(text))
    for timed in events:
        network.append(event_of(timed))
    network.run(Random(seed))

    expected = PlainTriggers(tomllib.loads(text)).firings(logs_of(events))
    assert sorted(map(plain_of, network.fired)) == sorted(expected)
    assert len({fired.firing_id for fired in network.fired}) == len(network.fired)
    assert {firing.trigger for firing in expected} >= set(network.rules.triggers.rules) - RARE
