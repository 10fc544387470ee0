"""What a model answered, as a table that can be profiled and monitored as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def output_table(
    labels: Any = None, scores: Any = None, *, classes: Sequence[Any] | None = None
) -> pl.DataFrame:
    """Return labels, scores and how sure they are as columns.

    Parameters
    ----------
    labels : n values, optional
        Without them, and with scores of two classes or more, the class of the highest score.
    scores : ndarray of shape (n,) or (n, k), optional
        Probabilities or margins, a column a class; one dimension is a single score (of a second class, or of a
        regression).
    classes : sequence of k values, optional
        What the columns of the scores stand for; else they are numbered.

    Returns
    -------
    polars.DataFrame of n rows
        `label`; `score` or one `score of …` a class; where the scores of a row are all from 0 to 1, `confidence`
        (the highest), `margin` (over the second) and `entropy` (in nats), else missing.

    Raises
    ------
    InputError
        If there is neither, or shapes do not fit.

    Examples
    --------
    >>> table = output_table(scores=np.array([[0.9, 0.1], [0.4, 0.6]]), classes=["keep", "churn"])
    >>> table["label"].to_list(), table["confidence"].to_list()
    (['keep', 'churn'], [0.9, 0.6])
    """
    if labels is None and scores is None:
        raise InputError("a model's answers are labels or scores: give one of them")
    out: dict[str, pl.Series] = {}
    held = None if scores is None else np.asarray(scores, dtype=np.float64)
    if held is not None and held.ndim not in (1, 2):
        raise InputError(f"scores of shape {held.shape}: give a row a case and a column a class")
    names = _names(held, classes)
    if labels is not None:
        given = (
            labels if isinstance(labels, pl.Series) else pl.Series(np.asarray(labels).tolist(), strict=False)
        )
        if held is not None and len(given) != len(held):
            raise InputError(f"{len(given)} labels do not fit {len(held)} rows of scores")
        out["label"] = given
    elif held is not None and held.ndim == 2 and held.shape[1] > 1:
        known = np.asarray(np.isfinite(held).all(axis=1))
        best = np.argmax(np.where(np.isnan(held), -np.inf, held), axis=1).tolist()
        out["label"] = pl.Series([names[b] if k else None for b, k in zip(best, known.tolist(), strict=True)])
    if held is not None:
        out |= _scores(held, names)
    return pl.DataFrame(out).rename(str)


def _names(held: Any, classes: Sequence[Any] | None) -> list[Any]:
    if held is None or held.ndim == 1:
        return []
    names = list(range(held.shape[1])) if classes is None else list(classes)
    if len(names) != held.shape[1] or len({str(n) for n in names}) != len(names):
        raise InputError(
            f"scores of {held.shape[1]} classes need as many names, each once: {len(names)} are given"
        )
    return names


def _scores(held: np.ndarray[Any, Any], names: list[Any]) -> dict[str, pl.Series]:
    if held.ndim == 1:
        both = np.stack([1 - held, held], axis=1)
        out = {"score": pl.Series(held)}
    else:
        both = held
        out = {f"score of {name}": pl.Series(held[:, k]) for k, name in enumerate(names)}
    if both.shape[1] < 2:
        return out
    with np.errstate(invalid="ignore"):
        sure = np.asarray(((both >= 0) & (both <= 1)).all(axis=1))
    shares = np.where(sure[:, None], both, np.nan)
    ordered = np.sort(shares, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(shares > 0, shares * np.log(shares), np.where(shares == 0, 0.0, np.nan))
    more = {
        "confidence": ordered[:, -1],
        "margin": ordered[:, -1] - ordered[:, -2],
        "entropy": -parts.sum(axis=1) + 0.0,
    }
    return out | {name: pl.Series(values).fill_nan(None) for name, values in more.items()}
