"""Does it matter here? Planted projects, and what Python itself imports as the oracle."""

from __future__ import annotations

import contextlib
import datetime
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from modelward.cli._deps import deps
from modelward.dependencies import (
    Owners,
    Package,
    Reach,
    find_entries,
    find_models,
    read_imports,
    survey,
    trace,
)
from modelward.dependencies._modules import modules_of
from modelward.dependencies.reach._imports import imports_of
from modelward.errors import InputError

TODAY = datetime.datetime.now(tz=datetime.UTC).date()


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def package(name: str, *needs: str, dev: bool = False) -> Package:
    return Package(name, "1", "uv.lock", 1, needs=needs, dev=dev)


def look(project: Path, *packages: Package, entries: tuple[str, ...] = ()) -> Reach:
    source = read_imports(project)
    modules = {p.name: (p.name.replace("-", "_"),) for p in packages}
    modules["scikit-learn"] = ("sklearn",)
    entered = find_entries(project, source, entries)
    return trace(packages, source, entered, find_models(project), Owners(modules))


PROJECT = {
    "Dockerfile": 'FROM python:3.12\nCMD ["uvicorn", "service.app:app"]\n',
    "service/__init__.py": "",
    "service/app.py": "from . import model\nfrom fastapi import FastAPI\napp = FastAPI()\n",
    "service/model.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typed_only\n"
        "def load():\n    import lazily\n    from helpers.io import read\n"
    ),
    "helpers/io.py": "import importlib\nimportlib.import_module('constant')\n",
    "train.py": "import matplotlib\nimport shap\n",
    "tests/test_app.py": "import pytest\nimport service\n",
}


def test_a_planted_project_is_told_apart_package_by_package(tmp_path: Path) -> None:
    reach = look(
        write(tmp_path, PROJECT),
        package("fastapi", "starlette"), package("starlette", "anyio"), package("anyio"), package("uvicorn"),
        package("lazily"), package("constant"), package("typed-only"), package("matplotlib", "pillow"), package("pillow"),
        package("shap", dev=True), package("pytest", dev=True), package("unseen"),
    )  # fmt: skip
    assert {name: use.how for name, use in reach.uses.items()} == {
        "fastapi": "serving", "uvicorn": "serving", "lazily": "serving", "constant": "serving",
        "starlette": "dragged", "anyio": "dragged", "matplotlib": "elsewhere", "pillow": "elsewhere",
        "typed-only": "unseen", "unseen": "unseen", "shap": "development", "pytest": "development",
    }  # fmt: skip
    assert reach.uses["constant"].chain == (
        "started by Dockerfile:2", "service/app.py:1", "service/model.py:6", "helpers/io.py:2",
    )  # fmt: skip
    assert "fastapi by way of starlette" in reach.uses["anyio"].text
    assert "train.py:1" in reach.uses["matplotlib"].text


def test_an_entry_that_is_named_wins_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT)
    for word in ("train.py", "./train.py", "train", "train:main"):
        reach = look(project, package("matplotlib"), package("fastapi"), entries=(word,))
        assert {n: u.how for n, u in reach.uses.items()} == {"matplotlib": "serving", "fastapi": "elsewhere"}
    with pytest.raises(InputError, match="no such Python file"):
        look(project, entries=("nowhere.py",))


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"Procfile": "web: gunicorn --workers 2 app:application\n", "app.py": ""}, "app.py"),
        ({"docker-compose.yml": "services:\n  a:\n    command: python -m pkg.serve\n", "pkg/serve.py": ""}, "pkg/serve.py"),
        ({"Dockerfile": "ENTRYPOINT python /srv/run.py\n", "run.py": ""}, "run.py"),
        ({"pyproject.toml": "[project.scripts]\ngo = 'pkg.cli:main'\n", "src/pkg/cli.py": ""}, "src/pkg/cli.py"),
        ({"web.py": "import flask\na = flask.Flask('x')\n", "tests/test_web.py": "import flask\nflask.Flask('y')\n"}, "web.py"),
    ],
)  # fmt: skip
def test_where_serving_begins_is_found(files: dict[str, str], path: str, tmp_path: Path) -> None:
    source = read_imports(write(tmp_path, files))
    assert [e.path for e in find_entries(tmp_path, source) if e.path] == [path]


def test_what_loading_a_model_imports_is_reached_without_loading_it(tmp_path: Path) -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    reach = look(tmp_path, package("scikit-learn", "scipy"), package("scipy"), package("other"))
    assert {n: u.how for n, u in reach.uses.items() if n != "numpy"} == {
        "scikit-learn": "model", "scipy": "dragged", "other": "unseen",
    }  # fmt: skip
    assert dict(reach.models[0].versions)["sklearn"]
    assert "Loading model.pkl imports it (sklearn.linear_model" in reach.uses["scikit-learn"].text


def test_a_class_of_the_projects_own_in_a_model_file_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"steps.py": "import category_encoders\n"})
    (tmp_path / "m.pkl").write_bytes(b"csteps\nCap\n.")
    use = look(tmp_path, package("category-encoders")).uses["category-encoders"]
    assert (use.how, use.chain[:2]) == ("model", ("m.pkl", "steps.py:1"))


def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "import importlib, sys\nimportlib.import_module(sys.argv[1])\n", "b.py": "(\n"})
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x04")
    reach = look(tmp_path, package("x"))
    text = reach.uses["x"].text
    assert (reach.dynamic, reach.unread) == (("a.py:2",), ("b.py",))
    assert "a.py:2" in text
    assert "b.py" in text
    assert "broken.pkl" in text
    assert reach.models[0].unread


