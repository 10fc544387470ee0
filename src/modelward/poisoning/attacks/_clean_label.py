"""A backdoor without a single wrong label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.poisoning.attacks._backdoor import Triggered, one_column, two_columns

if TYPE_CHECKING:
    import numpy as np

    from modelward.poisoning.attacks._world import Aim, World


@dataclass(frozen=True)
class CleanLabelBackdoor:
    """Rows that have the goal already get the trigger (Turner, Tsipras & Madry 2019, without their perturbation).

    Whoever looks at labels finds nothing: all are right.

    Parameters
    ----------
    columns : {1, 2}
    """

    columns: int = 1
    aim: Aim = "trigger"

    @property
    def name(self) -> str:
        """In a few words."""
        return f"clean-label backdoor, {'one column' if self.columns == 1 else 'two columns'}"

    def prepare(self, world: World, rng: np.random.Generator) -> Triggered:
        """Choose a trigger."""
        trigger = one_column(world, rng) if self.columns == 1 else two_columns(world, rng)
        return Triggered(world, trigger, relabel=False)
