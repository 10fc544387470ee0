"""What is added to the model-signing library: a time in the signature, and verifying bytes that are in memory."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from model_signing import hashing, manifest
from model_signing._hashing import memory

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENGINES = {
    "sha256": memory.SHA256,
    "blake2": memory.BLAKE2,
    "blake2b": memory.BLAKE2,
    "blake3": memory.BLAKE3,
}


class _Dated(manifest.Manifest):
    """A manifest that says when it was made; other verifiers ignore what they do not know."""

    def __init__(self, inner: manifest.Manifest, signed_at: str) -> None:
        self.inner, self.signed_at = inner, signed_at

    def resource_descriptors(self) -> Any:
        return self.inner.resource_descriptors()

    @property
    def model_name(self) -> str:
        return str(self.inner.model_name)

    @property
    def serialization_type(self) -> dict[str, Any]:
        return {**self.inner.serialization_type, "modelward": {"signed_at": self.signed_at}}


class _DatedHashing(hashing.Config):
    def __init__(self, signed_at: str) -> None:
        super().__init__()
        self.signed_at = signed_at

    def hash(self, model_path: Any, *, files_to_hash: Iterable[Any] | None = None) -> manifest.Manifest:
        return _Dated(super().hash(model_path, files_to_hash=files_to_hash), self.signed_at)


def dated(signed_at: str) -> hashing.Config:
    """Return the library's own hashing (SHA-256, file by file, without git's files) with a time added."""
    return _DatedHashing(signed_at)


class InMemory(hashing.Config):
    """Hashes a file that is in memory, in the way that its signature says.

    Parameters
    ----------
    data : bytes
        The file.
    predicate : dict
        Of the signature, not yet believed: if it lies about the way, the manifests differ.
    """

    def __init__(self, data: bytes, predicate: dict[str, Any]) -> None:
        super().__init__()
        self.data, self.predicate = data, predicate

    def hash(self, model_path: Any, *, files_to_hash: Iterable[Any] | None = None) -> manifest.Manifest:  # noqa: ARG002
        said = self.predicate.get("serialization", {"method": "files", "hash_type": "sha256"})
        if said.get("method") != "files" or said.get("hash_type") not in _ENGINES:
            raise ValueError("it was not signed as one file: sign it again")
        engine = _ENGINES[said["hash_type"]]()
        engine.update(self.data)
        kind = manifest.SerializationType.from_args(
            {"method": "files", "hash_type": said["hash_type"], "allow_symlinks": False}
        )
        item = manifest.FileManifestItem(path=pathlib.PurePosixPath("."), digest=engine.compute())
        return manifest.Manifest("model", [item], kind)
