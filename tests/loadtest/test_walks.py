from typing import Any

import redis

from config.keys import Keys
from config.session_log import STEPS_FIELD, TIME_FIELD, Step, encode_steps
from loadtest.walks import WITHIN_STEPS, Walks

KEYS = Keys("test")


def append(client: redis.Redis, end: int, *steps: Step) -> None:
    fields: Any = {STEPS_FIELD: encode_steps(steps), TIME_FIELD: 1}
    client.xadd(KEYS.session_log(), fields, id=f"{end}-0")


def test_neighbours_came_within_eight_steps_in_a_session(redis_client: redis.Redis) -> None:
    views = [Step(1, f"p{n}", "view") for n in range(20)]
    other = [Step(2, "p9", "view"), Step(2, "p9", "view"), Step(2, "hat", "view")]
    carts = [Step(1, "cap", "cart")]
    append(redis_client, 21, *views[:10], other[0], *carts, *views[10:15])
    walks = Walks(redis_client, KEYS)
    walks.read()
    append(redis_client, 40, *other[1:], *views[15:])
    walks.read()

    near = {f"p{n}" for n in range(9 - WITHIN_STEPS, 10 + WITHIN_STEPS)} - {"p9"}
    assert walks.near("p9") == near | {"hat"}
    assert walks.near("cap") == walks.near("nobody-knows-it") == frozenset()
