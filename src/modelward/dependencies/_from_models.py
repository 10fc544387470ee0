"""What model files say about packages: which library wrote them, and whether the project has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelward.dependencies._packages import Doubt, Package

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.dependencies._modules import Owners
    from modelward.dependencies._packages import Inventory
    from modelward.dependencies.reach import ModelFile

# What the modules that models name most often belong to, where no distribution with them is at hand.
_LIBRARIES = {
    "sklearn": "scikit-learn", "torch": "torch", "xgboost": "xgboost", "lightgbm": "lightgbm",
    "catboost": "catboost", "joblib": "joblib", "numpy": "numpy", "pandas": "pandas", "scipy": "scipy",
    "mlflow": "mlflow", "tensorflow": "tensorflow", "keras": "keras", "statsmodels": "statsmodels",
    "imblearn": "imbalanced-learn", "category_encoders": "category-encoders", "skops": "skops",
}  # fmt: skip


def add_models(inventory: Inventory, models: Sequence[ModelFile], owners: Owners) -> Inventory:
    """Return an inventory with what model files name.

    A library of which only a model file tells the version becomes a package of it. One whose version differs from
    the project's, or that no file of the project names, is a doubt.

    Parameters
    ----------
    inventory : Inventory
    models : sequence of ModelFile
    owners : Owners
        Of the modules of the project's packages.
    """
    known: dict[str, set[str]] = {}
    for package in (*inventory.packages, *inventory.unresolved):
        known.setdefault(package.name, set()).update({package.version} - {""})
    added: list[Package] = []
    doubts: list[Doubt] = []
    for model in models:
        told = {name: version for module, version in model.versions for name in _names(module, owners)}
        for name, version in told.items():
            if not known.get(name):
                added += [Package(name, v, model.path, 0, kind="model") for v in version.split(", ")]
            elif not known[name] & set(version.split(", ")):
                doubts.append(_differs(model, name, version, known[name]))
        needed = {name for full in model.names for name in _names(full, owners)}
        missing = sorted(needed - set(known))
        if missing and known:
            text = f"loading it imports {', '.join(missing)}, which no file of the project names: add what it needs"
            doubts.append(Doubt("model-undeclared", model.path, 0, f"{model.path}: {text}"))
    given = {p.name for p in added}
    return replace(
        inventory,
        packages=(*inventory.packages, *dict.fromkeys(added)),
        unresolved=tuple(p for p in inventory.unresolved if p.name not in given),
        doubts=tuple(dict.fromkeys((*inventory.doubts, *doubts))),
    )


def _names(module: str, owners: Owners) -> tuple[str, ...]:
    first = module.partition(".")[0]
    return owners.of(module) or ((_LIBRARIES[first],) if first in _LIBRARIES else ())


def _differs(model: ModelFile, name: str, version: str, have: set[str]) -> Doubt:
    text = (
        f"{model.path} was written with {name} {version}, and the project has {', '.join(sorted(have))}: what is "
        "loaded by another release may fail or answer otherwise; save it again, or pin the release"
    )
    return Doubt("model-version", model.path, 0, text)
