"""Pictures: scales, ticks and the figures beside them, over any input."""

from __future__ import annotations

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelward.findings import Series
from modelward.reports._charts import pictures
from modelward.reports._strip import strip
from modelward.reports._svg import Drawing, Scale, element, log_ticks, ticks, widen

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 10))
def test_ticks_are_few_even_and_inside(low, width, most):
    high = low + width
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return
    made = ticks(low, high, most)
    slack = (high - low) * 1e-6
    assert all(low - slack <= t <= high + slack for t in made)
    assert len(made) <= most + 1
    gaps = [b - a for a, b in itertools.pairwise(made)]
    assert all(math.isclose(gap, gaps[0], rel_tol=1e-3) for gap in gaps)


@given(st.floats(1e-9, 1e6), st.floats(60, 1e9))
def test_log_ticks_are_round_and_inside(low, ratio):
    made = log_ticks(low, low * ratio)
    assert len(made) >= 1
    assert all(low * 0.99 <= t <= low * ratio * 1.01 for t in made)
    assert all(f"{t:.0e}"[0] in "125" for t in made)


@given(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100))
def test_a_widened_domain_holds_its_values(a, b):
    low, high = sorted((a, b))
    start, end = widen(low, high)
    slack = 1e-6 * max(end - start, 1e-300)
    assert start < end
    assert start <= low + slack and end >= high - slack


def test_scale_is_monotone_and_clamps():
    scale = Scale(1, 1000, 0, 300, log=True)
    assert [round(scale(v)) for v in (0.5, 1, 10, 100, 1000, 5000)] == [0, 0, 100, 200, 300, 300]


def test_text_and_attributes_are_escaped_and_drawings_are_not():
    inner = element("b", "<i>")
    assert isinstance(inner, Drawing)
    assert element("a", inner, title='"<') == '<a title="&quot;&lt;"><b>&lt;i&gt;</b></a>'


@example([(2.58e34, 0.0, 0.0, 0.0), (1.4e-274, 0.0, 0.0, 0.0)], False, False)  # their quotient is infinite
@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(ANY | st.text(max_size=5), ANY, ANY, ANY), max_size=12), st.booleans(), st.booleans()
)
def test_any_series_gives_a_drawing_with_finite_coordinates(points, banded, bar):
    columns = list(zip(*points, strict=True)) if points else [(), (), (), ()]
    x, y, low, high = columns
    series = Series("s", x, y, low if banded else (), high if banded else (), kind="bar" if bar else "line")
    (picture,) = pictures([series])
    ET.fromstring(picture.svg)  # noqa: S314 - our own output
    drawn = re.sub(r">[^<]*<", "><", str(picture.svg))
    assert "nan" not in drawn and "inf" not in drawn
    assert len(picture.rows) == len(x) or not picture.rows


def test_bars_start_at_zero_and_are_as_long_as_their_values():
    (picture,) = pictures([Series("s", ("a", "b", "c"), (1.0, 2.0, -1.0), kind="bar")])
    bars = [
        (float(r.get("x", "")), float(r.get("width", "")))
        for r in ET.fromstring(picture.svg).iter("rect")  # noqa: S314 - our own output
    ]
    (a, wide_a), (b, wide_b), (c, wide_c) = bars
    assert a == b == pytest.approx(c + wide_c, abs=0.2)
    assert wide_b == pytest.approx(2 * wide_a, abs=0.2)
    assert wide_c == pytest.approx(wide_a, abs=0.2)


def test_series_of_one_group_share_a_picture_and_others_do_not():
    one = Series("a", (1.0, 2.0), (1.0, 2.0), group="g")
    two = Series("b", (1.0, 2.0), (2.0, 1.0), group="g")
    alone = Series("c", (1.0, 2.0), (2.0, 1.0))
    made = pictures([one, alone, two, alone])
    assert [p.title for p in made] == ["g", "c", "c"]
    assert [name for name, _ in made[0].legend] == ["a", "b"]


def test_a_hole_is_a_hole():
    (picture,) = pictures([Series("s", (1.0, 2.0, 3.0, 4.0, 5.0), (1.0, 2.0, math.nan, 4.0, 5.0))])
    lines = [n.get("points", "") for n in ET.fromstring(picture.svg).iter("polyline")]  # noqa: S314
    assert [len(line.split()) for line in lines] == [2, 2]


def test_queries_over_decades_get_a_logarithmic_axis_that_says_so():
    (picture,) = pictures([Series("s", (10.0, 100.0, 1_000.0), (0.5, 0.6, 0.7), x_label="queries")])
    assert "queries (log scale)" in picture.svg
    assert all(f">{tick}<" in picture.svg for tick in ("10", "100", "1,000"))


@settings(max_examples=80, deadline=None)
@given(
    ANY,
    ANY,
    ANY,
    st.none() | ANY,
    st.none() | ANY,
    st.sampled_from(["share", "AUC", "rows", "cost"]),
    st.booleans(),
)
def test_any_measure_gives_a_strip(gallery, value, low, high, warn, limit, unit, small):
    measure = gallery.measure(
        "m", value, low, high, unit=unit, warn=warn, limit=limit, decision_low=low, decision_high=high
    )
    drawing = strip(measure, small=small)
    ET.fromstring(drawing)  # noqa: S314 - our own output
    coordinates = re.findall(r' (?:x|cx|x1|x2|width)="([^"]*)"', drawing)
    assert all(-0.1 <= float(c) <= 300.1 for c in coordinates)


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.sampled_from(["higher", "lower"]))
def test_the_dot_stands_in_the_shade_just_when_the_value_is_beyond(gallery, value, limit, worse):
    if abs(value - limit) < 0.02:
        return
    measure = gallery.measure(
        "m", value, value, value, limit=limit, worse=worse, decision_low=value, decision_high=value
    )
    root = ET.fromstring(strip(measure))  # noqa: S314 - our own output
    (zone,) = [r for r in root.iter("rect") if r.get("class") == "zone-fail"]
    (dot,) = list(root.iter("circle"))
    start, at = float(zone.get("x", "")), float(dot.get("cx", ""))
    beyond = value > limit if worse == "higher" else value < limit
    assert (start <= at <= start + float(zone.get("width", ""))) == beyond
