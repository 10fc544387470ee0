"""Which supplier of rows could do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.poisoning._curves import attack_curves
from modelward.poisoning.attacks import Backdoor, SubgroupFlips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelward.models import Subject
    from modelward.poisoning._curves import Curve
    from modelward.poisoning.attacks import Attack

_FEW = 10


@dataclass(frozen=True)
class Supplier:
    """What one supplier could do.

    Parameters
    ----------
    name : str
        The value of the source column.
    rows : int
        Rows of theirs, of all that were given.
    share : float
        Of all rows.
    curves : tuple of Curve
        Each attack at one point: with all rows that they have, or as many as `most` allows.
    """

    name: str
    rows: int
    share: float
    curves: tuple[Curve, ...]

    @property
    def worst(self) -> float:
        """The largest effect of any attack."""
        return max((curve.points[-1].moved.value for curve in self.curves), default=0.0)


def exposure_by_source(
    subject: Subject, X: NDArray[np.float64], y: NDArray[np.int64], test_X: NDArray[np.float64],
    test_y: NDArray[np.int64], sources: NDArray[Any], *, attacks: Sequence[Attack] | None = None, most: float = 1.0,
    goal: int | None = None, sensitive: Sequence[str] = (), most_sources: int = 20, fit_rows: int = 4_000,
    repeats: int = 3, random_state: int = 0,
) -> tuple[Supplier, ...]:  # fmt: skip
    """Let each supplier poison the rows that are theirs, and measure what it reaches.

    Parameters
    ----------
    subject : Subject
        The model; it must be possible to train it again.
    X, y, test_X, test_y : ndarray
        As for `attack_curves`.
    sources : ndarray of shape (n,)
        Who delivered each training row. Suppliers of fewer than ten rows are left out, and so are missing values.
    attacks : sequence of Attack, optional
        Flips in the subgroup and a backdoor of one column without it.
    most : float
        Share of all training rows that nobody would write more of, for fear of being seen.
    most_sources : int
        The largest are measured.
    goal, sensitive, fit_rows, repeats, random_state
        As for `attack_curves`.

    Returns
    -------
    tuple of Supplier
        The most dangerous first.

    Raises
    ------
    ValueError
        If there are not as many sources as rows, none has ten rows, or as in `attack_curves`.
    """
    if len(sources) != len(X):
        raise ValueError(f"{len(sources):,} sources for {len(X):,} rows: give one for each")
    named = np.array(["" if value is None or value != value else str(value) for value in sources])
    names, counts = np.unique(named, return_counts=True)
    known = [(str(n), int(c)) for n, c in zip(names, counts, strict=True) if n and c >= _FEW]
    if not known:
        raise ValueError("no source has ten rows")
    out = []
    for name, count in sorted(known, key=lambda pair: (-pair[1], pair[0]))[:most_sources]:
        share = count / len(X)
        found = attack_curves(
            subject, X, y, test_X, test_y, attacks=(SubgroupFlips(), Backdoor(1)) if attacks is None else attacks,
            levels=(min(share, most, 0.999),), goal=goal, sensitive=sensitive, controlled=named == name,
            fit_rows=fit_rows, repeats=repeats, random_state=random_state,
        )  # fmt: skip
        out.append(Supplier(name, count, share, found.curves))
    return tuple(sorted(out, key=lambda s: (-s.worst, s.name)))
