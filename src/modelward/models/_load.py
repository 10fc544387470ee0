"""Loading a model file that was read inertly: exactly those bytes, and no name beyond those it showed."""

from __future__ import annotations

import _compat_pickle
import bz2
import gzip
import io
import lzma
import pickle
import re
import sys
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from modelward.errors import RefusedError, SubjectError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from modelward.artifacts import Artifact

_MOST_BYTES = 1 << 34
BESIDE = ("memory beside them", "memory beside it")
"""How the reasons end of state that ends the process, or worse, once somebody predicts; no honest file has any."""
_PACKAGES = {"sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "pyyaml"}
_WRAPPERS = (
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
)
_SKLEARN_VERSION = re.compile(rb"_sklearn_version.{0,16}?(\d+\.\d+(?:\.\d+|rc\d+|\.dev\d+)*)", re.DOTALL)
_XGBOOST_VERSION = re.compile(rb"version\[#L\x00{7}\x03i(.)i(.)i(.)", re.DOTALL)


def load_artifact(artifact: Artifact, trust: Collection[str] = ()) -> tuple[Any, tuple[str, ...]]:
    """Load a model from the bytes of an artifact.

    Parameters
    ----------
    artifact : Artifact
        Of a pickle or joblib file.
    trust : collection of str
        Exact names that the user vouches for.

    Returns
    -------
    model : object
    notes : tuple of str
        Warnings that the libraries gave, such as that another version wrote the file.

    Raises
    ------
    RefusedError
        If the bytes reach a name that is neither known nor trusted; nothing of the file is built then.
    SubjectError
        If a library is not installed, or is too different from the one that wrote the file.
    UnreadableError
        If the file is cut off or damaged.
    """
    allowed = allowed_names(artifact, trust)
    if artifact.format.partition(" ")[0] not in ("pickle", "joblib"):
        raise SubjectError(
            f"{artifact.path} is a file of {artifact.format}, which its own library loads; "
            "this loads pickle and joblib files"
        )
    data = _decompressed(artifact.data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = _loader(artifact, data, allowed)()
        except (SubjectError, UnreadableError):
            raise
        except ImportError as err:
            raise SubjectError(_not_installed(artifact.path, err, data)) from err
        except (EOFError, pickle.UnpicklingError) as err:
            raise UnreadableError(f"{artifact.path} is cut off or damaged: make it again") from err
        except Exception as err:
            raise SubjectError(_other_version(artifact.path, err, data)) from err
    return model, tuple(dict.fromkeys(_note(w.message) for w in caught))


def allowed_names(artifact: Artifact, trust: Collection[str]) -> frozenset[str]:
    """Return the names that loading an artifact may look up.

    Raises
    ------
    RefusedError
        If one is dangerous, or unknown and not trusted, or if predicting would read beside the model's own arrays.
    """
    dangerous = [g.name for g in artifact.globals if g.status == "dangerous"]
    if dangerous or artifact.verdict == "malicious":
        named = f": it reaches {_list(dangerous)}" if dangerous else ""
        raise RefusedError(f"{artifact.path} is dangerous and was not loaded{named}")
    beside = [reason for reason in artifact.reasons if reason.endswith(BESIDE)]
    if beside:
        raise RefusedError(f"{artifact.path} was not loaded: {beside[0]}")
    unknown = sorted({g.name for g in artifact.globals if g.status == "unknown" and g.name not in trust})
    if unknown:
        flags = " ".join(f"--trust {name}" for name in unknown[:10])
        raise RefusedError(
            f"{artifact.path} was not loaded: it reaches {_list(unknown)}, which nobody has checked; "
            f"if you know where the file is from: {flags}"
        )
    return frozenset(g.name for g in artifact.globals)


def _list(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _gate(allowed: frozenset[str], path: str) -> Callable[[str, str], None]:
    """Return a function that raises for every name that the reading did not show."""

    def check(module: str, name: str) -> None:
        plain = _compat_pickle.NAME_MAPPING.get((module, name))
        renamed = plain or (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        if f"{module}.{name}" not in allowed and ".".join(renamed) not in allowed:
            raise RefusedError(
                f"{path} was not loaded: it reaches {module}.{name}, which its reading did not show"
            )

    return check


def _loader(artifact: Artifact, data: bytes, allowed: frozenset[str]) -> Callable[[], Any]:
    check = _gate(allowed, artifact.path)

    class Exact(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            check(module, name)
            return super().find_class(module, name)

    if allowed.isdisjoint(_WRAPPERS):
        return Exact(io.BytesIO(data)).load

    from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

    class Wrapper(NumpyArrayWrapper):  # type: ignore[misc]
        """An array whose objects are read behind the same gate, whatever release of joblib is installed."""

        def read_array(self, unpickler: Any, *rest: Any) -> Any:
            if self.dtype.hasobject:
                return Exact(unpickler.file_handle).load()
            return super().read_array(unpickler, *rest)

    class ExactJoblib(NumpyUnpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            check(module, name)
            if module.endswith("joblib.numpy_pickle"):
                if name != "NumpyArrayWrapper":
                    raise RefusedError(f"{artifact.path} was not loaded: {name} reads further files")
                return Wrapper
            return super().find_class(module, name)

    stream = io.BytesIO(data)
    try:
        return ExactJoblib("", stream, ensure_native_byte_order=True).load  # type: ignore[no-any-return]
    except TypeError:
        return ExactJoblib("", stream).load  # type: ignore[no-any-return]


def _decompressed(data: bytes) -> bytes:
    """Return the bytes under joblib's compression, which is known by the first bytes.

    Raises
    ------
    UnreadableError
        If they are cut off, damaged, or more than 16 GB.
    """
    try:
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as stream:
                return _bounded(stream)
        if data[:3] == b"BZh":
            with bz2.open(io.BytesIO(data)) as stream:
                return _bounded(stream)
        if data[:6] == b"\xfd7zXZ\x00" or data[:3] == b"\x5d\x00\x00":
            with lzma.open(io.BytesIO(data)) as stream:
                return _bounded(stream)
        if data[:4] == b"\x04\x22\x4d\x18":
            return _lz4(data)
        if data[:1] == b"\x78" and len(data) > 2 and int.from_bytes(data[:2], "big") % 31 == 0:
            engine = zlib.decompressobj()
            out = engine.decompress(data, _MOST_BYTES)
            if not engine.eof:
                raise EOFError
            return out
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as err:
        raise UnreadableError("the compressed model file is cut off or damaged: make it again") from err
    return data


def _bounded(stream: Any) -> bytes:
    out: bytes = stream.read(_MOST_BYTES + 1)
    if len(out) > _MOST_BYTES:
        raise UnreadableError("the model file holds more than 16 GB: that is no model for one table")
    return out


def _lz4(data: bytes) -> bytes:
    try:
        import lz4.frame
    except ImportError:
        raise SubjectError("the model file is compressed with lz4: pip install lz4") from None
    try:
        with lz4.frame.open(io.BytesIO(data)) as stream:
            return _bounded(stream)
    except RuntimeError as err:
        raise EOFError from err


def written_by(package: str, data: bytes) -> str:
    """Return the version of a library that wrote a pickle, or an empty text.

    Examples
    --------
    >>> written_by("sklearn", b"...\\x8c\\x10_sklearn_version\\x94\\x8c\\x051.4.2\\x94ub.")
    '1.4.2'
    """
    if package == "sklearn":
        found = _SKLEARN_VERSION.search(data)
        return found[1].decode() if found else ""
    if package == "xgboost":
        found = _XGBOOST_VERSION.search(data)
        return ".".join(str(part[0]) for part in found.groups()) if found else ""
    return ""


def _not_installed(path: str, err: ImportError, data: bytes) -> str:
    top = (err.name or str(err)).partition(".")[0]
    version = written_by(top, data)
    wanted = _PACKAGES.get(top, top) + (f"=={version}" if version else "")
    if isinstance(err, ModuleNotFoundError) and sys.modules.get(top) is None:
        return f"{path} needs {_PACKAGES.get(top, top)}, which is not installed: pip install {wanted}"
    return f"{path} was written by another version of {_PACKAGES.get(top, top)}: pip install {wanted}"


def _other_version(path: str, err: Exception, data: bytes) -> str:
    version = written_by("sklearn", data)
    lines = str(err).strip().splitlines()
    what = f"{type(err).__name__}: {lines[0][:200]}" if lines else type(err).__name__
    import sklearn

    if version and version != sklearn.__version__:
        return (
            f"{path} was written by scikit-learn {version} and does not load under {sklearn.__version__} "
            f"({what}): pip install scikit-learn=={version}"
        )
    return f"{path} does not load ({what}): is the version of its library the one that wrote it?"


def _note(message: Warning | str) -> str:
    """Return one line of a warning; scikit-learn's says it once for every step, so the step is left out."""
    original = getattr(message, "original_sklearn_version", None)
    if original:
        current = getattr(message, "current_sklearn_version", "")
        return (
            f"the file was written by scikit-learn {original} and loaded under {current}: results may differ"
        )
    lines = str(message).strip().splitlines()
    return lines[0][:300] if lines else type(message).__name__
