"""Pictures of a service's series, day by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.findings import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.monitoring import Standing

_LEAST = 6
"""Hours of a day below which it has no mean."""


def days_of(standing: Standing, series: Sequence[str], title: str) -> list[Series]:
    """Return daily means of series on one axis, each relative to what it was on the first day that has one.

    Parameters
    ----------
    standing : Standing
    series : sequence of str
    title : str
        Of the picture.
    """
    values, begin = standing.values, standing.judged.first
    day = (begin + np.arange(len(values))) // 24
    out = []
    for name in series:
        x, y = [], []
        held = values[:, standing.series.index(name)]
        for d in np.unique(day).tolist():
            here = held[(day == d) & np.isfinite(held)]
            if len(here) >= _LEAST:
                x.append(float(d - day[0]))
                y.append(float(here.mean()))
        if y and y[0]:
            ratio = tuple(v / y[0] for v in y)
            out.append(Series(name, tuple(x), ratio, x_label="day", y_label="of its first day", group=title))
    return out
