"""Sends a catalog to a server, in parts, with ``PUT /v1/catalog`` and the secret key."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx
import orjson

from config.catalog import encode_item
from config.errors import ShopkeeperError
from shopkeeper.catalog_files import Removal, Upsert

LINES_A_PART = 500
_REQUEST_SECONDS = 30.0
_WAITS = (0.5, 1.0, 2.0, 4.0)


class CatalogRefused(ShopkeeperError):
    """The server does not take the catalog; the text says why."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of a catalog so far; ``rejected`` are lines of the file, and why."""

    sent: int = 0
    upserted: int = 0
    deleted: int = 0
    rejected: tuple[tuple[int, str], ...] = ()


def upload(
    url: str,
    secret_key: str,
    changes: Sequence[Upsert | Removal],
    on_progress: Callable[[Uploaded], None],
) -> Uploaded:
    """Send all changes in their order and return what became of them.

    Raises:
        CatalogRefused: the key is wrong, or nobody takes them.
    """
    done = Uploaded()
    with httpx.Client(base_url=url, timeout=_REQUEST_SECONDS) as client:
        for part in _parts(changes):
            reply = _put(client, secret_key, b"\n".join(map(_line, part)))
            bad = [(part[at["line"] - 1].line, at["reason"]) for at in reply["errors"]]
            done = replace(
                done,
                sent=done.sent + len(part),
                upserted=done.upserted + reply["upserted"],
                deleted=done.deleted + reply["deleted"],
                rejected=(*done.rejected, *bad),
            )
            on_progress(done)
    return done


def _put(client: httpx.Client, secret_key: str, body: bytes) -> Any:
    headers = {"authorization": f"Bearer {secret_key}", "content-type": "application/x-ndjson"}
    why = ""
    for wait in (0.0, *_WAITS):
        time.sleep(wait)
        try:
            answer = client.put("/v1/catalog", content=body, headers=headers)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            continue
        if answer.status_code == 200:
            return answer.json()
        why = f"{answer.status_code} {answer.text[:300]}"
        if answer.status_code not in (429, 503):
            break
    raise CatalogRefused(f"{client.base_url}: the catalog was not taken: {why}")


def _parts(changes: Iterable[Upsert | Removal]) -> Iterator[list[Upsert | Removal]]:
    part: list[Upsert | Removal] = []
    for change in changes:
        part.append(change)
        if len(part) == LINES_A_PART:
            yield part
            part = []
    if part:
        yield part


def _line(change: Upsert | Removal) -> bytes:
    if isinstance(change, Removal):
        return orjson.dumps({"id": change.product_id, "delete": True})
    return encode_item(change.item)
