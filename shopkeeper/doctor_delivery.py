"""What the doctor finds about telling of triggers."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import redis

from config.keys import Keys
from config.receiver_states import InvalidReceiverState, ReceiverState, decode_state
from config.settings import Settings
from shopkeeper.findings import Finding, Level, finding


def examine_delivery(settings: Settings, client: redis.Redis) -> Iterable[Finding]:
    """Return whether somebody tells of triggers, and how receivers stand.

    Raises:
        redis.RedisError: Redis does not answer.
    """
    keys, read = Keys(settings.shop.namespace), client
    found: Any = read.hgetall(keys.receivers())
    has_deliverer = bool(read.exists(keys.delivering()))
    yield check_deliverer(Path(settings.delivery.triggers_file).exists(), has_deliverer)
    states: dict[str, ReceiverState | None] = {}
    for name, data in found.items():
        try:
            states[name.decode()] = decode_state(data)
        except InvalidReceiverState:
            states[name.decode()] = None
    letters: dict[str, int] = {
        name: int(str(client.xlen(keys.undelivered(name)))) for name in states
    }
    yield check_receivers(states, letters)


def check_deliverer(has_triggers: bool, has_deliverer: bool) -> Finding:
    """Somebody tells of what fires."""
    level = Level.WARN if has_triggers and not has_deliverer else Level.OK
    text = "one delivers" if has_deliverer else "none"
    return finding("deliverer", level, text, "start one: `shopkeeper up`, or `deliver`")


def check_receivers(
    states: Mapping[str, ReceiverState | None], letters: Mapping[str, int]
) -> Finding:
    """All receivers take what they are sent."""
    troubles = [text for name, state in states.items() if (text := _trouble(name, state))]
    troubles += [f"{name}: {n} undelivered" for name, n in letters.items() if n]
    if not troubles:
        return Finding("receivers", Level.OK, f"{len(states)}, all well")
    advice = (
        "see `shopkeeper triggers undelivered`; mend the receiver, then "
        "`shopkeeper triggers resend --receiver NAME`"
    )
    return Finding("receivers", Level.WARN, "; ".join(troubles), advice)


def _trouble(name: str, state: ReceiverState | None) -> str:
    if state is None:
        return f"{name}: written by another version"
    if not state.is_in_force:
        return f"{name}: not in the file of triggers any more"
    if state.stopped_at is not None:
        return f"{name}: answered 410, nothing is sent"
    if not state.is_ready:
        return f"{name}: its secret cannot be read"
    return ""
