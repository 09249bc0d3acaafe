"""Who is told of triggers by webhook: the tables ``[receivers.NAME]`` of the file of triggers.

A secret never stands in the file: a receiver says where it lies. What an address may lead to when
it is connected to is the business of ``delivery/addresses.py``.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from config.campaign_tables import InvalidTable, named, read_table
from config.campaigns import Channel
from config.experiments import Name
from config.toml_lines import Path
from config.trigger_file import read_trigger_tables

MAX_RECEIVERS = 50
MAX_URL = 2_000
Network = IPv4Network | IPv6Network

_ENV_NAME = r"^(?!SHOPKEEPER_)[A-Z][A-Z0-9_]{0,63}$"


class Receiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where webhooks go, and which.

    Its secret is the value of ``secret_env`` or the content of ``secret_file`` (relative to the
    file of triggers): one ``whsec_…``, or two while it is being replaced. Without ``triggers`` and
    ``channels`` it gets all of them. ``allow_networks`` may be connected to although they are
    private.
    """

    url: Annotated[
        str, msgspec.Meta(max_length=MAX_URL, description='an address such as "https://…"')
    ]
    secret_env: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=_ENV_NAME,
                description="the name of an environment variable such as MAIL_TOOL_SECRET, "
                "not SHOPKEEPER_…",
            ),
        ]
        | None
    ) = None
    secret_file: (
        Annotated[
            str, msgspec.Meta(min_length=1, max_length=1000, description="the path of a file")
        ]
        | None
    ) = None
    triggers: Annotated[
        tuple[Name, ...], msgspec.Meta(max_length=200, description="names of [triggers.NAME]")
    ] = ()
    channels: Annotated[
        tuple[Channel, ...],
        msgspec.Meta(max_length=20, description='a list such as ["email", "push"]'),
    ] = ()
    allow_http: Annotated[bool, msgspec.Meta(description="true or false")] = False
    allow_networks: Annotated[
        tuple[str, ...],
        msgspec.Meta(max_length=20, description='a list such as ["10.1.0.0/16"]'),
    ] = ()
    timeout_seconds: Annotated[
        float, msgspec.Meta(ge=0.1, le=60, description="seconds, from 0.1 to 60")
    ] = 15.0
    at_once: Annotated[
        int, msgspec.Meta(ge=1, le=64, description="a whole number from 1 to 64")
    ] = 8

    def wants(self, trigger: str, channel: str) -> bool:
        """Tell whether it gets what a trigger fires for a channel."""
        return (not self.triggers or trigger in self.triggers) and (
            not self.channels or channel in self.channels
        )

    def networks(self) -> tuple[Network, ...]:
        """Return the networks that it may lie in although they are private."""
        return tuple(ip_network(text) for text in self.allow_networks)


def receivers_of(text: str | bytes) -> dict[str, Receiver]:
    """Return the receivers of a file of triggers.

    Raises:
        InvalidFile: there are mistakes in them, or in the file as a whole.
    """
    tables = read_trigger_tables(text)
    receivers, found = read_receivers(tables.receivers)
    tables.refuse_if(found + _unknown_triggers(receivers, tables.triggers))
    return receivers


def read_receivers(
    tables: Mapping[str, Any],
) -> tuple[dict[str, Receiver], list[tuple[Path, str]]]:
    """Return the receivers that can be read, and what is wrong with the rest."""
    receivers: dict[str, Receiver] = {}
    found: list[tuple[Path, str]] = []
    for name, table in tables.items():
        try:
            receiver = read_table(table, Receiver, named("receivers", name))
        except InvalidTable as error:
            found.append((error.path, error.problem))
            continue
        receivers[name] = receiver
        found += [(("receivers", name, *path), problem) for path, problem in _problems_of(receiver)]
    if len(tables) > MAX_RECEIVERS:
        found.append((("receivers",), f"{len(tables)} of them; allowed: {MAX_RECEIVERS}"))
    return receivers, found


def _unknown_triggers(
    receivers: Mapping[str, Receiver], triggers: Mapping[str, Any]
) -> list[tuple[Path, str]]:
    """Return which receivers want triggers that there are not."""
    known = ", ".join(sorted(triggers)) or "none"
    return [
        (("receivers", name, "triggers"), f"{one!r} is no trigger; allowed: {known}")
        for name, receiver in receivers.items()
        for one in receiver.triggers
        if one not in triggers
    ]


def _problems_of(receiver: Receiver) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    problem = url_problem(receiver.url, allow_http=receiver.allow_http)
    if problem:
        found.append((("url",), problem))
    if (receiver.secret_env is None) == (receiver.secret_file is None):
        found.append(((), "allowed: either secret_env or secret_file, which holds a whsec_…"))
    for text in receiver.allow_networks:
        try:
            ip_network(text)
        except ValueError as error:
            found.append((("allow_networks",), f'{error}; allowed: such as "10.1.0.0/16"'))
    return found


def url_problem(url: str, *, allow_http: bool) -> str:
    """Return what is wrong with an address as it is written, "" where nothing is.

    >>> url_problem("http://example.com/hook", allow_http=False)
    "'http' is not safe; allowed: https, or http with allow_http = true"
    >>> url_problem("https://example.com:8443/hook?shop=1", allow_http=False)
    ''
    """
    if any(not 0x21 <= ord(letter) <= 0x7E or letter in '\\"<>^`{|}' for letter in url):
        return "allowed: an address without spaces, of ASCII letters (xn--… for others)"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"this is no address: {error}"
    if parts.scheme == "http" and not allow_http:
        return "'http' is not safe; allowed: https, or http with allow_http = true"
    told = {
        f"{parts.scheme!r}; allowed: https": parts.scheme not in ("http", "https"),
        "allowed: https://HOST/PATH": not parts.hostname or port == 0,
        "allowed: no user or password in it; receivers check the signature": "@" in parts.netloc,
        "allowed: no #fragment, which is never sent": parts.fragment != "",
        "allowed: no ; in its path, but %3B": ";" in parts.path,
    }
    return next((problem for problem, is_so in told.items() if is_so), "")
