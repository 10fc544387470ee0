"""How the colours of one label's pictures moved against a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import ks_2samp

from modelward.poisoning._evidence import ALPHA
from modelward.profiles import image_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST = 20
_LARGE = 0.25
_ALONE = 0.5


@dataclass(frozen=True)
class HueShift:
    """A colour that one label's pictures, or those of all labels, have in another way than before.

    Parameters
    ----------
    name : str
        Such as red, saturation or brightness.
    labels : tuple of int
        The labels whose pictures moved.
    distance : float
        Kolmogorov-Smirnov distance between the label's pictures and the earlier ones, the largest of the labels.
    before, after : float
        Medians of that label, on the feature's own scale.
    rows : ndarray
        Pictures of those labels beyond the middle 98 % of the earlier ones.
    """

    name: str
    labels: tuple[int, ...]
    distance: float
    before: float
    after: float
    rows: NDArray[np.int64]


def hue_shifts(
    pixels: NDArray[np.uint8], y: NDArray[np.int64], earlier: NDArray[np.uint8], earlier_y: NDArray[np.int64],
    labels: int,
) -> list[HueShift]:  # fmt: skip
    """Compare means of colours, brightness, contrast, sharpness and hue, label by label.

    Bonferroni over labels and features, and a distance that is worth a word.
    """
    now, then = image_table(pixels), image_table(earlier)
    out = []
    for name in now.columns:
        a, b = (
            t[name].cast(float).fill_null(float("nan")).to_numpy() for t in (now, then)
        )  # a picture without colour has no hue
        found: list[tuple[float, int]] = []
        for label in range(labels):
            new, old = a[(y == label) & np.isfinite(a)], b[(earlier_y == label) & np.isfinite(b)]
            if min(len(new), len(old)) < _FEWEST:
                continue
            test = ks_2samp(new, old)
            if test.pvalue * labels * now.width < ALPHA and test.statistic >= _LARGE:
                found.append((float(test.statistic), label))
        if not found:
            continue
        most, first = max(found)
        moved = tuple(sorted(label for distance, label in found if distance >= _ALONE * most))
        rows = []
        for label in moved:
            old = b[(earlier_y == label) & np.isfinite(b)]
            low, high = np.quantile(old, [0.01, 0.99])
            rows.append(np.flatnonzero((y == label) & ((a < low) | (a > high))))
        medians = [float(np.nanmedian(v[w == first])) for v, w in ((b, earlier_y), (a, y))]
        out.append(HueShift(name, moved, most, medians[0], medians[1], np.sort(np.concatenate(rows))))
    return sorted(out, key=lambda s: -s.distance)
