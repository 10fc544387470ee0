"""Whatever a file holds, inspect gives an answer or one line: no traceback, no hang, nothing run."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
import textwrap
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelward.artifacts import Inert, RawArray, inspect, read_bytes
from modelward.cli import main
from modelward.cli._inspect_page import page_of
from modelward.errors import ModelwardError
from modelward.reports import render_page_html, render_page_markdown, render_page_terminal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def files() -> dict[str, bytes]:
    prepared = make_column_transformer(
        (make_pipeline(SimpleImputer(), MinMaxScaler()), [0, 1]),
        (OneHotEncoder(), [2]),
        (StandardScaler(), [3]),
    )
    table = np.c_[X[:, :2], (X[:, 2] > 0).astype(float), X[:, 3]]
    models = {
        "pipeline": make_pipeline(prepared, RandomForestClassifier(2, max_depth=2)).fit(table, Y),
        "boosting": GradientBoostingClassifier(n_estimators=2, max_depth=2).fit(X, Y),
        "histogram": HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5).fit(X, Y),
        "isolation": IsolationForest(n_estimators=2).fit(X),
        "bagging": BaggingClassifier(DecisionTreeClassifier(max_depth=2), 2, max_features=0.5).fit(X, Y),
        "adaboost": AdaBoostClassifier(n_estimators=2).fit(X, Y),
        "search": GridSearchCV(make_pipeline(RFE(LogisticRegression(), n_features_to_select=2), LogisticRegression()), {"rfe__step": [1]}, cv=2).fit(X, Y),
    }  # fmt: skip
    return {name: pickle.dumps(model) for name, model in models.items()}


FILES = files()


def holders(root: Any) -> list[tuple[Any, Any]]:
    """Return every place of a graph whose value can be replaced: a dictionary or list, and its key."""
    found: list[tuple[Any, Any]] = []
    seen: set[int] = set()
    pending = [root]
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            found.extend((value, key) for key in value)
            pending.extend(value.values())
        elif isinstance(value, list):
            found.extend((value, i) for i in range(len(value)))
            pending.extend(value)
        elif isinstance(value, tuple):
            pending.extend(value)
        elif isinstance(value, Inert):
            if isinstance(value.state, tuple | list):
                found.append((value, "state"))
            pending += [value.state, value.args, value.items]
    return found


def strange(root: Any, target: Any) -> st.SearchStrategy[Any]:
    """Values that belong nowhere: of every kind, huge, cyclic, and parts of the graph in the wrong place."""
    cycle: list[Any] = []
    cycle.append(cycle)
    loop: dict[str, Any] = {}
    loop["estimators_"] = loop
    some, arrays = ODD
    return st.sampled_from([
        None, True, -1, 0, 1 << 40, 1 << 4000, -(1 << 70), float("nan"), float("inf"), "", "x" * 5_000, "\x1b[2J\u202e", "\udc80", b"\xff" * 9,
        (), [], {}, {"a": None}, {1: 2}, {(1, 2): 3}, cycle, loop, root, target, some, some.attributes, *arrays, [some] * 3, [[1], 2], ("a", "b", "c"),
        [("a", some), ("b", 5)], set(), frozenset({1, "a"}), 1j,
    ])  # fmt: skip


def odd() -> tuple[Any, list[Any]]:
    some = read_bytes(FILES["boosting"]).root
    arrays = [read_bytes(pickle.dumps(a)).root for a in (
        np.array([]), np.array(3.5), np.full((3, 2), np.nan), np.array([np.inf, -1e308]), np.array([2**62, -5]), np.array(["a"]),
        np.array([None, [1]], dtype=object), np.zeros((2, 2, 2)), np.array([1e300] * 5), np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f8")]),
        np.arange(3, dtype="u1"), np.array([True, False]), np.array(["2020"], dtype="M8[s]"), np.array([1 + 2j]),
    )]  # fmt: skip
    return some, arrays


ODD = odd()


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_graph_with_anything_anywhere(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    artifact = read_bytes(FILES[name], "m.pkl")
    places = holders(artifact.root)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        value = data.draw(strange(artifact.root, holder))
        if isinstance(holder, Inert):
            object.__setattr__(holder, key, value)
        else:
            holder[key] = value
    shown(artifact)


def shown(artifact: object) -> None:
    """Inspect and draw in all ways; errors that are meant are one line."""
    try:
        found = inspect(artifact)
    except ModelwardError as error:
        assert "\n" not in str(error)
        return
    json.dumps(found.to_dict(), allow_nan=False)
    page = page_of(found)
    text = render_page_html(page)
    assert "\x1b" not in text
    assert "\u202e" not in text
    render_page_markdown(page)
    from rich.console import Console

    with Path("/dev/null").open("w") as sink:
        render_page_terminal(page, Console(file=sink, width=70))


@pytest.mark.parametrize("name", sorted(FILES))
def test_node_arrays_with_any_bytes(name: str) -> None:
    """Flip bytes inside the arrays: thresholds, links, columns and counts become anything."""
    rng = np.random.default_rng(1)
    for _ in range(12):
        data = bytearray(FILES[name])
        for place in rng.integers(len(data) // 3, len(data), size=rng.integers(1, 30)):
            data[place] = rng.integers(256)
        shown(read_bytes(bytes(data), "m.pkl"))


def test_every_way_to_cut_it_short() -> None:
    data = FILES["adaboost"]
    for end in range(0, len(data), 37):
        with pytest.raises(ModelwardError) as error:
            inspect(read_bytes(data[:end], "m.pkl"))
        assert "\n" not in str(error.value)


def test_a_file_may_claim_any_number_of_columns() -> None:
    for count in (150_000, 1 << 21, 1 << 47):
        model = DecisionTreeClassifier().fit(X, Y)
        model.n_features_in_ = count
        found = inspect(read_bytes(pickle.dumps(model)))
        assert found.n_features == count
        assert found.findings[0].code == "MW093"


class Calls:
    """Harmless, and code all the same."""

    def __reduce__(self) -> tuple[Any, ...]:
        return subprocess.getoutput, ("true",)


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*words: str, folder: Path) -> Done:
    """Type a command; in this process, since starting one takes longer than the command."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["modelward", "inspect", *words])
        with pytest.raises(SystemExit) as stop:
            main()
    return Done(int(stop.value.code or 0), out.getvalue(), err.getvalue())


