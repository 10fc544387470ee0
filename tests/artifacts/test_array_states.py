"""Arrays whose description lets numpy or pyarrow take bytes of the file for addresses, or read beside what is there.

Each of the hostile ones was loaded for real: the load goes through, and the process dies on an address that the file
chose as soon as somebody looks at the array. The honest ones are whatever numpy and pyarrow themselves pickle.
"""

from __future__ import annotations

import importlib
import io
import pickle
import struct
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelward.artifacts import read_bytes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
streams = importlib.import_module("corpus_streams")
sys.path.remove(str(BENCHMARKS))
Build, Call, Items, Name, New, call = (
    getattr(streams, n) for n in ("Build", "Call", "Items", "Name", "New", "call")
)
ADDRESS = struct.pack("<Q", 0x4141414141414141)
NDARRAY = Name("numpy", "ndarray")


def dtype(code: str, *state: object) -> object:
    made = call("numpy", "dtype", code, False, True)
    return Build(made, (state,)) if state else made


def record(flags: int, inner: object, offset: int = 0) -> object:
    return dtype("V8", 3, "|", None, ("a",), {"a": (inner, offset)}, 8, 1, flags)


def array(kind: object, content: bytes = ADDRESS) -> object:
    empty = call("numpy._core.multiarray", "_reconstruct", NDARRAY, (0,), b"b")
    return Build(empty, ((1, (1,), kind, False, content),))


OBJECT = dtype("O8", 3, "|", None, None, None, -1, -1, 63)
DOUBLE = dtype("f8", 3, "<", None, None, None, -1, -1, 0)
UNFLAGGED = record(0, OBJECT)
HALF = dtype("O8", 3, "|", None, None, None, -1, -1, 61)


def arrow(length: int, offsets: bytes, text: bytes = b"", kind: str = "large_string") -> object:
    parts = [None, call("pyarrow.lib", "py_buffer", offsets), call("pyarrow.lib", "py_buffer", text)]
    data = (call("pyarrow.lib", "type_for_alias", kind), length, 0, 0, parts, [], None)
    return call("pyarrow.lib", "_restore_array", data)


def frame(*places: object) -> object:
    """A frame of pandas whose blocks stand at these columns."""
    blocks = tuple(
        call("pandas._libs.internals", "_unpickle_block", array(DOUBLE), place, 2) for place in places
    )
    return call("pandas.core.internals.managers", "BlockManager", blocks, [])


