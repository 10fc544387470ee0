"""Pictures of series: those of one group share one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.reports._bars import bars as draw_bars
from modelward.reports._lines import lines as draw_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.findings import Series
    from modelward.reports._picture import Picture

_NAMED = 12
"""Bars over more numbers than this are columns over an axis, as in a histogram."""


def pictures(
    series: Sequence[Series], *, points: int = 400, bars: int = 40, numbers: int = 240, most: int = 16
) -> tuple[Picture, ...]:
    """Draw series, those of one group together, in the order in which groups first appear.

    Parameters
    ----------
    series : sequence of Series
        What to draw.
    points, bars : int
        The most points of a line and bars of a picture that are drawn.
    numbers : int
        The most points of a picture that its table holds.
    most : int
        The most pictures.
    """
    groups: dict[tuple[str, str], list[Series]] = {}
    for i, one in enumerate(series):
        groups.setdefault((one.group or f"\0{i}", _kind(one)), []).append(one)
    return tuple(
        draw_bars(members, bars, numbers)
        if kind == "bar"
        else draw_lines(members, points, numbers, columns=kind == "columns")
        for (_, kind), members in list(groups.items())[:most]
    )


def _kind(one: Series) -> str:
    if any(isinstance(x, str) for x in one.x):
        return "bar"
    if one.kind == "bar":
        return "columns" if len(one.x) > _NAMED else "bar"
    return "line"
