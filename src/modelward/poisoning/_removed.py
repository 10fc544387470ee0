"""Rows that only the reference has: whether a rule says which are gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelward.poisoning._cells import PEELS
from modelward.poisoning._evidence import nats_of_chance, surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._ranges import rule_mask, rule_text
from modelward.poisoning._rules import Aim, search
from modelward.poisoning._suspects import Suspect
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._align import Tables


def removed(t: Tables, kept: NDArray[np.int64]) -> list[Suspect]:
    """Return the rules under which rows of the reference are gone far more often than elsewhere; none for chance.

    A table thinned out at random has no such rule. Rows that are gone by their label alone, to balance a table, or by
    their other values alone, such as old ones, are no evidence of tampering, though somebody should know of them. Rows
    of one label that are gone from one group make the model believe something of that group.

    Parameters
    ----------
    t : Tables
    kept : ndarray of int
        Rows of the reference that are in the new table as well.
    """
    n = t.new.height
    gone = np.ones(t.coded.rows - n, dtype=bool)
    gone[kept] = False
    if not gone.any():
        return []
    before = t.coded.take(np.arange(n, t.coded.rows))
    label = -1
    if t.y is not None and t.target is not None:
        label = len(before.names)
        before = replace(
            before, names=(*before.names, t.target), codes=(*before.codes, t.y[n:].astype(np.int32)),
            words=(*before.words, tuple(t.labels)), ordered=(*before.ordered, False),
        )  # fmt: skip
    found: list[Suspect] = []
    group = gone.astype(np.int64)
    for _ in range(PEELS):
        # Old rows that were dropped must not hide that rows of one label are gone as well.
        left = group >= 0
        if not MIN_ROWS <= (group == 1).sum() <= left.sum() - MIN_ROWS:
            break
        score = surplus([1], [0], float(gone[left].mean()))
        grid, (best,) = search(before, group, 2, [Aim(score, score)])
        if best is None or best.score < nats_of_chance(grid.language, len(best.rule), 1):
            break
        count, total = int(best.counts[1]), int(best.counts.sum())
        columns = {part.column for part in best.rule}
        low, high = Proportion(count, total).interval(0.95)
        others = max(int(left.sum()) - total, 1)
        why = (
            f"{count:,} of {total:,} such rows of the reference are not in the data; of the others "
            f"{((group == 1).sum() - count) / others:.1%}"
        )
        verdict: Literal["tampered", "changed"] = (
            "tampered" if label in columns and len(columns) > 1 else "changed"
        )
        rule = f"removed: {rule_text(best.rule, before)}"
        # The rows are not in the new table, so there are none to point at.
        found.append(
            Suspect(rule, why, verdict, np.zeros(0, dtype=np.int64), low, high, count / int(gone.sum()))
        )
        group = np.where(rule_mask(best.rule, before), -1, group)
    return found
