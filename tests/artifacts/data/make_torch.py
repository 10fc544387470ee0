"""Make the files under torch/: `python tests/artifacts/data/make_torch.py` with PyTorch installed."""

from __future__ import annotations

import os
from pathlib import Path

import torch

HERE = Path(__file__).parent / "torch"


class Evil:
    """Its pickle runs `true`."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


class Writer(torch.nn.Module):
    """Writes a file when it is used."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "/tmp/never")  # noqa: S108 - never run
        return x


class Reader(torch.nn.Module):
    """Reads a file when it is used."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/never", False, 4)


def tensors() -> dict[str, object]:
    """Return tensors of many kinds and layouts; `test_torch.py` expects these values."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return {
        "f4": base, "f8": torch.arange(3, dtype=torch.float64) / 3, "f2": torch.tensor([0.5, 2.0], dtype=torch.float16),
        "bf16": torch.tensor([1.0, 2.0], dtype=torch.bfloat16), "i8": torch.arange(5), "u1": torch.arange(4, dtype=torch.uint8),
        "bool": torch.tensor([True, False]), "c8": torch.tensor([1 + 2j]), "transposed": base[0].T, "strided": base[:, ::2, 1:3],
        "permuted": base.permute(2, 0, 1), "scalar": torch.tensor(7, dtype=torch.int32), "empty": torch.zeros(0, 3),
        "expanded": torch.tensor([3.0]).expand(2, 3), "offset": base[1, 1:], "parameter": torch.nn.Parameter(torch.ones(2, 2)),
    }  # fmt: skip


def main() -> None:
    """Write the files."""
    HERE.mkdir(exist_ok=True)
    torch.manual_seed(0)
    torch.save(tensors(), HERE / "tensors.pt")
    torch.save(tensors(), HERE / "tensors_legacy.pt", _use_new_zipfile_serialization=False)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.BatchNorm1d(2))
    torch.save(model, HERE / "module.pt")
    torch.save(model.state_dict(), HERE / "state.pt", pickle_protocol=5)
    torch.save({"model": Evil()}, HERE / "evil.pt")
    torch.save({"model": Evil()}, HERE / "evil_legacy.pt", _use_new_zipfile_serialization=False)
    torch.jit.script(model).save(HERE / "script.pt")
    torch.jit.script(Writer()).save(HERE / "script_writes.pt")
    torch.jit.script(Reader()).save(HERE / "script_reads.pt")


if __name__ == "__main__":
    main()
