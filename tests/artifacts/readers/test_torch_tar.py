"""PyTorch's first format, a tar archive: tensors as PyTorch loads them, code named, damage never clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelward.artifacts import as_array, read_artifact, read_bytes

HERE = Path(__file__).parents[1] / "data" / "torch"


def test_tensors_are_those_that_torch_loads() -> None:
    # What torch 2.13 printed for the file, written by data/make_torch_tar.py.
    artifact = read_artifact(HERE / "tensors_tar.pt")
    assert (artifact.format, artifact.verdict, artifact.reasons) == ("tar (PyTorch)", "clean", ())
    base = np.arange(12, dtype="f4").reshape(3, 4)
    view = np.array([[5, 7, 9], [6, 8, 10]], "f4")
    for name, want in {"w": base, "n": np.arange(5), "v": view}.items():
        found = as_array(artifact.root[name])
        assert found is not None
        np.testing.assert_array_equal(found.to_numpy(), want, strict=True)


def test_code_in_it_is_malicious() -> None:
    artifact = read_artifact(HERE / "evil_tar.pt")
    assert artifact.verdict == "malicious"
    assert any(reason.startswith("pickle: reaches posix.system") for reason in artifact.reasons)


@pytest.mark.parametrize("name", ["tensors_tar.pt", "evil_tar.pt"])
def test_damage_is_never_clean(name: str) -> None:
    data = (HERE / name).read_bytes()
    for end in range(600, len(data.rstrip(b"\0")), 331):
        assert read_bytes(data[:end]).verdict in ("unreadable", "malicious")
    at = data.index(b"storages") + 512  # the number of storages, and what follows
    for offset in range(2, 130):
        changed = bytearray(data)
        changed[at + offset] ^= 0xFF
        assert read_bytes(bytes(changed)).format == "tar (PyTorch)"  # and no exception