def test_files_that_are_dangerous_damaged_or_no_model(tmp_path: Path) -> None:
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, Y)
    model.callback_ = Calls()
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps(model))
    (tmp_path / "cut.pkl").write_bytes(pickle.dumps(model)[:500])
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"a": [1, 2]}))
    done = run("bad.pkl", "-o", "bad.html", "-o", "bad.md", folder=tmp_path)
    assert done.returncode == 1
    assert "!! Do not load this file" in done.stdout
    assert "RandomForestClassifier" in done.stdout
    assert 'role="alert"' in (tmp_path / "bad.html").read_text()
    said = json.loads(run("bad.pkl", "--format", "json", folder=tmp_path).stdout)
    assert said["findings"][0]["code"] == "MW091"
    assert said["trees"]["count"] == 2
    for name in ("cut.pkl", "plain.pkl", "absent.pkl", "."):
        done = run(name, folder=tmp_path)
        assert done.returncode in (1, 2), done
        if done.returncode == 2:
            assert done.stdout == ""
            assert done.stderr.count("\n") == 1
    assert "no model but a dict of 1 items" in run("plain.pkl", folder=tmp_path).stderr
    (tmp_path / "good.pkl").write_bytes(pickle.dumps(DecisionTreeClassifier(random_state=0).fit(X, Y)))
    assert run("good.pkl", folder=tmp_path).returncode == 0
    assert "no label of this model; it has 0, 1" in run("good.pkl", "--goal", "2", folder=tmp_path).stderr


def test_nothing_of_the_file_or_its_library_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(FILES["pipeline"])
    program = textwrap.dedent(f"""
        import sys
        from modelward.artifacts import inspect
        inspect({str(path)!r})
        calls = []
        sys.addaudithook(lambda event, args: calls.append((event, args)) if event in
            ("import", "exec", "pickle.find_class", "os.system", "subprocess.Popen", "marshal.loads", "compile") else None)
        found = inspect({str(path)!r})
        assert found.trees and found.surface.rules, found
        loaded = [name for name in sys.modules if name.split(".")[0] in ("sklearn", "joblib", "pandas")]
        print(calls, loaded)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] []", done.stderr + done.stdout[-2000:]


def test_titles_and_severities_are_those_of_the_checks() -> None:
    from modelward.artifacts import Defect, TrainingRows
    from modelward.artifacts._inspect.verdicts import file_findings
    from modelward.checks import all_checks

    known = {check.code: check for check in all_checks()}
    artifacts = [
        read_bytes(pickle.dumps(Calls())),
        read_bytes(b"cnosuchmodule\nthing\n."),
        read_bytes(b"\x80\x04N"),
    ]
    rows, defects = [TrainingRows("a", 5, 2, "neighbours")], [Defect("b", "is odd")]
    found = [f for artifact in artifacts for f in file_findings(artifact, rows, defects, 10)]
    assert {f.code for f in found} == {"MW081", "MW091", "MW092", "MW093"}
    for finding in found:
        check = known[finding.code]
        assert (finding.title, finding.severity, finding.number) == (
            check.title,
            check.severity,
            check.number,
        )


def test_arrays_are_never_shown(tmp_path: Path) -> None:
    """Rows stand in the file of a neighbours model; none of their numbers stands in any output."""
    from sklearn.neighbors import KNeighborsClassifier

    rows = np.round(RNG.normal(size=(40, 3)), 6) + 1_000
    found = inspect(read_bytes(pickle.dumps(KNeighborsClassifier().fit(rows, Y[:40]))))
    assert found.exit_code() == 1
    assert found.training_data[0].rows == 40
    page = page_of(found)
    text = render_page_html(page) + render_page_markdown(page) + json.dumps(found.to_dict())
    assert not [value for value in rows.ravel() if f"{value:.6f}" in text or f"{value:.2f}" in text]
    assert isinstance(read_bytes(pickle.dumps(rows)).root, Inert | RawArray)
