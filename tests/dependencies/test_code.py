"""Dangerous code: bandit as the oracle for its own rules, planted calls for ours, and what cannot be read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelward.cli._deps import deps
from modelward.dependencies import CodeRead, Package, read_code
from modelward.dependencies.code._notebooks import read_notebook

TOKEN = "hf_" + "abcdefghij" * 4


def read(folder: Path, **files: str) -> CodeRead:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return read_code(folder)


def notebook(*cells: tuple[str, list[str]], language: str = "python") -> str:
    return json.dumps(
        {
            "nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": language}},
            "cells": [
                {"cell_type": "code", "metadata": {}, "execution_count": None, "source": source.splitlines(keepends=True),
                 "outputs": [{"output_type": "stream", "name": "stdout", "text": [t]} for t in shown]}
                for source, shown in cells
            ],
        },
        indent=1,
    )  # fmt: skip


SOURCE = """\
import pickle, subprocess, yaml, random, hashlib, torch, pandas as pd
from xml.etree import ElementTree
password = "swordfish"
def f(x, data=[]):
    assert x
    try:
        subprocess.call(x, shell=True)
    except Exception:
        pass
    hashlib.md5(x)
    eval(x)
    return (pickle.loads(x), yaml.load(x), random.random(), pd.read_pickle(x),
            torch.load(x))
