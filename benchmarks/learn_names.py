"""Write the allowlist of names, `src/modelward/artifacts/_known.py`, from the libraries' own estimators.

Every published estimator of scikit-learn is fitted on small generated data where it fits plainly, and
the scikit-learn wrappers of xgboost and lightgbm with it; each is saved with pickle protocols 0 to 5 and
joblib; the names that those files reach are the list. To it come, by exact name: the other estimator,
kernel, loss, splitter and scoring classes that scikit-learn defines, numpy's types and element-wise
functions, and scipy's sparse containers and distributions. Then the same names as older releases spelt
them.

    python benchmarks/learn_names.py [FOLDER]

FOLDER holds what `make_estimators.py` saved with older releases of scikit-learn, a folder for each. Beside the names
the list says which of them are no classes, and which honest files call with arguments: the reader takes no other call.
"""

from __future__ import annotations

import importlib
import inspect
import io
import pickle
import pkgutil
import sys
import textwrap
import warnings
from pathlib import Path

import joblib
import numpy as np
import scipy
import scipy.sparse
import scipy.stats
import sklearn
from sklearn.base import BaseEstimator

from make_estimators import fitted
from modelward.artifacts._inert import Inert
from modelward.artifacts._log import Log
from modelward.artifacts._names import BUILTINS, judge_name
from modelward.artifacts._opcodes import MAX_MEMORY
from modelward.artifacts._unpickle import read_one

OUT = Path(__file__).parents[1] / "src" / "modelward" / "artifacts" / "_known.py"
SKIP = (
    "tests",
    "datasets",
    "externals",
    "_testing",
    "conftest",
    "_build_utils",
    "fixes",
    "_test_common",
    "estimator_checks",
)
COMPILED = (
    "sklearn._loss._loss", "sklearn.linear_model._sgd_fast", "sklearn.metrics._dist_metrics",
    "sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree", "sklearn.neighbors._quad_tree",
    "sklearn.tree._tree", "sklearn.tree._criterion", "sklearn.tree._splitter", "sklearn.cluster._bicluster",
)  # fmt: skip
ROOTS = ("sklearn", "numpy", "scipy", "pandas", "xgboost", "lightgbm", "catboost", "joblib", "pyarrow")


def streams(value: object) -> list[tuple[bytes, bool]]:
    """Return the files that a value is saved to, and whether joblib wrote them."""
    found: list[tuple[bytes, bool]] = []
    for protocol in range(6):
        try:
            found.append((pickle.dumps(value, protocol), False))
            if protocol > 1:
                buffer = io.BytesIO()
                joblib.dump(value, buffer, protocol=protocol)
                found.append((buffer.getvalue(), True))
        except Exception:  # noqa: BLE001, S112 - not everything can be saved in every protocol
            continue
    return found


CALLED: set[str] = set()
"""Names that a file has called with arguments so far."""


def record_calls() -> None:
    """Note what the streams that are read from now on call with arguments."""
    plain = Inert.__new__

    def new(cls: type[Inert], /, *args: object, **kwargs: object) -> Inert:
        if args or kwargs:
            CALLED.add(f"{cls.module}.{cls.name}")
        return plain(cls, *args, **kwargs)

    type.__setattr__(Inert, "__new__", staticmethod(new))  # the stand-in classes refuse to be changed


def names_of(value: object) -> set[str]:
    """Return the names that a value's files reach."""
    return names_in(streams(value), type(value).__name__)


def names_in(files: list[tuple[bytes, bool]], what: str) -> set[str]:
    """Return the names that streams reach."""
    log = Log()
    for data, by_joblib in files:
        reading = read_one(data, 0, log, joblib=by_joblib, max_memory=MAX_MEMORY)
        if reading.error:
            print(f"cannot read {what}: {reading.error}", file=sys.stderr)
    return {f"{module}.{name}" for module, name in log.names}


def no_classes(names: set[str]) -> set[str]:
    """Return those of the names that are functions here: a file may refer to them, but has no need of calls."""
    found = set()
    for name in names:
        module, _, last = name.rpartition(".")
        try:
            value = getattr(importlib.import_module(module), last)
        except Exception:  # noqa: BLE001, S112 - an older release's name
            continue
        if not inspect.isclass(value):
            found.add(name)
    return found


