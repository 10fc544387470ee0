"""What all pictures have in common: the sheet, the legend, the figures beside it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from modelward.reports._svg import Drawing, element, group, point, widen
from modelward.reports._text import clean, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelward.findings import Series

WIDTH, HEIGHT = 480.0, 270.0
TOP, BOTTOM, RIGHT = 12.0, 46.0, 14.0
COLOURS = 6
LARGEST = 1e150
"""Figures from here on are drawn like infinities: their differences would overflow."""
LETTER = 6.6


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn group of series.

    `legend` has name and colour number of each series; `header` and `rows` are the same figures as a table,
    the first ones of `points`.
    """

    title: str
    svg: Drawing
    legend: tuple[tuple[str, int], ...]
    banded: bool
    kind: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: int
    note: str


def finite(values: Iterable[float]) -> list[float]:
    """Return the values that can be drawn."""
    return [float(v) for v in values if abs(v) < LARGEST]


def label(members: Sequence[Series], which: str) -> str:
    """Return the label of an axis: the first that a series gives."""
    labels = [s.x_label if which == "x" else s.y_label for s in members]
    return clean(next((label for label in labels if label), ""), 120)


def title(members: Sequence[Series]) -> str:
    """Return the title of a group."""
    return clean(members[0].group or members[0].name, 200)


def domain(values: Sequence[float], *, zero: bool) -> tuple[float, float]:
    """Return the ends of an axis; it starts at zero where it must, or where little would be lost."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if zero or (low >= 0 and low < high / 2):
        low, high = min(low, 0.0), max(high, 0.0)
    return widen(low, high)


def cut(text: str, most: int) -> str:
    """Return text that fits."""
    return text if len(text) <= most else text[: most - 1] + "…"


def marker(x: float, y: float, colour: int) -> Drawing:
    """Return a mark whose shape, too, tells the series."""
    if colour % 3 == 0:
        return element("circle", class_="dot", cx=x, cy=y, r=3.2)
    if colour % 3 == 1:
        return element("rect", class_="dot", x=x - 3, y=y - 3, width=6, height=6)
    corners = ((0, -4), (4, 3.2), (-4, 3.2))
    return element(
        "polygon", class_="dot", points=" ".join(f"{point(x + a)},{point(y + b)}" for a, b in corners)
    )


def swatch(colour: int, kind: str) -> Drawing:
    """Return the key of a series for the legend."""
    if kind == "bar":
        body = element("rect", class_="bar", x=4, y=1, width=14, height=10)
    else:
        body = group([element("line", class_="line", x1=0, x2=22, y1=6, y2=6), marker(11, 6, colour)])
    inner = group([body], class_=f"s{colour}")
    return element("svg", inner, class_="swatch", viewBox="0 0 22 12", aria_hidden="true")


def picture(
    members: Sequence[Series], parts: Sequence[str], height: float, kind: str, numbers: int, note: str
) -> Picture:
    """Put a drawing together with its title, legend and figures."""
    x_label, y_label = label(members, "x"), label(members, "y")
    said = " against ".join(filter(None, (y_label, x_label)))
    name = title(members)
    drawing = element(
        "svg", element("title", f"{name}: {said}" if said else name), *parts,
        class_="chart", viewBox=f"0 0 {point(WIDTH)} {point(height)}", role="img",
    )  # fmt: skip
    return Picture(
        name, drawing, tuple((clean(s.name, 120), i % COLOURS) for i, s in enumerate(members)),
        any(s.low for s in members), kind, *_numbers(members, x_label, numbers),
        sum(len(s.x) for s in members), note,
    )  # fmt: skip


def empty(members: Sequence[Series]) -> Picture:
    """Say that there is nothing to draw."""
    words = element(
        "text", "no finite values to draw", class_="label", x=WIDTH / 2, y=40, text_anchor="middle"
    )
    return picture(members, [words], 80.0, "line", 0, "")


def _numbers(
    members: Sequence[Series], x_label: str, most: int
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the figures of a picture as a table, for those who read rather than look."""
    banded = any(s.low for s in members)
    header = ("series", x_label or "x", "value", *(("low", "high") if banded else ()))
    rows = tuple(
        (
            clean(one.name, 120), plain(one.x[i]), plain(float(one.y[i])),
            *((plain(float(one.low[i])), plain(float(one.high[i]))) if one.low else ("", "") if banded else ()),
        )
        for one, i in islice(((one, i) for one in members for i in range(len(one.x))), most)
    )  # fmt: skip
    return header, rows
