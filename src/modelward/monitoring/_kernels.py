"""An hour of all watched series in one compiled pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

WEEK = 168
LEVEL = 1.0 / WEEK
"""Weight of an hour in the running level: about a week's memory."""
CLIP = 3.0
SLACK = 0.25
QUICK_CLIP, QUICK_SLACK, QUICK_WEIGHT = 5.0, 1.5, 4.0
"""Of the sums for moves that are small for one hour and large for five; on quiet hours they stay a fourth as high."""
BACK = 0.5
"""A slow alarm is over when its score is back to this part of the threshold; until then it is the same one."""
PLAIN, WITHIN, BEYOND = 1, 2, 3
"""What an alarm is: of an ordinary hour, of an event that did as much before, of one that went beyond."""


@njit(cache=True, nogil=True)
def advance(
    y: Any, season: Any, scale: Any, memory: Any, level: Any, last: Any, sums: Any,
    held: Any, own: Any, effect: Any, z: Any,
) -> None:  # fmt: skip
    """Take in an hour: each series' standardised innovation into z, and its state in place, all of shape (S,).

    The level follows what is left after clipping, so one wild hour cannot drag it away. The sums (4, S) are CUSUMs
    (Page 1954), upwards and downwards, with slack 0.25 over innovations clipped at 3, and 1.5 at 5. Series that are
    `held` by an event are scored, and leave no trace in level and sums; of those whose past in the event is known
    (`own`), whose `effect` is taken off, the last residual is kept, since what an event leaves unexplained lasts as
    well.
    """
    for j in range(len(y)):
        there = np.isfinite(y[j])
        left = y[j] - season[j] - level[j] - effect[j] if there else 0.0
        z[j] = (left - memory[j] * last[j]) / scale[j] if there else 0.0
        if there and not held[j]:
            clipped = min(max(z[j], -CLIP), CLIP)
            sums[0, j] = max(0.0, sums[0, j] + clipped - SLACK)
            sums[1, j] = max(0.0, sums[1, j] - clipped - SLACK)
            further = min(max(z[j], -QUICK_CLIP), QUICK_CLIP)
            sums[2, j] = max(0.0, sums[2, j] + further - QUICK_SLACK)
            sums[3, j] = max(0.0, sums[3, j] - further - QUICK_SLACK)
            wide = CLIP * scale[j] / np.sqrt(1.0 - memory[j] ** 2)
            level[j] = level[j] + LEVEL * min(max(left, -wide), wide)
            last[j] = left
        else:
            last[j] = left if there and own[j] else 0.0


@njit(cache=True, nogil=True, inline="always")
def _slow(sums: Any, j: int) -> Any:
    """Return the slow score of a series, signed."""
    up, down = max(sums[0, j], QUICK_WEIGHT * sums[2, j]), max(sums[1, j], QUICK_WEIGHT * sums[3, j])
    return up if up >= down else -down


@njit(cache=True, nogil=True)
def running(Y: Any, level: Any, out: Any) -> None:
    """Write the running level before each hour of Y (T, S) to out, begun at `level` (S,), which is used up."""
    for t in range(len(Y)):
        for j in range(Y.shape[1]):
            out[t, j] = level[j]
            if not np.isnan(Y[t, j]):
                level[j] += LEVEL * (Y[t, j] - level[j])


@njit(cache=True, nogil=True)
def highest(
    Y: Any, phase: Any, season: Any, scale: Any, memory: Any, frozen: Any, drift: Any, level: Any, last: Any,
    sums: Any, out: Any, days: Any, weeks: Any,
) -> None:  # fmt: skip
    """Write the largest fast, slow and reference score of each series over hours Y (T, S) to out (3, S).

    The largest fast score of each day goes to days (T / 24, S), the largest slow one of each week to weeks
    (T / 168, S).
    """
    s = Y.shape[1]
    z, nothing, never = np.empty(s), np.zeros(s), np.zeros(s, dtype=np.bool_)
    for t in range(len(Y)):
        p = phase[t]
        advance(Y[t], season[p], scale[p % 24], memory, level, last, sums, never, never, nothing, z)
        wanders = np.sqrt(max(1.0, (t + 1) / (4 * WEEK)))
        for j in range(s):
            days[t // 24, j] = max(days[t // 24, j], abs(z[j]))
            weeks[t // WEEK, j] = max(weeks[t // WEEK, j], abs(_slow(sums, j)))
            out[0, j] = max(out[0, j], abs(z[j]))
            out[1, j] = max(out[1, j], abs(_slow(sums, j)))
            out[2, j] = max(out[2, j], abs((level[j] - frozen[j]) / (drift[j] * wanders)))


@njit(cache=True, nogil=True)
def judge(
    y: Any, season: Any, scale: Any, memory: Any, frozen: Any, drift: Any, hours: int,
    level: Any, last: Any, sums: Any, settling: Any, side: Any,
    limits: Any, held: Any, own: Any, effect: Any, bound: Any, scores: Any, loud: Any, again: Any, usual: Any,
) -> int:  # fmt: skip
    """Take in an hour and say what alarms: scores, kinds of alarms and whether they go on, shapes (3, S).

    Rows are the fast, the slow and the reference detector. Where the past of an event is known, `bound` (2, S) says
    how far the fast score may go above and below its effect. What season and level gave to expect goes to `usual`
    (S,). Returned is the number of alarms.
    """
    for j in range(len(y)):
        usual[j] = season[j] + level[j] + memory[j] * last[j]
    advance(y, season, scale, memory, level, last, sums, held, own, effect, scores[0])
    weeks, count = np.sqrt(max(1.0, hours / (4 * WEEK))), 0
    for j in range(len(y)):
        there = np.isfinite(y[j])
        if settling[j] > 0:
            settling[j] -= 1
            frozen[j] = level[j]
        z = scores[0, j]
        scores[1, j] = _slow(sums, j)
        scores[2, j] = (level[j] - frozen[j]) / (drift[j] * weeks)
        loud[0, j] = PLAIN if abs(z) > limits[0, j] else 0
        if held[j] and own[j] and there:
            whole = z + effect[j] / scale[j]
            loud[0, j] = (
                BEYOND if z > bound[0, j] or -z > bound[1, j] else WITHIN if abs(whole) > limits[0, j] else 0
            )
            scores[0, j] = whole if loud[0, j] == WITHIN else z
        before_up, before_down = side[0, j], side[1, j]
        turned = np.sign(z)
        again[0, j] = (before_up == turned and before_up != 0) or (before_down == turned and before_down != 0)
        for d in range(1, 3):
            before, score = side[d - 1, j], scores[d, j]
            loud[d, j] = PLAIN if abs(score) > limits[d, j] and there and not held[j] else 0
            again[d, j] = before == np.sign(score)
            if loud[d, j]:
                side[d - 1, j] = np.sign(score)
            elif there and abs(score) < BACK * limits[d, j]:
                side[d - 1, j] = 0.0
        # A sum that grew on would be away for as long again after the shift is over.
        for k in range(4):
            sums[k, j] = min(sums[k, j], limits[1, j] if k < 2 else limits[1, j] / QUICK_WEIGHT)
        count += (loud[0, j] > 0) + (loud[1, j] > 0) + (loud[2, j] > 0)
    return count
