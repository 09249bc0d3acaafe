"""Asks a server what to show with firings: a decision for each, made when it is told."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import httpx
import msgspec
import structlog

from config.errors import ShopkeeperError
from config.fired import Fired

BATCH_PATH = "/v1/personalize/batch"
USERS_AT_ONCE = 250
_SECONDS = 30.0
_CONNECT_SECONDS = 2.0
_FIXED = frozenset({"trigger", "device", "locale", "city", "channel", "consent"})
_MAX_FACTS = 20
_FOR_GOOD = (400, 413, 500)  # what is answered so, is answered so again

log = structlog.get_logger()

_Group = tuple[str, tuple[str, ...]]


class ServerAway(ShopkeeperError):
    """No server answers, or it cannot answer now."""


class _Answers(msgspec.Struct):
    decisions: list[msgspec.Raw]


_read_answers = msgspec.json.Decoder(_Answers).decode


class Asker:
    """Asks one server; ``url`` is its address, ``secret_key`` what it lets in."""

    def __init__(
        self, url: str, secret_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {secret_key}"},
            timeout=httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS),
            transport=transport,
            trust_env=False,
        )

    async def ask(self, firings: Sequence[Fired]) -> list[bytes | None]:
        """Return a decision for each firing, None where none is wanted or the server refuses.

        Raises:
            ServerAway: it should be asked again later.
        """
        decisions: list[bytes | None] = [None] * len(firings)
        groups = defaultdict[_Group, list[int]](list)
        for place, fired in enumerate(firings):
            if fired.placements:
                groups[fired.channel, tuple(fired.placements)].append(place)
        for group, places in groups.items():
            for some in _portions(places, USERS_AT_ONCE):
                made = await self._ask(group, [firings[place] for place in some])
                for place, decision in zip(some, made, strict=True):
                    decisions[place] = decision
        return decisions

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(self, group: _Group, firings: Sequence[Fired]) -> list[bytes | None]:
        channel, placements = group
        question = {
            "placements": list(placements),
            "channel": channel,
            "users": [question_of(fired) for fired in firings],
        }
        try:
            answer = await self._client.post(BATCH_PATH, content=msgspec.json.encode(question))
        except httpx.TransportError as error:
            raise ServerAway(f"{self._client.base_url}: {type(error).__name__}") from error
        if answer.status_code == 200:
            try:
                decisions = _read_answers(answer.content).decisions
            except msgspec.MsgspecError as error:
                raise ServerAway(f"{self._client.base_url}: no decisions: {error}") from error
            return [bytes(one) for one in decisions]
        if answer.status_code not in _FOR_GOOD:
            raise ServerAway(f"{self._client.base_url}: answers {answer.status_code}")
        # What fired is told without a decision, rather than hold up all that fires after it.
        log.error("decisions_refused", channel=channel, placements=placements, why=answer.text)
        return [None] * len(firings)


def question_of(fired: Fired) -> dict[str, Any]:
    """Return whom a firing is about, as ``/v1/personalize/batch`` takes it.

    The product that it is about counts as that of the page; conditions may ask about its facts.
    """
    facts = {name: fact for name, fact in fired.facts.items() if name not in _FIXED}
    question: dict[str, Any] = {
        "context": {"trigger": fired.trigger, **dict(islice(facts.items(), _MAX_FACTS))}
    }
    if fired.user_id is not None:
        question["userId"] = fired.user_id
    if fired.anonymous_id is not None:
        question["anonymousId"] = fired.anonymous_id
    if fired.product_ids:
        question["page"] = {"productId": fired.product_ids[0]}
    return question


def _portions(places: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), most):
        yield places[start : start + most]
