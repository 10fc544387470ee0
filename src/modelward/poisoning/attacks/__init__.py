"""Poisoning attacks, each on as many rows as an attacker controls."""

from modelward.poisoning.attacks._backdoor import Backdoor
from modelward.poisoning.attacks._clean_label import CleanLabelBackdoor
from modelward.poisoning.attacks._flips import RandomFlips, SubgroupFlips
from modelward.poisoning.attacks._person import Person
from modelward.poisoning.attacks._scaling import Scaling
from modelward.poisoning.attacks._searched import SearchedFlips
from modelward.poisoning.attacks._world import Attack, Plan, Poisoned, World

__all__ = [
    "Attack",
    "Backdoor",
    "CleanLabelBackdoor",
    "Person",
    "Plan",
    "Poisoned",
    "RandomFlips",
    "Scaling",
    "SearchedFlips",
    "SubgroupFlips",
    "World",
]


def all_attacks() -> tuple[Attack, ...]:
    """Return every attack with its default settings."""
    return (
        RandomFlips(), SubgroupFlips(), SearchedFlips(), Scaling(), Backdoor(1), Backdoor(2), CleanLabelBackdoor(),
        Person(), Person(clean_label=True),
    )  # fmt: skip
