"""Weight: against counting by hand over planted installations, and what must hold for any graph."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.cli._deps import deps
from modelward.dependencies import Environment, Inventory, Package, installed, measure_imports, survey, weigh
from modelward.dependencies.weight import SMALLER
from modelward.dependencies.weight._weigh import _closure


def install(site: Path, name: str, size: int, *needs: str) -> None:
    info = site / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "\n".join(
            [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1", *(f"Requires-Dist: {n}" for n in needs), ""]
        )
    )
    (site / name).mkdir()
    (site / name / "__init__.py").write_text("import time\ntime.sleep(0.05)\n" if name == "slow" else "")
    (site / name / "data").write_bytes(b"x" * size)
    (info / "RECORD").write_text(f"{name}/__init__.py,,0\n{name}/data,,{size}\n")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    site = tmp_path / "v" / "lib" / "python3.11" / "site-packages"
    for name, size, *needs in (
        ("wrapper", 1_000, "big", "other", "shared", "little"), ("big", 30_000_000), ("other", 200), ("little", 200),
        ("shared", 5_000_000), ("direct", 700_000, "shared"), ("mlflow", 10), ("tool", 2_000), ("absent-here", 1),
    ):  # fmt: skip
        install(site, name, size, *needs)
    return site


PROJECT = """\
[project]
name = "x"
dependencies = ["wrapper", "direct", "mlflow", "absent-here==2"]
[dependency-groups]
dev = ["tool"]
"""


def test_packages_and_bytes_are_counted_as_by_hand(tmp_path: Path, python: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    load = survey(project, python=python).load
    by = {w.name: w for w in load.weights}
    assert list(by) == ["wrapper", "direct", "mlflow", "absent-here"]
    assert (by["wrapper"].own, by["wrapper"].total, by["wrapper"].freed) == (1_000, 35_001_400, 30_001_400)
    assert (by["wrapper"].along, by["wrapper"].alone) == (
        ("big", "little", "other", "shared"),
        ("big", "little", "other"),
    )
    assert (by["direct"].total, by["direct"].freed, by["direct"].alone) == (5_700_000, 700_000, ())
    assert [w.name for w in load.weights if w.wrapper] == ["wrapper"]
    assert (by["absent-here"].own, by["absent-here"].unknown, load.unknown) == (None, 1, 1)
    assert (load.packages, load.total, load.tools, load.tools_total) == (8, 35_701_410, 1, 2_000)
    assert by["mlflow"].smaller == SMALLER["mlflow"]


def test_it_is_told_in_every_format(tmp_path: Path, python: Path) -> None:
    project = tmp_path / "p<b>"
    project.mkdir()
    (project / "pyproject.toml").write_text(PROJECT)
    outs = {s: tmp_path / f"o.{s}" for s in ("html", "md", "json", "sarif")}
    words = [str(project), "--python", str(python), *(w for out in outs.values() for w in ("-o", str(out)))]
    done = CliRunner().invoke(deps, words, catch_exceptions=False)
    assert (
        "weight: 8 packages, 35.7 MB installed, 1 of them not installed here · development tools: 1 packages"
        in done.output
    )
    assert "wrapper is a thin wrapper (1.0 kB) that alone brings 3 packages, 30.0 MB" in done.output
    assert "mlflow may give way to mlflow-skinny" in done.output
    told = json.loads(outs["json"].read_text())["weight"]
    assert [d["name"] for d in told["dependencies"] if d["wrapper"]] == ["wrapper"]
    page = outs["html"].read_text()
    assert "<h1>p&lt;b&gt;</h1>" in page
    assert page.count("<figcaption>Megabytes of each dependency") == 1
    for text in (page, outs["md"].read_text()):
        assert "mlflow-skinny" in text
        assert "wrapper" in text
    bad = CliRunner().invoke(deps, [str(project), "--measure-imports", "--no-code"])
    assert bad.exit_code == 2 or "exclude each other" in str(bad.exception)


def test_without_being_asked_nothing_is_imported(tmp_path: Path) -> None:
    modules = {"json": ("json",), "broken": ("no_such_module_at_all",), "odd": ("a b",), "none": ()}
    took = measure_imports(modules, modules)
    assert took.keys() == {"json", "broken", "odd"}
    assert took["json"] is not None
    assert 0 < took["json"] < 60
    assert (took["broken"], took["odd"]) == (None, None)
    (tmp_path / "slow.py").write_text("raise SystemExit(3)\n")
    code = "import sys; from pathlib import Path; from modelward.dependencies import survey; survey(Path(sys.argv[1])); print('slow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "False", done.stderr


GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh")), min_size=1)


@settings(max_examples=60, deadline=None)
@given(GRAPHS, st.sets(st.sampled_from("abcdefgh")))
def test_what_goes_with_a_dependency_is_what_its_removal_leaves_unreached(
    graph: dict[str, set[str]], asked: set[str]
) -> None:
    packages = tuple(
        Package(n, "1", "p", 1, needs=tuple(sorted(needs)), direct=n in asked) for n, needs in graph.items()
    )
    declared = tuple(p for p in packages if p.direct)
    load = weigh(Inventory(packages, declared=declared), Environment())
    roots = {w.name for w in load.weights}
    assert not declared or roots == {p.name for p in declared}
    for one in load.weights:
        left = _closure(roots - {one.name}, graph)
        assert set(one.alone) == _closure(roots, graph) - left - {one.name}
        assert set(one.along) == {
            n for n in graph if any(n in _closure([m], graph) for m in graph[one.name])
        } - {one.name}


def test_every_replacement_has_a_reason_and_replaces_something_else() -> None:
    assert all(one.why and one.instead and one.instead != name for name, one in SMALLER.items())
    assert installed().packages


def test_the_page_says_where_each_finding_is_and_that_there_are_more(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 --hash=sha256:00\n")

    for i in range(24):
        (tmp_path / f"broken{i:02}.py").write_text("def (:\n")
    outs = {s: tmp_path / f"o.{s}" for s in ("html", "md")}
    words = [str(tmp_path), *(w for path in outs.values() for w in ("-o", str(path)))]
    CliRunner().invoke(deps, words, catch_exceptions=False)
    page, text = outs["html"].read_text(), outs["md"].read_text()
    assert "<code>broken03.py:1</code>" in page and "findings; the JSON output has all" in page
    assert "broken03.py:1: " in text.replace("\\", "") and "more; the JSON output has all" in text
