"""Which modules the project's model files import when they are loaded; they are read, never loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.artifacts import class_name, library_versions, read_artifact
from modelward.dependencies._walk import walk
from modelward.errors import InputError, ModelwardError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from modelward.artifacts import Artifact

MODELS = (
    ".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", ".ckpt", ".skops", ".onnx", ".safetensors", ".ubj",
    ".keras", ".cbm",
)  # fmt: skip
"""Ends of names by which model files are found; their format is told by their content."""
_MOST = 100
_LOADERS = {
    "joblib": "joblib",
    "skops": "skops.io",
    "pytorch": "torch",
    "safetensors": "safetensors",
    "onnx": "onnx",
}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file, and what it names.

    Parameters
    ----------
    path : str
        Relative to the project where it lies in it.
    names : tuple of str
        Full names that loading it reaches.
    versions : tuple of (str, str)
        Libraries with the versions that wrote it, as far as the file says so.
    unread : str
        Why it could not be read to its end; then more may be reached.
    """

    path: str
    names: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    unread: str = ""


def find_models(project: Path, named: Iterable[Path] = ()) -> tuple[ModelFile, ...]:
    """Read the model files that are named, or else those that lie in a project.

    Raises
    ------
    InputError
        If a file that was named does not exist.
    """
    files = list(named)
    for file in files:
        if not file.is_file():
            raise InputError(f"{file} does not exist: name a model file")
    left: list[ModelFile] = []
    if not files:
        files, _ = walk(project, lambda name: name.lower().endswith(MODELS))
        if len(files) > _MOST:
            why = f"only the first {_MOST} of {len(files):,} model files were read"
            left = [ModelFile(_place(files[_MOST], project), unread=why)]
            files = files[:_MOST]
    return (*(_read(file, _place(file, project)) for file in files), *left)


def _place(file: Path, project: Path) -> str:
    return file.relative_to(project).as_posix() if file.is_relative_to(project) else file.name


def _read(file: Path, path: str) -> ModelFile:
    try:
        artifact = read_artifact(str(file))
    except (ModelwardError, OSError) as error:
        return ModelFile(
            path, unread=str(error) if isinstance(error, ModelwardError) else "it cannot be read"
        )
    names = dict.fromkeys(use.name for use in artifact.globals)
    names.update(dict.fromkeys(_made(artifact)))
    unread = artifact.reasons[0] if artifact.verdict == "unreadable" and artifact.reasons else ""
    return ModelFile(path, tuple(names), tuple(library_versions(artifact).items()), unread)


def _made(artifact: Artifact) -> Iterable[str]:
    """Yield what a format itself needs, and the class that a file without names stands for."""
    pending = [artifact]
    while pending:
        one = pending.pop()
        pending += one.members
        kind = class_name(one)
        if "." in kind:
            yield kind
        for word, module in _LOADERS.items():
            if word in one.format.lower():
                yield module
