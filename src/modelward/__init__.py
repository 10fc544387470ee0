"""modelward: measure how a machine-learning model can fail or be attacked, and fit the locks.

The public names are loaded when they are used, so that ``import modelward`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelward._version import __version__

if TYPE_CHECKING:
    from modelward.artifacts import Artifact, Inspection, inspect, read_artifact
    from modelward.assessment import assess, harden
    from modelward.findings import Finding, Measure, Policy, Report, read_policy
    from modelward.models import Meter, Subject, load, wrap
    from modelward.poisoning import compare_data, compare_images
    from modelward.schema import Codec, Column, FeatureSchema, Relation, infer, read_schema, write_schema

_HOMES = {
    "Artifact": "artifacts",
    "Codec": "schema",
    "Column": "schema",
    "FeatureSchema": "schema",
    "Finding": "findings",
    "Inspection": "artifacts",
    "Measure": "findings",
    "Meter": "models",
    "Policy": "findings",
    "Relation": "schema",
    "Report": "findings",
    "Subject": "models",
    "assess": "assessment",
    "compare_data": "poisoning",
    "compare_images": "poisoning",
    "harden": "assessment",
    "infer": "schema",
    "load": "models",
    "inspect": "artifacts",
    "read_artifact": "artifacts",
    "read_policy": "findings",
    "read_schema": "schema",
    "wrap": "models",
    "write_schema": "schema",
}

__all__ = [
    "Artifact",
    "Codec",
    "Column",
    "FeatureSchema",
    "Finding",
    "Inspection",
    "Measure",
    "Meter",
    "Policy",
    "Relation",
    "Report",
    "Subject",
    "__version__",
    "assess",
    "compare_data",
    "compare_images",
    "harden",
    "infer",
    "inspect",
    "load",
    "read_artifact",
    "read_policy",
    "read_schema",
    "wrap",
    "write_schema",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"modelward.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modelward' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
