"""Model files, read without running them."""

from modelward.artifacts._arrays import RawArray, as_array
from modelward.artifacts._artifact import Artifact, Defect, FileVerdict, GlobalUse, NameStatus, TrainingRows
from modelward.artifacts._graph import class_name, library_versions
from modelward.artifacts._inert import Inert
from modelward.artifacts._integrity import integrity
from modelward.artifacts._leaks import training_rows
from modelward.artifacts._read import MAX_BYTES, read_artifact, read_bytes

__all__ = [
    "MAX_BYTES",
    "Artifact",
    "Defect",
    "FileVerdict",
    "GlobalUse",
    "Inert",
    "NameStatus",
    "RawArray",
    "TrainingRows",
    "as_array",
    "class_name",
    "integrity",
    "library_versions",
    "read_artifact",
    "read_bytes",
    "training_rows",
]
