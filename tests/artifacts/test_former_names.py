"""Losses of scikit-learn 1.5 to 1.7, whose module calls itself `_loss`: honest uses are clean, others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelward.artifacts import read_bytes


def text(value: str) -> bytes:
    """Return a text that is pushed."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def called(module: str, name: str, *args: bytes) -> bytes:
    """Return a pickle that calls a name with what the arguments push."""
    return b"\x80\x04" + text(module) + text(name) + b"\x93(" + b"".join(args) + b"tR."


def named(module: str, name: str) -> bytes:
    """Return what pushes a name."""
    return text(module) + text(name) + b"\x93"


NUMBER = b"K\x07"


@pytest.mark.parametrize(
    "data",
    [
        called("_loss", "CyHalfBinomialLoss"),
        called("_loss", "CyHuberLoss", b"G?\xe0\0\0\0\0\0\0"),
        called(
            "_loss", "__pyx_unpickle_CyHalfSquaredError", named("_loss", "CyHalfSquaredError"), NUMBER, b"N"
        ),
    ],
)
def test_honest_losses_are_clean_and_only_behind_scikit_learn(data: bytes) -> None:
    loaded = named("sklearn._loss.loss", "HalfBinomialLoss") + b"0"
    assert read_bytes(data[:2] + loaded + data[2:]).verdict == "clean"
    # Without it the name may be that of any module that lies beside the file.
    assert read_bytes(data).verdict == "suspicious"
    assert read_bytes(data[:-1] + loaded + b".").verdict == "suspicious"


@pytest.mark.parametrize(
    "data",
    [
        called("_loss", "load"),
        called("_loss", "CyHalfBinomialLoss.__init__.__globals__"),
        called("_loss", "os.system", text("true")),
        called("_loss.CyHalfBinomialLoss", "run"),
        called("_loss", "__pyx_unpickle_CyHalfSquaredError", named("os", "system"), NUMBER, b"N"),
        called("_loss", "__pyx_unpickle_CyHalfSquaredError", named("builtins", "list"), NUMBER, b"N"),
        called("sklearn.model_selection._classification_threshold", "_CurveScorer", NUMBER),
    ],
)
def test_anything_else_under_that_name_is_not(data: bytes) -> None:
    assert read_bytes(data).verdict in ("suspicious", "malicious")


def test_catboost_is_clean_by_exact_names() -> None:
    for name in ("CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"):
        assert read_bytes(b"\x80\x04" + named("catboost.core", name) + b")\x81.").verdict == "clean"
    assert (
        read_bytes(b"\x80\x04" + named("catboost.core", "CatBoostWizard") + b")\x81.").verdict == "suspicious"
    )


@pytest.mark.parametrize("name", ["numpy.recarray", "numpy.ma.core.MaskedArray"])
def test_array_types_as_numpy_before_2_spells_them(name: str) -> None:
    # What numpy 1.26 wrote for np.rec.array and np.ma.masked_array: the class is handed to numpy's own rebuilder.
    module, _, kind = name.rpartition(".")
    rebuilder = (
        ("numpy.ma.core", "_mareconstruct") if "ma" in module else ("numpy.core.multiarray", "_reconstruct")
    )
    shape = b"K\x00\x85"
    base = named("numpy", "ndarray") if "ma" in module else b""
    data = called(*rebuilder, named(module, kind), base, shape, b"C\x01b")
    assert read_bytes(data).verdict == "clean"


def test_a_frame_as_pandas_before_3_wrote_it() -> None:
    """Written by pandas 2.3.3: numbers, texts, categories, times with a zone."""
    found = read_bytes((Path(__file__).parent / "data" / "pandas2" / "frame.pkl").read_bytes())
    assert "pandas.core.frame.DataFrame" in {use.name for use in found.globals}
    assert (found.verdict, found.reasons) == ("clean", ())
    assert read_bytes(called("pandas.core.frame", "DataFrame.to_pickle", text("x"))).verdict != "clean"
