"""From what a user types as MODEL to a model in memory: a file, a Python attribute, or an endpoint."""

from __future__ import annotations

import importlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelward.errors import InputError, RefusedError, SubjectError, UnreadableError, UsageError
from modelward.models._endpoint import Endpoint
from modelward.models._load import BESIDE, load_artifact

if TYPE_CHECKING:
    from collections.abc import Collection

    from modelward.artifacts import Artifact

_ATTRIBUTE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class Opened:
    """A model that was opened, or a malicious file that was not.

    Parameters
    ----------
    model : object or None
        What `wrap` takes; None if the file is malicious and was left closed.
    kind : {"file", "attribute", "endpoint", "object"}
        What the user gave; an object is one that was in memory already.
    artifact : Artifact or None
        The file as it was read.
    name : str
        How reports call it.
    notes : tuple of str
        What people should know, such as that another version wrote the file.
    rebuilt : bool
        Whether the model was rebuilt from the file's numbers, and nothing of the file was loaded.
    """

    model: Any
    kind: Literal["file", "attribute", "endpoint", "object"]
    artifact: Artifact | None
    name: str
    notes: tuple[str, ...] = ()
    rebuilt: bool = False


def open_model(spec: str, *, trust: Collection[str] = (), rebuild: bool = False) -> Opened:
    """Open a model file, ``package.module:attribute``, or the address of a prediction endpoint.

    A file is read without running it first. What is loaded then are the very bytes that were read, by an
    unpickler that looks up no other names than those which the reading showed. A file that reaches unknown
    names, or whose library is not installed or too different, is rebuilt instead where that is possible.

    Parameters
    ----------
    spec : str
        What the user typed.
    trust : collection of str
        Exact names in a file that the user vouches for; dangerous ones are never trusted.
    rebuild : bool
        Load nothing: rebuild the model from the numbers of the file, even of a malicious one.

    Returns
    -------
    Opened
        With `model` None if the file is malicious: that is a finding, not an error.

    Raises
    ------
    InputError
        If there is no such file, module or attribute.
    UnreadableError
        If the file cannot be read to its end.
    RefusedError
        If the file reaches unknown names that are not in `trust`.
    SubjectError
        If a library that the file needs is not installed or too different.

    Examples
    --------
    >>> open_model("https://models.example/credit").name
    'https://models.example/credit'
    """
    named = _ATTRIBUTE.fullmatch(spec) and not Path(spec).exists()
    if rebuild and ("://" in spec or named):
        raise UsageError(f"--rebuild takes a model file, not {spec}")
    if "://" in spec:
        endpoint = Endpoint(spec)
        return Opened(endpoint, "endpoint", None, endpoint.shown)
    if named:
        return Opened(_attribute(spec), "attribute", None, spec)
    return _file(Path(spec), trust, rebuild=rebuild)


def _file(path: Path, trust: Collection[str], *, rebuild: bool) -> Opened:
    from modelward.artifacts import read_artifact

    if not path.exists():
        raise InputError(
            f"there is no model file {path}: give a file, package.module:attribute, or an http address"
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the model file in it")
    artifact = read_artifact(path)
    if artifact.verdict == "unreadable":
        why = artifact.reasons[0] if artifact.reasons else "it is no model file"
        raise UnreadableError(f"{artifact.path} cannot be read: {why}")
    if rebuild:
        return _rebuilt(path, artifact, "as --rebuild says")
    if artifact.verdict == "malicious":
        return Opened(None, "file", artifact, path.name)
    if artifact.format.startswith(("XGBoost", "LightGBM", "CatBoost")):
        return _rebuilt(path, artifact, "it holds trees and no object that could be loaded")
    try:
        model, notes = load_artifact(artifact, trust)
    except SubjectError as err:
        if not isinstance(err, RefusedError):
            why = "it does not load here"
        elif any(reason in str(err) for reason in BESIDE):
            why = "using it would read memory beside its arrays"
        else:
            why = "it reaches names that nobody has checked"
        try:
            return _rebuilt(path, artifact, why)
        except SubjectError:
            raise err from None
    return Opened(model, "file", artifact, path.name, notes)


def _rebuilt(path: Path, artifact: Artifact, why: str) -> Opened:
    """Open a file without loading it.

    Raises
    ------
    SubjectError
        If it cannot be rebuilt, with the class that is in the way.
    """
    from modelward.models.rebuilt import rebuild

    note = (
        f"the model was rebuilt from the numbers in {path.name} and that was asked ({why}): nothing of the file "
        "was loaded, so its answers were not compared with those of the loaded model"
    )
    return Opened(rebuild(artifact), "file", artifact, path.name, (note,), rebuilt=True)


def _attribute(spec: str) -> Any:
    module_name, _, attribute = spec.partition(":")
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        # A console script does not see the folder that it is started in, where people keep their module.
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as err:
        missing = err.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            raise InputError(f"there is no module {missing}: start in its folder, or install it") from err
        raise SubjectError(
            f"{module_name} needs {missing}, which is not installed: pip install {missing}"
        ) from err
    except Exception as err:
        lines = str(err).strip().splitlines()
        what = f"{type(err).__name__}: {lines[0][:200] if lines else ''}"
        raise SubjectError(f"importing {module_name} failed: {what}") from err
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(f"{module_name} has no attribute {attribute}")
        found = getattr(found, part)
    if isinstance(found, type):
        raise UsageError(f"{spec} is a class: name a fitted object or a function")
    return found
