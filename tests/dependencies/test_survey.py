"""What comes along: model files, MLflow's own lists, imports, and another environment, all planted."""

from __future__ import annotations

import json
import pickle
import venv
from pathlib import Path

import pytest
import sklearn
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

from modelward.cli._deps import deps
from modelward.dependencies import Survey, survey
from modelward.errors import InputError


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def install(site: Path, name: str, version: str, *lines: str, modules: tuple[str, ...] = ()) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "\n".join([f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *lines, ""])
    )
    for module in modules:
        write(site, {f"{module}/__init__.py": ""})
    (info / "RECORD").write_text("".join(f"{m}/__init__.py,,\n" for m in modules))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    site = tmp_path / "other" / "lib" / "python3.10" / "site-packages"
    install(site, "web-thing", "3.1", "Provides-Extra: fast", "Requires-Dist: core-thing", 'Requires-Dist: speed; extra == "fast"',
            'Requires-Dist: backport; python_version < "3.11"', 'Requires-Dist: newer; python_version >= "3.11"',
            modules=("web_thing",))  # fmt: skip
    install(site, "core-thing", "1.0", modules=("corelib",))
    install(site, "speed", "2.0", modules=("speed",))
    install(site, "backport", "0.1", "Classifier: Development Status :: 7 - Inactive", modules=("backport",))
    install(site, "newer", "0.2", modules=("newer",))
    (tmp_path / "other" / "bin").mkdir()
    (tmp_path / "other" / "bin" / "python").write_text("")
    return tmp_path / "other"


def rules(found: Survey) -> dict[str, str]:
    return {d.rule: d.text for d in found.inventory.doubts if d.rule not in ("unpinned", "unhashed")}


def test_another_environment_is_read_with_its_own_markers_and_extras(tmp_path: Path, python: Path) -> None:
    project = write(tmp_path / "p", {"requirements.txt": "web-thing[fast]\n"})
    for word in (python, python / "bin" / "python", python / "lib" / "python3.10" / "site-packages"):
        found = survey(project, python=word)
        assert {p.name: p.version for p in found.inventory.packages} == {
            "web-thing": "3.1", "core-thing": "1.0", "speed": "2.0", "backport": "0.1",
        }  # fmt: skip
    assert "backport says of itself" in rules(found)["abandoned"]
    assert not survey(project).inventory.packages
    for wrong in (tmp_path / "p", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="--python"):
            survey(project, python=wrong)


def test_the_projects_own_environment_comes_first(tmp_path: Path, python: Path) -> None:
    project = write(tmp_path / "p", {"requirements.txt": "web-thing\n"})
    python.rename(project / ".venv")
    (project / ".venv" / "pyvenv.cfg").write_text("version = 3.10.1\n")
    done = CliRunner().invoke(deps, [str(project)], catch_exceptions=False)
    assert "3 packages with a version" in done.output
    assert f"versions that no file gives are of {project / '.venv'}" in done.output


def test_a_real_environment_is_read_without_being_started(tmp_path: Path) -> None:
    venv.create(tmp_path / "v", with_pip=False, symlinks=True)
    site = next((tmp_path / "v" / "lib").glob("python3*/site-packages"))
    install(site, "web-thing", "9", modules=("web_thing",))
    project = write(tmp_path / "p", {"requirements.txt": "web_thing\n"})
    (package,) = survey(project, python=tmp_path / "v" / "bin" / "python").inventory.packages
    assert (package.name, package.version) == ("web-thing", "9")


def test_a_model_file_alone_names_its_library_and_version(tmp_path: Path) -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    found = survey(tmp_path, python=None)
    (package,) = (p for p in found.inventory.packages if p.kind == "model")
    assert (package.name, package.version, package.place) == (
        "scikit-learn",
        sklearn.__version__,
        "model.pkl",
    )
    (tmp_path / "requirements.txt").write_text("scikit-learn==0.1 --hash=sha256:0\n")
    told = rules(survey(tmp_path))
    assert (
        f"written with scikit-learn {sklearn.__version__}, and the project has 0.1" in told["model-version"]
    )
    assert "numpy" in told["model-undeclared"]


MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, python_version: 3.11.7, env: {conda: conda.yaml}}
  sklearn: {pickled_model: model.pkl, sklearn_version: 1.5.2}
mlflow_version: 2.16.0
"""


def test_what_mlflow_writes_beside_a_model_is_read_wherever_it_lies(tmp_path: Path) -> None:
    served = write(tmp_path / "run" / "model", {
        "MLmodel": MLMODEL, "requirements.txt": "mlflow==2.16.0\nscikit-learn==1.5.2\n",
        "conda.yaml": "dependencies:\n- python=3.11.7\n- pip:\n  - cloudpickle==3.0.0\n"})  # fmt: skip
    project = write(tmp_path / "p", {"pyproject.toml": "[project]\nname = 'x'\ndependencies = ['numpy']\n"})
    found = survey(project, models=[served])
    assert {p.name: p.version for p in found.inventory.packages if p.name != "numpy" and p.direct} == {
        "mlflow": "2.16.0", "scikit-learn": "1.5.2", "cloudpickle": "3.0.0",
    }  # fmt: skip
    assert found.reach is not None
    assert found.reach.uses["mlflow"].how == "model"
    assert "model-version" not in rules(found)
    write(served, {"requirements.txt": "mlflow==2.16.0\nscikit-learn==1.9.0\n", "MLmodel": MLMODEL})
    assert "scikit-learn 1.5.2" in rules(survey(project, models=[served]))["model-version"]
    assert survey(project, models=[write(tmp_path / "b", {"MLmodel": "- 1"})]).reach.models[0].unread  # type: ignore[union-attr]


def test_declared_and_never_imported_imported_and_never_declared(tmp_path: Path, python: Path) -> None:
    project = write(tmp_path, {
        "requirements.txt": "web-thing\nidle-one\npyarrow\nspeed\n",
        "app.py": "import web_thing, corelib, nowhere.sub, os, util\ntry:\n    import may_be\nexcept ImportError:\n    may_be = None\n",
        "util.py": "import newer\n", "tests/test_a.py": "import only_in_tests\n"})  # fmt: skip
    found = survey(project, python=python)
    doubts = {(d.rule, d.place): d.text for d in found.inventory.doubts if "import" in d.rule}
    assert set(doubts) == {
        ("never-imported", "requirements.txt:2"), ("undeclared-import", "app.py:1"), ("undeclared-import", "util.py:1"),
    }  # fmt: skip
    texts = [d.text for d in found.inventory.doubts if d.rule == "undeclared-import"]
    assert any("corelib is imported, and core-thing only comes along" in t for t in texts)
    assert any(t.startswith("nowhere is imported, and no file") for t in texts)
    assert doubts["never-imported", "requirements.txt:2"].startswith("idle-one, speed: declared")
    # what is imported and installed is looked up, whether it is declared or not
    assert {p.name: (p.version, p.place) for p in found.inventory.packages}["newer"] == ("0.2", "util.py:1")
    (project / "util.py").write_text("import importlib\nimportlib.import_module(input())\n")
    assert "never-imported" not in rules(survey(project, python=python))


def test_a_project_that_declares_nothing_is_known_by_its_imports_and_never_clean(
    tmp_path: Path, python: Path
) -> None:
    project = write(tmp_path / "p", {"app.py": "import web_thing\n"})
    words = [str(project), "--python", str(python), "--format", "json"]
    done = CliRunner().invoke(deps, words, catch_exceptions=False)
    told = json.loads(done.output)
    assert done.exit_code == 3
    assert {p["name"]: p["line"] for p in told["packages"]} == {
        "web-thing": 1,
        "core-thing": 1,
        "backport": 1,
    }
    assert any("no file that names packages" in f["summary"] for f in told["findings"])
    assert told["environment"] == str(python)
