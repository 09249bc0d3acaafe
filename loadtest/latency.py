"""Latencies in HDR histograms (http://hdrhistogram.github.io): figures, curve, picture."""

from collections.abc import Mapping, Sequence
from math import ceil, log10
from xml.sax.saxutils import escape

from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

CURVE_PERCENTILES = (0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0)
_MAX_US = 60_000_000
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 800, 420, 70, 50, 60, 20
_COLOURS = ("#1b6ca8", "#c8553d", "#3c8d5a", "#7a4fa3")
_LAST_NINES = 4.0  # where the picture's axis ends: 99.99 %
_N_LINES = 5


def histogram(values_ms: Sequence[float]) -> HdrHistogram:
    """Return the values, counted to three digits; a negative one counts as a microsecond."""
    counted = HdrHistogram(1, _MAX_US, 3)
    for value in values_ms:
        counted.record_value(min(max(round(1000 * value), 1), _MAX_US))
    return counted


def percentiles(name: str, values_ms: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and the largest, with the name before them.

    >>> percentiles("reply", [0.5, 1.0, 2.0])
    {'reply_p50_ms': 1.0, 'reply_p99_ms': 2.0, 'reply_max_ms': 2.0}

    Raises:
        ValueError: there are no values.
    """
    if not values_ms:
        raise ValueError(f"nothing was measured for {name}")
    counted = histogram(values_ms)
    return {
        f"{name}_p50_ms": counted.get_value_at_percentile(50) / 1000,
        f"{name}_p99_ms": counted.get_value_at_percentile(99) / 1000,
        f"{name}_max_ms": counted.get_max_value() / 1000,
    }


def curve(values_ms: Sequence[float]) -> list[tuple[float, float]]:
    """Return percentiles and their values in ms."""
    counted = histogram(values_ms)
    return [(p, counted.get_value_at_percentile(p) / 1000) for p in CURVE_PERCENTILES]


def picture(title: str, curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return percentile curves as SVG; the axis gives each nine (90, 99, 99.9 %) the same room."""
    top = _round_up(max((ms for points in curves.values() for _, ms in points), default=1.0))

    def at(percentile: float, ms: float) -> str:
        return f"{_x(percentile):.1f},{_y(ms, top):.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="25" font-size="16">{escape(title)}</text>',
    ]
    for step in range(_N_LINES + 1):
        ms = top * step / _N_LINES
        y = _y(ms, top)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{ms:g} ms</text>'
        )
    for percentile in (0.0, 90.0, 99.0, 99.9, 99.99):
        x = _x(percentile)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#eee"/>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">'
            f"{percentile:g} %</text>"
        )
    for number, (name, points) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(at(*point) for point in points)
        x = _LEFT + 190 * number
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
            f'<text x="{x}" y="{_HEIGHT - 14}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _x(percentile: float) -> float:
    nines = _LAST_NINES if percentile >= 99.99 else -log10(1 - percentile / 100)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * nines / _LAST_NINES


def _y(ms: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(ms / top, 1.0)


def _round_up(ms: float) -> float:
    """Return the next number of 1, 2, 5, 10, … at or above.

    >>> _round_up(3.2), _round_up(0.07), _round_up(20.0)
    (5.0, 0.1, 20.0)
    """
    scale = 10.0 ** ceil(log10(max(ms, 1e-3)))
    return min(scale * step for step in (0.2, 0.5, 1.0) if scale * step >= ms * (1 - 1e-9))
