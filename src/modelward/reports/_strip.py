"""The strip: one figure, its interval, and the limits that it is held against."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward.reports._svg import Drawing, Scale, element, widen
from modelward.reports._text import figure, is_exact, is_percent, limit_text, limits

if TYPE_CHECKING:
    from modelward.findings import Measure

_LARGEST = 1e150
_WIDTH = 300.0


def strip(measure: Measure, *, small: bool = False) -> Drawing:
    """Draw a measure.

    Parameters
    ----------
    measure : Measure
        Value, interval and limits.
    small : bool
        Without words, for the rows at a glance.

    Returns
    -------
    Drawing
        The shaded side is beyond the limit; the thick line is the 95 % interval, the thin one the wider interval
        that the verdict was read from.
    """
    known = [
        v
        for v in (
            measure.value, measure.low, measure.high, measure.decision_low, measure.decision_high,
            measure.limit, measure.warn,
        )
        if v is not None and abs(v) < _LARGEST
    ]  # fmt: skip
    width, height, middle = (96.0, 16.0, 8.0) if small else (_WIDTH, 46.0, 16.0)
    scale = Scale(*_domain(known, measure), 4, width - 4)
    half = 5.0 if small else 9.0
    parts = [*_zones(measure, scale, middle, half), _rail(scale, middle)]
    if known:
        parts += _interval(measure, scale, middle, small=small)
    if known and not small:
        parts += _words(measure, scale, middle + half)
    said = f"{measure.name}: {figure(measure)}; {', '.join(limits(measure)) or 'no limit set'}"
    return element(
        "svg", element("title", said), *parts, class_="strip small" if small else "strip",
        viewBox=f"0 0 {width:.0f} {height:.0f}", role="img",
    )  # fmt: skip


def _domain(known: list[float], measure: Measure) -> tuple[float, float]:
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    unit = measure.unit.strip().lower()
    if unit == "auc":
        low, high = min(low, 0.5), max(high, 0.6)
    elif low >= 0:
        low = 0.0
    if low == high == 0.0:
        return 0.0, 1.0
    room = (high - low) * 0.06
    low, high = widen(low if low in (0.0, 0.5) else low - room, high + room)
    bounded = is_percent(unit) or unit == "auc"
    return low, (min(high, 1.0) if bounded and max(known) <= 1.0 and low < 1.0 else high)


def _zones(measure: Measure, scale: Scale, middle: float, half: float) -> list[Drawing]:
    """Shade what lies beyond the limits; what warns ends where what fails begins."""
    higher = measure.worse == "higher"
    end = scale.high if higher else scale.low
    parts = []
    edges = [(measure.limit, "zone-fail"), (measure.warn, "zone-warn")]
    for edge, kind in edges:
        if edge is None or not abs(edge) < _LARGEST:
            continue
        start, stop = sorted((scale(edge), scale(end)))
        if stop > start:
            parts.append(
                element("rect", class_=kind, x=start, y=middle - half, width=stop - start, height=2 * half)
            )
        end = edge
    for edge, kind in edges:
        if edge is not None and abs(edge) < _LARGEST:
            at = scale(edge)
            parts.append(
                element("line", class_=f"limit {kind[5:]}", x1=at, x2=at, y1=middle - half, y2=middle + half)
            )
    return parts


def _rail(scale: Scale, middle: float) -> Drawing:
    return element("line", class_="rail", x1=scale.start, x2=scale.end, y1=middle, y2=middle)


def _interval(measure: Measure, scale: Scale, middle: float, *, small: bool) -> list[Drawing]:
    parts = []
    if not is_exact(measure):
        if not small and not math.isnan(measure.decision_low) and not math.isnan(measure.decision_high):
            low, high = scale(measure.decision_low), scale(measure.decision_high)
            parts.append(element("line", class_="decision", x1=low, x2=high, y1=middle, y2=middle))
        if not math.isnan(measure.low) and not math.isnan(measure.high):
            low, high = scale(measure.low), scale(measure.high)
            parts.append(element("line", class_="interval", x1=low, x2=high, y1=middle, y2=middle))
    if abs(measure.value) < _LARGEST:
        parts.append(
            element("circle", class_="value", cx=scale(measure.value), cy=middle, r=3.0 if small else 4.2)
        )
    return parts


def _words(measure: Measure, scale: Scale, bottom: float) -> list[Drawing]:
    """Write the limits and the ends under the strip, leaving out an end that would touch a limit."""
    marks = [
        (value, f"{kind} {limit_text(value, measure.unit)}", f"word {kind}")
        for value, kind in ((measure.warn, "warn"), (measure.limit, "fail"))
        if value is not None and abs(value) < _LARGEST
    ]
    words = _side_by_side(sorted(marks), scale)
    for end in (scale.low, scale.high):
        text = limit_text(end, measure.unit)
        spot = _inside(scale(end), _half(text))
        if all(abs(spot - at) >= _half(text) + _half(said) for at, said, _ in words):
            words.append((spot, text, "word"))
    return [
        element("text", text, class_=kind, x=spot, y=bottom + 14, text_anchor="middle")
        for spot, text, kind in words
    ]


def _half(text: str) -> float:
    return len(text) * 3.1 + 4


def _inside(at: float, half: float) -> float:
    return min(max(at, half), _WIDTH - half)


def _side_by_side(marks: list[tuple[float, str, str]], scale: Scale) -> list[tuple[float, str, str]]:
    """Place at most two words under their limits, pushed apart if they would touch, in their own order."""
    spots = [_inside(scale(value), _half(text)) for value, text, _ in marks]
    if len(marks) == 2:
        need = _half(marks[0][1]) + _half(marks[1][1])
        if (lack := need - (spots[1] - spots[0])) > 0:
            left = _inside(spots[0] - lack / 2, _half(marks[0][1]))
            right = _inside(left + need, _half(marks[1][1]))
            spots = [right - need, right]
    return [(spot, text, kind) for spot, (_, text, kind) in zip(spots, marks, strict=True)]
