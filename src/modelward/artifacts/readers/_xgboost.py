"""XGBoost models: JSON, UBJSON, and the old binary format by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._formats import Reader
from modelward.artifacts.readers._notes import finish, standing
from modelward.artifacts.readers._strict_json import read_json
from modelward.artifacts.readers._ubjson import UbjReader
from modelward.artifacts.readers._xgboost_model import check

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts._inert import Inert
    from modelward.artifacts.readers._notes import Notes

_OLD_HEADER = 136
"""Bytes of parameters with which the old binary format begins."""


def _names_model(content: bytes) -> bool:
    return b"learner" in content and b"gradient_booster" in content


def recognise_json(content: bytes) -> bool:
    """Say whether content is a JSON object that names what an XGBoost model has."""
    head = content[:64].lstrip()
    return head[:1] == b"{" and head[1:].lstrip()[:1] == b'"' and _names_model(content)


def recognise_ubj(content: bytes) -> bool:
    """Say whether content is a UBJSON object that names what an XGBoost model has."""
    return content[:1] == b"{" and content[1:2] in b"iUIlL#$" and _names_model(content)


def recognise_old(content: bytes) -> bool:
    """Say whether content is of the binary format that XGBoost gave up."""
    if content[:4] == b"binf":
        return True
    name = content[_OLD_HEADER : _OLD_HEADER + 200]
    length = int.from_bytes(name[:8], "little")
    booster = name[8 + length : 24 + length]
    return (3 <= length <= 64 and booster[8:] in (b"gbtree\x00\x00", b"gblinear")) or booster[8:12] == b"dart"


def read_json_model(job: Job) -> Artifact:
    """Read a job as XGBoost's JSON."""
    return finish(job, "XGBoost JSON", parse_json)


def read_ubj_model(job: Job) -> Artifact:
    """Read a job as XGBoost's UBJSON."""
    return finish(job, "XGBoost UBJSON", parse_ubj)


def read_old_model(job: Job) -> Artifact:
    """Name the old binary format, which is not read."""
    return job.artifact(
        "XGBoost binary",
        "unreadable",
        ("XGBoost's old binary format is not read here: load it where you trust it, and save it as .ubj",),
    )


def parse_json(content: bytes, notes: Notes) -> Inert:
    """Return the booster as a stand-in whose state is the model."""
    return _booster(read_json(content, notes, "the model"), notes)


def parse_ubj(content: bytes, notes: Notes) -> Inert:
    """Return the booster as a stand-in whose state is the model."""
    reader = UbjReader(content, notes)
    state = reader.value()
    if reader.at < len(content):
        notes.suspicious(f"{len(content) - reader.at:,} bytes follow its end")
    return _booster(state, notes)


def _booster(state: Any, notes: Notes) -> Inert:
    check(state, notes)
    return standing("xgboost.core", "Booster", state)


JSON = Reader("XGBoost JSON", recognise_json, read_json_model)
UBJ = Reader("XGBoost UBJSON", recognise_ubj, read_ubj_model)
OLD = Reader("XGBoost binary", recognise_old, read_old_model)
