"""`torch.load` judged by the PyTorch that the project has.

Since PyTorch 2.6 `weights_only` is on unless it is turned off; before, it could be got round even where it was on
(CVE-2025-32434).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from modelward.dependencies._extra import need

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelward.dependencies._packages import Package
    from modelward.dependencies.code._hazard import Hazard

DEFAULT, ON = "torch-load", "torch-load-old"
_OLD = ("1.0", "1.7.1", "1.13.1", "2.0.1", "2.1.2", "2.2.2", "2.3.1", "2.4.1", "2.5.0", "2.5.1")


def torch_of(packages: Iterable[Package]) -> tuple[Literal["old", "new", ""], str]:
    """Return whether a project's PyTorch is of before 2.6, and how it is named; empty if nobody can say.

    With several versions the oldest counts.
    """
    versions = need("packaging.version", "packaging")
    found: list[tuple[bool, str]] = []
    for package in packages:
        if package.name != "torch":
            continue
        if package.version:
            try:
                old = versions.Version(package.version) < versions.Version("2.6.dev0")
            except versions.InvalidVersion:
                return "", ""
            found.append((old, f"PyTorch {package.version} ({package.place})"))
        elif package.asked and _excludes_old(package.asked):
            found.append((False, f"PyTorch {package.asked} ({package.place})"))
        else:
            return "", ""
    if not found:
        return "", ""
    old, text = max(found)
    return ("old" if old else "new"), text


def _excludes_old(asked: str) -> bool:
    specifiers = need("packaging.specifiers", "packaging")
    try:
        wanted = specifiers.SpecifierSet(asked)
    except specifiers.InvalidSpecifier:
        return False
    return not any(wanted.contains(version) for version in _OLD)


def judge(hazards: Sequence[Hazard], packages: Iterable[Package]) -> list[Hazard]:
    """Return hazards with those of `torch.load` judged by the version."""
    age, named = torch_of(packages)
    found: list[Hazard] = []
    for hazard in hazards:
        if hazard.rule == ON:
            if age == "old":
                found.append(replace(hazard, text=hazard.text.replace("PyTorch", named, 1)))
        elif hazard.rule == DEFAULT and "without weights_only" in hazard.text and age:
            text = f"torch.load without weights_only runs code of the file with {named}"
            if age == "new":
                text = f"torch.load leaves weights_only out, which is on with {named} and off before 2.6"
            found.append(replace(hazard, text=text, level="low" if age == "new" else hazard.level))
        else:
            found.append(hazard)
    return found
