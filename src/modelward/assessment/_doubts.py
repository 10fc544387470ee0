"""What is odd about the inputs, though it is no error: said in the report before any figure is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.errors import SubjectError
from modelward.findings import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from modelward.checks import Answers, Sample
    from modelward.models import Subject

_SEEN = 0.05
_ASKED_AGAIN = 200


def seen_before(train: pl.DataFrame, test: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    """Note how many rows of `test` stand in `train` too, label included; nothing where that is no more than chance.

    Coarse tables repeat rows by nature. So the share is compared with that of training rows which have a twin
    among the training rows themselves.

    Parameters
    ----------
    train, test : polars.DataFrame
    columns : sequence of str
        Features and target.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"a": range(40), "y": [0, 1] * 20})
    >>> seen_before(table, table[:20], ["a", "y"])[0][:52]
    '20 of 20 rows of --data stand in --train, too: figur'
    >>> seen_before(table[:20], table[20:], ["a", "y"])
    []
    """
    try:
        trained = train.select(columns)
        asked = test.select(columns).cast(trained.schema).hash_rows(seed=0).to_numpy()
        known = trained.hash_rows(seed=0).to_numpy()
    except Exception:  # noqa: BLE001 - columns of two kinds are nowhere equal, and are reported by others
        return []
    shared = int(np.isin(asked, known).sum())
    _, place, counts = np.unique(known, return_inverse=True, return_counts=True)
    twins = float((counts[place] > 1).mean())
    if shared < MIN_ROWS or shared / len(asked) <= twins + _SEEN:
        return []
    said = (
        f"{shared:,} of {len(asked):,} rows of --data stand in --train, too: figures on --data are better there than "
        "on rows that the model has not seen"
    )
    return [said]


def unsteady(subject: Subject, test: Sample, known: Answers) -> list[str]:
    """Note that the model answers the same rows differently when it is asked again.

    A few rows are asked twice, one call; not where the caller bounded the rows that may be sent.
    """
    if subject.meter.left is not None:
        return []
    rows = slice(0, _ASKED_AGAIN)
    try:
        codes, scores = subject.ask(test.X[rows])
    except SubjectError:
        return ["the model failed when it was asked the same rows a second time"]
    before = known.scores
    labels = int((codes != known.codes[rows]).sum())
    same_scores = (
        scores is None or before is None or np.allclose(scores.values, before.values[rows], equal_nan=True)
    )
    if not labels and same_scores:
        return []
    what = f"the label of {labels} of {len(codes)} rows" if labels >= MIN_ROWS else "a few labels or scores"
    said = (
        f"asked twice, the model changed {what}: it draws random numbers or keeps a state, so figures of this report "
        "vary from run to run"
    )
    return [said]
