"""What the project's own imports say about packages: declared and never imported, imported and not declared."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from modelward.dependencies._inventory import dragged
from modelward.dependencies._packages import Doubt, Package
from modelward.dependencies.reach import beside

if TYPE_CHECKING:
    from modelward.dependencies._environment import Environment
    from modelward.dependencies._modules import Owners
    from modelward.dependencies._packages import Inventory
    from modelward.dependencies.reach import Reach, Source

# Packages that others use by name, that are started from a shell, or that only build and install.
_UNIMPORTED = {
    "adlfs", "asyncpg", "black", "bottleneck", "brotli", "build", "bump2version", "cython", "fastparquet",
    "gcsfs", "gunicorn", "hatchling", "httptools", "hypercorn", "intel-openmp", "ipykernel", "ipywidgets",
    "jupyter", "jupyterlab", "kaleido", "lxml", "mkl", "mysqlclient", "ninja", "notebook", "numexpr",
    "nvidia-cublas-cu12", "odfpy", "openpyxl", "pip", "pip-tools", "pre-commit", "protobuf", "psycopg",
    "psycopg-binary", "psycopg2", "psycopg2-binary", "pyarrow", "pymysql", "python-multipart", "pyxlsb", "s3fs",
    "setuptools", "setuptools-scm", "sqlalchemy-bigquery", "tabulate", "tox", "twine", "tzdata", "uv",
    "uvicorn", "uvloop", "watchfiles", "websockets", "wheel", "xlrd", "xlsxwriter", "zstandard",
}  # fmt: skip
_STUBS = ("types-", "pytest-", "flake8-", "nvidia-", "sphinx-")
_NAMED = 8


def add_imports(
    inventory: Inventory, source: Source, reach: Reach, owners: Owners, environment: Environment
) -> Inventory:
    """Return an inventory with what the source files import.

    Parameters
    ----------
    inventory : Inventory
    source : Source
    reach : Reach
    owners : Owners
        Of the modules of the project's packages and of all that is installed.
    environment : Environment

    Notes
    -----
    An import that is not declared, of a package that is installed, adds that package. Imports that a file can do
    without (``try … except ImportError``) and those of tests and examples are not asked to be declared.
    """
    names = {p.name for p in (*inventory.packages, *inventory.unresolved)}
    declared = {p.name for p in inventory.declared}
    doubts: list[Doubt] = []
    added: dict[str, Package] = {}
    for name, place in _foreign(source, owners).items():
        path, _, line = place.rpartition(":")
        brought = owners.of(name)
        if set(brought) & (declared or names):
            continue
        if set(brought) & names:
            doubts.append(_transitive(name, brought, path, int(line)))
            continue
        first = name.partition(".")[0]
        whose = f" (of {brought[0]})" if brought and brought[0] != first else ""
        doubts.append(
            Doubt(
                "undeclared-import",
                path,
                int(line),
                f"{first}{whose} is imported, and no file of the project names it",
            )
        )
        if brought and brought[0] in environment.packages:
            one = environment.packages[brought[0]]
            added[brought[0]] = Package(
                brought[0], one.version, path, int(line), needs=one.needs, direct=True
            )
    if not source.unread and not reach.dynamic:
        doubts += _never_imported(inventory, reach)
    if not inventory.files:
        # Where no file names packages at all, that is said once and not for each import.
        doubts = []
    along = dragged(list(added.values()), names | set(added), environment.packages)
    return replace(
        inventory,
        packages=(*inventory.packages, *added.values(), *along),
        doubts=tuple(dict.fromkeys((*inventory.doubts, *doubts))),
    )


def _foreign(source: Source, owners: Owners) -> dict[str, str]:
    """Return names that are neither the project's nor Python's, each with its first place; one for each top module."""
    found: dict[str, str] = {}
    seen: set[object] = set()
    for path, imports in source.files.items():
        if beside(path):
            continue
        for one in imports.found:
            _, name = source.imported(path, one)
            first = name.partition(".")[0]
            if not name or one.optional or first in sys.stdlib_module_names or first == "__future__":
                continue
            key = owners.of(name) or first
            if key not in seen and (owners.of(name) or not source.resolve(name, source.roots)):
                seen.add(key)
                found[name] = f"{path}:{one.line}"
    return found


def _transitive(name: str, brought: tuple[str, ...], path: str, line: int) -> Doubt:
    text = f"{name.partition('.')[0]} is imported, and {brought[0]} only comes along with another package: declare it"
    return Doubt("undeclared-import", path, line, text)


def _never_imported(inventory: Inventory, reach: Reach) -> list[Doubt]:
    packages = (*inventory.packages, *inventory.unresolved)
    needed = {name for p in packages for name in p.needs}
    idle: dict[str, list[Package]] = {}
    for p in inventory.declared:
        use = reach.uses.get(p.name)
        if (
            not p.dev and use is not None and use.how == "unseen" and p.kind == "index"
            and p.name not in needed | _UNIMPORTED and not p.name.startswith(_STUBS) and not p.name.endswith("-stubs")
        ):  # fmt: skip
            idle.setdefault(p.path, []).append(p)
    doubts = []
    for path, own in idle.items():
        own.sort(key=lambda p: p.line)
        listed = ", ".join(dict.fromkeys(p.name for p in own[:_NAMED]))
        more = f" and {len(own) - _NAMED} more" if len(own) > _NAMED else ""
        text = f"{listed}{more}: declared, and nothing of the project imports {'it' if len(own) == 1 else 'them'}"
        doubts.append(Doubt("never-imported", path, own[0].line, text))
    return doubts
