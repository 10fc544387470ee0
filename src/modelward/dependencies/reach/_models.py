"""Which modules the project's model files import when they are loaded; they are read, never loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelward.dependencies._extra import need
from modelward.dependencies._walk import walk
from modelward.dependencies.reach._project import beside
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
_MAX_MLMODEL = 1_000_000
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
    """Read the model files that are named, or else those that lie in a project outside of tests and examples.

    Raises
    ------
    InputError
        If a file that was named does not exist.
    """
    files: list[Path] = []
    for file in named:
        if not file.exists():
            raise InputError(f"{file} does not exist: name a model file, or the folder of an MLflow model")
        files += walk(file, _is_model)[0] if file.is_dir() else [file]
    left: list[ModelFile] = []
    if not files:
        found, _ = walk(project, _is_model)
        files = [file for file in found if not beside(file.relative_to(project).as_posix())]
        if len(files) > _MOST:
            why = f"only the first {_MOST} of {len(files):,} model files were read"
            left = [ModelFile(_place(files[_MOST], project), unread=why)]
            files = files[:_MOST]
    return (*(_read(file, _place(file, project)) for file in files), *left)


def beside_models(named: Iterable[Path], project: Path) -> tuple[Path, ...]:
    """Return the files that name packages beside models that lie outside the project."""
    folders = dict.fromkeys(file if file.is_dir() else file.parent for file in named)
    return tuple(
        file
        for folder in folders
        if not folder.resolve().is_relative_to(project.resolve())
        for name in ("conda.yaml", "requirements.txt")
        if (file := folder / name).is_file()
    )


def _is_model(name: str) -> bool:
    return name == "MLmodel" or name.lower().endswith(MODELS)


def _place(file: Path, project: Path) -> str:
    return file.relative_to(project).as_posix() if file.is_relative_to(project) else file.name


def _read(file: Path, path: str) -> ModelFile:
    if file.name == "MLmodel":
        return _mlflow(file, path)
    # Not every project has a model file, and reading one needs much.
    from modelward.artifacts import library_versions, read_artifact

    try:
        artifact = read_artifact(str(file))
    except (ModelwardError, OSError) as error:
        return ModelFile(
            path, unread=str(error) if isinstance(error, ModelwardError) else "it cannot be read"
        )
    names = dict.fromkeys(use.name for use in artifact.globals)
    names.update(dict.fromkeys(_made(artifact)))
    unread = artifact.reasons[0] if artifact.verdict == "unreadable" and artifact.reasons else ""
    # An exporter that only wrote the file is not needed for loading it.
    first = {name.partition(".")[0] for name in names}
    versions = tuple((library, v) for library, v in library_versions(artifact).items() if library in first)
    return ModelFile(path, tuple(names), versions, unread)


def _mlflow(file: Path, path: str) -> ModelFile:
    """Read what MLflow wrote beside a model: which module loads it, and which releases made it."""
    yaml = need("yaml", "PyYAML")
    try:
        data = file.read_bytes()[:_MAX_MLMODEL].decode("utf-8")
        flavors = yaml.safe_load(data)["flavors"]
        own = {str(k): v for k, v in flavors.items() if isinstance(v, dict)}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError, RecursionError):
        return ModelFile(path, unread="it is no description of an MLflow model")
    names = {str(v["loader_module"]) for v in own.values() if "loader_module" in v}
    versions = {
        str(key).removesuffix("_version"): str(said)
        for flavor, v in own.items()
        for key, said in v.items()
        if str(key).endswith("_version") and str(key) != "python_version" and isinstance(said, str)
        and flavor != "python_function"
    }  # fmt: skip
    return ModelFile(path, tuple(sorted(names | set(versions))), tuple(sorted(versions.items())))


def _made(artifact: Artifact) -> Iterable[str]:
    """Yield what a format itself needs, and the class that a file without names stands for."""
    from modelward.artifacts import class_name

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
