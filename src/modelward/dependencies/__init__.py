"""What comes along with a project: packages and known holes in them."""

from modelward.dependencies._advisories import Advisory, Database, read_database
from modelward.dependencies._audit import Vulnerability, audit
from modelward.dependencies._inventory import installed, take_inventory
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem

__all__ = [
    "Advisory",
    "Database",
    "Doubt",
    "Inventory",
    "Package",
    "Problem",
    "Vulnerability",
    "audit",
    "installed",
    "read_database",
    "take_inventory",
]
