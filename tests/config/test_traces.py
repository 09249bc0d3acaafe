"""The examples and rules of W3C Trace Context, level 1, sections 3.2 and 4.3."""

from random import Random

import pytest

from config.traces import Trace, read_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "trace"),
    [
        (SENT, Trace(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00", Trace(TRACE, SPAN, False)),
        (f"00-{TRACE}-{SPAN}-ff", Trace(TRACE, SPAN, True)),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", Trace(TRACE, SPAN, True)),
        (f"cc-{TRACE}-{SPAN}-01", Trace(TRACE, SPAN, True)),
        (f"cc-{TRACE}-{SPAN}-01.what", None),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{TRACE}{SPAN}-01", None),
        (f"{SENT}\n", None),
        (f"00-{TRACE[:-1]}\N{FULLWIDTH DIGIT ONE}-{SPAN}-01", None),
        ("", None),
    ],
)
def test_what_a_traceparent_says(value: str, trace: Trace | None) -> None:
    assert read_traceparent(value.encode()) == trace


def test_our_part_is_of_the_same_trace_under_an_id_of_its_own() -> None:
    trace = Trace(TRACE, SPAN, True)
    one, another = (trace.child(Random(seed)) for seed in (1, 2))
    assert len({one.span_id, another.span_id, SPAN}) == 3
    assert read_traceparent(one.header().encode()) == one
    assert (one.trace_id, one.is_sampled) == (TRACE, True)
