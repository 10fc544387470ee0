"""Model files, read without running them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import Artifact, Defect, FileVerdict, GlobalUse, NameStatus, TrainingRows
from modelward.artifacts._graph import class_name, library_versions
from modelward.artifacts._inert import Inert
from modelward.artifacts._integrity import integrity
from modelward.artifacts._leaks import training_rows
from modelward.artifacts._read import MAX_BYTES, read_artifact, read_bytes

if TYPE_CHECKING:
    from modelward.artifacts._diff import Change, Difference, diff
    from modelward.artifacts._files import whole_file
    from modelward.artifacts._fingerprint import Fingerprint, fingerprint
    from modelward.artifacts._inspect import Inspection, TreeNodes, TreeSet, inspect, tree_set

_LATER = {
    "_diff": ("Change", "Difference", "diff"),
    "_files": ("whole_file",),
    "_fingerprint": ("Fingerprint", "fingerprint"),
    "_inspect": ("Inspection", "TreeNodes", "TreeSet", "inspect", "tree_set"),
}
_HOMES = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "MAX_BYTES",
    "Artifact",
    "Change",
    "Defect",
    "Difference",
    "FileVerdict",
    "Fingerprint",
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
    "diff",
    "fingerprint",
    "inspect",
    "integrity",
    "library_versions",
    "read_artifact",
    "read_bytes",
    "training_rows",
    "tree_set",
    "whole_file",
]


def __getattr__(name: str) -> Any:
    # A scan takes a tenth of a second as a process, and needs neither numpy nor what looks into models.
    if name in _HOMES:
        return getattr(import_module(f"modelward.artifacts.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modelward.artifacts' has no attribute {name!r}")