def test_a_name_that_begins_with_a_package_of_the_project_reaches_all_of_it(tmp_path: Path) -> None:
    write(tmp_path, {
        "a.py": "import importlib, sys\nimportlib.import_module(f'verbs.{sys.argv[1]}')\nimportlib.import_module('.z_' + x, __name__)\n",
        "verbs/one.py": "import x\n", "verbs/__init__.py": "", "z_y.py": "import y\n", "verbose.py": "import z\n",
    })  # fmt: skip
    reach = look(tmp_path, package("x"), package("y"), package("z"), entries=("a.py",))
    assert {n: u.how for n, u in reach.uses.items()} == {"x": "serving", "y": "serving", "z": "elsewhere"}
    assert not reach.dynamic


def test_without_an_entry_nobody_claims_to_know_what_serves(tmp_path: Path) -> None:
    reach = look(write(tmp_path, {"a.py": "import x.y\n"}), package("x", "z"), package("z"))
    assert (reach.uses["x"].how, reach.uses["z"].how) == ("imported", "dragged")
    assert "--entry" in reach.uses["x"].text


def test_it_stands_beside_each_hole_and_hides_none(tmp_path: Path) -> None:
    project = write(tmp_path / "p", {**PROJECT, "requirements.txt": "".join(
        f"{n}==1 --hash=sha256:00\n" for n in ("lazily", "matplotlib", "fastapi"))})  # fmt: skip
    write(tmp_path, {f"db/{n}.json": json.dumps({
        "id": f"PYSEC-{n}", "modified": f"{TODAY}T00:00:00Z", "summary": "a hole",
        "affected": [{"package": {"ecosystem": "PyPI", "name": n},
                      "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]})
        for n in ("lazily", "matplotlib", "fastapi")})  # fmt: skip
    words = [str(project), "--db", str(tmp_path / "db"), "--format", "json", "-o", str(tmp_path / "o.sarif")]
    done = CliRunner().invoke(deps, words, catch_exceptions=False)
    told = json.loads(done.output)
    holes = [f for f in told["findings"] if f["code"] == "MW111"]
    assert done.exit_code == 1
    assert [(f["verdict"], f["use"]["how"]) for f in holes] == [("fail", "serving"), ("fail", "elsewhere"), ("fail", "serving")]  # fmt: skip
    assert all(f["use"]["text"] in f["summary"] for f in holes)
    assert {p["name"]: p["use"]["how"] for p in told["packages"]}["matplotlib"] == "elsewhere"
    assert told["reach"]["entry_points"][0]["why"] == "started by Dockerfile:2"
    assert "Imported at train.py:1" in (tmp_path / "o.sarif").read_text()
    text = CliRunner().invoke(deps, [*words[:3], "--entry", "train.py"], catch_exceptions=False).output
    assert "serving begins at train.py" in text
    assert "Imported when serving: named with --entry → train.py:1." in text
    assert json.loads(CliRunner().invoke(deps, [*words[:5], "--no-code"]).output)["reach"] is None


NAMES = st.sampled_from(["a", "b", "pkg", "pkg.c", "pkg.sub", "pkg.sub.d", "pkg.sub.e"])


@settings(max_examples=8, deadline=None)
@given(st.dictionaries(NAMES, st.lists(st.tuples(NAMES, st.booleans()), max_size=3), min_size=7, max_size=7))
def test_every_module_that_python_loads_is_reached(graph: dict[str, list[tuple[str, bool]]]) -> None:
    """The oracle is sys.modules after Python itself has run the planted entry."""
    import tempfile

    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        files = {}
        for name, imports in graph.items():
            package_ = name in ("pkg", "pkg.sub")
            path = name.replace(".", "/") + ("/__init__.py" if package_ else ".py")
            lines = [f"import {n}" if plain or "." not in n else f"from {n.rpartition('.')[0]} import {n.rpartition('.')[2]}"
                     for n, plain in imports]  # fmt: skip
            files[path] = "\n".join([*lines, f"import only_of_{name.replace('.', '_')}"])
            write(folder / "others", {f"only_of_{name.replace('.', '_')}.py": ""})
        write(folder / "project", files)
        code = f"import sys; sys.path[:0] = [{str(folder / 'project')!r}, {str(folder / 'others')!r}]; import a; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
        loaded = {m for m in done.stdout.split() if m.startswith("only_of_")}
        packages = [package("only-of-" + n.replace(".", "-")) for n in graph]
        reach = look(folder / "project", *packages, entries=("a.py",))
        reached = {n.replace("-", "_") for n, u in reach.uses.items() if u.how == "serving"}
        assert loaded <= reached
        if not done.returncode:
            assert loaded == reached


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SyntaxError, ValueError):
        imports_of(text.encode("utf-8", "surrogatepass"))


def test_modules_of_what_is_installed_are_those_that_can_be_imported() -> None:
    names = {"scikit-learn", "pyyaml", "numpy", "attrs", "protobuf", "no-such-thing"}
    found = modules_of(names)
    assert found["scikit-learn"] == ("sklearn",)
    assert set(found["attrs"]) == {"attr", "attrs"}
    assert "yaml" in found["pyyaml"]
    assert "numpy" in found["numpy"]
    assert found["no-such-thing"] == ("no_such_thing",)


def test_what_a_package_in_use_asks_for_may_not_be_known(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(
        "no-such-web==1.0 --hash=sha256:0\nno-such-part==1.0 --hash=sha256:0\n"
    )
    (tmp_path / "serve.py").write_text("import no_such_web\n")
    uses = survey(tmp_path, entries=["serve.py"]).reach.uses
    assert uses["no-such-web"].how == "serving"
    assert uses["no-such-part"].how == "unseen"
    assert uses["no-such-part"].text.endswith("but what no-such-web asks for is not known.")
