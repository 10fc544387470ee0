"""What the rest of a picture says of its label: the nearest pictures, with a part out of sight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR = 10
_SIDE = 16
_MOST_BASE = 3_000
_AT_ONCE = 2_000
_SURE = 0.99
_NEVER = 1e-3

Box = tuple[int, int, int, int]
"""Top, left, height, width."""


def shrink(pixels: NDArray[np.uint8], side: int = _SIDE) -> NDArray[np.float32]:
    """Return pictures with the means of blocks, of shape (n, at most side, at most side, c)."""
    out: NDArray[Any] = pixels.astype(np.float32)
    for axis in (1, 2):
        length = pixels.shape[axis]
        if length > side:
            edges = np.linspace(0, length, side + 1).astype(np.int64)
            shape = [1, 1, 1, 1]
            shape[axis] = side
            out = np.add.reduceat(out, edges[:-1], axis=axis) / np.diff(edges).reshape(shape)
    return out.astype(np.float32)


@dataclass(frozen=True)
class Rest:
    """Pictures among which the nearest are looked for, and those that are asked about.

    Parameters
    ----------
    asked : ndarray of float32, shape (n, a, b, c)
        Small pictures.
    base : ndarray of float32, shape (m, a, b, c)
        Those among which neighbours are looked for.
    y, base_y : ndarray of int64
        Their labels.
    own : ndarray of int64, shape (n,)
        Which of `base` an asked picture is itself, -1 for none; it is no neighbour of its own.
    size : tuple of int
        Height and width of the pictures before they were made small.
    labels : int
    """

    asked: NDArray[np.float32]
    base: NDArray[np.float32]
    y: NDArray[np.int64]
    base_y: NDArray[np.int64]
    own: NDArray[np.int64]
    size: tuple[int, int]
    labels: int

    @classmethod
    def of(
        cls, pixels: NDArray[np.uint8], y: NDArray[np.int64], labels: int, rng: np.random.Generator, *,
        side: int = _SIDE,
    ) -> Rest:  # fmt: skip
        """Return pictures that are asked about each other."""
        small = shrink(pixels, side)
        base = np.sort(rng.permutation(len(small))[:_MOST_BASE])
        own = np.full(len(small), -1, dtype=np.int64)
        own[base] = np.arange(len(base))
        return cls(small, small[base], y, y[base], own, (pixels.shape[1], pixels.shape[2]), labels)

    def asking(self, pixels: NDArray[np.uint8], y: NDArray[np.int64], side: int = _SIDE) -> Rest:
        """Return other pictures that are asked about among the same ones."""
        small = shrink(pixels, side)
        alien = np.full(len(small), -1, dtype=np.int64)
        return Rest(small, self.base, y, self.base_y, alien, self.size, self.labels)

    def votes(self, hidden: Box | None) -> NDArray[np.int64]:
        """Return how many of the nearest pictures have each label, shape (n, labels), without what is hidden."""
        seen = np.ones(self.asked.shape[1:3], dtype=bool)
        if hidden is not None:
            top, left, height, width = hidden
            a, b = self.asked.shape[1:3]
            rows, columns = a / self.size[0], b / self.size[1]
            seen[
                int(top * rows) : math.ceil((top + height) * rows),
                int(left * columns) : math.ceil((left + width) * columns),
            ] = False
        asked, base = (z[:, seen].reshape(len(z), -1) for z in (self.asked, self.base))
        squares = (base * base).sum(axis=1)
        near = min(NEAR, max(1, len(base) - 1))
        out = np.zeros((len(asked), self.labels), dtype=np.int64)
        for start in range(0, len(asked), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            far = squares - 2 * asked[part] @ base.T
            own = self.own[part]
            far[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
            found = self.base_y[np.argpartition(far, near - 1, axis=1)[:, :near]]
            for label in range(self.labels):
                out[part, label] = (found == label).sum(axis=1)
        return out


def rate_of_votes(votes: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often pictures with 0, 1, …, NEAR votes for a label have it, over all labels, never falling."""
    hit = np.zeros(votes.shape, dtype=np.float64)
    hit[np.arange(len(y)), y] = 1
    count = np.bincount(votes.ravel(), minlength=NEAR + 1)
    right = np.bincount(votes.ravel(), weights=hit.ravel(), minlength=NEAR + 1)
    return np.clip(np.maximum.accumulate((right + 0.5) / (count + 1)), _NEVER, _SURE)


def windows(height: int, width: int) -> list[Box]:
    """Return overlapping parts of a picture, half as high and wide, that are hidden one after another."""

    def cuts(length: int) -> list[tuple[int, int]]:
        part = max(1, math.ceil(length / 2))
        starts = [*range(0, length - part, max(1, part // 3)), length - part]
        return [(start, part) for start in starts]

    return [(top, left, h, w) for top, h in cuts(height) for left, w in cuts(width)]
