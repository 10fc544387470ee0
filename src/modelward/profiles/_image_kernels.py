"""The one pass over pixels, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

DEGREES = 360
SHADES = 256
COLOURFUL = 26
"""Chroma of 255 from which a pixel has a hue that is worth a word: a tenth."""
FEATURES = (
    "red",
    "green",
    "blue",
    "saturation",
    "brightness",
    "contrast",
    "sharpness",
    "colourful",
    "hue_x",
    "hue_y",
)
_PLACES = 1000


@njit(cache=True, nogil=True, inline="always")
def hue(r: Any, g: Any, b: Any, most: Any, chroma: Any) -> Any:
    """Return the hue in whole degrees, rounded half up, in integers alone; `chroma` is not 0."""
    if most == r:
        sixty, base = g - b, 0
    elif most == g:
        sixty, base = b - r, 120
    else:
        sixty, base = r - g, 240
    # floor((60 · sixty / chroma) + 1/2) is exact in integers.
    return (base + (120 * sixty + chroma) // (2 * chroma)) % 360


@njit(cache=True, nogil=True)
def look(images: Any, cosines: Any, sines: Any, shades: Any, hues: Any, features: Any) -> None:
    """Add pixels of images (n, h, w, 3), uint8, to shades (5, 256) and hues (360,), and fill features (n, 10).

    Brightness is luma of ITU-R BT.601 in 1/1000, sharpness the mean square of the Laplacian of four neighbours;
    features but the last two are in units of their own range (0 to 255), those two are the mean direction of hue.
    """
    n, h, w, _ = images.shape
    luma = np.empty((h, w), dtype=np.int64)
    for i in range(n):
        total = np.zeros(5, dtype=np.int64)
        squares, colourful, x, y = np.int64(0), np.int64(0), 0.0, 0.0
        for a in range(h):
            for c in range(w):
                r, g, b = (
                    np.int64(images[i, a, c, 0]),
                    np.int64(images[i, a, c, 1]),
                    np.int64(images[i, a, c, 2]),
                )
                most, least = max(r, g, b), min(r, g, b)
                chroma = most - least
                saturation = (510 * chroma + most) // (2 * most) if most else np.int64(0)
                light = (299 * r + 587 * g + 114 * b + 500) // _PLACES
                luma[a, c] = light
                shades[0, r] += 1
                shades[1, g] += 1
                shades[2, b] += 1
                shades[3, saturation] += 1
                shades[4, light] += 1
                total[0] += r
                total[1] += g
                total[2] += b
                total[3] += saturation
                total[4] += light
                squares += light * light
                if chroma >= COLOURFUL:
                    degree = hue(r, g, b, most, chroma)
                    hues[degree] += 1
                    colourful += 1
                    x += cosines[degree]
                    y += sines[degree]
        sharp = np.int64(0)
        for a in range(1, h - 1):
            for c in range(1, w - 1):
                edge = luma[a - 1, c] + luma[a + 1, c] + luma[a, c - 1] + luma[a, c + 1] - 4 * luma[a, c]
                sharp += edge * edge
        pixels = h * w
        for k in range(5):
            features[i, k] = total[k] / pixels
        features[i, 5] = np.sqrt(max(0.0, squares / pixels - features[i, 4] ** 2))
        inner = (h - 2) * (w - 2)
        features[i, 6] = sharp / inner if h > 2 and w > 2 else np.nan
        features[i, 7] = colourful / pixels
        # A picture without colour has no hue.
        features[i, 8] = x / colourful if colourful else np.nan
        features[i, 9] = y / colourful if colourful else np.nan
