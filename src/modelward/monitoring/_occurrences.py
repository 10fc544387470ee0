"""Past occurrences of events: what each hour of an event did to every series, and how much that differed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.monitoring._folds import WILD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ENOUGH = 2
"""Past occurrences that are needed to learn what an event does."""
LONGEST = 168
"""Hours of an event that are learned one by one; longer ones are taken to repeat themselves by the week."""
_ROUND = 3
"""Up to so many occurrences their mean is what the event does, of more the median."""
_ODDS = 1.64
"""One occurrence in twenty goes beyond, were the logarithms of their largest scores normal."""
_SPREAD, _WORTH = 0.35, 4.0
"""What those logarithms differ by from one occurrence to another, before any was seen, and how many it counts for."""
_LEAST_BETWEEN = 0.02


@dataclass(frozen=True, eq=False)
class EventHour:
    """What is known of an hour in which an event goes on, shapes (S,).

    Parameters
    ----------
    held : ndarray of bool
        Series that the event may move.
    known : ndarray of bool
        Of these the ones that past occurrences tell something of.
    effect : ndarray of float64
        How far it moves them in this hour; 0 where nothing is known.
    limit : ndarray of float64
        How many σ of an hour's innovation it may miss that by.
    """

    held: NDArray[np.bool_]
    known: NDArray[np.bool_]
    effect: NDArray[np.float64]
    limit: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Occurrence:
    """One past occurrence of H hours: what season and level left over, in their unit and by hour, shapes (H, S).

    `before` is what they left over in the hour before it, shape (S,).
    """

    left: NDArray[np.float64]
    scale: NDArray[np.float64]
    before: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Past:
    """What an event did.

    Parameters
    ----------
    effect : ndarray of float64, shape (H, S)
        By hour of the event; NaN where fewer than two occurrences have that hour.
    limit : ndarray of float64, shape (S,)
        How far an hour may be from that, in σ of an hour's innovation.
    """

    effect: NDArray[np.float64]
    limit: NDArray[np.float64]


def learn_past(
    seen: Mapping[str, Sequence[Occurrence]],
    touched: Mapping[str, NDArray[np.bool_]],
    memory: NDArray[np.float64],
) -> dict[str, Past]:
    """Learn what events do to the S series, of those that occurred twice or more.

    Every occurrence is compared with what the others did in the same hours. How far it goes at most, over all
    series that the event touches, is taken for log-normal: of each event's own middle, drawn towards the middle
    of all events the fewer occurrences it has, and of a spread that is told from all of them. So an event that was
    seen twice is not judged by the luck of two draws. Series with outbursts of their own have limits of their own.

    Parameters
    ----------
    seen : mapping of event name to occurrences
    touched : mapping of event name to ndarray of bool, shape (S,)
    memory : ndarray of float64, shape (S,)
        Autocorrelation of what is left over.
    """
    enough = {name: held for name, held in seen.items() if len(held) >= ENOUGH and touched[name].any()}
    effects = {name: _effect(held) for name, held in enough.items()}
    largest = {name: _misses(held, effects[name], memory) for name, held in enough.items()}
    own: dict[str, NDArray[np.float64]] = {}
    apart: dict[str, NDArray[np.bool_]] = {}
    for name, peaks in largest.items():
        most = np.where(touched[name], peaks.max(axis=0), 0.0)
        apart[name] = most > WILD * np.maximum(np.median(most[touched[name]]), 1e-9)
        calm = touched[name] & ~apart[name]
        own[name] = peaks[:, calm].max(axis=1)
    common = _predicted(own)
    out = {}
    for name, peaks in largest.items():
        limit = np.full(peaks.shape[1], common[name])
        for j in np.flatnonzero(apart[name]).tolist():
            limit[j] = max(common[name], _predicted({name: peaks[:, j]})[name])
        out[name] = Past(effects[name], limit)
    return out


def _stacked(held: Sequence[Occurrence]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what was left over and scales, shape (n, H, S), NaN beyond an occurrence's end."""
    length = min(LONGEST, max(len(o.left) for o in held))
    shape = (len(held), length, held[0].left.shape[1])
    left, scale = np.full(shape, np.nan), np.ones(shape)
    for k, o in enumerate(held):
        left[k, : len(o.left)], scale[k, : len(o.left)] = o.left[:length], o.scale[:length]
    return left, scale


