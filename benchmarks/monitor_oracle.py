"""How early creep can be seen at all: a test that knows everything of the worlds of monitor_months.py but the onset.

python benchmarks/monitor_oracle.py [MONTHS [CREEPS]]

Hourly means of 17 columns as those worlds have them (AR 0.8, t noise, sampling noise of ROWS). Season, level, both
noises and the slope of the creep are known exactly: a Kalman filter whitens, a matched filter for ramps of seven
lengths scores, and the threshold is tuned on the quiet months themselves. A monitor has to learn all of that.
"""

from __future__ import annotations

import platform
import sys

import numpy as np

ROWS, SERIES, HEAVY = 1000, 17, 7
SLOPE, MEMORY, WANDER = 0.1 / 24, 0.8, 0.06
LENGTHS = (30, 40, 50, 60, 70, 80, 100)
MONTH, LASTS, SETTLES, CLIP, PAUSE = 720, 120, 240, 3.5, 48


def whiten(y: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the standardised innovations of the steady filter of an AR(1) that is seen through noise."""
    q = WANDER**2 * 1.5
    before = q / (1 - MEMORY**2)
    for _ in range(500):
        gain = before / (before + noise)
        before = MEMORY**2 * before * (1 - gain) + q
    x, z = np.zeros(y.shape[1]), np.empty_like(y)
    for t, now in enumerate(y):
        z[t] = (now - x) / np.sqrt(before + noise)
        x = MEMORY * (x + gain * (now - x))
    return z


def draw(rng: np.random.Generator, hours: int, noise: np.ndarray) -> np.ndarray:
    """Return hourly means without season, shape (hours, SERIES)."""
    factor, out = np.zeros(SERIES), np.empty((hours, SERIES))
    for t in range(hours):
        factor = MEMORY * factor + WANDER * rng.standard_t(6, SERIES)
        out[t] = factor + np.sqrt(noise) * rng.standard_normal(SERIES)
    return out


def scores(y: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the largest matched filter of each hour and series, in standard deviations."""
    z = np.clip(whiten(y, noise), -CLIP, CLIP)
    best = np.zeros_like(z)
    for length in LENGTHS:
        ramp = whiten(np.repeat(SLOPE * np.arange(1, length + 1)[:, None], SERIES, axis=1), noise)
        for j in range(SERIES):
            found = np.convolve(z[:, j], ramp[::-1, j])[: len(z)] / np.sqrt((ramp[:, j] ** 2).sum())
            best[:, j] = np.maximum(best[:, j], np.abs(found))
    return best


def alerts(best: np.ndarray, limit: float) -> int:
    """Count alerts; two quiet days end one."""
    loud = [np.flatnonzero(column > limit) for column in best.T]
    return sum(1 + int((np.diff(t) > PAUSE).sum()) for t in loud if len(t))


def main() -> None:
    """Print the table."""
    months, creeps = (int(v) for v in [*sys.argv[1:], *("300", "60")[len(sys.argv) - 1 :]])
    rng = np.random.default_rng(0)
    noise = np.where(np.arange(SERIES) < HEAVY, 2.0, 1.0) / ROWS
    quiet = [scores(draw(rng, MONTH, noise), noise) for _ in range(months)]
    planted = []
    for _ in range(creeps):
        y = draw(rng, SETTLES + LASTS, noise)
        y[SETTLES:] += SLOPE * np.arange(LASTS)[:, None]
        planted.append(scores(y, noise)[SETTLES:])
    print(f"{months} quiet months and {creeps * SERIES} creeps of {SERIES} means, seed 0, "
          f"Python {platform.python_version()}, numpy {np.__version__}.\n")  # fmt: skip
    print("| false alerts of all means in 30 days | threshold, σ | median delay, h |\n|---|---|---|")
    for rate in (0.13, 0.25, 0.5, 1.0):
        low, high = 0.0, 9.0
        for _ in range(20):
            middle = (low + high) / 2
            if sum(alerts(best, middle) for best in quiet) / months > rate:
                low = middle
            else:
                high = middle
        late = [np.argmax(b > high, axis=0) + np.where((b > high).any(axis=0), 1.0, np.inf) for b in planted]
        print(f"| {rate} | {high:.2f} | {np.median(late):g} |", flush=True)


if __name__ == "__main__":
    main()
