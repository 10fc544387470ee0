"""What comes along with a project: packages with their known holes, and code that runs somebody else's."""

from modelward.dependencies._advisories import Advisory, Database, read_database
from modelward.dependencies._audit import Vulnerability, audit
from modelward.dependencies._bulletins import Bulletin, bulletins
from modelward.dependencies._environment import Environment, Installed, installed
from modelward.dependencies._index import IndexAnswer, ask_index
from modelward.dependencies._inventory import take_inventory
from modelward.dependencies._modules import Owners, modules_of
from modelward.dependencies._online import DATABASE_URL, ask_osv, cached_database, check_url, update_database
from modelward.dependencies._packages import Doubt, Inventory, Package, Problem
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