exec("1")  # nosec
open("/tmp/x", "w")
requests.get("https://example.com", verify=False)
app.run(debug=True)
"""


def test_nothing_that_bandit_finds_is_lost_and_nothing_of_it_is_made_up(tmp_path: Path) -> None:
    code = read(tmp_path, a__py=SOURCE, b__py="import dill\ndill.loads(b'')\n")
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    wanted = sorted(
        (Path(r["filename"]).name, r["line_number"], r["test_id"]) for r in json.loads(done.stdout)["results"]
    )
    ours = sorted(
        (h.path, h.line, c)
        for h in code.hazards
        for c in (h.rule, *h.also)
        if c[0] == "B" and c[1:].isdigit()
    )
    assert len(wanted) > 15
    assert ours == wanted
    assert code.silenced == 1
    assert not [h for h in code.hazards if "swordfish" in repr(h)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("import joblib\njoblib.load(x)", "joblib-load"),
        ("from joblib import load as l\nl(x)", "joblib-load"),
        ("import joblib as j\ng = j.load\ng(x)", "joblib-load"),
        ("from joblib import *\nload(x)", "joblib-load"),
        ("import joblib\ngetattr(joblib, 'load')(x)", "joblib-load"),
        ("import importlib\nimportlib.import_module('joblib').load(x)", "joblib-load"),
        ("from functools import partial\nimport torch\np = partial(torch.load, weights_only=False)", "torch-load"),
        ("import torch\ntorch.load(x)", "torch-load"),
        ("import numpy as np\nnp.load(x, None, True)", "numpy-allow-pickle"),
        ("import yaml\nyaml.load(x, yaml.UnsafeLoader)", "yaml-load"),
        ("AutoModel.from_pretrained('a', trust_remote_code=True)", "trust-remote-code"),
        ("import pandas\npandas.read_pickle(x)", "pandas-read-pickle"),
        ("import keras\nkeras.saving.load_model(x, safe_mode=False)", "keras-unsafe"),
        ("u = 'http://example.org/a/model.onnx'", "model-over-http"),
        ("import requests\nrequests.get('https://example.org/m.pkl?x=1')", "fetched-without-hash"),
        ("import pooch\npooch.retrieve(u, known_hash=None)", "fetched-without-hash"),
        ("import pickle\npickle.loads(conn.recv(9))", "pickle-from-network"),
        ("import pickle\nbuf = b''\nwhile 1:\n    buf += conn.recv(9)\npickle.loads(buf)", "pickle-from-network"),
        ("import joblib, io, requests\nr = requests.get(u)\njoblib.load(io.BytesIO(r.content))", "pickle-from-network"),
        ("import pickle\nfrom urllib.request import urlopen\nwith urlopen(u) as f:\n    pickle.load(f)", "pickle-from-network"),
    ],
)  # fmt: skip
def test_a_planted_call_is_found_whatever_it_is_called(text: str, rule: str, tmp_path: Path) -> None:
    assert rule in {h.rule for h in read(tmp_path, a__py=text).hazards}


@pytest.mark.parametrize(
    "text",
    [
        "import json\njson.load(x)",
        "import torch\ntorch.load(x, weights_only=True)",
        "import numpy as np\nnp.load(x)\nnp.load(x, allow_pickle=False)",
        "import yaml\nyaml.load(x, Loader=yaml.CSafeLoader)\nyaml.safe_load(x)",
        "f(trust_remote_code=False)",
        "u = 'http://localhost:80/model.pkl'\nv = 'http://example.org/page.html'",
        "import pooch\npooch.retrieve(u, known_hash='sha256:00')",
        "def load(x):\n    return x\nload(1)",
        "import joblib\njoblib.load(x)  # nosec\njoblib.load(x)  # nosec: joblib-load",
    ],
)
def test_safe_calls_are_left_alone(text: str, tmp_path: Path) -> None:
    assert not read(tmp_path, a__py=text).hazards


def test_a_comment_that_names_another_rule_silences_nothing(tmp_path: Path) -> None:
    code = read(tmp_path, a__py="import joblib\njoblib.load(x)  # nosec: B101\n")
    assert [h.rule for h in code.hazards] == ["joblib-load"]


def test_cells_are_read_with_their_magics_and_their_very_lines(tmp_path: Path) -> None:
    text = notebook(
        ("%matplotlib inline\nimport joblib\nx = !ls\n!pip install evil\nn = 5 \\\n  % 3", []),
        ("%%bash\ncurl https://example.org/x | sh", []),
        ("%%time\nm = joblib.load('m')", ["fine"]),
        ("print(1)", [f"token {TOKEN}\n"]),
    )
    code = read(tmp_path, a__ipynb=text)
    lines = text.splitlines()
    assert not code.problems
    found = {h.rule: h for h in code.hazards}
    assert set(found) == {"notebook-install", "piped-to-shell", "joblib-load", "secret-in-output"}
    assert {r: h.cell for r, h in found.items()} == {
        "notebook-install": 1, "piped-to-shell": 2, "joblib-load": 3, "secret-in-output": 4,
    }  # fmt: skip
    assert "joblib.load('m')" in lines[found["joblib-load"].line - 1]
    assert TOKEN in lines[found["secret-in-output"].line - 1]


def test_a_secret_is_never_quoted(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook((f"key = '{TOKEN}'", [TOKEN, "AKIA" + "Q" * 16])))
    out = tmp_path / "out.sarif"
    done = CliRunner().invoke(deps, [str(tmp_path), "-o", str(out)], catch_exceptions=False)
    assert done.exit_code == 1
    assert "Hugging Face token" in done.output
    for text in (done.output, out.read_text()):
        assert TOKEN not in text
        assert "AKIAQ" not in text


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.py", "x = 1\nprint 'two'\n", 2),
        ("a.py", "x = '\0'", 0),
        ("a.py", "(" * 5_000, None),
        ("a.ipynb", "{\n'a", 2),
        ("a.ipynb", "[]", 0),
        ("a.ipynb", notebook(("x = 1", []), ("def broken(", [])), None),
        ("a.ipynb", notebook(("x <- 1", []), language="R"), 0),
    ],
)
def test_what_cannot_be_parsed_is_told_and_never_clean(
    name: str, text: str, line: int | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "good.py").write_text("import joblib\njoblib.load(x)\n")
    code = read_code(tmp_path)
    assert [p.path for p in code.problems] == [name]
    if line is not None:
        assert code.problems[0].line == line
    assert [h.rule for h in code.hazards] == ["joblib-load"]
    done = CliRunner().invoke(
        deps, [str(tmp_path), "--format", "json", "--fail-on", "never"], catch_exceptions=False
    )
    assert done.exit_code == 3
    assert "MW112" in {
        f["code"] for f in json.loads(done.output)["findings"] if f["verdict"] == "inconclusive"
    }


def test_a_rule_of_bandit_that_crashes_leaves_the_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bandit.core import extension_loader

    plugin = extension_loader.MANAGER.plugins_by_id["B101"].plugin

    def crash(*args: object) -> None:
        raise RuntimeError("planted")

    crash.__dict__.update(plugin.__dict__)
    crash.__name__, crash.__module__ = plugin.__name__, plugin.__module__
    monkeypatch.setattr(extension_loader.MANAGER.plugins_by_id["B101"], "plugin", crash)
    code = read(tmp_path, a__py="assert 1\n")
    assert [p.text for p in code.problems] == ["bandit's rule assert_used crashed at line 1"]


def test_settings_of_bandit_are_followed_and_counted(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "t.py").write_text("import joblib\njoblib.load(x)\n")
    (tmp_path / "pyproject.toml").write_text('[tool.bandit]\nexclude_dirs = ["./tests"]\nskips = ["B101"]\n')
    code = read(tmp_path, a__py="assert 1\n")
    assert (code.hazards, code.files, code.left_out) == ((), ("a.py",), 1)
    (tmp_path / "pyproject.toml").write_text("[tool.bandit]\nskips = 3\n")
    assert [p.path for p in read_code(tmp_path).problems] == ["pyproject.toml"]


def test_a_folder_that_cannot_be_read_is_not_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def refused(path: object) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    (problem,) = read(tmp_path, a__py="x = 1\n").problems
    assert (problem.path, problem.text) == ("shut", "cannot be read: permission denied")
    assert CliRunner().invoke(deps, [str(tmp_path)]).exit_code == 3


def test_sources_that_were_not_looked_at_are_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("eval(x)\n")
    assert (
        "sources and notebooks were not looked at"
        in CliRunner().invoke(deps, [str(tmp_path), "--no-code"]).output
    )
    told = json.loads(CliRunner().invoke(deps, [str(tmp_path), "--no-code", "--format", "json"]).output)
    assert told["code"] is None


def test_findings_have_the_severity_that_bandit_gives_them(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("assert x\neval(x)\n")
    told = json.loads(CliRunner().invoke(deps, [str(tmp_path), "--format", "json"]).output)
    levels = {f["title"].rpartition(" ")[2]: f["severity"] for f in told["findings"] if f["code"] == "MW112"}
    assert levels == {"B101": "low", "B307": "medium"}
    assert "1 of low severity: B101" in CliRunner().invoke(deps, [str(tmp_path)]).output


def test_links_out_of_the_project_are_not_read(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "out.py").write_text("import joblib\njoblib.load(x)\n")
    (inner / "a.py").symlink_to(tmp_path / "out.py")
    code = read_code(inner)
    assert not code.hazards
    assert "link" in code.problems[0].text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(max_size=30), max_size=5), st.booleans())
def test_any_notebook_is_read_line_for_line_or_told(sources: list[str], indented: bool) -> None:
    text = json.dumps({"cells": [{"cell_type": "code", "source": s, "outputs": []} for s in sources]},
                      indent=1 if indented else None)  # fmt: skip
    book = read_notebook(text, "a.ipynb")
    compile(book.source, "a", "exec", flags=0x2000 | 0x400, dont_inherit=True)
    assert len(book.lines) == len(book.cells) == book.source.count("\n") - (not book.lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in book.lines)


@settings(max_examples=80, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["cells", "source", "outputs", "cell_type", "worksheets", "metadata",
                                                       "text", "data"]), inner, max_size=4)))  # fmt: skip
def test_no_json_brings_the_reader_down(value: object) -> None:
    read_notebook(json.dumps(value), "a.ipynb")


@pytest.mark.parametrize(
    ("pins", "default", "on"),
    [
        ((), "before PyTorch 2.6", False),
        (("2.6.0+cu124",), "which is on with PyTorch 2.6.0+cu124", False),
        (("2.5.1",), "runs code of the file with PyTorch 2.5.1", True),
        (("2.7.0", "1.13.1"), "runs code of the file with PyTorch 1.13.1", True),
        ((">=2.6",), "which is on with PyTorch >=2.6", False),
        ((">=2.0",), "before PyTorch 2.6", False),
        (("nonsense",), "before PyTorch 2.6", False),
    ],
)
def test_torch_load_is_judged_by_the_torch_that_is_locked(
    pins: tuple[str, ...], default: str, on: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(
        "import torch\ntorch.load(x)\ntorch.load(x, weights_only=True)\ntorch.load(x, weights_only=False)\n"
    )
    packages = [
        Package("torch", "" if pin[0] == ">" else pin, "uv.lock", 3, asked=pin if pin[0] == ">" else "")
        for pin in pins
    ]
    by = {h.line: h for h in read_code(tmp_path, packages).hazards}
    assert default in by[2].text
    assert by[2].level == ("low" if "is on" in default else "medium")
    assert by[2].also == by[4].also == ("B614",)
    assert (3 in by) is on
    assert "weights_only=False" in by[4].text
