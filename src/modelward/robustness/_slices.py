"""Error slices: short rules under which the model errs more than elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats as sps

from modelward.stats import Proportion, ProportionDifference, benjamini_hochberg
from modelward.subgroups import search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.schema import Codec
    from modelward.subgroups import Rule

FDR = 0.05


@dataclass(frozen=True)
class Slice:
    """A rule, and its excess error on rows that did not propose it.

    Parameters
    ----------
    rule : Rule
    text : str
        The rule in words.
    excess : ProportionDifference
        Error inside minus error outside.
    share : Proportion
        Rows that it covers.
    inside, outside : Proportion
        Errors.
    confirmed : bool
        Whether the excess holds at a false discovery rate of 5 %.
    """

    rule: Rule
    text: str
    excess: ProportionDifference
    share: Proportion
    inside: Proportion
    outside: Proportion
    confirmed: bool = False


def error_slices(
    X: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    codec: Codec,
    *,
    random_state: int | np.random.Generator,
    min_share: float = 0.01,
) -> list[Slice]:
    """Search slices on one half of the rows and confirm them on the other at a false discovery rate of 5 %.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    wrong : ndarray of bool, shape (n,)
        Whether the model errs.
    codec : Codec
    random_state : int or Generator
    min_share : float
        Share of the rows that a slice must cover.

    Returns
    -------
    list of Slice
        What the search proposed: confirmed ones first, then by excess.
    """
    rng = np.random.default_rng(random_state)
    order = rng.permutation(len(X))
    found, held = order[: len(X) // 2], order[len(X) // 2 :]
    candidates = search(X[found], wrong[found].astype(float), codec.schema, min_share=min_share, min_rows=20)
    slices, p_values = [], []
    for candidate in candidates:
        inside = candidate.rule.mask(X[held])
        if not 10 <= inside.sum() <= len(held) - 10:
            continue
        a, n = int(wrong[held][inside].sum()), int(inside.sum())
        b, m = int(wrong[held][~inside].sum()), int((~inside).sum())
        slices.append(
            Slice(
                candidate.rule, candidate.rule.text(codec), ProportionDifference(a, n, b, m),
                Proportion(n, len(held)), Proportion(a, n), Proportion(b, m),
            )
        )  # fmt: skip
        p_values.append(float(sps.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue))
    if not slices:
        return []
    adjusted = benjamini_hochberg(p_values)
    judged = [replace(s, confirmed=bool(p <= FDR)) for s, p in zip(slices, adjusted, strict=True)]
    return sorted(judged, key=lambda s: (not s.confirmed, -s.excess.value))
