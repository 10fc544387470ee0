"""Fingerprints: of a file's bytes, and of the model in it however it was written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.artifacts._canonical import Digests, TooMuchError
from modelward.artifacts._diff import unread

if TYPE_CHECKING:
    from modelward.artifacts._artifact import Artifact


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What identifies a model file.

    Parameters
    ----------
    sha256 : str
        Of the file's bytes, in hexadecimal; what `sha256sum` prints.
    content : str
        Of the model in it, as ``mw1:`` and 64 hexadecimal digits: equal for files that `diff` finds no change
        between. Empty if the file could not be read to its end.
    reason : str
        Why `content` is empty.
    """

    sha256: str
    content: str
    reason: str = ""


def fingerprint(artifact: Artifact) -> Fingerprint:
    """Return the fingerprints of a model file that was read.

    Parameters
    ----------
    artifact : Artifact
        As `read_artifact` returned it.

    Returns
    -------
    Fingerprint

    Examples
    --------
    >>> import pickle
    >>> from modelward.artifacts import read_bytes
    >>> one = fingerprint(read_bytes(pickle.dumps([0.5, "x"], protocol=1)))
    >>> two = fingerprint(read_bytes(pickle.dumps([0.5, "x"], protocol=5)))
    >>> one.sha256 == two.sha256, one.content == two.content
    (False, True)
    """
    sha256 = hashlib.sha256(artifact.data).hexdigest()
    reason = unread(artifact)
    if reason:
        return Fingerprint(sha256, "", reason)
    engine = hashlib.sha256(b"modelward content 1\0")
    try:
        engine.update(Digests().of(artifact.root))
    except TooMuchError:
        return Fingerprint(sha256, "", f"{artifact.path} holds more than can be compared")
    for member in sorted(artifact.members, key=lambda m: m.path):
        inner = fingerprint(member)
        if inner.reason:
            return Fingerprint(sha256, "", inner.reason)
        name = member.path.rpartition("!/")[2].encode("utf-8", "surrogatepass")
        engine.update(hashlib.sha256(name).digest() + inner.content.encode())
    return Fingerprint(sha256, f"mw1:{engine.hexdigest()}")
