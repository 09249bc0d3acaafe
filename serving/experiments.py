"""Reads the sums of experiments that the learning flow keeps, and says what they mean."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.experiments import Experiments, growthbook_of
from config.keys import Keys
from online_models.experiment_report import report_of
from online_models.experiment_sentence import sentence_of
from online_models.experiment_sums import (
    ExperimentSums,
    InvalidSums,
    decode_sums,
    experiment_shard,
    sums_field,
)
from serving.refusals import Refusal, Refused


class SumsReader(Protocol):
    """Where the sums of variations come from."""

    async def read(
        self, experiment: str, variations: Collection[str]
    ) -> Mapping[str, ExperimentSums]:
        """Return the sums of these variations, as far as there are any."""


class RedisSums:
    """Reads them as the learning flow has committed them."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def read(
        self, experiment: str, variations: Collection[str]
    ) -> Mapping[str, ExperimentSums]:
        """Return the sums of these variations.

        Raises:
            Refused: Redis does not answer, or another Shopkeeper wrote them.
        """
        fields = [sums_field(experiment, name) for name in variations]
        key = self._keys.experiments(experiment_shard(experiment))
        try:
            found: Any = await self._client.hmget(key, fields)  # bytes or None of each
        except (RedisError, OSError) as error:
            raise Refused(
                Refusal.STATE_UNAVAILABLE, "Redis does not answer", retry_after_seconds=1
            ) from error
        try:
            return {
                name: decode_sums(data)
                for name, data in zip(variations, found, strict=True)
                if data is not None
            }
        except InvalidSums as error:
            raise Refused(Refusal.STATE_UNAVAILABLE, f"{experiment}: {error}") from error


@dataclass(frozen=True, slots=True)
class ExperimentReader:
    """Tells of the experiments that are in force now."""

    sums: SumsReader
    experiments: Callable[[], Experiments]

    async def tell(self, name: str) -> dict[str, Any]:
        """Return the report of an experiment, its sentence, and how SDKs assign it.

        Raises:
            Refused: there is none of that name, or its sums cannot be read.
        """
        known = self.experiments()
        experiment = known.get(name)
        if experiment is None:
            raise Refused(
                Refusal.UNKNOWN_EXPERIMENT,
                f"{name[:64]!r} is none of {', '.join(known) or 'no experiments'}",
            )
        sums = await self.sums.read(name, experiment.expected_shares())
        report = report_of(experiment, sums)
        said: dict[str, Any] = {"name": name, "sentence": sentence_of(report)}
        told: dict[str, Any] = msgspec.to_builtins(report)
        return said | told | {"growthbook": growthbook_of(experiment)}
