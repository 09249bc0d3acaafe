"""W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context-1/): the header ``traceparent``.

Kept out: ``tracestate``, which is for vendors of tracing; we pass nothing on that we change.
"""

import re
from random import Random

import msgspec

_HEADER = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Trace(msgspec.Struct, frozen=True):
    """Where a request stands in a trace: ids in hex, and whether the caller records it."""

    trace_id: str
    span_id: str
    is_sampled: bool = False

    def child(self, rng: Random) -> "Trace":
        """Return our own part of the trace."""
        return Trace(self.trace_id, f"{rng.getrandbits(64) or 1:016x}", self.is_sampled)

    def header(self) -> str:
        """Return the value of ``traceparent`` that says so.

        >>> Trace("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", True).header()
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
        """
        return f"00-{self.trace_id}-{self.span_id}-{self.is_sampled:02x}"


def read_traceparent(value: bytes) -> Trace | None:
    """Return what a ``traceparent`` says; None where it is none, as if it had not been sent.

    Of a later version what the first one says is read, as the standard wants it.
    """
    found = _HEADER.fullmatch(value)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    trace = Trace(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & 1))
    return None if trace.trace_id == _NO_TRACE or trace.span_id == _NO_SPAN else trace
