"""A rule, drawn: for each column the part of its range that the rule allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward.reports._picture import COLOURS, LETTER, cut
from modelward.reports._svg import Drawing, Scale, element, group
from modelward.reports._text import clean, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.reports._page import Span

_WIDTH, _SLOT = 480.0, 34.0


def rule_picture(spans: Sequence[Span], tone: int, title: str) -> Drawing:
    """Draw the ranges that a rule allows, a line for each column.

    Parameters
    ----------
    spans : sequence of Span
        At most about twenty.
    tone : int
        Number of the answer, for its colour.
    title : str
        For those who do not see the picture.
    """
    names = [cut(clean(span.name, 80), 22) for span in spans]
    left = min(180.0, 20 + LETTER * max((len(name) for name in names), default=1))
    parts = [
        _line(span, name, left, 8 + i * _SLOT)
        for i, (span, name) in enumerate(zip(spans, names, strict=True))
    ]
    return element(
        "svg", element("title", clean(title, 300)), group(parts, class_=f"s{tone % COLOURS}"),
        class_="chart ranges", viewBox=f"0 0 {_WIDTH:.0f} {8 + _SLOT * len(spans):.0f}", role="img",
    )  # fmt: skip


def _line(span: Span, name: str, left: float, top: float) -> Drawing:
    right = _WIDTH - 14
    scale = Scale(span.start, span.end, left + 6, right) if span.start < span.end else None
    middle = top + 8
    parts = [
        element("text", name, class_="name", x=left - 9, y=middle + 4, text_anchor="end"),
        element("line", class_="track", x1=left, x2=right, y1=middle, y2=middle),
    ]
    if scale is None:
        return group(parts)
    start = left if math.isinf(span.low) else scale(span.low)
    end = right if math.isinf(span.high) else scale(span.high)
    parts.append(element("line", class_="allowed", x1=start, x2=max(end, start + 2), y1=middle, y2=middle))
    for value, at, anchor in ((span.low, start, "end"), (span.high, end, "start")):
        if not math.isinf(value):
            parts.append(element("line", class_="stop", x1=at, x2=at, y1=middle - 6, y2=middle + 6))
            spot = min(max(at, left + 24), right - 24)
            middle_of = end - start > 90 or math.isinf(span.low) or math.isinf(span.high)
            parts.append(element("text", plain(float(value)), class_="tick", x=spot, y=middle + 19,
                                 text_anchor="middle" if middle_of else anchor))  # fmt: skip
    return group(parts)
