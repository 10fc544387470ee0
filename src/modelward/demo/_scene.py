"""Scene: one attack, and the lock that catches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelward.findings import Finding


@dataclass(frozen=True)
class Scene:
    """What happened, in words and figures. Every figure was measured in this run.

    Parameters
    ----------
    number : int
        1 to 6.
    title : str
        What the attacker does.
    mode : int
        Row of the taxonomy.
    attack : tuple of str
        What the attack achieved, one sentence each.
    lock : tuple of str
        What the lock did about it.
    figures : mapping of str to float
        The figures of both, by name.
    """

    number: int
    title: str
    mode: int
    attack: tuple[str, ...]
    lock: tuple[str, ...]
    figures: Mapping[str, float] = field(default_factory=dict)


def first_sentence(finding: Finding) -> str:
    """Return the first sentence of a finding's summary."""
    return f"{finding.summary.partition('. ')[0].rstrip('.')}."
