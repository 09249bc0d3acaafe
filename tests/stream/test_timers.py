from hypothesis import given
from hypothesis import strategies as st

from stream.timers import Timers


def test_timers_come_out_in_order_of_time_and_then_of_name() -> None:
    timers = Timers([("b", 5), ("a", 5), ("c", 1)])

    assert list(timers.take_due(5)) == [(1, "c"), (5, "a"), (5, "b")]


def test_a_timer_that_was_put_off_does_not_fire_early() -> None:
    timers = Timers([("a", 5)])
    timers.set("a", 9)

    assert list(timers.take_due(8)) == []
    assert timers.earliest() == 9


def test_a_timer_that_was_brought_forward_fires_once() -> None:
    timers = Timers([("a", 9)])
    timers.set("a", 5)

    assert list(timers.take_due(20)) == [(5, "a")]


def test_a_timer_set_while_others_fire_joins_in() -> None:
    timers = Timers([("a", 1)])
    fired = []
    for at, name in timers.take_due(10):
        fired.append((at, name))
        if at < 4:
            timers.set(name, at + 2)

    assert fired == [(1, "a"), (3, "a"), (5, "a")]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 20)) | st.integers(0, 20))
)
def test_timers_are_a_map_that_is_emptied_by_time(
    steps: list[tuple[str, int | None] | int],
) -> None:
    timers, model = Timers(), dict[str, int]()
    for step in steps:
        if isinstance(step, int):
            due = sorted((at, name) for name, at in model.items() if at <= step)
            model = {name: at for name, at in model.items() if at > step}
            assert sorted(timers.due_by(step)) == sorted(name for _, name in due)
            assert list(timers.take_due(step)) == due
        else:
            name, at = step
            timers.set(name, at)
            if at is None:
                model.pop(name, None)
            else:
                model[name] = at

    assert timers.earliest() == min(model.values(), default=None)
    assert len(timers) == len(model)
