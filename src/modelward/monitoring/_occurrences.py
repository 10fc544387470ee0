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
_ODDS = 1.96
"""One occurrence in twenty goes beyond, up or down, were the logarithms of their largest scores normal."""
_ORDINARY = 0.95
"""An event is not calmer than ordinary days: its limits are at least what so many of those stay under."""
_SPREAD, _WORTH = 0.35, 4.0
"""What those logarithms differ by from one occurrence to another, before any was seen, and how many it counts for."""
_LEAST_BETWEEN = 0.02
_GAP = 2
"""So many hours that past occurrences lack are taken to lie between those around them."""


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
    limit : ndarray of float64, shape (2, S)
        How many σ of an hour's innovation it may go above and below that.
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
    limit : ndarray of float64, shape (2, S)
        How far an hour may be above and below that, in σ of an hour's innovation.
    """

    effect: NDArray[np.float64]
    limit: NDArray[np.float64]


def learn_past(
    seen: Mapping[str, Sequence[Occurrence]],
    touched: Mapping[str, NDArray[np.bool_]],
    memory: NDArray[np.float64],
    days: NDArray[np.float64],
) -> dict[str, Past]:
    """Learn what events do to the S series, of those that occurred twice or more.

    Every occurrence is compared with what the others did in the same hours. How far it goes above and below that at
    most, over all series that the event touches, is taken for log-normal: of each event's own middle, drawn towards
    the middle of all events the fewer occurrences it has, and of a spread that is told from all of them. So an event
    that was seen twice is not judged by the luck of two draws. Series with outbursts of their own have limits of
    their own.

    Parameters
    ----------
    seen : mapping of event name to occurrences
    touched : mapping of event name to ndarray of bool, shape (S,)
    memory : ndarray of float64, shape (S,)
        Autocorrelation of what is left over.
    days : ndarray of float64, shape (D, S)
        Largest scores of ordinary days that were not learned from.
    """
    enough = {name: held for name, held in seen.items() if len(held) >= ENOUGH and touched[name].any()}
    effects = {name: _effect(held) for name, held in enough.items()}
    largest = {name: _misses(held, effects[name], memory) for name, held in enough.items()}
    apart = {name: _apart(peaks, touched[name]) for name, peaks in largest.items()}
    own = {name: peaks[:, :, touched[name] & ~apart[name]].max(axis=2) for name, peaks in largest.items()}
    out = {name: Past(_filled(effects[name]), np.empty((2, len(memory)))) for name in enough}
    for side in range(2):
        common = _predicted({name: peaks[:, side] for name, peaks in own.items()})
        for name, peaks in largest.items():
            calm = days[:, touched[name] & ~apart[name]].max(axis=1, initial=0.0)
            least = max(common[name], float(np.quantile(calm, _ORDINARY)) if len(calm) else 0.0)
            out[name].limit[side] = least
            for j in np.flatnonzero(apart[name]).tolist():
                alone = _predicted({name: peaks[:, side, j]})[name]
                out[name].limit[side, j] = max(least, alone)
    return out


def _apart(peaks: NDArray[np.float64], touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which of the touched series have outbursts of their own, shape (S,)."""
    most = np.where(touched, peaks.max(axis=(0, 1)), 0.0)
    return np.asarray(most > WILD * np.maximum(np.median(most[touched]), 1e-9))


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


def _filled(effect: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an effect without short gaps between hours that are known, shape (H, S)."""
    out, hours = effect.copy(), np.arange(len(effect))
    for j in np.flatnonzero(np.isnan(effect).any(axis=0) & np.isfinite(effect).any(axis=0)).tolist():
        known = np.flatnonzero(np.isfinite(effect[:, j]))
        before = np.searchsorted(known, hours, side="right") - 1
        inside = (before >= 0) & (before < len(known) - 1)
        after = known[np.minimum(before + 1, len(known) - 1)]
        short = inside & (after - known[np.maximum(before, 0)] - 1 <= _GAP)
        out[short, j] = np.interp(hours[short], known, effect[known, j])
    return out


def _misses(
    held: Sequence[Occurrence], effect: NDArray[np.float64], memory: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest scores of each occurrence above and below what the others did, shape (n, 2, S).

    What n − 1 others tell is less sure than what all n will tell of the next one, and the scores are made
    smaller by that.
    """
    left, scale = _stacked(held)
    n, share = len(held), _share(left, scale)
    known = np.isfinite(effect)
    smaller = np.sqrt((1 + 1 / n) / (1 + 1 / (n - 1)))
    out = np.zeros((n, 2, left.shape[2]))
    for k, o in enumerate(held):
        others = np.nan_to_num(share * _middle(np.delete(left, k, axis=0)))
        missed = np.where(known & np.isfinite(left[k]), left[k] - others, 0.0)
        before = np.concatenate([np.nan_to_num(o.before)[None], missed[:-1]])
        score = np.where(missed != 0.0, (missed - memory * before) / scale[k], 0.0)
        out[k, 0] = smaller * score.max(axis=0, initial=0.0)
        out[k, 1] = smaller * (-score).max(axis=0, initial=0.0)
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
