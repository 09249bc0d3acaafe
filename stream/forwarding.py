"""Carries what a shard has to say to others from its ``outgoing`` into their logs, in order.

An entry may be carried twice (a kill, a lost reply): it goes with the shard it comes from and its
id there, and the receiver's commit knows the last id it applied of each shard.
"""

from typing import Any

import redis

from config.events import ENTRY_FIELD, SOURCE_FIELD, SOURCE_ID_FIELD, SUBJECT_FIELD
from config.keys import Keys
from stream.writing import TARGET_FIELD

PORTION = 500


def forward(client: redis.Redis, keys: Keys, shard: int) -> int:
    """Empty a shard's ``outgoing`` into the other logs; return how many entries were carried.

    Raises:
        redis.RedisError: Redis did not answer; what is left is carried by the next call.
    """
    n_carried = 0
    while True:
        entries: Any = client.xrange(keys.outgoing(shard), count=PORTION)
        if not entries:
            return n_carried
        # All or none: if one were refused and a later one taken, the receiver would never take it.
        with client.pipeline(transaction=True) as pipe:
            for entry_id, fields in entries:
                entry: dict[Any, Any] = {
                    ENTRY_FIELD: fields[ENTRY_FIELD],
                    SUBJECT_FIELD: fields[SUBJECT_FIELD],
                    SOURCE_FIELD: shard,
                    SOURCE_ID_FIELD: entry_id,
                }
                pipe.xadd(keys.events(int(fields[TARGET_FIELD])), entry)
            pipe.execute()
        client.xdel(keys.outgoing(shard), *(entry_id for entry_id, _ in entries))
        n_carried += len(entries)
