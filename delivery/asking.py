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
_MAX_WHY = 500  # letters of an answer
_FOR_GOOD = (400, 413, 500)  # what is answered so, is answered so again
_MAX_WAIT_SECONDS = 30

log = structlog.get_logger()

_Group = tuple[str, tuple[str, ...]]


class ServerAway(ShopkeeperError):
    """No server answers, or it cannot answer now; it says in how many seconds it may."""

    def __init__(self, why: str, retry_after_seconds: int = 0) -> None:
        super().__init__(why)
        self.retry_after_seconds = retry_after_seconds


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

    async def ask(self, firings: Sequence[Fired], decisions: dict[str, bytes | None]) -> None:
        """Add the decisions, by the firings' ids, that firings want and that are not there yet.

        It is None where the server refuses one. What was added stays when the server fails later.

        Raises:
            ServerAway: it should be asked again later.
        """
        groups = defaultdict[_Group, list[Fired]](list)
        for fired in firings:
            if fired.placements and fired.firing_id not in decisions:
                groups[fired.channel, tuple(fired.placements)].append(fired)
        for group, wanting in groups.items():
            for some in _portions(wanting, USERS_AT_ONCE):
                await self._ask(group, some, decisions)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _ask(
        self, group: _Group, firings: Sequence[Fired], decisions: dict[str, bytes | None]
    ) -> None:
        channel, placements = group
        question = {
            "placements": list(placements),
            "channel": channel,
            "users": [question_of(fired) for fired in firings],
        }
        try:
            answer = await self._client.post(BATCH_PATH, content=msgspec.json.encode(question))
        except httpx.RequestError as error:
            raise ServerAway(f"{self._client.base_url}: {type(error).__name__}") from error
        if answer.status_code == 200:
            made = self._decisions_in(answer, len(firings))
            decisions.update(zip((one.firing_id for one in firings), made, strict=True))
        elif answer.status_code not in _FOR_GOOD:
            wish = answer.headers.get("retry-after", "")
            seconds = int(wish) if wish.isdecimal() and len(wish) < 9 else 0
            raise ServerAway(
                f"{self._client.base_url}: answers {answer.status_code}",
                min(seconds, _MAX_WAIT_SECONDS),
            )
        elif len(firings) > 1:  # one of them may be why: the others shall have their decisions
            for half in _portions(firings, (len(firings) + 1) // 2):
                await self._ask(group, half, decisions)
        else:
            # It is told without a decision, rather than hold up all that fires after it.
            why = answer.text[:_MAX_WHY]
            log.error("decision_refused", channel=channel, placements=placements, why=why)
            decisions[firings[0].firing_id] = None

    def _decisions_in(self, answer: httpx.Response, n_wanted: int) -> list[bytes]:
        try:
            found = [bytes(one) for one in _read_answers(answer.content).decisions]
        except msgspec.MsgspecError as error:
            raise ServerAway(f"{self._client.base_url}: no decisions: {error}") from error
        if len(found) != n_wanted:
            raise ServerAway(f"{self._client.base_url}: {len(found)} decisions for {n_wanted}")
        return found


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


def _portions(firings: Sequence[Fired], most: int) -> Iterator[Sequence[Fired]]:
    for start in range(0, len(firings), most):
        yield firings[start : start + most]
