"""Loading with a clearance: verified, scanned, written down, and then those very bytes."""

from __future__ import annotations

import datetime
import getpass
import hashlib
import os
import socket
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.errors import (
    ClearanceError,
    ExpiredError,
    ModelwardError,
    StageError,
    UnreadableError,
    VerdictError,
)
from modelward.models._load import load_artifact

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.artifacts import Artifact, Clearance, Signed, Stage

_SKEW = datetime.timedelta(minutes=5)
"""How far the clocks of whoever signs and whoever loads may be apart."""


@dataclass(frozen=True)
class Cleared:
    """A model file that may be loaded.

    Parameters
    ----------
    artifact : Artifact
        As it was read; its bytes are those that were verified.
    sha256 : str
        Of those bytes.
    stage : Stage
        What it was checked against.
    signed : Signed
        By which key, and when.
    """

    artifact: Artifact
    sha256: str
    stage: Stage
    signed: Signed


def load(path: str | Path, *, clearance: str | Path, stage: str, signature: str | Path | None = None) -> Any:
    """Load a model file that its clearance lets in, and nothing else.

    The file is read once. Its signature is verified, it is scanned, the decision is written to the audit log,
    and then those very bytes are loaded, by an unpickler that looks up no other name than those the scan saw.

    Parameters
    ----------
    path : path
        A pickle or joblib file.
    clearance : path
        The clearance file; see `read_clearance`.
    stage : str
        What it is loaded for, such as ``"production"``.
    signature : path or None
        Where the signature is; beside the file by default.

    Returns
    -------
    object
        The model.

    Raises
    ------
    ClearanceError
        If it is not let in: `UnsignedError`, `SignatureError`, `WrongKeyError`, `StageError`, `ExpiredError` or
        `VerdictError`.
    RefusedError
        If it reaches names that nobody has checked and the stage does not trust.
    UnreadableError
        If it cannot be read to its end.
    AuditError
        If the decision cannot be written to the log; then nothing is loaded.

    Examples
    --------
    >>> model = load("credit.pkl", clearance="clearance.toml", stage="production")  # doctest: +SKIP
    """
    from modelward.artifacts import read_clearance

    rules = read_clearance(clearance)
    found = clear(path, rules, stage, signature=signature)
    try:
        model, notes = load_artifact(found.artifact, found.stage.trust)
    except ModelwardError as error:
        _log(rules, path, stage, found, "failed", type(error).__name__)
        raise
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return model


def clear(path: str | Path, rules: Clearance, stage: str, *, signature: str | Path | None = None) -> Cleared:
    """Check a model file against a clearance, and write the decision to the audit log; nothing is loaded.

    Parameters
    ----------
    path, stage, signature
        As for `load`.
    rules : Clearance

    Returns
    -------
    Cleared

    Raises
    ------
    ClearanceError, UnreadableError, AuditError
        As for `load`.
    """
    digest: list[str] = []
    try:
        found = _checked(path, rules, stage, signature, digest)
    except (ClearanceError, UnreadableError) as error:
        _write(rules, path, stage, digest[0] if digest else "", "refused", reason=type(error).__name__)
        raise
    _log(rules, path, stage, found, "cleared", "")
    return found


def _checked(
    path: str | Path, rules: Clearance, name: str, signature: str | Path | None, digest: list[str]
) -> Cleared:
    from pathlib import Path

    from modelward.artifacts import file_bytes, read_bytes, read_signature, verify_bytes

    now = datetime.datetime.now(datetime.UTC)
    stage = rules.stage(name)
    if rules.expires is not None and now > rules.expires:
        raise ExpiredError(f"{rules.path}: the clearance expired on {rules.expires:%Y-%m-%d}; renew it")
    data, shown = file_bytes(path)
    digest.append(hashlib.sha256(data).hexdigest())
    place = None if signature is None else Path(signature)
    signed = verify_bytes(data, shown, read_signature(path, place), rules.keys)
    if signed.key not in stage.keys:
        raise StageError(
            f"{shown}: signed by {signed.key!r}, who may not sign for {name!r} (but {', '.join(stage.keys)})"
        )
    _in_time(shown, signed, stage, now)
    artifact = read_bytes(data, shown)
    _scanned(artifact, stage)
    return Cleared(artifact, digest[0], stage, signed)


def _in_time(shown: str, signed: Signed, stage: Stage, now: datetime.datetime) -> None:
    at = signed.signed_at
    if at is not None and at > now + _SKEW:
        raise ExpiredError(
            f"{shown}: signed at {at:%Y-%m-%d %H:%M} UTC, which is still to come: are the clocks right?"
        )
    if stage.max_age_days is None:
        return
    if at is None:
        raise ExpiredError(
            f"{shown}: its signature does not say when it was made, and {stage.name!r} has a maximum age: "
            "sign it with modelward sign"
        )
    age = (now - at).total_seconds() / 86_400
    if age > stage.max_age_days:
        raise ExpiredError(
            f"{shown}: signed {age:.0f} days ago; {stage.name!r} takes at most {stage.max_age_days:g}"
        )


def _scanned(artifact: Artifact, stage: Stage) -> None:
    if artifact.verdict == "unreadable":
        why = artifact.reasons[0] if artifact.reasons else "it is no model file"
        raise UnreadableError(f"{artifact.path}: cannot be read, so it is not loaded: {why}")
    if artifact.verdict == "malicious":
        raise VerdictError(f"{artifact.path}: malicious, whoever signed it: {artifact.reasons[0]}")
    if artifact.verdict == "suspicious" and stage.verdict == "clean":
        unknown = [use for use in artifact.globals if use.status == "unknown"]
        odd = [why for why in artifact.reasons if not why.startswith("reaches ")]
        rest = [use.name for use in unknown if use.name not in stage.trust]
        if odd or rest or not unknown:
            why = odd[0] if odd else f"it reaches {', '.join(rest[:5]) or 'what nobody has checked'}"
            raise VerdictError(
                f"{artifact.path}: {artifact.verdict}, and {stage.name!r} takes only clean files: {why}"
            )


def _log(rules: Clearance, path: str | Path, stage: str, found: Cleared, result: str, reason: str) -> None:
    _write(
        rules,
        path,
        stage,
        found.sha256,
        result,
        reason=reason,
        key=found.signed.key,
        verdict=found.artifact.verdict,
    )


def _write(rules: Clearance, path: str | Path, stage: str, sha256: str, result: str, **more: str) -> None:
    from modelward.artifacts import append_audit

    append_audit(
        rules.log,
        {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "who": _who(), "file": os.fsdecode(os.fspath(path)), "sha256": sha256, "stage": stage, "result": result,
            **more,
        },
    )  # fmt: skip


def _who() -> str:
    """Return who runs this process: by its identity, since whoever loads can set LOGNAME to any name."""
    try:
        import pwd

        user = pwd.getpwuid(os.getuid()).pw_name
    except ImportError:  # not a Unix
        user = getpass.getuser()
    except KeyError:  # an identity without a name, as in many containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
