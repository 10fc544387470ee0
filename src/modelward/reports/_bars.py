"""Bars with names: always from zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward.reports._picture import (
    COLOURS,
    LARGEST,
    LETTER,
    RIGHT,
    TOP,
    WIDTH,
    Picture,
    cut,
    domain,
    empty,
    finite,
    label,
    picture,
)
from modelward.reports._svg import Drawing, Scale, element, group
from modelward.reports._text import NBSP, column, percent_axis, plain, tick_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.findings import Series


def bars(members: Sequence[Series], most: int, numbers: int) -> Picture:
    """Draw series as bars from zero, a name beside each; at most `most` bars."""
    names: list[str | float] = list(dict.fromkeys(x for s in members for x in s.x))
    shown = names[: max(1, most // len(members))]
    place = {name: i for i, name in enumerate(shown)}
    values = finite(v for s in members for v in (*s.y, *s.low, *s.high))
    if not values:
        return empty(members)
    y_label = label(members, "y")
    percent = percent_axis(y_label) and min(values) >= -1 and max(values) <= 1
    low, high = domain(values, zero=True)
    thick = 16.0 if len(members) == 1 else max(7.0, 22.0 / len(members))
    slot = thick * len(members) + 8
    texts = [cut(plain(name), 26) for name in shown]
    left = min(190.0, 12 + LETTER * max((len(t) for t in texts), default=1))
    bottom = TOP + slot * len(shown)
    x = Scale(low, high, left, WIDTH - RIGHT - 30)
    parts: list[str] = []
    for value, name in zip(x.ticks(), tick_names(x.ticks(), percent=percent), strict=True):
        kind = "grid" if value else "axis"
        parts.append(element("line", class_=kind, x1=x(value), x2=x(value), y1=TOP - 4, y2=bottom))
        parts.append(element("text", name, class_="tick", x=x(value), y=bottom + 16,
                             text_anchor="middle"))  # fmt: skip
    for text, bar in zip(texts, shown, strict=True):
        middle = TOP + slot * place[bar] + (slot - 8) / 2
        parts.append(element("text", element("title", plain(bar)), text, class_="name", x=left - 8, y=middle + 4,
                             text_anchor="end"))  # fmt: skip
    for i, one in enumerate(members):
        drawn = [j for j, name in enumerate(one.x) if name in place]
        tops = {j: TOP + slot * place[one.x[j]] + thick * i for j in drawn}
        said = _said([one.y[j] for j in drawn], percent=percent) if len(members) == 1 else [""] * len(drawn)
        made = [_bar(one, j, tops[j], thick, x, text) for j, text in zip(drawn, said, strict=True)]
        parts.append(group(made, class_=f"s{i % COLOURS}"))
    if y_label:
        parts.append(element("text", cut(y_label, 62), class_="label", x=(left + WIDTH - RIGHT) / 2, y=bottom + 36,
                             text_anchor="middle"))  # fmt: skip
    more = len(names) - len(shown)
    note = f"The first {len(shown)} of {len(names)} are drawn." if more else ""
    return picture(members, parts, max(bottom + 42, 80.0), "bar", numbers, note)


def _bar(one: Series, j: int, top: float, thick: float, x: Scale, said: str) -> Drawing:
    value = one.y[j]
    if not abs(value) < LARGEST:
        return element("text", plain(float(value)), class_="tick", x=x(0) + 4, y=top + thick / 2 + 4)
    start, end = sorted((x(0), x(value)))
    parts = [element("rect", class_="bar", x=start, y=top, width=max(end - start, 0.8), height=thick - 1)]
    reach = x(value)
    if one.low and not math.isnan(one.low[j]) and not math.isnan(one.high[j]):
        middle = top + (thick - 1) / 2
        parts.append(
            element("line", class_="whisker", x1=x(one.low[j]), x2=x(one.high[j]), y1=middle, y2=middle)
        )
        reach = max(reach, x(one.high[j]))
    if said:
        parts.append(element("text", said, class_="tick", x=max(reach, x(0)) + 5, y=top + thick / 2 + 3.5))
    return group(parts)


def _said(values: Sequence[float], *, percent: bool) -> list[str]:
    if not percent:
        return column([float(v) for v in values])
    return [f"{text}{NBSP}%" for text in column([v * 100 for v in values])]