def modules_of(package: object) -> list[object]:
    """Import a package's modules, without its tests and loaders."""
    found = []
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):  # type: ignore[attr-defined]
        if any(part in SKIP for part in info.name.split(".")):
            continue
        try:
            found.append(importlib.import_module(info.name))
        except Exception:  # noqa: BLE001, S112 - optional parts
            continue
    return found


def defined() -> set[str]:
    """Return scikit-learn's classes and functions that only hold parameters or compute."""
    from sklearn._loss.link import BaseLink
    from sklearn._loss.loss import BaseLoss
    from sklearn.gaussian_process.kernels import Hyperparameter, Kernel
    from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
    from sklearn.model_selection._split import _RepeatedSplits

    bases = (
        BaseEstimator,
        Kernel,
        Hyperparameter,
        BaseLink,
        BaseLoss,
        BaseCrossValidator,
        BaseShuffleSplit,
        _RepeatedSplits,
    )
    found = set()
    for module in modules_of(sklearn):
        for value in vars(module).values():
            if (
                inspect.isclass(value)
                and value.__module__.startswith("sklearn.")
                and issubclass(value, bases)
            ):
                found.add(f"{value.__module__}.{value.__qualname__}")
    for name in ("metrics", "feature_selection", "preprocessing", "covariance"):
        module = importlib.import_module(f"sklearn.{name}")
        for public in module.__all__:
            value = getattr(module, public)
            if inspect.isfunction(value):
                found.add(f"{value.__module__}.{value.__name__}")
    return {name for name in found if not any(part in SKIP for part in name.split("."))}


def compiled() -> set[str]:
    """Return the compiled losses, distances and tree parts, and their rebuilders: which a model holds depends on
    its parameters, and all are rebuilt by calls. What wraps a Python function is left out."""
    found = set()
    for name in COMPILED:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for key, value in vars(module).items():
            rebuilds = key == "newObj" or key.startswith("__pyx_unpickle_")
            own = inspect.isclass(value) and value.__module__ == name and not key.startswith("PyFunc")
            if rebuilds or own:
                found.add(f"{name}.{key}")
    return found


def numpy_names() -> set[str]:
    """Return numpy's scalar types, dtypes, element-wise functions and plain reductions."""
    found = set()
    for name in dir(np):
        value = getattr(np, name)
        if (inspect.isclass(value) and issubclass(value, np.generic)) or isinstance(value, np.ufunc):
            found.add(f"numpy.{name}")
            if isinstance(value, np.ufunc):
                found.add(f"numpy._core._multiarray_umath.{name}")
    found |= {f"numpy.dtypes.{name}" for name in dir(np.dtypes) if inspect.isclass(getattr(np.dtypes, name))}
    plain = (
        "mean",
        "median",
        "sum",
        "min",
        "max",
        "std",
        "var",
        "prod",
        "nanmean",
        "nanmedian",
        "nan_to_num",
        "clip",
        "round",
        "ravel",
        "argmax",
    )
    return (
        found
        | {f"numpy.{name}" for name in plain}
        | {"numpy.ndarray", "numpy.dtype", "numpy.matrix", "numpy.str", "numpy.bool8"}
    )


