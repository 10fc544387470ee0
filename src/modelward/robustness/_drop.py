"""What a corruption costs: the column that hurts most is chosen on one half and measured on the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import SubjectError
from modelward.findings import MIN_ROWS
from modelward.robustness._corruptions import table_corruptions
from modelward.stats import Normal, Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.robustness._corruptions import Corruption, Target


@dataclass(frozen=True)
class Drop:
    """Effect of one corruption.

    Parameters
    ----------
    corruption : str
        Its name.
    columns : tuple of str
        The column (or two, or a one-hot group) in which it hurts most.
    drop : Normal or None
        Loss of balanced accuracy (0 to 1), paired; None where the model refused to answer.
    changed : Proportion or None
        Share of rows whose label changes.
    by_column : tuple of (str, float)
        Share of labels changed for every column tried, on the half that chose.
    rows : ndarray of shape (n, d)
        The broken rows that were measured.
    """

    corruption: str
    columns: tuple[str, ...]
    drop: Normal | None
    changed: Proportion | None
    by_column: tuple[tuple[str, float], ...]
    rows: NDArray[np.float64]


def paired_loss(before: NDArray[np.bool_], after: NDArray[np.bool_], y: NDArray[np.int64]) -> Normal:
    """Return the loss of balanced accuracy from paired answers to the same rows.

    The loss is the mean over classes of the mean paired difference; its variance is the sum of the classes'
    variances over the number of classes squared. Classes of fewer than ten rows do not count.

    Parameters
    ----------
    before, after : ndarray of bool, shape (n,)
        Whether each row was right.
    y : ndarray of int, shape (n,)
        True classes.
    """
    gaps, errors = [], []
    for k in np.unique(y):
        own = y == k
        if own.sum() >= MIN_ROWS:
            difference = before[own].astype(float) - after[own]
            gaps.append(difference.mean())
            # One phantom row that moved keeps the interval from closing where no row moved.
            size = int(own.sum())
            second = (float((difference**2).sum()) + 1.0) / (size + 1)
            errors.append(max(second - difference.mean() ** 2, 1.0 / (size + 1)) / size)
    value, classes = float(np.mean(gaps)), len(gaps)
    return Normal(
        value, float(np.sqrt(np.sum(errors)) / classes), len(y), "paired normal, by class", -1.0, 1.0
    )


def affordable(subject: Subject, rows: int, probe_rows: int = 500) -> tuple[int, int]:
    """Return how many rows can choose the worst columns, and how many rows there can be in all.

    Parameters
    ----------
    subject : Subject
        Its meter bounds the rows.
    rows : int
        Rows at hand.
    probe_rows : int
        Rows that choose where nothing bounds them.
    """
    probe = min(probe_rows, rows // 2)
    left = subject.meter.left
    if left is None:
        return probe, rows
    kinds = [len(corruption.targets(subject.codec.schema)) for corruption in table_corruptions(subject.codec)]
    tried, measured = sum(kinds) + 1, sum(kind > 0 for kind in kinds) + 1
    probe = min(probe, left // (2 * tried))
    return probe, min(rows, probe + left // (2 * measured))


def corrupt(
    subject: Subject,
    X: NDArray[np.float64],
    y: NDArray[np.int64],
    *,
    random_state: int | np.random.Generator,
    probe_rows: int = 500,
) -> list[Drop]:
    """Try every corruption on every column that it can break.

    Parameters
    ----------
    subject : Subject
    X, y : ndarray of shape (n, d), (n,)
        Honest rows and their classes.
    random_state : int or Generator
        Splits the rows and drives the corruptions.
    probe_rows : int
        Rows with which the worst column is chosen.

    Returns
    -------
    list of Drop
        One for each corruption that this schema offers a column to.

    Raises
    ------
    ValueError
        If the half that measures has fewer than two classes of ten rows.
    """
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(X))
    probe, rest = order[: min(probe_rows, len(X) // 2)], order[min(probe_rows, len(X) // 2) :]
    if (np.bincount(y[rest]) >= MIN_ROWS).sum() < 2:
        raise ValueError(
            f"of the {len(rest)} rows that measure, fewer than two labels have {MIN_ROWS} rows each"
        )
    schema = subject.codec.schema
    clean_probe, clean_rest = subject.codes(X[probe]), subject.codes(X[rest])
    drops = []
    for corruption in table_corruptions(subject.codec):
        targets = corruption.targets(schema)
        if not targets:
            continue
        shares = _probe(subject, corruption, X[probe], clean_probe, targets, rng)
        named = tuple(
            (" / ".join(schema.names[j] for j in target), share)
            for target, share in zip(targets, shares, strict=True)
            if share is not None
        )
        worst = max(range(len(targets)), key=lambda i: -1.0 if shares[i] is None else float(shares[i] or 0.0))
        columns = tuple(schema.names[j] for j in targets[worst])
        broken = corruption.apply(X[rest], targets[worst], rng)
        if shares[worst] is None:
            drops.append(Drop(corruption.name, columns, None, None, named, broken))
            continue
        answers = subject.codes(broken)
        drops.append(
            Drop(
                corruption.name, columns, paired_loss(clean_rest == y[rest], answers == y[rest], y[rest]),
                Proportion(int((answers != clean_rest).sum()), len(rest)), named, broken,
            )
        )  # fmt: skip
    return drops


def _probe(
    subject: Subject,
    corruption: Corruption,
    X: NDArray[np.float64],
    clean: NDArray[np.int64],
    targets: Sequence[Target],
    rng: np.random.Generator,
) -> list[float | None]:
    """Return the share of labels that change for each target; None where the model refuses to answer."""
    blocks = [corruption.apply(X, target, rng) for target in targets]
    try:
        answers = subject.codes(np.vstack(blocks)).reshape(len(blocks), len(X))
        return [float((row != clean).mean()) for row in answers]
    except SubjectError:
        pass
    shares: list[float | None] = []
    for block in blocks:
        try:
            shares.append(float((subject.codes(block) != clean).mean()))
        except SubjectError:
            shares.append(None)
    return shares
