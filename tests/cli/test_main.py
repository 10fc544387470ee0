"""The command line: exit codes, one-line errors, nothing half written, help that agrees with the README."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier

import modelward
from modelward.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, credit: tuple[pl.DataFrame, np.ndarray]) -> Path:
    """A working directory with a model, its rows, and things that are wrong."""
    frame, y = credit
    frame, y = frame[:3_000], y[:3_000]
    model = RandomForestClassifier(5, max_depth=3, min_samples_leaf=20, random_state=0).fit(
        frame.to_pandas()[:2_000], y[:2_000]
    )
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    table = frame.with_columns(pl.Series("label", y))
    table[:2_000].write_csv(tmp_path / "train.csv")
    table[2_000:].write_csv(tmp_path / "test.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("MODELWARD_DEBUG", raising=False)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["modelward", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


ASSESS = ("assess", "model.pkl", "--data", "test.csv", "--target", "label")


def test_the_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"modelward {modelward.__version__}\n"


def test_json_on_standard_output_and_files_by_suffix(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    code = run(
        monkeypatch,
        *ASSESS,
        "--select",
        "MW17",
        "--format",
        "json",
        "-o",
        "r.html",
        "-o",
        "r.json",
        "-o",
        "r.md",
    )
    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert printed["schema_version"] == 1
    assert len(printed["coverage"]) == 17
    assert {row["status"] for row in printed["coverage"]} == {"checked", "not_applicable"}
    written = json.loads((folder / "r.json").read_text())
    assert written["findings"][0]["code"] == "MW171"
    assert (folder / "r.html").read_text().startswith("<!doctype html>")
    assert "modelward" in (folder / "r.md").read_text()


def test_a_malicious_pickle_is_a_finding_and_nothing_ran(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.write_text, (folder / "ran", "it ran"))

    class System:
        def __reduce__(self) -> tuple[Any, ...]:
            import os

            return (os.system, (f"touch {folder / 'ran'}",))

    for bomb in (Bomb(), System()):
        (folder / "model.pkl").write_bytes(pickle.dumps(bomb))
        code = run(monkeypatch, *ASSESS, "--format", "json")
        printed = json.loads(capsys.readouterr().out)
        assert code == 1
        assert any(
            f["verdict"] == "fail" and f["severity"] == "critical" and f["number"] == 9
            for f in printed["findings"]
        )
        assert printed["coverage"][3]["status"] == "skipped"
        assert not (folder / "ran").exists()


def test_an_unknown_name_is_refused_until_it_is_trusted(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    (folder / "house.py").write_text(
        "class Rule:\n    def predict(self, X):\n        return (X[:, 2] > 1).astype(int)\n"
    )
    subprocess.run(
        [sys.executable, "-c", "import house, pickle; pickle.dump(house.Rule(), open('house.pkl', 'wb'))"],
        check=True,
        cwd=folder,
    )
    words = ("assess", "house.pkl", "--data", "test.csv", "--target", "label", "--select", "MW17")
    assert run(monkeypatch, *words) == 2
    assert "house.Rule" in capsys.readouterr().err
    monkeypatch.syspath_prepend(str(folder))
    assert run(monkeypatch, *words, "--trust", "house.Rule") == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("assess", "nowhere.pkl", "--data", "test.csv", "--target", "label"), "nowhere.pkl"),
        (("assess", "model.pkl", "--data", "nowhere.csv", "--target", "label"), "nowhere.csv"),
        (("assess", "model.pkl", "--data", "empty.csv", "--target", "label"), "empty"),
        (("assess", "model.pkl", "--data", "noise.csv", "--target", "label"), "noise.csv"),
        (("assess", "model.pkl", "--data", "test.csv", "--target", "LABEL"), "LABEL"),
        (("assess", "model.pkl", "--data", "lacks.csv", "--target", "label"), "AGE"),
        (("assess", "model.pkl", "--data", "constant.csv", "--target", "label"), "one label only"),
        (("assess", "truncated.pkl", "--data", "test.csv", "--target", "label"), "truncated.pkl"),
        (("assess", "nothing.pkl", "--data", "test.csv", "--target", "label"), "nothing.pkl"),
        (("assess", "nomodule:thing", "--data", "test.csv", "--target", "label"), "nomodule"),
        ((*ASSESS, "-o", "report.doc"), ".html"),
        ((*ASSESS, "--schema", "broken.toml"), "broken.toml"),
        ((*ASSESS, "--exposure", "everybody"), "everybody"),
        ((*ASSESS, "--sensitive", "HEIGHT"), "HEIGHT"),
        (("assess", "http://127.0.0.1:9", "--data", "test.csv", "--target", "label"), "127.0.0.1:9"),
        (
            ("assess", "http://127.0.0.1:9", "--data", "test.csv", "--target", "label", "--offline"),
            "--offline",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    folder: Path, monkeypatch: Any, capsys: Any, words: tuple[str, ...], says: str
) -> None:
    table = pl.read_csv(folder / "test.csv")
    (folder / "empty.csv").write_text("")
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 40)
    table.drop("AGE").write_csv(folder / "lacks.csv")
    table.with_columns(pl.lit(0).alias("label")).write_csv(folder / "constant.csv")
    (folder / "truncated.pkl").write_bytes((folder / "model.pkl").read_bytes()[:-200])
    (folder / "nothing.pkl").write_bytes(b"")
    (folder / "broken.toml").write_text("[columns")
    before = sorted(p.name for p in folder.iterdir())
    output = () if "-o" in words else ("-o", "report.html")
    assert run(monkeypatch, *words, *output) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert sorted(p.name for p in folder.iterdir()) == before, "nothing half written"


@pytest.fixture
def endpoint() -> Iterator[tuple[str, dict[str, Any]]]:
    """A prediction endpoint whose answers a test chooses."""
    state: dict[str, Any] = {"answer": lambda records: [0] * len(records), "rows": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            records = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["records"]
            state["rows"] += len(records)
            body = json.dumps({"predictions": state["answer"](records)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/predict", state
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_endpoint_is_assessed_within_its_row_budget(
    folder: Path, endpoint: Any, monkeypatch: Any, capsys: Any
) -> None:
    url, state = endpoint
    state["answer"] = lambda records: [int(r["PAY_0"] > 1) for r in records]
    code = run(
        monkeypatch,
        "assess",
        url,
        "--data",
        "test.csv",
        "--target",
        "label",
        "--max-queries",
        "2000",
        "--format",
        "json",
    )
    report = json.loads(capsys.readouterr().out)
    assert code in (0, 3)
    assert 0 < state["rows"] <= 2_000
    assert report["coverage"][16]["status"] == "checked"
    assert sum(f["cost"]["queries"] for f in report["findings"]) <= 2_000


@pytest.mark.parametrize(
    "answer", [lambda records: ["?"], lambda records: "fine", lambda records: [None] * len(records)]
)
def test_an_endpoint_that_answers_nonsense(
    folder: Path, endpoint: Any, monkeypatch: Any, capsys: Any, answer: Any
) -> None:
    url, state = endpoint
    state["answer"] = answer
    assert run(monkeypatch, "assess", url, "--data", "test.csv", "--target", "label") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_limits_and_ignores_are_read_from_pyproject(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    (folder / "pyproject.toml").write_text("[tool.modelward.limits]\nMW151 = { fail = 0.0001 }\n")
    words = (*ASSESS, "--select", "MW15", "--fail-on", "medium")
    assert run(monkeypatch, *words) == 1
    assert run(monkeypatch, *ASSESS, "--select", "MW15") == 0, "medium does not gate by default"
    with (folder / "pyproject.toml").open("a") as file:
        file.write('[[tool.modelward.ignore]]\ncode = "MW151"\nreason = "known"\nuntil = 2999-01-01\n')
    assert run(monkeypatch, *words) == 0
    assert "known" in capsys.readouterr().out


def test_an_internal_error_is_one_line_without_rows(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    import modelward.assessment._assess as module

    def crash() -> None:
        raise ValueError("could not convert string to float: 'Alice'")

    monkeypatch.setattr(module, "all_checks", crash)
    assert run(monkeypatch, *ASSESS) == 2
    error = capsys.readouterr().err
    assert "internal error" in error
    assert "Alice" not in error


def test_what_a_name_contains_cannot_steer_the_terminal(folder: Path, monkeypatch: Any, capsys: Any) -> None:
    assert run(monkeypatch, "assess", "\x1b[2Jx.pkl", "--data", "test.csv", "--target", "label") == 2
    assert "\x1b" not in capsys.readouterr().err


def test_no_verb_is_a_stub(monkeypatch: Any, capsys: Any) -> None:
    assert run(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    verbs = re.findall(r"^  ([a-z]+)  ", text.partition("Commands:")[2], flags=re.MULTILINE)
    assert {"assess", "demo", "explain"} <= set(verbs)
    for verb in verbs:
        assert run(monkeypatch, verb, "--help") == 0
        assert "Usage: modelward" in capsys.readouterr().out


def test_starting_imports_nothing_heavy() -> None:
    code = "import sys, modelward.cli; modelward.cli.cli; print(sorted({'numpy', 'sklearn', 'polars', 'scipy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
