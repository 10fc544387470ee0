"""Patterns laid over whole pictures of one label: too faint, or too noisy, to be a patch that repeats exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.poisoning._cells import HARD, IMPURE
from modelward.poisoning._evidence import ALPHA
from modelward.poisoning._rest import NEAR, Rest, rate_of_votes, shrink

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COARSE = 8
_FINE = 32
_MOST = 6_000
_FEWEST = 10
_DOUBTED = 0.3
_RIDGE = 0.1
_EXPECTED = 0.3
_BEYOND = 0.2
_HONEST = 0.99
_LIKELY = 0.95


@dataclass(frozen=True)
class Blend:
    """Pictures of one label that share a faint pattern.

    Parameters
    ----------
    label : int
    rows : ndarray
    hits : int
        How many of them have the label.
    expected : float
        Share of them that would have the label by what is seen of the picture without fine detail.
    """

    label: int
    rows: NDArray[np.int64]
    hits: int
    expected: float


@dataclass(frozen=True)
class _Look:
    F: NDArray[np.float32]
    y: NDArray[np.int64]
    guess: NDArray[np.int64]
    expected: NDArray[np.float64]
    fold: NDArray[np.int64]


def find_blends(
    pixels: NDArray[np.uint8], y: NDArray[np.int64], labels: int, rng: np.random.Generator
) -> list[Blend]:
    """Find patterns.

    Pictures are doubted whose label the nearest ones contradict, looked at from afar, where a faint pattern blurs
    away. What the doubted ones of a label have in common, against honest ones of the labels that they seem to have, is
    a direction, learned on one half of the pictures and tried on the other: there the pictures that lie farthest
    along it must have the label beyond what they look like (the same likelihood ratio as for patches), and the
    doubted ones must lie beyond the honest pictures of every label, where mistakes of nature lie between them.
    """
    rows = np.sort(rng.permutation(len(pixels))[:_MOST])
    part = pixels[rows]
    side = _COARSE if min(part.shape[1:3]) > _COARSE else max(2, min(part.shape[1:3]) // 2)
    rest = Rest.of(part, y[rows], labels, rng, side=side)
    votes = rest.votes(None)
    fine = shrink(part, _FINE).reshape(len(part), -1)
    look = _Look(
        fine - fine.mean(axis=0), y[rows], votes.argmax(axis=1), rate_of_votes(votes, rest.y)[votes],
        rng.permutation(len(part)) % 4,
    )  # fmt: skip
    own = votes[np.arange(len(part)), look.y]
    doubted = (look.guess != look.y) & (own <= _DOUBTED * NEAR)
    bound = math.log(2 * labels * len(part) / ALPHA)
    out = []
    for label in range(labels):
        found = _of_label(look, doubted & (look.y == label), label, bound)
        if found is not None:
            held = found.rows
            out.append(Blend(label, rows[held], found.hits, found.expected))
    return sorted(out, key=lambda b: -len(b.rows))


def _of_label(look: _Look, doubted: NDArray[np.bool_], label: int, bound: float) -> Blend | None:
    if doubted.sum() < _FEWEST:
        return None
    named: list[NDArray[np.int64]] = []
    score = beyond = 0.0
    for half in (0, 1):
        mine = look.fold // 2 == half
        direction = _direction(look, mine, doubted & mine & _alike(look, doubted, half))
        if direction is None:
            return None
        along = look.F @ direction
        others = np.flatnonzero(~mine)
        honest = along[others[~doubted[others]]]
        asked = along[others[doubted[others]]]
        beyond += float((asked > np.quantile(honest, _HONEST)).sum()) / doubted.sum()
        order = others[np.argsort(-along[others], kind="stable")]
        first, gain = _farthest(look, order, label)
        score += gain
        named.append(order[:first])
    rows = np.sort(np.concatenate(named))
    if len(rows) < _FEWEST or score < bound or beyond < _BEYOND:
        return None
    expected = float(look.expected[rows, label].mean())
    return Blend(label, rows, int((look.y[rows] == label).sum()), expected) if expected <= _EXPECTED else None


def _farthest(look: _Look, order: NDArray[np.int64], label: int) -> tuple[int, float]:
    """Return how many of the pictures, in order, make the largest likelihood ratio, and that."""
    expected, hit = look.expected[order, label], look.y[order] == label
    count = np.arange(1, len(order) + 1)
    gain = np.cumsum(np.where(hit, np.log((1 - HARD) / expected), np.log(HARD / (1 - expected))))
    good = (
        (np.cumsum(expected) <= _EXPECTED * count)
        & (np.cumsum(hit) >= (1 - IMPURE) * count)
        & (count >= _FEWEST // 2)
    )
    if not good.any():
        return 0, 0.0
    best = int(np.flatnonzero(good)[np.argmax(gain[good])])
    return best + 1, float(gain[best])


def _alike(look: _Look, doubted: NDArray[np.bool_], half: int) -> NDArray[np.bool_]:
    """Return doubted pictures of a half that lie where those of its other quarter point; all of them if few do."""
    out = np.zeros(len(doubted), dtype=bool)
    for learn, ask in ((2 * half, 2 * half + 1), (2 * half + 1, 2 * half)):
        direction = _direction(look, look.fold == learn, doubted & (look.fold == learn))
        if direction is None:
            continue
        along, asked = look.F @ direction, look.fold == ask
        out |= asked & doubted & (along > np.quantile(along[asked & ~doubted], _LIKELY))
    return out if out.sum() >= _FEWEST // 2 else doubted


def _direction(
    look: _Look, mine: NDArray[np.bool_], doubted: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return the linear discriminant between doubted pictures and honest ones of the labels that they seem to have."""
    honest = mine & (look.guess == look.y)
    seem = np.bincount(look.guess[doubted])
    means, weights = [], []
    for label in np.flatnonzero(seem):
        same = honest & (look.y == label)
        if same.any():
            means.append(look.F[same].mean(axis=0))
            weights.append(seem[label])
    if not means or doubted.sum() < _FEWEST // 4 or honest.sum() < _FEWEST:
        return None
    gap = look.F[doubted].mean(axis=0) - np.average(means, axis=0, weights=weights)
    Z = look.F[honest] - look.F[honest].mean(axis=0)
    n, d = Z.shape
    ridge = _RIDGE * float(Z.var(axis=0).mean()) + 1e-6
    if d <= n:
        spread = Z.T @ Z / n
        spread[np.diag_indices_from(spread)] += ridge
        return np.asarray(np.linalg.solve(spread, gap), dtype=np.float64)
    # Woodbury: with more pixels than pictures the pictures' own products are the smaller matrix.
    products = Z @ Z.T / n
    products[np.diag_indices_from(products)] += ridge
    return np.asarray((gap - Z.T @ np.linalg.solve(products, Z @ gap) / n) / ridge, dtype=np.float64)
