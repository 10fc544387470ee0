"""Lines with bands, and columns, over a horizontal axis of numbers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from modelward.reports._picture import (
    BOTTOM,
    COLOURS,
    HEIGHT,
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
    marker,
    picture,
)
from modelward.reports._svg import Drawing, Scale, element, group, point, widen
from modelward.reports._text import percent_axis, tick_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelward.findings import Series

_LOG_X, _LOG_Y = 20.0, 1_000.0
"""Ratios of largest to smallest from which an axis is logarithmic; only the axis itself says whether it is."""


def lines(members: Sequence[Series], most: int, numbers: int, *, columns: bool = False) -> Picture:
    """Draw series as lines with their bands, or as columns from zero, over one horizontal axis.

    At most `most` points of each are drawn.
    """
    keep = [_thin(len(s.x), most) for s in members]
    drawn = list(zip(members, keep, strict=True))
    xs = finite(float(s.x[i]) for s, kept in drawn for i in kept)
    ys = finite(v[i] for s, kept in drawn for v in (s.y, s.low, s.high) if v for i in kept)
    if not xs or not ys:
        return empty(members)
    x_label, y_label = label(members, "x"), label(members, "y")
    percent_x = percent_axis(x_label) and min(xs) >= 0 and max(xs) <= 1
    percent_y = percent_axis(y_label) and min(ys) >= -1 and max(ys) <= 1
    # A share of rows is compared with the whole, so its axis is plain however low its band reaches.
    y_log = not columns and not y_label.startswith("share") and _is_log(ys, _LOG_Y)
    x_log = not columns and _is_log(xs, _LOG_X)
    y_low, y_high = (min(ys), max(ys)) if y_log else domain(ys, zero=columns or (percent_y and min(ys) < 0.5))
    x_low, x_high = min(xs), max(xs)
    if x_low == x_high:
        x_low, x_high = widen(x_low, x_high)
    step = min((b - a for a, b in pairwise(sorted(set(xs)))), default=x_high - x_low) if columns else 0.0
    x_low, x_high = x_low - step / 2, x_high + step / 2
    y = Scale(y_low, y_high, HEIGHT - BOTTOM, TOP, y_log)
    names = dict(zip(y.ticks(), tick_names(y.ticks(), percent=percent_y, log=y_log), strict=True))
    left = _left(names.values(), y_label)
    x = Scale(x_low, x_high, left + 4, WIDTH - RIGHT - 4, x_log)
    x_words, y_words = (label + " (log scale)" * log for label, log in ((x_label, x_log), (y_label, y_log)))
    parts = [_frame(x, y, names, left, percent_x, x_words, y_words)]
    for i, (one, kept) in enumerate(drawn):
        colour = i % COLOURS
        parts.append(_columns(one, kept, x, y, step, colour) if columns else _line(one, kept, x, y, colour))
    thinned = max((len(s.x) for s in members), default=0) > most
    note = f"Drawn at {most} points of each series." if thinned else ""
    return picture(members, parts, HEIGHT, "bar" if columns else "line", numbers, note)


def _left(names: Iterable[str], label: str) -> float:
    return 12 + LETTER * max((len(n) for n in names), default=1) + (18 if label else 0)


def _frame(
    x: Scale, y: Scale, names: dict[float, str], left: float, percent_x: bool, x_label: str, y_label: str
) -> Drawing:
    bottom = HEIGHT - BOTTOM
    parts: list[str] = []
    for value, name in names.items():
        parts.append(
            element("line", class_="grid", x1=left, x2=WIDTH - RIGHT, y1=y(value), y2=y(value))
            if value
            else element("line", class_="axis", x1=left, x2=WIDTH - RIGHT, y1=y(value), y2=y(value))
        )
        parts.append(element("text", name, class_="tick", x=left - 6, y=y(value) + 4, text_anchor="end"))
    end = -math.inf
    words = tick_names(x.ticks(), percent=percent_x, log=x.log)
    for value, name in zip(x.ticks(), words, strict=True):
        half = LETTER * len(name) / 2
        if x(value) - half < end + 6:
            continue
        end = x(value) + half
        at = min(x(value), WIDTH - half)
        parts.append(element("line", class_="axis", x1=x(value), x2=x(value), y1=bottom, y2=bottom + 4))
        parts.append(element("text", name, class_="tick", x=at, y=bottom + 18, text_anchor="middle"))
    parts.append(element("line", class_="axis", x1=left, x2=WIDTH - RIGHT, y1=bottom, y2=bottom))
    if x_label:
        middle = (left + WIDTH - RIGHT) / 2
        parts.append(element("text", cut(x_label, 62), class_="label", x=middle, y=HEIGHT - 6,
                             text_anchor="middle"))  # fmt: skip
    if y_label:
        middle = (TOP + bottom) / 2
        parts.append(
            element(
                "text",
                cut(y_label, 34),
                class_="label",
                x=0,
                y=0,
                text_anchor="middle",
                transform=f"translate(13 {point(middle)}) rotate(-90)",
            )
        )
    return group(parts)


def _line(one: Series, kept: list[int], x: Scale, y: Scale, colour: int) -> Drawing:
    parts: list[str] = []
    runs: list[list[int]] = [[]]
    for i in kept:
        drawable = abs(float(one.x[i])) < LARGEST and abs(one.y[i]) < LARGEST
        if drawable and not (x.log and float(one.x[i]) <= 0) and not (y.log and one.y[i] <= 0):
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    for run in filter(None, runs):
        band = [i for i in run if one.low and not math.isnan(one.low[i]) and not math.isnan(one.high[i])]
        if len(band) > 1:
            there = [f"{point(x(float(one.x[i])))},{point(y(one.high[i]))}" for i in band]
            back = [f"{point(x(float(one.x[i])))},{point(y(one.low[i]))}" for i in reversed(band)]
            parts.append(element("polygon", class_="band", points=" ".join([*there, *back])))
        elif band:
            at = x(float(one.x[band[0]]))
            parts.append(
                element(
                    "line", class_="whisker", x1=at, x2=at, y1=y(one.low[band[0]]), y2=y(one.high[band[0]])
                )
            )
        corners = [f"{point(x(float(one.x[i])))},{point(y(one.y[i]))}" for i in run]
        if len(run) > 1:
            parts.append(element("polyline", class_="line", points=" ".join(corners)))
        if len(kept) <= 24 or len(run) == 1:
            parts.extend(marker(x(float(one.x[i])), y(one.y[i]), colour) for i in run)
    return group(parts, class_=f"s{colour}")


def _is_log(values: Sequence[float], ratio: float) -> bool:
    return len(values) > 1 and min(values) > 0 and max(values) / min(values) >= ratio


def _thin(count: int, most: int) -> list[int]:
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def _columns(one: Series, kept: list[int], x: Scale, y: Scale, step: float, colour: int) -> Drawing:
    parts = []
    for i in kept:
        at, value = float(one.x[i]), one.y[i]
        if not (abs(at) < LARGEST and abs(value) < LARGEST):
            continue
        start, end = x(at - step * 0.42), x(at + step * 0.42)
        top, bottom = sorted((y(0.0), y(value)))
        parts.append(element("rect", class_="bar", x=start, y=top, width=end - start, height=bottom - top))
        if one.low and not math.isnan(one.low[i]) and not math.isnan(one.high[i]):
            middle = x(at)
            parts.append(
                element("line", class_="whisker", x1=middle, x2=middle, y1=y(one.low[i]), y2=y(one.high[i]))
            )
    return group(parts, class_=f"s{colour}")
