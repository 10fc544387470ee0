"""XGBoost models: JSON, UBJSON, and the old binary format by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts.readers._notes import finish, standing
from modelward.artifacts.readers._strict_json import read_json
from modelward.artifacts.readers._ubjson import UbjReader
from modelward.artifacts.readers._xgboost_model import check

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact
    from modelward.artifacts._formats import Job
    from modelward.artifacts._inert import Inert
    from modelward.artifacts.readers._notes import Notes


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
