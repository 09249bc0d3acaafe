"""Commands about what triggers told: tail, undelivered, resend."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import redis
import typer

from config.errors import SettingsError
from config.keys import Keys
from config.receiver_states import InvalidReceiverState, decode_state
from config.told import TOLD_FIELD, InvalidTold, decode_told
from shopkeeper.configuration import connected, load
from shopkeeper.redis_connection import connect

_BLOCK_MS = 1_000

Receiver = Annotated[str | None, typer.Option(help="Only of this receiver.")]
AsJson = Annotated[bool, typer.Option("--json", help="One object a line.")]


def register(triggers: typer.Typer) -> None:
    """Add the commands to those about triggers."""
    triggers.command(epilog="Example: shopkeeper triggers tail --last 10")(tail)
    triggers.command("undelivered", epilog="Example: shopkeeper triggers undelivered --json")(
        undelivered_command
    )
    triggers.command("resend", epilog="Example: shopkeeper triggers resend --receiver mail-tool")(
        resend_command
    )


def tail(
    context: typer.Context,
    last: Annotated[int, typer.Option(help="So many that fired before.", min=0, max=1000)] = 10,
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = True,
    as_json: AsJson = False,
) -> None:
    """Print what fires, as it is told."""
    client, keys = _open(context)
    with client:
        # Read once: nothing can be told between what is printed now and what follows.
        newest: Any = client.xrevrange(keys.told(), count=max(last, 1))
        after = newest[0][0].decode() if newest else "0-0"
        for _, fields in reversed(newest[:last]):
            _print(fields, as_json=as_json)
        while follow:
            try:
                after = _print_new(client, keys, after, as_json=as_json)
            except KeyboardInterrupt:
                return


def undelivered_command(
    context: typer.Context, receiver: Receiver = None, as_json: AsJson = False
) -> None:
    """List messages that were given up, with the reason. 1 where there are some."""
    from shopkeeper.undelivered import undelivered  # noqa: PLC0415 -- other commands start sooner

    client, keys = _open(context)
    with client:
        n_found = 0
        for one in undelivered(client, keys, _receivers(client, keys, receiver)):
            n_found += 1
            at = datetime.fromtimestamp(one.letter.at / 1000, UTC).isoformat(timespec="seconds")
            facts = {
                "receiver": one.receiver,
                "id": one.told.told_id,
                "trigger": one.told.trigger,
                "reason": one.letter.reason,
                "tries": one.letter.n_tries,
                "last": one.letter.last,
                "at": at,
            }
            typer.echo(json.dumps(facts) if as_json else "  ".join(map(str, facts.values())))
        if not as_json:
            typer.echo(f"{n_found} undelivered; `shopkeeper triggers resend` sends them again")
    if n_found:
        raise typer.Exit(1)


def resend_command(
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of messages.")] = None,
    receiver: Receiver = None,
    everything: Annotated[bool, typer.Option("--all", help="All of all receivers.")] = False,
) -> None:
    """Send again what was given up: by id, of a receiver, or all.

    Messages keep their ids, so a receiver that has one already knows it. Receivers that were gone
    are sent to again; those that the file of triggers does not name any more are not.
    """
    if not ids and receiver is None and not everything:
        raise SettingsError(
            "say which: ids, --receiver or --all; `shopkeeper triggers undelivered` lists them"
        )
    from shopkeeper.undelivered import resend  # noqa: PLC0415 -- other commands start sooner

    client, keys = _open(context)
    with client:
        receivers = _receivers(client, keys, receiver)
        left = _out_of_force(client, keys, receivers)
        sent_to = [name for name in receivers if name not in left]
        now_ms = time.time_ns() // 1_000_000
        n_sent = resend(client, keys, sent_to, set(ids) if ids else None, now_ms)
    typer.echo(f"{n_sent} go out again")
    for name in left:
        typer.echo(
            f"{name}: the file of triggers does not name it any more; nothing goes", err=True
        )
    if n_sent < len(set(ids)) if ids else left:
        raise typer.Exit(1)


def _open(context: typer.Context) -> tuple[redis.Redis, Keys]:
    settings, _ = load(context.obj)
    return connect(connected(settings).redis.url), Keys(settings.shop.namespace)


def _receivers(client: redis.Redis, keys: Keys, wanted: str | None) -> Sequence[str]:
    names: Any = client.hkeys(keys.receivers())
    known = sorted(name.decode() for name in names)
    if wanted is None:
        return known
    if wanted not in known:
        raise SettingsError(f"receiver {wanted!r}: there is {', '.join(known) or 'none'}")
    return [wanted]


def _out_of_force(client: redis.Redis, keys: Keys, receivers: Sequence[str]) -> list[str]:
    """Return those of which the deliverer says that the file of triggers names them no more."""
    states: Any = client.hmget(keys.receivers(), receivers) if receivers else []
    found = zip(receivers, states, strict=True)
    return [name for name, data in found if data is not None and not _is_in_force(data)]


def _is_in_force(data: bytes) -> bool:
    try:
        return decode_state(data).is_in_force
    except InvalidReceiverState:  # another version wrote it
        return True


def _print_new(client: redis.Redis, keys: Keys, after: str, *, as_json: bool) -> str:
    """Print what came after a place, waiting a second for it; return where it ends."""
    streams: Any = {keys.told(): after}
    try:
        reply: Any = client.xread(streams, count=100, block=_BLOCK_MS)
    except redis.RedisError as error:
        typer.echo(f"Redis: {error}; trying again", err=True)
        time.sleep(_BLOCK_MS / 1000)
        return after
    for entry_id, fields in reply[0][1] if reply else ():
        after = entry_id.decode()
        _print(fields, as_json=as_json)
    return after


def _print(fields: dict[bytes, bytes], *, as_json: bool) -> None:
    try:
        told = decode_told(fields.get(TOLD_FIELD, b""))
    except InvalidTold as error:
        typer.echo(f"not readable: {error}", err=True)
        return
    if as_json:
        typer.echo(told.body.decode())
        return
    data = json.loads(told.body)["data"]
    who = data["userId"] or data["anonymousId"] or "a visitor"
    about = ", ".join(data["productIds"][:3])
    typer.echo(
        f"{data['firedAt']}  {told.trigger}  {told.channel}  {who}{f'  {about}' if about else ''}"
    )
