"""Seeded log entries of a made-up shop, written straight into Redis, as collect would have."""

import socket
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import hiredis
import numpy as np

from config.events import ENTRY_FIELD, SUBJECT_FIELD, Event, encode_entry
from config.keys import Ids, Keys, Subject
from loadtest.formats import Timed

N_PRODUCTS = 10_000
N_CATEGORIES = 200
N_BRANDS = 400
_SHARES = {
    "page": 0.25,
    "Product Viewed": 0.58,
    "Product Added": 0.10,
    "Checkout Started": 0.03,
    "Order Completed": 0.04,
}
_DEVICES = ("mobile", "desktop", "tablet")
_XADDS_AT_ONCE = 2_000


class Appended(NamedTuple):
    """An entry and where it belongs."""

    subject: Subject
    data: bytes


def shop_events(
    n_events: int, n_users: int, seed: int, ids: Ids, start_ms: int, step_ms: int
) -> Iterator[Appended]:
    """Yield events of users drawn by Zipf's law (exponent 1), one each ``step_ms``.

    A quarter are pages, the rest E-commerce events over 10,000 products with category, brand and
    price; all carry a context as browsers send it. Message ids are new.
    """
    rng = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, n_users + 1)
    users = rng.choice(n_users, n_events, p=weights / weights.sum())
    kinds = rng.choice(len(_SHARES), n_events, p=list(_SHARES.values()))
    products = rng.integers(N_PRODUCTS, size=n_events)
    names = list(_SHARES)
    subjects: dict[int, Subject] = {}
    for index, (user, kind, product) in enumerate(
        zip(users.tolist(), kinds.tolist(), products.tolist(), strict=True)
    ):
        at = start_ms + index * step_ms
        subject = subjects.get(user)
        if subject is None:
            subject = subjects[user] = ids.known(f"user-{user}")
        name = names[kind]
        event = Event(
            type="page" if name == "page" else "track",
            name="" if name == "page" else name,
            message_id=f"bench-{seed}-{index}",
            occurred_at=at,
            received_at=at,
            user_id=f"user-{user}",
            properties=_properties(name, product, index),
            context={
                "page": {"path": f"/products/{product}", "referrer": "https://shop.example/"},
                "locale": "en-GB",
                "device": {"type": _DEVICES[user % 3]},
            },
        )
        yield Appended(subject, encode_entry(event))


def file_events(events: Iterable[Timed], ids: Ids) -> Iterator[Appended]:
    """Yield the track events of a file as collect would have appended them in an import."""
    for at, _, event in events:
        entry = Event(
            type="track",
            name=event["event"],
            message_id=event["messageId"],
            occurred_at=at,
            received_at=at,
            user_id=event["userId"],
            properties=event["properties"],
            context=event.get("context", {}),
        )
        yield Appended(ids.known(event["userId"]), encode_entry(entry))


def append_all(socket_path: str, keys: Keys, entries: Iterable[Appended]) -> int:
    """Append entries to the logs of ``keys`` by pipelined XADDs; return how many.

    Raises:
        hiredis.ReplyError: Redis refused one.
    """
    names: dict[int, bytes] = {}
    n_entries = 0
    source = iter(entries)
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(socket_path)
        while portion := list(islice(source, _XADDS_AT_ONCE)):
            commands = []
            for (shard, digest), data in portion:
                name = names.setdefault(shard, keys.events(shard).encode())
                commands.append(
                    command(b"XADD", name, b"*", ENTRY_FIELD, data, SUBJECT_FIELD, digest.encode())
                )
            link.sendall(b"".join(commands))
            _read_replies(link, len(portion))
            n_entries += len(portion)
    return n_entries


def command(*words: bytes) -> bytes:
    """Return a command in Redis' protocol.

    >>> command(b"PING")
    b'*1\\r\\n$4\\r\\nPING\\r\\n'
    """
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def _read_replies(link: socket.socket, n_replies: int) -> None:
    reader = hiredis.Reader()
    while n_replies:
        reader.feed(link.recv(1 << 16))
        while n_replies and (reply := reader.gets()) is not False:
            if isinstance(reply, Exception):
                raise reply
            n_replies -= 1


def _properties(name: str, product: int, index: int) -> dict[str, Any]:
    if name == "page":
        return {"path": f"/categories/{product % N_CATEGORIES}"}
    item = {
        "product_id": f"product-{product}",
        "category": f"category-{product % N_CATEGORIES}",
        "brand": f"brand-{product % N_BRANDS}",
        "price": 1.0 + product % 997,
    }
    if name == "Product Viewed":
        return item
    if name == "Product Added":
        return item | {"quantity": 1}
    order = {"order_id": f"order-{index}", "products": [item | {"quantity": 1}]}
    return order if name == "Order Completed" else {"products": order["products"]}
