"""Packages and bytes of each dependency that a project asks for, from what is installed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.dependencies.weight._smaller import SMALLER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.dependencies._environment import Environment
    from modelward.dependencies._packages import Inventory
    from modelward.dependencies.weight._smaller import Smaller

_THIN, _FEW = 400_000, 3


@dataclass(frozen=True, slots=True)
class Weight:
    """One dependency that a person asked for.

    Parameters
    ----------
    name : str
    own : int or None
        Bytes of its installed files; None if it is not installed here.
    along : tuple of str
        What it drags in, itself left out.
    total : int
        Bytes of it and of all that, as far as it is installed.
    alone : tuple of str
        What would go with it: nothing else that the project asks for needs these.
    freed : int
        Bytes that would go, its own included.
    unknown : int
        How many of these packages are not installed here, so that their bytes are not known.
    smaller : Smaller or None
        What may replace it.
    """

    name: str
    own: int | None
    along: tuple[str, ...]
    total: int
    alone: tuple[str, ...]
    freed: int
    unknown: int = 0
    smaller: Smaller | None = None

    @property
    def wrapper(self) -> bool:
        """Whether it is thin itself and brings a lot that nothing else needs."""
        return (
            self.own is not None
            and self.own <= _THIN
            and len(self.alone) >= _FEW
            and self.freed >= 10 * self.own
        )


@dataclass(frozen=True, slots=True)
class Load:
    """What all dependencies weigh together.

    Parameters
    ----------
    weights : tuple of Weight
        The heaviest first; tools for development are left out.
    packages, total, unknown : int
        Packages that serving needs, their bytes, and how many of them are not installed here.
    tools, tools_total : int
        Packages that only development needs, and their bytes.
    """

    weights: tuple[Weight, ...] = ()
    packages: int = 0
    total: int = 0
    unknown: int = 0
    tools: int = 0
    tools_total: int = 0


def weigh(inventory: Inventory, environment: Environment) -> Load:
    """Weigh what a project asks for; nothing is imported.

    Parameters
    ----------
    inventory : Inventory
    environment : Environment
        Where the packages are installed. One that is installed in another version than the project's files name
        counts as not installed.
    """
    needs: dict[str, set[str]] = {}
    versions: dict[str, set[str]] = {}
    for package in (*inventory.packages, *inventory.unresolved):
        needs.setdefault(package.name, set()).update(package.needs)
        versions.setdefault(package.name, set()).add(package.version)
    roots = _roots(inventory, needs)
    size = _sizes(environment, versions)
    brought = {name: _closure([name], needs) for name in roots}
    times = Counter(one for along in brought.values() for one in along)
    whole = set(times)
    weights = []
    for name, along in brought.items():
        alone = {one for one in along if times[one] == 1}
        one = Weight(
            name, size.get(name), tuple(sorted(along - {name})), _sum(along, size), tuple(sorted(alone - {name})),
            _sum(alone, size), len(along - set(size)), SMALLER.get(name),
        )  # fmt: skip
        weights.append(one)
    tools = {p.name for p in inventory.packages} - whole
    return Load(
        tuple(sorted(weights, key=lambda w: (-w.freed, -w.total, w.name))), len(whole), _sum(whole, size),
        len(whole - set(size)), len(tools), _sum(tools, size),
    )  # fmt: skip


def _roots(inventory: Inventory, needs: dict[str, set[str]]) -> list[str]:
    """Return what a person asked for; where only a resolver's file is at hand, what no other package asks for."""
    asked = [p.name for p in inventory.declared if not p.dev and p.name in needs]
    if not asked:
        needed = {name for names in needs.values() for name in names}
        asked = [p.name for p in inventory.packages if not p.dev and p.name not in needed]
    return list(dict.fromkeys(asked))


def _closure(names: Iterable[str], needs: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = [name for name in names if name in needs]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += [n for n in needs[name] if n in needs]
    return found


def _sum(names: Iterable[str], size: dict[str, int]) -> int:
    return sum(size.get(name, 0) for name in names)


def _sizes(environment: Environment, versions: dict[str, set[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, wanted in versions.items():
        one = environment.packages.get(name)
        if one is None or one.version not in wanted:
            continue
        found[name] = sum(size for _, size in one.files())
    return found
