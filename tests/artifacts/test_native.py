"""Machine code that is kept: made once, run again without a compiler, and never run where it may have been changed."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import carray  # type: ignore[attr-defined]

from modelward.artifacts import _native
from modelward.artifacts._native_make import object_file


def total(values, count):  # type: ignore[no-untyped-def]  # numba has its own types
    """Return the sum of numbers at an address."""
    found = 0
    for value in carray(values, count):
        found += value
    return found


def never() -> bytes:
    raise AssertionError("it was kept")


@pytest.fixture(scope="module")
def code() -> bytes:
    return object_file(total, "pi")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path


def summed(make: object = never, sources: tuple[str, ...] = ("_native.py",)) -> int:
    function = _native.native("total", sources, make, "pi")  # type: ignore[arg-type]
    values = _native.numbers(5)
    values[:] = [1, 2, 3, 4, -20]
    return function(ctypes.addressof(values), 5)


def test_what_was_compiled_is_kept_and_computes(code: bytes, folder: Path) -> None:
    assert summed(lambda: code) == -10
    assert summed() == -10
    assert [path.suffix for path in folder.iterdir()] == [".o"]


def test_other_sources_make_it_anew(code: bytes, folder: Path) -> None:
    summed(lambda: code)
    with pytest.raises(AssertionError, match="it was kept"):
        summed(sources=("_native.py", "_effort.py"))


def test_what_is_damaged_is_made_anew(code: bytes, folder: Path) -> None:
    summed(lambda: code)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    for spoilt in (b"", whole[:40], whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(spoilt)
        with pytest.raises(AssertionError, match="it was kept"):
            summed()
    path.write_bytes(b"")
    assert summed(lambda: code) == -10
    assert path.read_bytes() == whole


@pytest.mark.skipif(os.name != "posix", reason="who may write a file is another question elsewhere")
def test_what_others_may_write_is_not_run(code: bytes, folder: Path) -> None:
    summed(lambda: code)
    (path,) = folder.iterdir()
    path.chmod(0o666)
    with pytest.raises(AssertionError, match="it was kept"):
        summed()


def test_without_a_folder_there_is_none(code: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(RuntimeError, match="no folder"):
        summed(lambda: code)


def test_numba_is_not_loaded_for_what_is_kept() -> None:
    from modelward.artifacts._walk import load_compiled

    assert load_compiled() is not None
    asked = (
        "import sys; from modelward.artifacts._walk import load_compiled as load;"
        "print(load() is not None, 'numba' in sys.modules, 'numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False", "False"]


def test_arrays_grow() -> None:
    values = _native.numbers(2)
    values[:] = [5, 6]
    assert list(_native.grown(values, 4)) == [5, 6, -1, -1]
    assert list(_native.numbers(3)) == [0, 0, 0]


def test_addresses() -> None:
    data = b"a\0b" * 3
    for kept in (data, bytearray(data)):
        assert ctypes.string_at(_native.address_of(kept), len(data)) == data
