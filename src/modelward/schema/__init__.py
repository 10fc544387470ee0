"""What a legal row is: infer, read, write, validate, project onto the legal moves."""

from modelward.schema._codec import Codec
from modelward.schema._cost import cost
from modelward.schema._infer import infer
from modelward.schema._parse import from_toml, read_schema
from modelward.schema._project import project
from modelward.schema._rules import Rules
from modelward.schema._schema import Column, FeatureSchema, Relation
from modelward.schema._toml import to_toml, write_schema
from modelward.schema._violations import Broken, Violations, legal, violations

__all__ = [
    "Broken",
    "Codec",
    "Column",
    "FeatureSchema",
    "Relation",
    "Rules",
    "Violations",
    "cost",
    "from_toml",
    "infer",
    "legal",
    "project",
    "read_schema",
    "to_toml",
    "violations",
    "write_schema",
]
