"""What comes along with a project: packages with their known holes, and code that runs somebody else's.

Names are loaded when they are asked for: a lock file alone needs neither bandit's side nor containers.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelward.dependencies._advisories import Advisory, Database, read_database
    from modelward.dependencies._audit import Vulnerability, audit
    from modelward.dependencies._bulletins import Bulletin, bulletins
    from modelward.dependencies._environment import Environment, Installed, installed
    from modelward.dependencies._index import IndexAnswer, ask_index
    from modelward.dependencies._inventory import take_inventory
    from modelward.dependencies._modules import Owners, modules_of
    from modelward.dependencies._online import ask_osv, check_url, update_database
    from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
    from modelward.dependencies._places import DATABASE_URL, cache_folder, cached_database
    from modelward.dependencies._sbom import DataFacts, ModelFacts, Subject, render_sbom
    from modelward.dependencies._survey import Survey, survey
    from modelward.dependencies.code import CodeRead, Hazard, read_code
    from modelward.dependencies.containers import ContainerRead, read_containers
    from modelward.dependencies.reach import (
        Entry,
        How,
        ModelFile,
        Reach,
        Source,
        Use,
        find_entries,
        find_models,
        read_imports,
        trace,
    )
    from modelward.dependencies.weight import Load, Smaller, Weight, measure_imports, weigh

_HOMES = {
    "Advisory": "_advisories",
    "Bulletin": "_bulletins",
    "CodeRead": "code",
    "ContainerRead": "containers",
    "DATABASE_URL": "_places",
    "DataFacts": "_sbom",
    "Database": "_advisories",
    "Doubt": "_packages",
    "Entry": "reach",
    "Environment": "_environment",
    "Hazard": "code",
    "How": "reach",
    "IndexAnswer": "_index",
    "Installed": "_environment",
    "Inventory": "_packages",
    "Load": "weight",
    "ModelFacts": "_sbom",
    "ModelFile": "reach",
    "Owners": "_modules",
    "Package": "_packages",
    "Problem": "_packages",
    "Reach": "reach",
    "Smaller": "weight",
    "Source": "reach",
    "Subject": "_sbom",
    "Survey": "_survey",
    "Use": "reach",
    "Vulnerability": "_audit",
    "Weight": "weight",
    "ask_index": "_index",
    "ask_osv": "_online",
    "audit": "_audit",
    "bulletins": "_bulletins",
    "cache_folder": "_places",
    "cached_database": "_places",
    "check_url": "_online",
    "find_entries": "reach",
    "find_models": "reach",
    "installed": "_environment",
    "measure_imports": "weight",
    "modules_of": "_modules",
    "read_code": "code",
    "read_containers": "containers",
    "read_database": "_advisories",
    "read_imports": "reach",
    "render_sbom": "_sbom",
    "survey": "_survey",
    "take_inventory": "_inventory",
    "trace": "reach",
    "update_database": "_online",
    "weigh": "weight",
}

__all__ = [
    "DATABASE_URL",
    "Advisory",
    "Bulletin",
    "CodeRead",
    "ContainerRead",
    "DataFacts",
    "Database",
    "Doubt",
    "Entry",
    "Environment",
    "Hazard",
    "How",
    "IndexAnswer",
    "Installed",
    "Inventory",
    "Load",
    "ModelFacts",
    "ModelFile",
    "Owners",
    "Package",
    "Problem",
    "Reach",
    "Smaller",
    "Source",
    "Subject",
    "Survey",
    "Use",
    "Vulnerability",
    "Weight",
    "ask_index",
    "ask_osv",
    "audit",
    "bulletins",
    "cache_folder",
    "cached_database",
    "check_url",
    "find_entries",
    "find_models",
    "installed",
    "measure_imports",
    "modules_of",
    "read_code",
    "read_containers",
    "read_database",
    "read_imports",
    "render_sbom",
    "survey",
    "take_inventory",
    "trace",
    "update_database",
    "weigh",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"modelward.dependencies.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modelward.dependencies' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
