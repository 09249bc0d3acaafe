"""What waits for a receiver, in the order of each user."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from delivery.lanes import Lanes, Waiting


def test_a_user_waits_for_the_first_and_nobody_for_another() -> None:
    lanes = Lanes()
    for entry_id, digest in (("1-0", "ann"), ("2-0", "ann"), ("3-0", "bob")):
        lanes.add(Waiting(entry_id, digest))
    first, other = lanes.next_due(0), lanes.next_due(0)
    assert first is not None
    assert other is not None
    assert (first.entry_id, other.entry_id, lanes.next_due(0)) == ("1-0", "3-0", None)
    first.due_at = 50
    lanes.again(first)
    assert (lanes.next_due(49), lanes.next_due_at()) == (None, 50)
    assert lanes.next_due(50) is first
    lanes.done(first)
    assert lanes.next_due(50) == Waiting("2-0", "ann")


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers())
def test_whatever_fails_each_user_is_served_in_order(users: list[str], seed: int) -> None:
    rng, lanes, now = Random(seed), Lanes(), 0
    for number, user in enumerate(users):
        lanes.add(Waiting(f"{number}-0", user))
    done: list[Waiting] = []
    under_way: list[Waiting] = []
    while lanes.n_waiting:
        now += 1
        while (waiting := lanes.next_due(now)) is not None:
            under_way.append(waiting)
        assert len({one.digest for one in under_way}) == len(under_way)
        one = under_way.pop(rng.randrange(len(under_way))) if under_way else None
        if one is not None and rng.random() < 0.5:
            lanes.done(one)
            done.append(one)
        elif one is not None:
            one.due_at = now + rng.randrange(5)
            lanes.again(one)
    for user in set(users):
        served = [one.entry_id for one in done if one.digest == user]
        assert served == [f"{n}-0" for n, name in enumerate(users) if name == user]
