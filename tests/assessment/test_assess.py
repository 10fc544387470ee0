"""`assess` on small generated data: the plan, outcomes of checks, and what is refused."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

import modelward.assessment._assess as module
from modelward.assessment import assess
from modelward.assessment._plan import share_out
from modelward.checks import Check, CheckNotApplicable, CheckNotGiven, CheckSkipped, Evidence, all_checks
from modelward.errors import BudgetExhausted, InputError, ModelwardError, SubjectError, UsageError
from modelward.findings import Claim, Ignore, Limit, Policy
from modelward.stats import Exact
from modelward.taxonomy import MODES

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def tables(credit: tuple[pl.DataFrame, np.ndarray]) -> tuple[pl.DataFrame, pl.DataFrame]:
    frame, y = credit
    table = frame.with_columns(pl.Series("label", y))
    return table[:4_000], table[4_000:]


@pytest.fixture(scope="module")
def model(tables: tuple[pl.DataFrame, pl.DataFrame]) -> RandomForestClassifier:
    train, _ = tables
    forest = RandomForestClassifier(n_estimators=5, max_depth=3, min_samples_leaf=50, random_state=0)
    return forest.fit(train.drop("label").to_pandas(), train["label"].to_numpy())


def _check(run: Callable[[Any], Evidence], code: str = "MW011", **attributes: Any) -> type[Check]:
    body = {
        "code": code, "number": int(code[2:4]), "title": "t", "severity": "high",
        "run": lambda self, scope: run(scope), **attributes,
    }  # fmt: skip
    return type(Check)("Planted", (Check,), body)


def _assess_with(
    monkeypatch: pytest.MonkeyPatch, checks: list[type[Check]], model: Any, test: Any, **options: Any
) -> Any:
    monkeypatch.setattr(module, "all_checks", lambda: tuple(checks))
    return assess(model, test, target="label", **options)


def _raise(error: Exception) -> Callable[[Any], Evidence]:
    def run(scope: Any) -> Evidence:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "exit_code"),
    [
        (CheckNotApplicable("no images here"), "not_applicable", 0),
        (CheckNotGiven("needs --train FILE"), "not_given", 0),
        (CheckSkipped("too few queries"), "skipped", 3),
        (BudgetExhausted("no rows left"), "skipped", 3),
        (SubjectError("the model is down"), "error", 3),
        (ZeroDivisionError("row 17: Alice, 42"), "error", 3),
    ],
)
def test_every_outcome_of_a_check_has_its_place(
    monkeypatch: pytest.MonkeyPatch, tables: Any, model: Any, error: Exception, status: str, exit_code: int
) -> None:
    fine = _check(
        lambda scope: Evidence("ok", (Claim("x", Exact(0, 10), "rows"),)),
        "MW021",
        limits={"x": Limit(fail=0)},
    )
    report = _assess_with(monkeypatch, [_check(_raise(error)), fine], model, tables[1])
    assert report.coverage[0].status == status
    assert report.coverage[1].status == "checked", "the run goes on"
    assert report.exit_code() == exit_code
    assert report.complete == (exit_code == 0)
    text = report.to_json()
    assert "Alice" not in text, "an unexpected error may quote a row"
    if status != "error" or isinstance(error, SubjectError):
        assert str(error) in text


def test_a_fail_gates_and_an_ignore_lifts_it_until_its_day(
    monkeypatch: pytest.MonkeyPatch, tables: Any, model: Any
) -> None:
    bad = _check(
        lambda scope: Evidence("bad", (Claim("x", Exact(3, 10), "rows"),)), limits={"x": Limit(fail=0)}
    )
    day = datetime.date(2026, 5, 1)
    policy = Policy(ignores=(Ignore("MW011", "known", day),))
    run = lambda today: _assess_with(monkeypatch, [bad], model, tables[1], policy=policy, today=today)  # noqa: E731
    assert run(day).exit_code() == 0
    late = run(day + datetime.timedelta(days=1))
    assert late.exit_code() == 1
    assert "expired" in late.warnings[0]


def test_inconclusive_is_exit_3_even_if_its_figures_pass(
    monkeypatch: pytest.MonkeyPatch, tables: Any, model: Any
) -> None:
    check = _check(
        lambda scope: Evidence("s", (Claim("x", Exact(0, 10), "rows"),), inconclusive="not exchangeable")
    )
    report = _assess_with(monkeypatch, [check], model, tables[1])
    assert report.findings[0].verdict == "inconclusive"
    assert report.exit_code() == 3


def test_checks_have_rows_of_their_own_meter_and_share_the_cap(
    monkeypatch: pytest.MonkeyPatch, tables: Any, model: Any
) -> None:
    seen = []

    def spend(scope: Any) -> Evidence:
        seen.append(scope.subject.meter.left)
        scope.subject.predict(scope.test.X[:7])
        scope.subject.predict(np.repeat(scope.test.X, 1_000, axis=0))
        return Evidence("never")

    checks = [_check(spend, "MW011", query_share=1.0), _check(spend, "MW021", query_share=2.0)]
    report = _assess_with(monkeypatch, checks, model, tables[1], max_queries=300, n_jobs=1)
    assert seen == [87, 175], "an eighth answers for the test rows, the rest is divided"
    assert {row.status for row in report.coverage[:2]} == {"skipped"}
    assert "--max-queries" in report.coverage[0].reason


def test_a_check_that_needs_more_than_its_share_leaves_it_to_the_others() -> None:
    fine = lambda scope: Evidence("ok")  # noqa: E731
    greedy = _check(fine, "MW101", query_share=8.0, min_queries=500)
    modest, silent = _check(fine, "MW011", query_share=1.0), _check(fine, "MW021")
    assert share_out([greedy, modest, silent], 540) == {"MW101": 0, "MW011": 540, "MW021": 0}
    assert share_out([greedy, modest, silent], 900) == {"MW101": 800, "MW011": 100, "MW021": 0}


def test_the_declared_exposure_leaves_rows_out(tables: Any, model: Any) -> None:
    report = assess(model, tables[1], target="label", exposure=["file-holders"], select=["MW01", "MW05"])
    assert {report.coverage[0].status, report.coverage[4].status} == {"not_applicable"}
    assert "exposure" in report.coverage[0].reason


def test_what_was_not_selected_says_so(tables: Any, model: Any) -> None:
    report = assess(model, tables[1], target="label", select=["MW172"])
    assert [row.number for row in report.coverage if row.status == "checked"] == [17]
    assert "not selected" in report.coverage[0].reason
    assert report.headline == "1 of 17 checked"


def test_all_seventeen_rows_have_a_check_with_whole_metadata() -> None:
    checks = all_checks()
    assert {check.number for check in checks} == {mode.number for mode in MODES}
    assert len({check.code for check in checks}) == len(checks)
    for check in checks:
        assert check.code.startswith(f"MW{check.number:02d}")
        assert check.title
        assert check.references
        assert check.severity in ("low", "medium", "high", "critical")
        assert check.__doc__


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"select": ["MW99"]}, UsageError, "MW99"),
        ({"exposure": ["hackers"]}, UsageError, "hackers"),
        ({"exposure": []}, UsageError, "nothing"),
        ({"metric": "auc"}, UsageError, "auc"),
        ({"budget": "huge"}, UsageError, "huge"),
        ({"max_queries": 0}, UsageError, "max-queries"),
        ({"goal": "maybe"}, UsageError, "maybe"),
        ({"sensitive": ["RELIGION"]}, UsageError, "RELIGION"),
        ({"target": "LABEL"}, InputError, "LABEL"),
        ({"group": "customer"}, InputError, "customer"),
        ({"schema": "nowhere.toml"}, ModelwardError, "nowhere.toml"),
    ],
)
def test_a_wrong_call_is_one_line(
    tables: Any, model: Any, options: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        assess(model, tables[1], **{"target": "label", **options})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labels_that_do_not_vary_or_are_missing(tables: Any, model: Any) -> None:
    constant = tables[1].with_columns(pl.lit(1).alias("label"))
    with pytest.raises(InputError, match="one label only"):
        assess(model, constant, target="label")
    holes = tables[1].with_columns(
        pl.when(pl.col("AGE") > 60).then(None).otherwise(pl.col("label")).alias("label")
    )
    with pytest.raises(InputError, match="empty in"):
        assess(model, holes, target="label")


def test_a_handful_of_rows_is_refused(tables: Any, model: Any) -> None:
    with pytest.raises(InputError, match="--data has 19 rows"):
        assess(model, tables[1][:19], target="label")


def test_missing_values_where_the_model_takes_none(tables: Any) -> None:
    train, test = tables
    linear = LogisticRegression(max_iter=2_000).fit(
        train.drop("label").to_pandas(), train["label"].to_numpy()
    )
    holes = test.with_columns(pl.when(pl.col("AGE") > 60).then(None).otherwise(pl.col("AGE")).alias("AGE"))
    with pytest.raises(InputError, match="missing values in AGE"):
        assess(linear, holes, target="label")


def test_a_regression_model_is_sent_to_the_verbs_that_work(tables: Any) -> None:
    train, test = tables
    regressor = RandomForestRegressor(3).fit(train.drop("label").to_pandas(), train["label"].to_numpy())
    with pytest.raises(ModelwardError, match="modelward scan"):
        assess(regressor, test, target="label")


def test_a_column_that_train_lacks(tables: Any, model: Any) -> None:
    with pytest.raises(InputError, match="--train lacks AGE"):
        assess(model, tables[1], target="label", train=tables[0].drop("AGE"))


def test_extra_columns_are_ignored_with_a_note(tables: Any, model: Any) -> None:
    extra = tables[1].with_columns(pl.lit("x").alias("note"))
    report = assess(model, extra, target="label", select=["MW172"])
    assert any("note" in line for line in report.assumptions)


def test_large_tables_are_sampled_and_say_so(tables: Any, model: Any) -> None:
    many = pl.concat([tables[1]] * 4)
    report = assess(model, many, target="label", select=["MW172"])
    assert report.inputs["data"] == {"rows": 8_000, "used": 5_000}
    assert any("5,000 of 8,000" in line for line in report.assumptions)


def test_progress_is_told_of_every_check(tables: Any, model: Any) -> None:
    told: list[tuple[str, str]] = []
    assess(
        model,
        tables[1],
        target="label",
        select=["MW17"],
        progress=lambda code, state: told.append((code, state)),
    )
    assert sorted(told) == [
        ("MW171", "checked"),
        ("MW171", "start"),
        ("MW172", "checked"),
        ("MW172", "start"),
        ("MW173", "not_given"),
        ("MW173", "start"),
    ]


def test_a_baseline_makes_an_exposure_warn(tables: Any, model: Any) -> None:
    policy = Policy(baseline={"MW151.error": (0.0, 0.001)})
    report = assess(model, tables[1], target="label", select=["MW15"], policy=policy)
    assert report.findings[0].verdict == "warn"
    assert json.loads(report.to_json())["findings"][0]["measures"][0]["warn"] == 0.001


def test_rows_that_the_model_has_seen_are_named(tables: Any, model: Any) -> None:
    train, test = tables
    seen = assess(model, train[:1_000], target="label", train=train, select=("MW15",))
    fresh = assess(model, test, target="label", train=train, select=("MW15",))
    assert any("1,000 of 1,000 rows of --data stand in --train" in note for note in seen.assumptions)
    assert not any("stand in --train" in note for note in fresh.assumptions)


def test_a_model_that_changes_its_mind_is_named(tables: Any, model: Any) -> None:
    rng = np.random.default_rng(0)

    def moody(rows: Any) -> Any:
        return np.where(rng.random(len(rows)) < 0.3, 1, model.predict(rows.to_pandas()))

    told = assess(moody, tables[1], target="label", select=("MW15",)).assumptions
    assert any("asked twice, the model changed the label of" in note for note in told)
    steady = assess(model, tables[1], target="label", select=("MW15",)).assumptions
    assert not any("asked twice" in note for note in steady)
