"""What comes along with a project: packages with their known holes, and code that runs somebody else's."""

from modelward.dependencies._advisories import Advisory, Database, read_database
from modelward.dependencies._audit import Vulnerability, audit
from modelward.dependencies._inventory import installed, take_inventory
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
from modelward.dependencies.code import CodeRead, Hazard, read_code

__all__ = [
    "Advisory",
    "CodeRead",
    "Database",
    "Doubt",
    "Hazard",
    "Inventory",
    "Package",
    "Problem",
    "Vulnerability",
    "audit",
    "installed",
    "read_code",
    "read_database",
    "take_inventory",
]
