"""The generated corpus of malicious files, and calls of known names that would do harm."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

import pytest

from modelward.artifacts import read_bytes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
corpus = importlib.import_module("corpus")
streams = importlib.import_module("corpus_streams")
sys.path.remove(str(BENCHMARKS))
Build, Call, Form, Name, New, call = (
    getattr(streams, n) for n in ("Build", "Call", "Form", "Name", "New", "call")
)


@pytest.fixture(scope="module")
def items() -> list:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return corpus.generate()


def test_the_corpus_is_large_and_every_file_is_distinct(items: list) -> None:
    assert len(items) >= 300
    assert len({(item.file.partition("/")[2], item.data) for item in items}) == len(items)


def test_nothing_of_the_corpus_is_clean(items: list) -> None:
    assert [item.trick for item in items if read_bytes(item.data).verdict == "clean"] == []


CODE = "open('ran','w').close()"
NORM = Name("scipy.stats._continuous_distns", "norm_gen")
TEXT = {"_parse_arg_template": CODE}
HANDED_ON = {
    "max": call("builtins", "max", (New(NORM),)),
    "copyreg's helper": call("copyreg", "_reconstructor", NORM, Name("builtins", "object"), None),
    "a compiled helper": call("sklearn.neighbors._kd_tree", "newObj", NORM),
    "pandas's helper": call("pandas.core.indexes.base", "_new_Index", NORM, {}),
    "a scalar": call("numpy._core.multiarray", "scalar", call("numpy", "dtype", "O"), New(NORM)),
}


@pytest.mark.parametrize("what", HANDED_ON.values(), ids=HANDED_ON)
def test_code_as_text_is_found_under_whatever_name_the_object_comes(what: object) -> None:
    assert read_bytes(streams.stream(Build(what, (TEXT,)))).verdict == "malicious"


def test_a_class_cannot_be_changed_under_an_object() -> None:
    tree = New(Name("sklearn.tree._classes", "DecisionTreeClassifier"))
    assert read_bytes(streams.stream(Build(tree, ((None, {"__class__": NORM}),)))).verdict == "malicious"


CALLS = {
    "bytes of a number": call("builtins", "bytes", 1 << 40),
    "bytearray of a number": call("builtins", "bytearray", 1 << 40),
    "a list of a range": call("builtins", "list", call("builtins", "range", 1 << 40)),
    "a fraction with an exponent": call("fractions", "Fraction", "1e999999999"),
    "an array of a size": call("numpy._core.multiarray", "_reconstruct", Name("numpy", "ndarray"), (1 << 40,), b"b"),
    "a random generator that calls back": call("numpy.random._pickle", "__generator_ctor", "x", Name("builtins", "len")),
    "a function that is only referred to": call("sklearn.metrics._ranking", "roc_auc_score", [0, 1], [0, 1]),
    "a constructor that is never called": call("numpy", "vectorize", Name("builtins", "len")),
}  # fmt: skip


@pytest.mark.parametrize("what", CALLS.values(), ids=CALLS)
def test_known_names_are_called_as_honest_files_call_them(what: object) -> None:
    assert read_bytes(streams.stream(what)).verdict != "clean"


def dtype(code: str, *state: object) -> object:
    return Build(call("numpy", "dtype", code, 0, 1), (state,))


LIES = {
    "numbers that become objects": dtype("f8", 3, "<", None, None, None, -1, -1, 63),
    "a void of another size": dtype("V200", 3, "|", None, None, None, 1, 1, 0),
    "text of another size": dtype("S200", 3, "|", None, None, None, 1, 1, 0),
    "a record in text": dtype("S8", 3, "|", ("a",), {"a": (dtype("f8", 3, "<", None, None, None, -1, -1, 0), 0)}, 8, 1, 0),
}  # fmt: skip


@pytest.mark.parametrize("what", LIES.values(), ids=LIES)
def test_joblib_arrays_whose_dtype_lies_are_not_read_on(what: object) -> None:
    state = {
        "subclass": Name("numpy", "ndarray"),
        "shape": (1,),
        "order": "C",
        "dtype": what,
        "allow_mmap": False,
    }
    wrapper = Build(New(Name("joblib.numpy_pickle", "NumpyArrayWrapper")), (state,))
    data = streams.stream(wrapper, Form(2, "global"), end=b"") + b"\xff" + b"N" * 200 + b"."
    assert read_bytes(data).verdict not in ("clean", "suspicious")
