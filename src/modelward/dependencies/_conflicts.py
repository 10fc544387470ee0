"""Pins of one package that cannot both be installed."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

from modelward.dependencies._extra import need
from modelward.dependencies._packages import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.dependencies._packages import Package

_PYTHONS = tuple(f"3.{minor}" for minor in range(8, 16))
_SYSTEMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
_MACHINES = ("x86_64", "aarch64")
_KINDS = (("CPython", "cpython"), ("PyPy", "pypy"))


def conflicts(packages: Iterable[Package]) -> list[Doubt]:
    """Return a doubt for each package that one file pins to two versions for one and the same environment.

    Environments are Python 3.8 to 3.15 on Linux, macOS and Windows, each with two processors and two interpreters.
    """
    pins: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        # A lock may hold several versions, of which the resolver's own markers choose; extras may exclude each other.
        if package.version and not package.locked and not package.group and "extra" not in package.marker:
            pins.setdefault((package.path, package.name), []).append(package)
    found = []
    for own in pins.values():
        first = own[0]
        other = next((p for p in own if p.version != first.version and _meet(first.marker, p.marker)), None)
        if other is not None:
            text = (
                f"{other.name} is pinned to {first.version} (line {first.line}) and to {other.version} for the same "
                "environment: nothing can be installed so"
            )
            found.append(Doubt("conflicting-pins", other.path, other.line, text))
    return found


def _meet(one: str, other: str) -> bool:
    return bool(_holds(one) & _holds(other))


@lru_cache(maxsize=1_000)
def _holds(marker: str) -> frozenset[int]:
    """Return the numbers of the environments that a marker holds for."""
    environments = list(product(_PYTHONS, _SYSTEMS, _MACHINES, _KINDS))
    if not marker:
        return frozenset(range(len(environments)))
    markers = need("packaging.markers", "packaging")
    parsed = markers.Marker(marker)
    found = set()
    for i, (python, (system, platform, os_name), machine, (implementation, name)) in enumerate(environments):
        told = {
            "python_version": python, "python_full_version": f"{python}.0", "sys_platform": system, "os_name": os_name,
            "platform_system": platform, "platform_machine": machine, "implementation_name": name,
            "platform_python_implementation": implementation, "extra": "",
        }  # fmt: skip
        try:
            if parsed.evaluate(told):
                found.add(i)
        except (markers.UndefinedComparison, markers.UndefinedEnvironmentName):
            return frozenset(range(len(environments)))
    return frozenset(found)
