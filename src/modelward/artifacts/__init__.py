"""Model files, read without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import Artifact, Defect, FileVerdict, GlobalUse, NameStatus, TrainingRows
from modelward.artifacts._graph import class_name, library_versions
from modelward.artifacts._inert import Inert
from modelward.artifacts._integrity import integrity
from modelward.artifacts._leaks import training_rows
from modelward.artifacts._read import MAX_BYTES, read_artifact, read_bytes

if TYPE_CHECKING:
    from modelward.artifacts._inspect import Inspection, TreeNodes, TreeSet, inspect, tree_set

_INSPECTING = ("Inspection", "TreeNodes", "TreeSet", "inspect", "tree_set")

__all__ = [
    "MAX_BYTES",
    "Artifact",
    "Defect",
    "FileVerdict",
    "GlobalUse",
    "Inert",
    "Inspection",
    "NameStatus",
    "RawArray",
    "TrainingRows",
    "TreeNodes",
    "TreeSet",
    "as_array",
    "class_name",
    "inspect",
    "integrity",
    "library_versions",
    "read_artifact",
    "read_bytes",
    "training_rows",
    "tree_set",
]


def __getattr__(name: str) -> Any:
    # A scan takes a tenth of a second as a process, and needs neither numpy nor what looks into models.
    if name in _INSPECTING:
        from modelward.artifacts import _inspect

        return getattr(_inspect, name)
    raise AttributeError(f"module 'modelward.artifacts' has no attribute {name!r}")
