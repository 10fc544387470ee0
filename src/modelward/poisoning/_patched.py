"""Patches that stand in pictures of one label at one place, although the rest of those pictures has other labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import label as connected
from scipy.stats import hypergeom

from modelward.poisoning._cells import HARD, IMPURE, PEELS
from modelward.poisoning._evidence import ALPHA
from modelward.poisoning._rest import Rest, rate_of_votes, windows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelward.poisoning._rest import Box

MIN_PICTURES = 10
LARGEST_RATE = 0.5
"""Where the rest of the pictures gives more reason for the label than this, the patch is part of what is shown."""
_SHADES = 32
_SEEDS = (1, 2, 3)
_PLACES = 64
_MOST_SEARCHED = 10_000
_ALIKE = 0.9
_COMMON = 0.5


@dataclass(frozen=True)
class Stamp:
    """A patch that goes with one label.

    Parameters
    ----------
    box : tuple of int
        Top, left, height, width.
    label : int
    rows : ndarray
        The pictures that have it.
    hits : int
        How many of them have the label.
    expected : float
        Share of them that would have the label by the rest of the picture; NaN where that was not asked.
    gained : bool
        Found because the reference does not have it, not because the rest of the pictures contradicts.
    """

    box: Box
    label: int
    rows: NDArray[np.int64]
    hits: int
    expected: float
    gained: bool = False


@dataclass(frozen=True)
class _Seed:
    score: float
    box: Box
    label: int
    rows: NDArray[np.int64]


def find_stamps(
    pixels: NDArray[np.uint8], y: NDArray[np.int64], labels: int, rng: np.random.Generator,
    earlier: NDArray[np.uint8] | None = None, earlier_y: NDArray[np.int64] | None = None,
) -> list[Stamp]:  # fmt: skip
    """Find patches.

    Every square of one, two and three pixels is looked at, by a hash of its 32 shades: pictures with equal squares
    are a group. The likelihood ratio of all but one label in a hundred against the labels that the rest of each
    picture lets expect, as in tables, goes beyond what chance gives to the best of all groups that were looked at
    (Markov's inequality and a union bound). The patch then grows to the pixels that the group has in common and
    others have not, and is judged once more with all of it out of sight.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, h, w, c)
    y : ndarray of int64
    labels : int
    rng : Generator
        Draws the pictures that are searched, at most 10,000, and those that are compared with.
    earlier, earlier_y : ndarray, optional
        Pictures that are trusted: neighbours are looked for among them, and a patch that they have at the same
        label is none. What only one label gained is found as well.
    """
    searched = np.sort(rng.permutation(len(pixels))[:_MOST_SEARCHED])
    part, part_y = pixels[searched], y[searched]
    trusted = earlier is not None and earlier_y is not None
    if trusted and earlier is not None and earlier_y is not None:
        kept = np.sort(rng.permutation(len(earlier))[:_MOST_SEARCHED])
        earlier, earlier_y = earlier[kept], earlier_y[kept]
        base = Rest.of(earlier, earlier_y, labels, rng)
        rest = base.asking(part, part_y)
    else:
        base = rest = Rest.of(part, part_y, labels, rng)
    seeds, gained, bound = _seeds(part, part_y, rest, base, earlier, earlier_y, rng)
    out: list[Stamp] = []
    taken = np.zeros(len(part), dtype=bool)
    for seed in sorted(seeds, key=lambda s: (-s.score, -len(s.rows))):
        if len(out) >= PEELS or seed.score < bound:
            break
        if taken[seed.rows].mean() > _COMMON:
            continue
        box = _grown(part, seed)
        rates, votes = rate_of_votes(base.votes(box), base.y), rest.votes(box)[seed.rows, seed.label]
        expected = rates[votes]
        hit = part_y[seed.rows] == seed.label
        if _ratio(hit, expected).sum() >= bound and expected.mean() <= LARGEST_RATE:
            taken[seed.rows] = True
            out.append(_whole(pixels, y, searched[seed.rows], box, seed.label, float(expected.mean())))
    for seed in sorted(gained, key=lambda s: -s.score):
        if len(out) >= PEELS:
            break
        if taken[seed.rows].mean() <= _COMMON:
            taken[seed.rows] = True
            out.append(
                _whole(pixels, y, searched[seed.rows], _grown(part, seed), seed.label, math.nan, gained=True)
            )
    return out


def _ratio(hit: NDArray[np.bool_], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(hit, np.log((1 - HARD) / expected), np.log(HARD / (1 - expected)))


def _seeds(
    pixels: NDArray[np.uint8], y: NDArray[np.int64], rest: Rest, base: Rest,
    earlier: NDArray[np.uint8] | None, earlier_y: NDArray[np.int64] | None, rng: np.random.Generator,
) -> tuple[list[_Seed], list[_Seed], float]:  # fmt: skip
    """Return groups that the rest contradicts, groups that one label gained, and the bound of chance."""
    height, width = pixels.shape[1:3]
    hidden = windows(height, width)
    chance = []
    for box in hidden:
        votes = rest.votes(box)
        own = votes if base is rest else base.votes(box)
        chance.append(rate_of_votes(own, base.y)[votes])
    n, labels = len(pixels), rest.labels
    rows, tested, gains = np.arange(n), 0, 0
    found: list[_Seed] = []
    gained: list[_Seed] = []
    both = pixels if earlier is None else np.concatenate([pixels, earlier])
    sizes = np.bincount(y, minlength=labels)
    before = (
        np.zeros(labels, dtype=np.int64) if earlier_y is None else np.bincount(earlier_y, minlength=labels)
    )
    for box, hashes in _squares(both, rng):
        inside = [k for k, window in enumerate(hidden) if _covers(window, box)]
        if not inside:
            continue
        window = min(inside, key=lambda k: _off_centre(hidden[k], box))
        _, group, count = np.unique(hashes[:n], return_inverse=True, return_counts=True)
        enough = count >= MIN_PICTURES
        tested += int(enough.sum())
        by_label = np.bincount(group * labels + y, minlength=len(count) * labels).reshape(-1, labels)
        top = by_label.argmax(axis=1)
        pure = enough & (by_label.max(axis=1) >= (1 - IMPURE) * count)
        if not pure.any():
            continue
        expected = chance[window][rows, top[group]]
        score = np.bincount(group, weights=_ratio(y == top[group], expected), minlength=len(count))
        mean = np.bincount(group, weights=expected, minlength=len(count)) / count
        found += [
            _Seed(float(score[g]), box, int(top[g]), np.flatnonzero(group == g))
            for g in np.flatnonzero(pure & (score > 0) & (mean <= LARGEST_RATE))
        ]
        if earlier_y is None:
            continue
        gains += int(pure.sum())
        for g in np.flatnonzero(pure & (count <= _COMMON * sizes[top])):
            members = np.flatnonzero(group == g)
            label, old = int(top[g]), hashes[n:] == hashes[members[0]]
            then, now = int((old & (earlier_y == label)).sum()), int(by_label[g, label])
            whole = int(sizes[label] + before[label])
            p = float(hypergeom.sf(now - 1, whole, now + then, int(sizes[label])))
            # How a label is drawn has its own squares: what the earlier pictures have even once is no stamp.
            if not old.any() and p < ALPHA / 1e3:
                gained.append(_Seed(-math.log(max(p, 1e-300)), box, label, members))
    bound = math.log(max(tested, 1) / ALPHA)
    limit = math.log(max(gains, 1) * labels / ALPHA)
    return [s for s in found if s.score >= bound], [s for s in gained if s.score >= limit], bound


def _squares(pixels: NDArray[np.uint8], rng: np.random.Generator) -> Iterator[tuple[Box, NDArray[np.uint64]]]:
    """Yield every square that is looked at with a hash of what each picture has there (Zobrist 1970).

    A hash is the sum of one random number for each pixel's place and shade, so squares that share pixels share sums.
    """
    n, height, width, channels = pixels.shape
    shades = pixels >> 3
    table = rng.integers(0, 2**63, size=(height, width, channels, _SHADES), dtype=np.uint64)
    step = max(1, math.ceil(max(height, width) / _PLACES))
    lines: list[NDArray[np.uint64]] = []
    for bottom in range(height):
        line = np.zeros((n, width), dtype=np.uint64)
        for left in range(width):
            for c in range(channels):
                line[:, left] += table[bottom, left, c][shades[:, bottom, left, c]]
        lines = [*lines[-max(_SEEDS) + 1 :], line]
        for side in _SEEDS:
            top = bottom - side + 1
            if top < 0 or side > width or top % step or (step > 1 and side < max(_SEEDS)):
                continue
            strip = np.asarray(np.sum(lines[-side:], axis=0, dtype=np.uint64))
            for left in range(0, width - side + 1, step):
                yield (
                    (top, left, side, side), np.sum(strip[:, left : left + side], axis=1, dtype=np.uint64)
                )  # fmt: skip


def _covers(window: Box, box: Box) -> bool:
    return all(window[k] <= box[k] and box[k] + box[k + 2] <= window[k] + window[k + 2] for k in (0, 1))


def _off_centre(window: Box, box: Box) -> float:
    return sum(abs(window[k] + window[k + 2] / 2 - box[k] - box[k + 2] / 2) for k in (0, 1))


def _common(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the commonest shades of some pictures, and where they have them and others mostly have not."""
    shades = pixels[rows] >> 3
    counts = np.stack([(shades == s).sum(axis=0) for s in range(_SHADES)])
    usual = counts.argmax(axis=0)
    theirs = (counts.max(axis=0) >= _ALIKE * len(rows)).all(axis=-1)
    others = np.ones(len(pixels), dtype=bool)
    others[rows] = False
    if not others.any():
        return usual, theirs
    elsewhere = ((pixels[others] >> 3) == usual).all(axis=-1).mean(axis=0)
    return usual, theirs & (elsewhere <= _COMMON)


def _grown(pixels: NDArray[np.uint8], seed: _Seed) -> Box:
    top, left, height, width = seed.box
    _, own = _common(pixels, seed.rows)
    own[top : top + height, left : left + width] = True
    pieces, _ = connected(own, structure=np.ones((3, 3)))
    piece = pieces == pieces[top, left]
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    return (int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1))


def _whole(
    pixels: NDArray[np.uint8], y: NDArray[np.int64], rows: NDArray[np.int64], box: Box, label: int,
    expected: float, *, gained: bool = False,
) -> Stamp:  # fmt: skip
    """Return the stamp with all pictures that have it, also those that were not searched."""
    top, left, height, width = box
    part = pixels[:, top : top + height, left : left + width]
    usual, own = _common(part, rows)
    if not own.any():
        own[:] = True
    same = ((part >> 3) == usual).all(axis=-1)[:, own].mean(axis=1) >= _ALIKE
    same[rows] = True
    held = np.flatnonzero(same)
    return Stamp(box, label, held, int((y[held] == label).sum()), expected, gained)