def older(names: set[str]) -> set[str]:
    """Return the same names as older releases spelt them."""
    found = set(names)
    for name in names:
        if name.startswith("numpy._core."):
            found.add(name.replace("numpy._core.", "numpy.core.", 1))
        parts = name.split(".")
        if parts[0] in ("sklearn", "scipy") and any(part.startswith("_") for part in parts[1:-1]):
            found.add(".".join([parts[0], *(part.lstrip("_") for part in parts[1:-1]), parts[-1]]))
    # Modules that were renamed, not only made private.
    for old, new in (
        ("sklearn.tree.tree.", "sklearn.tree._classes."), ("sklearn.svm.classes.", "sklearn.svm._classes."),
        ("sklearn.neighbors.dist_metrics.", "sklearn.metrics._dist_metrics."),
        ("sklearn.neighbors._dist_metrics.", "sklearn.metrics._dist_metrics."),
        ("sklearn.preprocessing.label.", "sklearn.preprocessing._label."),
        ("sklearn.preprocessing.imputation.", "sklearn.impute._base."),
        ("sklearn.ensemble.weight_boosting.", "sklearn.ensemble._weight_boosting."),
    ):  # fmt: skip
        found |= {old + name.removeprefix(new) for name in names if name.startswith(new)}
    found |= {
        "sklearn.ensemble._gb_losses.BinomialDeviance",
        "sklearn.ensemble._gb_losses.MultinomialDeviance",
    }
    found |= {"sklearn.ensemble._gb_losses.LeastSquaresError", "sklearn.neighbors._dist_metrics.newObj"}
    # Releases before 1.3 call it so; later ones have no class of this name.
    homes = (
        "metrics._dist_metrics",
        "metrics.dist_metrics",
        "neighbors._dist_metrics",
        "neighbors.dist_metrics",
    )
    found |= {f"sklearn.{home}.EuclideanDistance" for home in homes}
    found |= {
        "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
        "joblib.numpy_pickle.NumpyArrayWrapper",
    }
    found |= {"numpy.random._pickle.__randomstate_ctor", "numpy.random._pickle.__bit_generator_ctor"}
    return found


def old_files(folder: Path) -> list[tuple[str, list[tuple[bytes, bool]]]]:
    """Return the files that `make_estimators.py` saved with older releases, by the release that wrote them."""
    found = []
    for release in sorted(folder.iterdir()) if folder.is_dir() else []:
        files = [
            (path.read_bytes(), path.suffix == ".joblib")
            for path in sorted(release.rglob("*"))
            if path.suffix in (".pkl", ".joblib")
        ]
        found.append((release.name, files))
    return found


def listing(title: str, what: str, names: set[str]) -> str:
    """Return a set of names as Python."""
    lines = "\n".join(f'        "{name}",' for name in sorted(names))
    return f'{title}: frozenset[str] = frozenset(\n    {{\n{lines}\n    }}\n)\n"""{what}"""\n'


def main() -> None:
    """Fit, save, read, write."""
    warnings.simplefilter("ignore")
    record_calls()
    learned: set[str] = set()
    estimators = fitted()
    for estimator in estimators:
        learned |= names_of(estimator)
    releases = []
    if len(sys.argv) > 1:
        for release, files in old_files(Path(sys.argv[1])):
            releases.append(release)
            learned |= names_in(files, release)
    harmful = {name for name in learned if not name.startswith(ROOTS) and name not in BUILTINS}
    for name in sorted(harmful):
        print("left out:", name, judge_name(*name.rsplit(".", 1)), file=sys.stderr)
    inner = compiled()
    names = older({name for name in learned if name.startswith(ROOTS)} | defined() | numpy_names() | inner)
    added = older(set())
    plain = no_classes(names)
    functions = (older(plain) - (added - plain)) & names
    made = {name for name in CALLED if name.startswith(ROOTS)} | inner
    called = (older(made) - (added - made)) & names
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (sklearn, np, scipy))
    for extra in ("pandas", "xgboost", "lightgbm", "catboost"):
        if extra in sys.modules:
            versions += f", {extra} {sys.modules[extra].__version__}"
    if releases:
        versions += "; files of " + ", ".join(releases)
    OUT.write_text(
        f'"""Names that loading a file may reach: exact, no wildcards.\n\n'
        f"Generated by `python benchmarks/learn_names.py` from {len(estimators)} fitted objects\n"
        + "\n".join(textwrap.wrap(f"({versions});", 100))
        + "\n"
        'its docstring says what is on the list and why. Do not edit.\n"""\n\n'
        + listing("KNOWN", "What a file may name.", names)
        + "\n"
        + listing("FUNCTIONS", "Those of the known names that are no classes.", functions)
        + "\n"
        + listing("CALLED", "Those of the known names that honest files call with arguments.", called)
    )
    print(f"{len(names)} names from {len(estimators)} fitted objects")


if __name__ == "__main__":
    main()
