"""PyTorch's files: tensors equal what PyTorch would load, code is named, damage is never clean."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from modelward.artifacts import as_array, inspect, read_artifact, read_bytes
from modelward.artifacts._inert import Inert

HERE = Path(__file__).parent / "data" / "torch"
BASE = np.arange(24, dtype="f4").reshape(2, 3, 4)
EXPECTED = {
    "f4": BASE, "f8": np.arange(3) / 3, "f2": np.array([0.5, 2], "f2"), "i8": np.arange(5), "u1": np.arange(4, dtype="u1"),
    "bool": np.array([True, False]), "c8": np.array([1 + 2j], "c8"), "transposed": BASE[0].T, "strided": BASE[:, ::2, 1:3],
    "permuted": BASE.transpose(2, 0, 1), "scalar": np.array(7, "i4"), "empty": np.zeros((0, 3), "f4"),
    "expanded": np.full((2, 3), 3.0, "f4"), "offset": BASE[1, 1:], "parameter": np.ones((2, 2), "f4"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "form"), [("tensors.pt", "PyTorch"), ("tensors_legacy.pt", "PyTorch (legacy)")]
)
def test_tensors(file: str, form: str) -> None:
    artifact = read_artifact(HERE / file)
    assert (artifact.format, artifact.verdict, artifact.reasons) == (form, "clean", ())
    for name, want in EXPECTED.items():
        found = as_array(artifact.root[name])
        assert found is not None, name
        values = found.to_numpy()
        assert values.dtype == want.dtype, name
        np.testing.assert_array_equal(values, want, err_msg=name)
    half = as_array(artifact.root["bf16"])
    assert half.to_numpy().tobytes() == b"\x80\x3f\x00\x40"  # bfloat16 has no numpy dtype: raw bytes


@pytest.mark.parametrize(
    ("file", "verdict", "said"),
    [
        ("module.pt", "clean", ""), ("state.pt", "clean", ""), ("evil.pt", "malicious", "system"),
        ("evil_legacy.pt", "malicious", "system"), ("script.pt", "suspicious", "interpreter"),
        ("script_writes.pt", "malicious", "aten::save"), ("script_reads.pt", "malicious", "aten::from_file"),
    ],
)  # fmt: skip
def test_verdicts(file: str, verdict: str, said: str) -> None:
    artifact = read_artifact(HERE / file)
    assert artifact.verdict == verdict
    assert said in " ".join(artifact.reasons)
    if file == "module.pt":
        assert isinstance(artifact.root, Inert)
        assert artifact.root.type_name == "torch.nn.modules.container.Sequential"
    if file.endswith("evil.pt"):
        assert artifact.members[0].path.endswith("evil.pt!/evil/data.pkl")
        assert artifact.members[0].verdict == "malicious"


def rewritten(file: str, name: str, data: bytes | None) -> bytes:
    """Return an archive with one member replaced, added, or (None) left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(HERE / file) as old, zipfile.ZipFile(buffer, "w") as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info.filename, old.read(info))
        if data is not None:
            new.writestr(name, data)
    return buffer.getvalue()


def test_archives_that_were_changed() -> None:
    assert read_bytes(rewritten("state.pt", "none", None)).verdict == "clean"
    assert read_bytes(rewritten("state.pt", "state/data/0", None)).verdict == "unreadable"
    assert read_bytes(rewritten("state.pt", "state/data/0", b"\0" * 4)).verdict == "unreadable"
    assert read_bytes(rewritten("state.pt", "state/version", b"3\n\nbut more")).verdict == "unreadable"
    evil = (HERE / "evil.pt").read_bytes()
    with zipfile.ZipFile(io.BytesIO(evil)) as archive:
        pkl = archive.read("evil/data.pkl")
    for name in ("state/extra.pkl", "other/data.pkl", "state/data/99", "state/.data/x", "state/data.pkl"):
        assert read_bytes(rewritten("state.pt", name, pkl)).verdict == "malicious", name


def test_persistent_ids_of_others_are_not_torch() -> None:
    class Odd(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            return ("storage", "x", "0", "cpu", 1) if obj == "here" else None

    buffer = io.BytesIO()
    Odd(buffer, 2).dump(["here"])
    assert read_bytes(rewritten("state.pt", "state/data.pkl", buffer.getvalue())).verdict in (
        "suspicious",
        "unreadable",
    )


@pytest.mark.parametrize("file", ["state.pt", "tensors_legacy.pt"])
def test_truncated_files_are_never_clean(file: str) -> None:
    data = (HERE / file).read_bytes()
    for end in range(1, len(data), 7):
        assert read_bytes(data[:end]).verdict != "clean", end


def test_torch_is_not_imported() -> None:
    script = (
        "import sys\nfrom modelward.artifacts import read_artifact\n"
        "for p in sys.argv[1:]: read_artifact(p)\nassert not {'torch', 'numpy', 'zipfile'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script, *map(str, sorted(HERE.glob("s*.pt")))], check=True)


def test_with_the_real_library(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16)
    for how in (True, False):
        path = tmp_path / f"layer{how}"
        torch.save(layer.state_dict(), path, _use_new_zipfile_serialization=how)
        artifact = read_artifact(path)
        assert artifact.verdict == "clean"
        for (key, found), (name, want) in zip(artifact.root.pairs, layer.state_dict().items(), strict=True):
            assert key == name
            np.testing.assert_array_equal(as_array(found).to_numpy(), want.numpy())
        torch.save(layer, path, _use_new_zipfile_serialization=how)
        assert read_artifact(path).verdict == "clean"


@pytest.mark.parametrize("file", ["state.pt", "tensors.pt", "tensors_legacy.pt", "module.pt"])
def test_inspect_lists_every_array_once(file: str) -> None:
    arrays = inspect(HERE / file).tensors
    assert len(arrays) > 1
    names = [name.rpartition(": ")[2] for name, _, _ in arrays]
    assert len(names) == len(set(names))


def test_an_embedding_layer_says_so_wherever_it_stands() -> None:
    from modelward.artifacts._inert import Silent, stand_in
    from modelward.artifacts._inspect.tensors import tensors

    table = read_artifact(HERE / "tensors.pt").root["f4"]
    layer = stand_in("torch.nn.modules.sparse", "Embedding", Silent())()
    layer.state = {"_parameters": {"weight": table}}
    whole = stand_in("torch.nn.modules.container", "Sequential", Silent())()
    whole.state = {"_modules": {"0": layer, "1": read_artifact(HERE / "tensors.pt").root["f8"]}}
    assert [name.endswith("(embedding)") for name, _, _ in tensors(whole)] == [True, False]
