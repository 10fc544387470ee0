"""Model files, read without running them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelward.artifacts._arrays import RawArray, as_array
    from modelward.artifacts._artifact import (
        Artifact,
        Defect,
        FileVerdict,
        GlobalUse,
        NameStatus,
        TrainingRows,
    )
    from modelward.artifacts._audit import append_audit, check_audit
    from modelward.artifacts._clearance import Clearance, Stage, read_clearance
    from modelward.artifacts._diff import Change, Difference, diff
    from modelward.artifacts._files import whole_file
    from modelward.artifacts._fingerprint import Fingerprint, fingerprint
    from modelward.artifacts._graph import class_name, library_versions
    from modelward.artifacts._inert import Inert
    from modelward.artifacts._inspect import Inspection, TreeNodes, TreeSet, inspect, tree_set
    from modelward.artifacts._integrity import integrity
    from modelward.artifacts._leaks import training_rows
    from modelward.artifacts._lowbits import low_bits
    from modelward.artifacts._read import MAX_BYTES, read_artifact, read_bytes
    from modelward.artifacts._seal import (
        new_identity,
        read_identities,
        read_recipients,
        recipient,
        seal,
        unseal,
    )
    from modelward.artifacts._sign import (
        Signed,
        file_bytes,
        new_key,
        read_public_key,
        read_signature,
        sign,
        signature_path,
        verify,
        verify_bytes,
    )

_LATER = {
    "_arrays": ("RawArray", "as_array"),
    "_artifact": ("Artifact", "Defect", "FileVerdict", "GlobalUse", "NameStatus", "TrainingRows"),
    "_audit": ("append_audit", "check_audit"),
    "_clearance": ("Clearance", "Stage", "read_clearance"),
    "_diff": ("Change", "Difference", "diff"),
    "_files": ("whole_file",),
    "_fingerprint": ("Fingerprint", "fingerprint"),
    "_seal": ("new_identity", "read_identities", "read_recipients", "recipient", "seal", "unseal"),
    "_graph": ("class_name", "library_versions"),
    "_inert": ("Inert",),
    "_integrity": ("integrity",),
    "_leaks": ("training_rows",),
    "_lowbits": ("low_bits",),
    "_read": ("MAX_BYTES", "read_artifact", "read_bytes"),
    "_sign": (
        "Signed",
        "file_bytes",
        "new_key",
        "read_public_key",
        "read_signature",
        "sign",
        "signature_path",
        "verify",
        "verify_bytes",
    ),
    "_inspect": ("Inspection", "TreeNodes", "TreeSet", "inspect", "tree_set"),
}
_HOMES = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "MAX_BYTES",
    "Artifact",
    "Change",
    "Clearance",
    "Defect",
    "Difference",
    "FileVerdict",
    "Fingerprint",
    "GlobalUse",
    "Inert",
    "Inspection",
    "NameStatus",
    "RawArray",
    "Signed",
    "Stage",
    "TrainingRows",
    "TreeNodes",
    "TreeSet",
    "append_audit",
    "as_array",
    "check_audit",
    "class_name",
    "diff",
    "file_bytes",
    "fingerprint",
    "inspect",
    "integrity",
    "library_versions",
    "low_bits",
    "new_identity",
    "new_key",
    "read_artifact",
    "read_bytes",
    "read_clearance",
    "read_identities",
    "read_public_key",
    "read_recipients",
    "read_signature",
    "recipient",
    "seal",
    "sign",
    "signature_path",
    "training_rows",
    "tree_set",
    "unseal",
    "verify",
    "verify_bytes",
    "whole_file",
]


def __getattr__(name: str) -> Any:
    # A scan takes a fifth of a second as a process, and needs neither numpy nor what looks into models.
    if name in _HOMES:
        return getattr(import_module(f"modelward.artifacts.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'modelward.artifacts' has no attribute {name!r}")
