"""A line over time: values, the band in which they were expected, marked stretches, and dates below."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from modelward.reports._picture import LARGEST, domain
from modelward.reports._svg import Drawing, Scale, element, group, point
from modelward.reports._text import clean, tick_names

if TYPE_CHECKING:
    from modelward.reports._page import TimeLine

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 1000.0, 150.0, 64.0, 8.0, 8.0, 20.0
_POINTS = 700
_STEPS = (1, 2, 5, 7, 14, 28, 61, 122, 365, 730, 1826)
"""Days between two dates of the axis."""


def time_line(line: TimeLine) -> Drawing:
    """Draw one; where there are more values than places, each place shows its mean and its reach."""
    value, low, high = (_grouped(v) for v in (line.value, line.low, line.high))
    each = math.ceil(max(1, len(line.value)) / _POINTS)
    held = [v for v in (value[0], value[1], value[2], low[0], high[0]) if len(v)]
    numbers = np.concatenate(held) if held else np.zeros(0)
    numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < LARGEST)]
    if not len(numbers):
        words = element("text", "no values to draw", x=_LEFT, y=40.0)
        return element("svg", words, viewBox=f"0 0 {_WIDTH:g} 60", role="img")
    bottom, top = domain([float(numbers.min()), float(numbers.max())], zero=False)
    y = Scale(bottom, top, _HEIGHT - _BOTTOM, _TOP)
    end = line.start + line.step * max(1, len(line.value))
    x = Scale(line.start, end, _LEFT, _WIDTH - _RIGHT)
    at = [x(line.start + line.step * (each * i + each / 2)) for i in range(len(value[0]))]
    parts: list[str] = [_axes(x, y, percent=line.percent)]
    parts += [_mark(x, m.start, m.end, m.kind, m.words) for m in line.marks if m.kind == "event"]
    parts += _bands(at, low[0], high[0], y, "normal")
    if each > 1:
        parts += _bands(at, value[1], value[2], y, "reach")
    parts += _lines(at, value[0], y)
    parts += [_mark(x, m.start, m.end, m.kind, m.words) for m in line.marks if m.kind != "event"]
    return element(
        "svg",
        element("title", clean(line.title, 200)),
        *parts,
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
    )


def _grouped(values: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, least and largest of each place."""
    each = math.ceil(max(1, len(values)) / _POINTS)
    held = np.full(math.ceil(len(values) / each) * each, np.nan)
    held[: len(values)] = values
    held[~np.isfinite(held)] = np.nan
    rows = held.reshape(-1, each)
    n = np.isfinite(rows).sum(axis=1)
    mean = np.where(n > 0, np.nansum(rows, axis=1) / np.maximum(n, 1), np.nan)
    return mean, np.fmin.reduce(rows, axis=1), np.fmax.reduce(rows, axis=1)


def _runs(*held: np.ndarray) -> list[list[int]]:
    ok = np.all([np.isfinite(v) & (np.abs(v) < LARGEST) for v in held], axis=0)
    runs: list[list[int]] = [[]]
    for i, good in enumerate(ok.tolist()):
        if good:
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _bands(at: list[float], low: np.ndarray, high: np.ndarray, y: Scale, name: str) -> list[Drawing]:
    out = []
    for run in _runs(low, high):
        there = [f"{point(at[i])},{point(y(float(high[i])))}" for i in run]
        back = [f"{point(at[i])},{point(y(float(low[i])))}" for i in reversed(run)]
        out.append(element("polygon", class_=name, points=" ".join([*there, *back])))
    return out


def _lines(at: list[float], value: np.ndarray, y: Scale) -> list[Drawing]:
    out = []
    for run in _runs(value):
        corners = [f"{point(at[i])},{point(y(float(value[i])))}" for i in run]
        if len(run) == 1:
            corners.append(f"{point(at[run[0]] + 1)},{point(y(float(value[run[0]])))}")
        out.append(element("polyline", class_="value", points=" ".join(corners)))
    return out


def _mark(x: Scale, start: float, end: float, kind: str, words: str) -> Drawing:
    left = x(start)
    width = max(2.0, x(end) - left)
    return element(
        "rect", element("title", clean(words, 200)), class_="event" if kind == "event" else "alert", x=left, y=_TOP,
        width=width, height=_HEIGHT - _BOTTOM - _TOP,
    )  # fmt: skip


def _axes(x: Scale, y: Scale, *, percent: bool) -> Drawing:
    parts: list[str] = []
    values = y.ticks(4)
    for value, name in zip(values, tick_names(values, percent=percent, log=False), strict=True):
        parts.append(element("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(value), y2=y(value)))
        parts.append(element("text", name, x=_LEFT - 6, y=y(value) + 4, text_anchor="end"))
    for moment, name in _dates(x.low, x.high):
        at = x(moment)
        parts.append(
            element("line", class_="grid", x1=at, x2=at, y1=_HEIGHT - _BOTTOM, y2=_HEIGHT - _BOTTOM + 4)
        )
        if at < _WIDTH - 34:
            parts.append(element("text", name, x=at, y=_HEIGHT - 4, text_anchor="middle"))
    return group(parts)


def _dates(start: float, end: float) -> list[tuple[float, str]]:
    """Return midnights (UTC) that fit below, with their names; the year stands where it is new."""
    days = (end - start) / 86_400
    step = next((s for s in _STEPS if days / s <= 12), 3_653)
    first = datetime.fromtimestamp(start, UTC)
    day = first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    out: list[tuple[float, str]] = []
    year = 0
    while day.timestamp() < end and len(out) < 40:
        name = f"{day.day} {day:%b}" if day.year == year else f"{day.day} {day:%b} {day.year}"
        year = day.year
        out.append((day.timestamp(), name))
        day += timedelta(days=step)
    return out
