"""What a search for recipes hands back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.evasion._recipe_moves import Held
    from modelward.stats import Proportion


@dataclass(frozen=True)
class Recipe:
    """One change for everybody.

    Parameters
    ----------
    goal : int
        Index of the label that it is for.
    held : tuple of Held
        Columns or one-hot groups and what they are set to.
    searched : Proportion
        Share of the rows of the searched half without the label that get it.
    moved : Proportion
        The same of the other half: the figure to believe.
    always : bool
        Whether it is proven that every legal row without missing cells in the held ranges gets the label.
    """

    goal: int
    held: tuple[Held, ...]
    searched: Proportion
    moved: Proportion
    always: bool


@dataclass(frozen=True)
class Recipes:
    """What a search for recipes found.

    Parameters
    ----------
    ladder : tuple of Recipe
        The best with one column, with two, and so on.
    best : Recipe or None
        The smallest that moves, on the searched half, within a hundredth of what the largest moves; a proven
        one before all others. None if nothing moves.
    denied : int
        Legal rows without the label, of both halves.
    queries : int
        Rows sent.
    complete : bool
        Whether all combinations of the listed values were tried at the sizes of the ladder; else the more
        promising ones.
    stopped : str
        Why it ended early; empty if it did not.
    """

    ladder: tuple[Recipe, ...]
    best: Recipe | None
    denied: int
    queries: int
    complete: bool
    stopped: str = ""
