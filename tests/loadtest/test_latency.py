"""Latencies become figures and a picture."""

from xml.etree import ElementTree

import pytest

from loadtest.latency import CURVE_PERCENTILES, curve, percentiles, picture

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}


def test_one_slow_answer_of_a_hundred_is_the_p99() -> None:
    figures = percentiles("reply", [1.0] * 98 + [9.0] * 2)
    assert figures["reply_p50_ms"] == 1.0
    assert figures["reply_p99_ms"] == pytest.approx(9.0, rel=1e-3)


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="nothing was measured for freshness"):
        percentiles("freshness", [])


def test_a_curve_rises_to_the_largest_value() -> None:
    points = curve([float(n) for n in range(1, 1001)])
    values = [ms for _, ms in points]
    assert [percentile for percentile, _ in points] == list(CURVE_PERCENTILES)
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1000.0, rel=1e-3)


def test_a_picture_has_a_line_for_each_curve_and_names_what_it_shows() -> None:
    points = curve([1.0, 2.0, 40.0])
    root = ElementTree.fromstring(picture("A < B", {"decision": points, "freshness": points}))
    lines = root.findall("svg:polyline", NAMESPACE)
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert len(lines) == 2
    assert {"A < B", "decision", "freshness", "50 ms", "99.9 %"} <= set(texts)


def test_a_picture_stays_within_its_frame() -> None:
    root = ElementTree.fromstring(picture("all", {"decision": curve([0.2, 7.0, 49.0])}))
    line = root.find("svg:polyline", NAMESPACE)
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert all(70 <= x <= 780 and 50 <= y <= 360 for x, y in points)