HOSTILE = {
    "pandas: a block beside its frame": frame(call("builtins", "slice", 1 << 30, (1 << 30) + 1, 1)),
    "pandas: a block before its frame": frame(call("builtins", "slice", -9, -8, 1)),
    "pandas: columns of a block beside its frame": frame(
        Build(
            call("numpy._core.multiarray", "_reconstruct", NDARRAY, (0,), b"b"),
            ((1, (1,), dtype("i8", 3, "<", None, None, None, -1, -1, 0), False, struct.pack("<q", 1 << 30)),),
        )
    ),
    "pandas: blocks of something else": frame(call("builtins", "range", 1 << 40)),
    "a record that hides its objects": array(UNFLAGGED),
    "objects without their flag": array(dtype("O8", 3, "|", None, None, None, -1, -1, 0)),
    "objects that are not pickled as a list": array(HALF),
    "an item that is an array of objects": array(dtype("V8", 3, "|", (OBJECT, (1,)), None, None, 8, 1, 0)),
    "a record in a record": array(record(0, record(27, OBJECT))),
    "a scalar": call("numpy._core.multiarray", "scalar", UNFLAGGED, ADDRESS),
    "a buffer": call("numpy._core.numeric", "_frombuffer", ADDRESS, UNFLAGGED, (1,), "C"),
    "a field beside its item": array(record(16, DOUBLE, 1 << 20)),
    "a field before its item": array(record(16, DOUBLE, -64)),
    "a text that is longer than it says": array(dtype("S8", 3, "|", None, None, None, 1 << 30, 1, 0)),
    "a shared dtype": array(Build(call("numpy", "dtype", "O8"), ((3, "|", None, None, None, -1, -1, 0),))),
    "a dtype that is described twice": array(
        Build(call("numpy", "dtype", "V8", False, True), tuple(
            (3, "|", None, ("a",), {"a": (kind, 0)}, 8, 1, 16) for kind in (DOUBLE, DOUBLE)
        ))
    ),
    "a void that gets its fields later": array(call("numpy", "dtype", "V8", False, True)),
    "a scalar of such a void": call("numpy._core.multiarray", "scalar", dtype("V8"), ADDRESS),
    "an array made over bytes": call("copyreg", "__newobj__", NDARRAY, (1,), OBJECT, ADDRESS),
    "the same with keywords": call("copyreg", "__newobj_ex__", NDARRAY, ((1,), OBJECT, ADDRESS), {}),
    "the same by opcode": New(NDARRAY, ((1,), OBJECT, ADDRESS)),
    "Arrow: offsets beyond the text": arrow(1, struct.pack("<2q", 0, 1 << 40), b"ab"),
    "Arrow: offsets that fall": arrow(2, struct.pack("<3q", 0, 2, 1), b"ab"),
    "Arrow: negative offsets": arrow(1, struct.pack("<2q", -8, 0), b"ab"),
    "Arrow: fewer offsets than texts": arrow(1 << 30, struct.pack("<2q", 0, 2), b"ab"),
    "Arrow: another kind": arrow(1, b"", b"", "list"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE.values(), ids=HOSTILE)
def test_what_lets_a_file_choose_an_address_is_never_clean(what: object) -> None:
    assert read_bytes(streams.stream(what)).verdict in ("malicious", "suspicious")


def test_a_field_that_is_exchanged_after_the_state_was_given_is_found() -> None:
    plain = streams.body(DOUBLE, streams.Form())
    objects = streams.body(OBJECT, streams.Form())
    name, slot = b"\x8c\x01a", b"q\xf5"
    made = streams.body(call("numpy", "dtype", "V8", False, True), streams.Form())
    state = (
        b"(K\x03\x8c\x01|N(" + name + b"t}" + slot + name + b"(" + plain + b"K\x00ts" + b"K\x08K\x01K\x10t"
    )
    later = b"h\xf5" + name + b"(" + objects + b"K\x00ts0"
    assert read_bytes(b"\x80\x04" + made + state + b"b.").verdict == "clean"
    assert read_bytes(b"\x80\x04" + made + state + b"b" + later + b".").verdict == "malicious"


def test_joblib_takes_no_array_of_a_void_that_is_still_open() -> None:
    buffer = io.BytesIO()
    joblib.dump(np.zeros(2, "V8"), buffer)
    whole = buffer.getvalue()
    assert read_bytes(whole).verdict == "clean"
    begin = whole.index(b"(K\x03\x8c\x01|")  # the state of the dtype, and its BUILD
    end = whole.index(b"b", whole.index(b"K\x00", begin))
    assert read_bytes(whole[:begin] + whole[end + 1 :]).verdict != "clean"


# A field may have any name but one that Python keeps for itself: such a key in a state is refused wherever it stands.
KINDS = st.one_of(
    hnp.scalar_dtypes(),
    hnp.nested_dtypes(max_itemsize=256).filter(lambda kind: "'__" not in repr(kind)),
    st.just(np.dtype("O")),
    st.just(np.dtype([("a", "O"), ("b", "<i4", (2,))], align=True)),
    st.just(np.dtype([(("title", "a"), "f8")])),
    st.just(np.dtype([("x", [("y", "O")])])),
)


@settings(max_examples=60, deadline=None)
@given(KINDS, st.integers(2, 5))
def test_whatever_numpy_itself_describes_is_clean(kind: np.dtype, protocol: int) -> None:
    value = np.zeros((2,), kind)
    assert read_bytes(pickle.dumps(value, protocol)).verdict == "clean"


@settings(max_examples=60, deadline=None)
@given(KINDS, st.integers(0, 127))
def test_flags_of_objects_are_those_of_numpy(kind: np.dtype, flags: int) -> None:
    """Independent oracle: numpy's own flags of the same dtype."""
    state = list(kind.__reduce__()[2])
    state[7] = flags
    real = pickle.dumps(kind, 2)
    lied = pickle.dumps(_Lie(kind, tuple(state)), 2)
    assert read_bytes(real).verdict == "clean"
    if (flags ^ kind.flags) & 3:
        assert read_bytes(lied).verdict != "clean"


class _Lie:
    """A dtype that is pickled with another state."""

    def __init__(self, kind: np.dtype, state: tuple) -> None:
        self.kind, self.state = kind, state

    def __reduce__(self) -> tuple:
        made, args, _ = self.kind.__reduce__()
        return made, args, self.state


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("kind", ["str", "string[pyarrow]", "int64[pyarrow]", "bool[pyarrow]"])
def test_arrays_of_arrow_that_pandas_pickles_are_clean(kind: str, protocol: int) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    values = ["a", None, "longer", ""] if kind[0] == "s" else [1, None, 0, 1]
    whole = pd.Series(values, dtype=kind)
    for series in (whole, whole[1:], whole[:0]):
        found = read_bytes(pickle.dumps(series.array, protocol))
        unknown = [use.name for use in found.globals if use.status != "known"]
        assert found.verdict == "clean" or unknown, found.reasons


FETCHED = {
    "an attribute": Items(Build(call("types", "SimpleNamespace"), ({"append": Name("numpy", "sum")},)), (1,)),
    "a key of a bunch": Items(
        Items(call("sklearn.utils._bunch", "Bunch"), (), (("extend", Name("numpy", "sum")),)), (1,)
    ),
    "joblib's own reading": Build(
        New(Name("joblib.numpy_pickle", "NumpyArrayWrapper")), ({"read": Name("numpy", "sum")},)
    ),
}


@pytest.mark.parametrize("what", FETCHED.values(), ids=FETCHED)
def test_what_stands_where_an_unpickler_looks_for_a_method_is_never_clean(what: object) -> None:
    assert read_bytes(streams.stream(what)).verdict == "malicious"


def test_plain_values_of_such_names_are_nothing() -> None:
    space = Build(call("types", "SimpleNamespace"), ({"append": True, "read": "r", "add": 1},))
    words = Items(
        call("collections", "OrderedDict"),
        (),
        (("append", call("numpy._core.multiarray", "scalar", DOUBLE, bytes(8))),),
    )
    assert read_bytes(streams.stream(space)).verdict == "clean"
    assert read_bytes(streams.stream(words)).verdict == "clean"


def test_frames_of_many_blocks_are_clean() -> None:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    parts = {
        f"c{i}": ([1, 2], [0.5, 1.5], ["a", "b"], [True, False])[int(rng.integers(4))] for i in range(30)
    }
    whole = pd.DataFrame(parts)
    for made in (
        whole,
        whole[["c3", "c1", "c7"]],
        whole.iloc[:0],
        whole[[]],
        whole.assign(d=pd.Categorical(["x", "y"])),
    ):
        for protocol in (2, 5):
            assert read_bytes(pickle.dumps(made, protocol)).verdict == "clean"
