"""What became of each countermeasure that was tried on a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from modelward.evasion.countermeasures import CONTROL

if TYPE_CHECKING:
    from modelward.stats import Mean, Median, Normal, Proportion, ProportionDifference

Status = Literal["tried", "not_applicable", "error"]
Effect = Literal["helps", "no difference shown", "makes it worse"]
_TRIFLE = 0.01
"""Log-factor of a flip's cost, one percent, that helps nobody however surely it is proven."""


@dataclass(frozen=True)
class Standing:
    """How a model stands: accuracy, and what it takes to flip its decisions.

    Parameters
    ----------
    balanced_accuracy : Normal
        On the test rows.
    flipped : Proportion
        Share of the attacked rows that a legal change of cost 1 or less moves.
    cost : Median
        Of the cheapest change found; inf for rows that never moved.
    exact : bool
        Whether no cheaper change exists for any of the rows.
    """

    balanced_accuracy: Normal
    flipped: Proportion
    cost: Median
    exact: bool


@dataclass(frozen=True)
class Trial:
    """One countermeasure.

    Parameters
    ----------
    name, title : str
    status : {"tried", "not_applicable", "error"}
    reason : str
        Why it was not tried; empty if it was.
    note : str
        What was chosen.
    code : str
        How to apply it.
    before, after : Standing or None
        Both attacked by the same search.
    log_factor : Mean or None
        Of the logarithm of what the cheapest flip costs after, by what it cost before; 0.1 is added to both, and
        costs over 8 count as 8.
    flipped_by, accuracy_by : estimates or None
        After minus before, of the share flipped and of balanced accuracy.
    luck : float
        The larger size of that of the controls, in which nothing but the seed differs.
    """

    name: str
    title: str
    status: Status
    reason: str = ""
    note: str = ""
    code: str = ""
    before: Standing | None = None
    after: Standing | None = None
    log_factor: Mean | None = None
    flipped_by: ProportionDifference | None = None
    accuracy_by: Normal | None = None
    outside: bool = False
    luck: float = 0.0

    @property
    def effect(self) -> Effect | None:
        """What is proven about the rows' costs beyond what another seed does; None if it was not tried."""
        if self.log_factor is None:
            return None
        low, high = self.log_factor.interval(0.95)
        least = max(self.luck, _TRIFLE)
        return "helps" if low > least else "makes it worse" if high < -least else "no difference shown"

    @property
    def control(self) -> bool:
        """Whether nothing but the seed differs."""
        return self.name.startswith(CONTROL)

    @property
    def costs_accuracy(self) -> bool:
        """Whether a loss of balanced accuracy is proven."""
        return self.accuracy_by is not None and self.accuracy_by.interval(0.95)[1] < 0


@dataclass(frozen=True)
class Hardening:
    """All countermeasures on one model.

    Parameters
    ----------
    deployed : Standing
        The model as it is.
    trials : tuple of Trial
        Every known countermeasure, in a fixed order; those that could not be tried say why.
    rows : int
        Attacked rows.
    stopped : str
        Why some searches ended early; empty if none did.
    """

    deployed: Standing
    trials: tuple[Trial, ...]
    rows: int
    stopped: str = ""
