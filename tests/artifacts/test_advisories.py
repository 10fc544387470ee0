"""The table of advisories names tests that exist, and every advisory that is asked for stands in it."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path
from types import ModuleType

import pytest

from modelward.artifacts import read_artifact

ROOT = Path(__file__).parents[2]
ASKED_FOR = (
    "CVE-2025-1716", "CVE-2025-1889", "CVE-2025-1944", "CVE-2025-1945", "CVE-2025-10155", "CVE-2025-10156", "CVE-2025-10157",
    "CVE-2026-56304", "CVE-2026-56315", "pkgutil.resolve_name", "methodcaller", "numpy.f2py", "distutils", "cProfile", "pty",
    "ctypes", "asyncio", "logging handlers", "uuid", "imaplib", "idlelib", "lib2to3", "torch internals", "appended BUILD",
    "OBJ, then POP", "dotted attribute", "private modules", "marshal", "types", "runpy", "FRAME", "modelscan #330",
    "modelscan #331", "modelscan #338", "modelscan #354", "exception-oriented",
)  # fmt: skip


def rows() -> list[tuple[str, str, str, str]]:
    lines = (ROOT / "benchmarks" / "advisories.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [(row[0], row[1], row[2].strip("`"), row[3]) for row in cells[2:]]


def module_of(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_row_names_a_test_and_one_of_its_cases() -> None:
    modules: dict[str, ModuleType] = {}
    for _, _, node, case in rows():
        path, _, name = node.partition("::")
        module = modules.get(path) or modules.setdefault(path, module_of(path))
        marks = getattr(getattr(module, name), "pytestmark", [])
        cases = {str(one) for mark in marks for one in (mark.kwargs.get("ids") or mark.args[1])}
        assert not case or case in cases, (node, case)


def test_every_advisory_that_is_asked_for_has_a_row() -> None:
    told = [f"{advisory} {what}" for advisory, what, _, _ in rows()]
    assert [one for one in ASKED_FOR if not any(one in line for line in told)] == []


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        import os

        return os.system, ("true",)


@pytest.mark.parametrize(
    "suffix",
    [".bin", ".pt", ".npy", ".txt", ""],
    ids=["CVE-2025-1889", "CVE-2025-10155", "npy", "text", "none"],
)
def test_the_suffix_of_a_file_means_nothing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Evil()))
    assert read_artifact(path).verdict == "malicious"
