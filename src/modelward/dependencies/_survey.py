"""All that is asked of a project's packages, in one go: files, environment, model files, imports, and their use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from modelward.dependencies._environment import Environment, installed, own_environment
from modelward.dependencies._inventory import take_inventory
from modelward.dependencies._packages import Doubt
from modelward.dependencies.weight import Load, weigh

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelward.dependencies._packages import Inventory
    from modelward.dependencies.reach import Reach


@dataclass(frozen=True)
class Survey:
    """What comes along with a project.

    Parameters
    ----------
    inventory : Inventory
    environment : Environment
        Which gave the versions that no file gives.
    reach : Reach or None
        Where packages are used; None if sources were not looked at.
    load : Load
        What they weigh.
    modules : dict
        From a package to its modules.
    """

    inventory: Inventory
    environment: Environment
    reach: Reach | None = None
    load: Load = field(default_factory=Load)
    modules: dict[str, tuple[str, ...]] = field(default_factory=dict)


def survey(
    project: Path,
    *,
    python: Path | None = None,
    entries: Iterable[str] = (),
    models: Iterable[Path] = (),
    code: bool = True,
) -> Survey:
    """Take stock of a project; nothing of it is run.

    Parameters
    ----------
    project : Path
        A folder, or one file that names packages.
    python : Path, optional
        Another environment, whose files are read; the project's own ``.venv``, else the one that runs this.
    entries : iterable of str
        Files or modules with which serving begins.
    models : iterable of Path
        Model files, or folders of MLflow models.
    code : bool
        Whether to look at sources, too.

    Raises
    ------
    InputError
        If something that was named is not there.
    """
    named = list(models)
    other = python or (own_environment(project) if project.is_dir() else None)
    environment = installed(other)
    looking = code and project.is_dir()
    if not named and not looking:
        # What a lock file alone does not need is not even loaded.
        inventory = _inactive(take_inventory(project, environment=environment), environment)
        return Survey(inventory, environment, None, weigh(inventory, environment))
    from modelward.dependencies._from_imports import add_imports
    from modelward.dependencies._from_models import add_models
    from modelward.dependencies._modules import Owners, modules_of
    from modelward.dependencies.reach import (
        beside_models,
        find_entries,
        find_models,
        read_imports,
        trace,
    )

    inventory = take_inventory(project, environment=environment, also=beside_models(named, project))
    inventory = _inactive(inventory, environment)
    files = find_models(project if project.is_dir() else project.parent, named)
    names = {p.name for p in (*inventory.packages, *inventory.unresolved)}
    modules = modules_of(names | set(environment.packages), environment)
    if files:
        inventory = add_models(inventory, files, Owners({n: modules[n] for n in names}))
    if not looking:
        return Survey(inventory, environment, None, weigh(inventory, environment), modules)
    source = read_imports(project)
    begun = find_entries(project, source, entries)
    owners = Owners(modules, first=names)
    blind = _blind(inventory, environment)
    reach = trace((*inventory.packages, *inventory.unresolved), source, begun, files, owners, blind)
    before = inventory.packages
    inventory = add_imports(inventory, source, reach, owners, environment)
    if inventory.packages != before:
        reach = trace((*inventory.packages, *inventory.unresolved), source, begun, files, owners, blind)
    return Survey(inventory, environment, reach, weigh(inventory, environment), modules)


def _blind(inventory: Inventory, environment: Environment) -> set[str]:
    """Return the packages of which neither a lock nor the environment says what they ask for."""
    packages, there = (*inventory.packages, *inventory.unresolved), environment.packages
    told = {
        p.name for p in packages
        if p.locked or p.needs or (p.name in there and there[p.name].version == p.version)
    }  # fmt: skip
    return {p.name for p in packages} - told


def _inactive(inventory: Inventory, environment: Environment) -> Inventory:
    found = [
        Doubt("abandoned", p.path, p.line, f"{p.name} says of itself that nobody looks after it (Inactive): replace it")
        for p in inventory.packages
        if p.name in environment.packages and environment.packages[p.name].inactive
    ]  # fmt: skip
    return replace(inventory, doubts=(*inventory.doubts, *dict.fromkeys(found)))
