"""Hazard: a place in the project's code that can run or leak what it should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelward.dependencies._packages import Problem
    from modelward.findings import Severity


@dataclass(frozen=True, slots=True)
class Hazard:
    """Dangerous code.

    Parameters
    ----------
    rule : str
        Bandit's own code (``"B301"``), or a word of ours (``"joblib-load"``).
    path, line : str, int
        Relative to the project; for a notebook the line of its file.
    text : str
        What is wrong; never a secret itself.
    remedy : str
        What to do about it.
    level : {"low", "medium", "high"}
        High fails, the others warn.
    cell : int
        Of a notebook, from 1; 0 for a source file.
    also : tuple of str
        Bandit's codes for the same place, which this takes in.
    end : int
        The last line of it in the source that was parsed.
    """

    rule: str
    path: str
    line: int
    text: str
    remedy: str = ""
    level: Severity = "medium"
    cell: int = 0
    also: tuple[str, ...] = ()
    end: int = 0

    @property
    def place(self) -> str:
        """``path:line``."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class CodeRead:
    """What was found in a project's code, and what could not be read.

    `silenced` counts lines whose comment says ``nosec``, `left_out` the files that the project's own settings for
    bandit leave out.
    """

    hazards: tuple[Hazard, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    silenced: int = 0
    left_out: int = 0