def _middle(left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middle of occurrences by hour, shape (H, S); NaN where there are none."""
    none = np.isnan(left).all(axis=0)
    filled = np.where(none, 0.0, left)
    found = np.nanmean(filled, axis=0) if len(left) <= _ROUND else np.nanmedian(filled, axis=0)
    return np.asarray(np.where(none, np.nan, found))


def _share(left: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the middle is the event's own and not chance (James and Stein 1961), shape (S,)."""
    n = np.isfinite(left).sum(axis=0)
    both = n >= ENOUGH
    mean = np.where(both, np.nansum(left, axis=0) / np.maximum(n, 1), 0.0)
    apart = np.where(both & np.isfinite(left), (left - mean) / scale, 0.0)
    freedom = np.maximum(np.where(both, n - 1, 0).sum(axis=0), 1)
    noise = (apart**2).sum(axis=(0, 1)) / freedom
    hours = np.maximum(both.sum(axis=0), 1)
    size = np.where(both, (mean / scale.mean(axis=0)) ** 2, 0.0).sum(axis=0) / hours
    each = np.where(both, n, 0).sum(axis=0) / hours
    return np.asarray(np.clip(1.0 - noise / np.maximum(each, 1.0) / np.maximum(size, 1e-12), 0.0, 1.0))


def _effect(held: Sequence[Occurrence]) -> NDArray[np.float64]:
    left, scale = _stacked(held)
    found = _share(left, scale) * _middle(left)
    return np.asarray(np.where(np.isfinite(left).sum(axis=0) >= ENOUGH, found, np.nan))


def _misses(
    held: Sequence[Occurrence], effect: NDArray[np.float64], memory: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest score of each occurrence beside what the others did, shape (n, S).

    What n − 1 others tell is less sure than what all n will tell of the next one, and the scores are made
    smaller by that.
    """
    left, scale = _stacked(held)
    n, share = len(held), _share(left, scale)
    known = np.isfinite(effect)
    smaller = np.sqrt((1 + 1 / n) / (1 + 1 / (n - 1)))
    out = np.zeros((n, left.shape[2]))
    for k, o in enumerate(held):
        others = np.nan_to_num(share * _middle(np.delete(left, k, axis=0)))
        missed = np.where(known & np.isfinite(left[k]), left[k] - others, 0.0)
        before = np.concatenate([np.nan_to_num(o.before)[None], missed[:-1]])
        score = np.where(missed != 0.0, np.abs(missed - memory * before) / scale[k], 0.0)
        out[k] = smaller * score.max(axis=0, initial=0.0)
    return out


def _predicted(largest: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return of each event what its next occurrence stays under, given the largest scores of past ones."""
    logs = {name: np.log(np.maximum(v, 1.0)) for name, v in largest.items()}
    if not logs:
        return {}
    middles = np.array([v.mean() for v in logs.values()])
    freedom = sum(len(v) - 1 for v in logs.values())
    squares = sum(float(((v - v.mean()) ** 2).sum()) for v in logs.values())
    spread = (squares + _WORTH * _SPREAD**2) / (freedom + _WORTH)
    each = float(np.mean([len(v) for v in logs.values()]))
    between = max(float(middles.var()) - spread / each, _LEAST_BETWEEN)
    out = {}
    for name, v in logs.items():
        weight = between / (between + spread / len(v))
        middle = weight * float(v.mean()) + (1 - weight) * float(np.median(middles))
        own = (float(((v - v.mean()) ** 2).sum()) + _WORTH * spread) / (len(v) - 1 + _WORTH)
        out[name] = float(np.exp(middle + _ODDS * np.sqrt(own * (1 + 1 / len(v)))))
    return out
