"""What comes along with a project: packages with their known holes, and code that runs somebody else's."""

from modelward.dependencies._advisories import Advisory, Database, read_database
from modelward.dependencies._audit import Vulnerability, audit
from modelward.dependencies._inventory import installed, take_inventory
from modelward.dependencies._modules import modules_of
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
from modelward.dependencies.code import CodeRead, Hazard, read_code
from modelward.dependencies.reach import (
    Entry,
    ModelFile,
    Reach,
    Source,
    Use,
    find_entries,
    find_models,
    read_imports,
    trace,
)

__all__ = [
    "Advisory",
    "CodeRead",
    "Database",
    "Doubt",
    "Entry",
    "Hazard",
    "Inventory",
    "ModelFile",
    "Package",
    "Problem",
    "Reach",
    "Source",
    "Use",
    "Vulnerability",
    "audit",
    "find_entries",
    "find_models",
    "installed",
    "modules_of",
    "read_code",
    "read_database",
    "read_imports",
    "take_inventory",
    "trace",
]
