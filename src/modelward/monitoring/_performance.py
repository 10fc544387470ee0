"""Performance: how often the model is right, estimated while labels are missing, and counted when they come."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import special

from modelward.errors import InputError
from modelward.profiles import Profile
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from modelward.profiles import Layout

LEAST_ROWS = 20
"""Answers of an hour, and labelled rows of the reference, below which nothing is estimated."""
MOST_HOURS = 90 * 24
MOST_IDS = 200_000
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Performance:
    """How often the model was right in an hour.

    Parameters
    ----------
    hour : int
        Since 1970.
    answers : int
        That the estimate is of.
    estimate, low, high : float
        Share of right answers that labels would show, without any label, with its 95 % interval; NaN where there
        were too few answers. It holds as long as answers mean what they meant in the reference: it sees that the
        model is asked harder questions, not that the world has changed behind equal answers.
    right, labels : int
        Labels that came, and how many of those answers were right.
    doubt : float
        Half of the interval that more answers would not make smaller: how well the reference knows the rates.
    """

    hour: int
    answers: int
    estimate: float
    low: float
    high: float
    right: int = 0
    labels: int = 0
    doubt: float = float("nan")


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often answers were right in the reference, by where they lie in one output column.

    Parameters
    ----------
    column : str
        A score of two classes from 0 to 1 (right if it is on the label's side of one half), or the answer itself.
    right, rows : ndarray of int64
        By slot of the column in the profile.
    score : bool
        Whether it is a score.
    """

    column: str
    right: NDArray[np.int64]
    rows: NDArray[np.int64]
    score: bool

    @property
    def accuracy(self) -> Proportion:
        """Share of right answers in the reference."""
        return Proportion(int(self.right.sum()), int(self.rows.sum()))

    def estimate(self, counts: NDArray[Any]) -> tuple[float, float, float, float]:
        """Return the share of right answers to expect of such counts by slot, its interval, and its doubt.

        Each slot's rate has the beta posterior of a prior worth five rows at the common rate; the interval has their
        variance and that of the labels themselves.
        """
        n = float(counts.sum())
        if n < LEAST_ROWS:
            return (float("nan"),) * 4
        common = (self.right.sum() + 0.5) / (self.rows.sum() + 1.0)
        a, b = self.right + 5 * common, self.rows - self.right + 5 * (1 - common)
        p, share = a / (a + b), counts / n
        value = float(share @ p)
        known, drawn = float(share**2 @ (p * (1 - p) / (a + b + 1))), float(share @ (p * (1 - p)) / n)
        wide = float(special.ndtri(0.5 + _CONFIDENCE / 2))
        half = wide * (known + drawn) ** 0.5
        return value, max(0.0, value - half), min(1.0, value + half), wide * known**0.5

    def is_right(self, answers: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which encoded answers are right, given encoded labels."""
        if self.score:
            return np.asarray((answers >= 0.5) == (truth >= 0.5))
        return np.asarray(answers == truth)


def calibrate(
    layout: Layout, inputs: int, X: NDArray[np.float64], labels: Any, answer: str | None
) -> Calibration:
    """Learn how often answers are right.

    Parameters
    ----------
    layout : Layout
        Of inputs and outputs.
    inputs : int
        How many of its columns are inputs.
    X : ndarray of float64, shape (n, d)
        Encoded reference.
    labels : n values
        None or NaN where there is none.
    answer : str, optional
        The output column; needed if there are several.

    Raises
    ------
    InputError
        If labels and outputs do not fit each other.
    """
    names = layout.names[inputs:]
    if answer is None and len(names) != 1:
        known = ", ".join(names) or "none"
        raise InputError(f"labels need the output that they belong to, of {known}: name it (answer)")
    column = answer if answer is not None else names[0]
    if column not in names:
        raise InputError(f"there is no output {column!r}; there are {', '.join(names) or 'none'}")
    truth = encode_labels(layout, column, labels)
    j = layout.names.index(column)
    answers = X[:, j]
    if len(truth) != len(answers):
        raise InputError(f"{len(truth)} labels do not fit {len(answers)} rows")
    there = np.isfinite(answers) & np.isfinite(truth)
    if int(there.sum()) < LEAST_ROWS:
        found = f"{int(there.sum())} rows of the reference have an answer and a label"
        raise InputError(f"{found}: {LEAST_ROWS} are needed")
    score = not layout.schema.columns[j].coded and bool(
        ((answers[there] >= 0) & (answers[there] <= 1)).all() and np.isin(truth[there], (0.0, 1.0)).all()
    )
    if not score and not np.isin(answers[there], np.unique(truth[there])).any():
        raise InputError(
            f"no answer of {column!r} equals any label: give the class that was answered, or a score from 0 to 1 and "
            "labels 0 and 1"
        )
    held = Calibration(column, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), score)
    right = np.zeros(len(X), dtype=bool)
    right[there] = held.is_right(answers[there], truth[there])
    counts = []
    for rows in (right, there):
        profile = Profile(layout)
        profile.update(X[rows])
        counts.append(profile.counts[j].copy())
    return Calibration(column, counts[0], counts[1], score)


def encode_labels(layout: Layout, column: str, labels: Any) -> NDArray[np.float64]:
    """Return labels in the encoding of an output column, NaN where there is none or it was never an answer.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    try:
        frame = pl.DataFrame({column: pl.Series(labels, strict=False)})
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        raise InputError("labels are a list of values, one a row") from None
    if frame[column].dtype == pl.Boolean and not layout.schema.columns[layout.names.index(column)].coded:
        frame = frame.cast(pl.Float64)
    encoded, problems = layout.encode(frame)
    if problems.get(column) == "type changed":
        raise InputError(f"labels are of another type than the output {column!r}")
    return encoded[:, layout.names.index(column)]


class Ledger:
    """Estimates by hour, labels that came, and answers that still wait for theirs; all bounded.

    Parameters
    ----------
    calibration : Calibration, optional
        Without it nothing is kept.
    """

    def __init__(self, calibration: Calibration | None) -> None:
        self.calibration = calibration
        self._hours: OrderedDict[int, list[float]] = OrderedDict()
        self._waiting: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def judge(self, hour: int, counts: NDArray[Any], answers: int) -> None:
        """Take in the slots of the answers that an hour's estimate is made of, and how many are of the hour itself."""
        if self.calibration is None:
            return
        held = self._entry(hour)
        held[0] = float(answers)
        held[1:5] = self.calibration.estimate(counts)

    def remember(self, ids: Sequence[Any], hours: NDArray[np.float64], answers: NDArray[np.float64]) -> int:
        """Keep answers until their labels come; return how many older ones had to go."""
        for name, hour, answer in zip(ids, hours.tolist(), answers.tolist(), strict=True):
            if np.isfinite(hour) and np.isfinite(answer):
                self._waiting[str(name)] = (int(hour), answer)
        lost = max(0, len(self._waiting) - MOST_IDS)
        for _ in range(lost):
            self._waiting.popitem(last=False)
        return lost

    def settle(self, ids: Sequence[Any], truth: NDArray[np.float64]) -> int:
        """Take in labels of answers that were remembered; return how many were not."""
        unknown, hours, answers, labels = 0, [], [], []
        for name, label in zip(ids, truth.tolist(), strict=True):
            held = self._waiting.get(str(name))
            if held is None or not np.isfinite(label):
                unknown += held is None
                continue
            del self._waiting[str(name)]
            hours.append(held[0])
            answers.append(held[1])
            labels.append(label)
        self.count(np.array(hours, dtype=float), np.array(answers), np.array(labels))
        return unknown

    def count(
        self, hours: NDArray[np.float64], answers: NDArray[np.float64], truth: NDArray[np.float64]
    ) -> int:
        """Take in answers together with their labels; return how many could not be counted."""
        there = np.isfinite(hours) & np.isfinite(answers) & np.isfinite(truth)
        if self.calibration is None:
            return len(hours)
        right = self.calibration.is_right(answers[there], truth[there])
        for hour in np.unique(hours[there]).tolist():
            here = hours[there] == hour
            held = self._entry(int(hour))
            held[5] += float(right[here].sum())
            held[6] += float(here.sum())
        return int((~there & np.isfinite(truth)).sum())

    def all(self) -> tuple[Performance, ...]:
        """Return the hours by time."""
        return tuple(
            Performance(hour, int(h[0]), h[1], h[2], h[3], int(h[5]), int(h[6]), h[4])
            for hour, h in sorted(self._hours.items())
        )

    def held(self) -> list[list[float | None]]:
        """Return all hours for JSON; answers that wait are not among them."""
        return [[hour, *(v if np.isfinite(v) else None for v in h)] for hour, h in self._hours.items()]

    def restore(self, held: Sequence[Sequence[float | None]]) -> None:
        """Go on from `held`.

        Raises
        ------
        ValueError
            If it is none.
        """
        for hour, *figures in held:
            if hour is None or len(figures) != 7:
                raise ValueError
            self._hours[int(hour)] = [float("nan") if v is None else float(v) for v in figures]

    def _entry(self, hour: int) -> list[float]:
        if hour not in self._hours:
            self._hours[hour] = [0.0, *[float("nan")] * 4, 0.0, 0.0]
            if len(self._hours) > MOST_HOURS:
                del self._hours[min(self._hours)]
                if hour not in self._hours:
                    return [0.0] * 7
        return self._hours[hour]


def calibration_of(raw: Mapping[str, Any] | None, arrays: Mapping[str, NDArray[Any]]) -> Calibration | None:
    """Return the calibration that was stored, if any.

    Raises
    ------
    ValueError, KeyError
        If it is damaged.
    """
    if raw is None:
        return None
    right, rows = (arrays[f"calibration/{k}"].astype(np.int64) for k in ("right", "rows"))
    if right.shape != rows.shape or right.ndim != 1 or (right > rows).any() or (right < 0).any():
        raise ValueError
    return Calibration(str(raw["column"]), right, rows, bool(raw["score"]))
