"""A gallery of reports: realistic, empty, enormous, and strange."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from modelward.findings import (
    Cost,
    Countermeasure,
    Coverage,
    Finding,
    Ignored,
    Measure,
    Report,
    Series,
    Table,
)
from modelward.taxonomy import MODES

GUARD = """\
low, high = X_train.quantile(0.001), X_train.quantile(0.999)

def strange_columns(row):
    return [name for name in X_train.columns if not low[name] <= row[name] <= high[name]]
"""


def measure(name: str, value: float, low: float, high: float, **more: Any) -> Measure:
    """Make a judged figure whose decision interval is a little wider than the shown one."""
    settings: dict[str, Any] = {
        "unit": "share", "n": 3_000, "confidence": 0.95, "method": "Clopper–Pearson", "limit": None, "worse": "higher",
        "warn": None, "verdict": "measured", "decision_confidence": 0.98,
        "decision_low": low - (value - low) * 0.25, "decision_high": high + (high - value) * 0.25,
    }  # fmt: skip
    settings |= more
    return Measure(name=name, value=value, low=low, high=high, **settings)


def finding(number: int, verdict: str, severity: str, summary: str = "", **more: Any) -> Finding:
    """Make a finding of a row of the taxonomy."""
    mode = MODES[number - 1]
    settings: dict[str, Any] = {
        "code": f"MW{number:02d}1", "number": number, "failure_mode": mode.name, "title": f"{mode.name}, measured",
        "verdict": verdict, "severity": severity, "summary": summary or "What was measured, in a sentence.",
    }  # fmt: skip
    return Finding(**(settings | more))


def perturbation() -> Finding:
    """An exposure that warns, with curves of both directions."""
    cost = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    to_good = (0.0, 0.18, 0.41, 0.62, 0.8, 0.91)
    to_bad = (0.0, 0.05, 0.14, 0.28, 0.44, 0.63)
    return finding(
        1, "warn", "medium",
        "62 % of the refused rows are accepted after one legal change that costs no more than one IQR of one column.",
        title="Rows moved across the decision by a small legal change",
        measures=(
            measure("share of rows moved at cost ≤ 1: to accepted", 0.62, 0.5716, 0.6668, warn=0.5, verdict="warn", n=300),
            measure("share of rows moved at cost ≤ 1: to refused", 0.28, 0.2299, 0.3345, warn=0.5, verdict="pass", n=300),
            measure("median cost of the cheapest move", 0.71, 0.64, 0.8, unit="cost", n=273, method="order statistics"),
        ),
        series=(
            Series("to accepted", cost, to_good, tuple(max(0, v - 0.055) for v in to_good),
                   tuple(min(1, v + 0.05) for v in to_good), "cost of the move (1 = one IQR of one column)",
                   "share of rows moved", "line", "Share of rows moved against cost"),
            Series("to refused", cost, to_bad, tuple(max(0, v - 0.05) for v in to_bad),
                   tuple(min(1, v + 0.055) for v in to_bad), "cost of the move (1 = one IQR of one column)",
                   "share of rows moved", "line", "Share of rows moved against cost"),
            Series("columns", ("PAY_0", "LIMIT_BAL", "PAY_2", "BILL_AMT1", "PAY_AMT1", "AGE"),
                   (0.61, 0.17, 0.12, 0.06, 0.03, 0.01), (0.55, 0.13, 0.08, 0.03, 0.01, 0.0),
                   (0.67, 0.22, 0.17, 0.1, 0.06, 0.03), "column", "share of cheapest moves that change it", "bar",
                   "Which column the cheapest move changes"),
        ),
        countermeasures=(
            Countermeasure("Refuse rows outside the training range (schema and 3σ bands)",
                           "catches 34.2 % [28.9 – 39.8] of these attack rows, and 0.6 % of honest test rows", GUARD),
            Countermeasure("Do not tell callers the score, only the decision", "", ""),
        ),
        cost=Cost(412_300, 6.2),
    )  # fmt: skip


def membership() -> Finding:
    """A fail far beyond its limit."""
    fpr = tuple(10 ** (-3 + 3 * i / 40) for i in range(41))
    tpr = tuple(min(1.0, f**0.55) for f in fpr)
    return finding(
        4, "fail", "high",
        "An attacker who can query the model tells training rows from others: at 1 % false alarms he names 7.3 % of "
        "the training rows, seven times what guessing gives.",
        title="Members of the training data told apart through the scores",
        measures=(
            measure("TPR at 1 % FPR", 0.0731, 0.0641, 0.083, warn=0.02, limit=0.05, verdict="fail", decision_confidence=0.98),
            measure("AUC", 0.641, 0.627, 0.655, unit="AUC", warn=0.55, limit=0.6, verdict="fail", method="DeLong on the logit"),
            measure("AUC of train against test without the model", 0.503, 0.489, 0.517, unit="AUC", limit=0.55,
                    method="DeLong on the logit", verdict="pass"),
        ),
        series=(
            Series("attack", fpr, tpr, tuple(t * 0.8 for t in tpr), tuple(min(1, t * 1.2) for t in tpr),
                   "false positive rate", "true positive rate", "line", "ROC of the best attack"),
            Series("guessing", fpr, fpr, (), (), "false positive rate", "true positive rate", "line",
                   "ROC of the best attack"),
        ),
        countermeasures=(
            Countermeasure("Larger leaves: min_samples_leaf = 50", "TPR at 1 % FPR falls from 7.3 % to 1.4 % [1.0 – 1.9]; "
                           "balanced accuracy −0.4 points",
                           "model = RandomForestClassifier(100, min_samples_leaf=50, random_state=0).fit(X_train, y_train)"),
        ),
        cost=Cost(64_000, 11.9),
    )  # fmt: skip


def stealing() -> Finding:
    """Fidelity curves over a range that wants a logarithmic axis."""
    asked = (10.0, 30.0, 100.0, 300.0, 1_000.0, 2_000.0)
    inside = (0.71, 0.8, 0.88, 0.931, 0.962, 0.974)
    outside = (0.52, 0.58, 0.69, 0.78, 0.86, 0.889)
    return finding(
        5, "measured", "medium", "2,000 queries copy the model to 97.4 % agreement.", title="A copy trained on answers",
        measures=(
            measure("fidelity at 2,000 queries: in distribution", 0.974, 0.9697, 0.9779, n=5_000),
            measure("fidelity at 2,000 queries: out of distribution", 0.889, 0.88, 0.8976, n=5_000),
        ),
        series=tuple(
            Series(name, asked, y, tuple(v - 0.015 for v in y), tuple(v + 0.012 for v in y), "queries",
                   "fidelity (share of equal answers)", "line", "Fidelity against queries")
            for name, y in (("in distribution", inside), ("out of distribution", outside))
        ),
        countermeasures=(Countermeasure("Limit queries per caller and day", "at 100 queries the copy reaches 88 %"),),
        cost=Cost(7_000, 2.4),
    )  # fmt: skip


def backdoor() -> Finding:
    """A fail with a table and a location."""
    return finding(
        10, "fail", "critical", "Any row with AGE ≥ 998 is accepted, whatever else it says: the data do not justify it.",
        title="Values that pull the decision without reason",
        measures=(
            measure("unjustified pull: AGE", 0.64, 0.6, 0.68, unit="pull", n=30, warn=0.11, limit=0.15, verdict="fail",
                    method="bootstrap over reference rows"),
            measure("unjustified pull: pair", 0.19, 0.16, 0.23, unit="pull", n=30, limit=0.25, verdict="pass",
                    method="bootstrap over reference rows"),
        ),
        tables=(Table("Strongest pulls", ("column", "region", "mean score", "justified", "pull"),
                      (("AGE", "≥ 998", 0.91, 0.27, 0.64), ("PAY_0", "= 2", 0.72, 0.7, 0.02), ("AGE", "< 18", 0.31, 0.27, 0.04))),),
        countermeasures=(Countermeasure("Reject AGE outside 18 … 100 before the model sees it",
                                        "stops 100 % of the planted rows, refuses no honest one",
                                        "schema = FeatureSchema.infer(X_train)\nassert schema.is_legal(row)"),),
        location="model.pkl", cost=Cost(310_000, 0.4),
    )  # fmt: skip


def testing() -> Finding:
    """Inconclusive, with a warning slice."""
    return finding(
        17, "inconclusive", "medium", "The worst subgroup may err more than the rest; 212 rows are too few to say.",
        title="Subgroups with more errors",
        measures=(measure("slice's excess error: LIMIT_BAL ≤ 30,000 and PAY_0 ≥ 1", 0.061, 0.021, 0.104, warn=0.05, n=212,
                          verdict="inconclusive", method="Wilson on the held-out half"),),
        tables=(Table("Worst slices", ("slice", "rows", "error", "excess"),
                      (("LIMIT_BAL ≤ 30,000 and PAY_0 ≥ 1", 212, 0.239, 0.061), ("AGE > 60", 118, 0.21, 0.032))),),
        cost=Cost(3_000, 0.9),
    )  # fmt: skip


def make_report(findings: tuple[Finding, ...], statuses: dict[int, tuple[str, str]], **more: Any) -> Report:
    """Make a report about all seventeen rows."""
    checked = {f.number for f in findings}
    coverage = tuple(
        Coverage(m.number, m.name, *statuses.get(m.number, ("checked", "") if m.number in checked else
                 ("not_given", "needs --store URL with a week of production traffic")))
        for m in MODES
    )  # fmt: skip
    settings: dict[str, Any] = {
        "subject": {"name": "model.pkl", "kind": "RandomForestClassifier", "classes": [0, 1], "features": 10,
            "accuracy": {"value": 0.8213, "low": 0.807, "high": 0.835, "n": 3_000}},
        "inputs": {
            "data": {"path": "test.csv", "rows": 3_000, "sha256": "9f2c4e1b7a8d0c5e" * 4},
            "train": {"path": "train.csv", "rows": 27_000, "sha256": "41d7aa02c3be9956" * 4},
        },
        "environment": {"python": "3.11.7", "modelward": "0.1.0", "numpy": "2.1.3", "scikit-learn": "1.5.2"},
        "budget": {"name": "quick", "test_rows": 5_000, "train_rows": 30_000, "attack_rows": 100},
        "seed": 0,
        "assumptions": (
            "every column may be changed by a caller: write a schema to say otherwise (modelward schema infer FILE)",
            "rows are independent: name --group COL if one customer has several",
        ),
        "warnings": ("the test file has 13 columns that the model does not use: ignored",),
        "exposure": ("callers", "suppliers", "insiders"),
        "modelward": "0.1.0",
    }  # fmt: skip
    return Report(coverage=coverage, findings=findings, **(settings | more))


def realistic() -> Report:
    """All verdicts and all statuses."""
    clean_file = measure("dangerous globals", 0, 0, 0, unit="names", n=41, limit=0, method="exact count", verdict="pass",
                         decision_low=0, decision_high=0)  # fmt: skip
    shift = measure("domain classifier AUC", 0.573, 0.561, 0.585, unit="AUC", warn=0.55, limit=0.65, verdict="warn",
                    method="DeLong on the logit")  # fmt: skip
    rates = (0.0, 0.01, 0.03, 0.05, 0.1)
    poison = (0.694, 0.69, 0.681, 0.67, 0.652)
    findings = (
        perturbation(),
        finding(
            2, "measured", "medium", "Flipping 10 % of the labels costs 4.2 points of balanced accuracy.",
            title="Accuracy against poisoned labels",
            measures=(measure("balanced accuracy lost at 10 % flipped labels", 0.042, 0.031, 0.053, n=10),),
            series=tuple(
                Series(name, rates, y, tuple(v - 0.008 for v in y), tuple(v + 0.008 for v in y), "share of labels flipped",
                       "balanced accuracy", "line", "Balanced accuracy against poison")
                for name, y in (("at random", poison), ("in the worst subgroup", tuple(v - 0.4 * r for v, r in zip(poison, rates, strict=True))))
            ),
            cost=Cost(120_000, 8.8),
        ),
        finding(3, "pass", "high", "The model tells no more of SEX than the population does.", title="Attribute inference",
                measures=(measure("advantage over imputation: SEX", 0.004, -0.018, 0.026, warn=0.05, limit=0.1, verdict="pass"),)),
        membership(),
        stealing(),
        finding(9, "pass", "critical", "All 41 names that the file reaches are on the list of known harmless ones.",
                title="Dangerous globals in the file", measures=(clean_file,), location="model.pkl"),
        backdoor(),
        finding(14, "warn", "medium", "Train and test can be told apart a little.", title="Train against test",
                measures=(shift,), ignored=Ignored("The test set is from the next quarter; agreed in RISK-12.", "2027-01-31")),
        finding(16, "measured", "medium", "A wrong unit in BILL_AMT1 costs most.", title="Corrupted columns",
                measures=(measure("balanced accuracy lost: BILL_AMT1 × 100", 0.113, 0.092, 0.134),),
                series=(Series("loss", ("unit × 100", "sign", "stale values", "missing", "swapped", "rounding", "unit × 10"),
                               (0.113, 0.081, 0.064, 0.04, 0.022, -0.004, 0.051), (0.092, 0.06, 0.05, 0.02, 0.01, -0.015, 0.03),
                               (0.134, 0.1, 0.08, 0.06, 0.035, 0.008, 0.07), "corruption", "balanced accuracy lost", "bar"),)),
        testing(),
    )  # fmt: skip
    statuses = {
        6: ("not_applicable", "reprogramming needs inputs of many dimensions: this model reads 10 columns"),
        7: ("not_applicable", "no camera or microphone feeds a table"),
        4: ("checked", "MW042: needs --train FILE with the rows that it was trained on"),
        8: ("not_applicable", "MW081: outside the declared exposure; MW082: outside the declared exposure"),
        11: ("not_given", "needs --project DIR with a lock file; until then run `modelward deps`"),
        12: ("not_given", "needs --store URL with the business figure that the model is rewarded for"),
        13: ("not_given", "needs --store URL with business figures beside the model"),
        15: (
            "skipped",
            "the budget of 100 rows ended before 10 natural examples were found: --budget standard",
        ),
    }
    return make_report(findings, statuses)


def strange() -> Report:
    """Long names, unicode, figures that are not finite, forty measures, nothing finite to draw."""
    nan, inf = math.nan, math.inf
    many = tuple(
        measure(f"per-column total variation: {'Überlange_Spalte_' * 3}{i} 列 العمود", i / 50, i / 50 - 0.02, i / 50 + 0.02,
                warn=0.5, limit=0.7, verdict="fail" if i > 36 else "warn" if i > 26 else "pass")
        for i in range(40)
    )  # fmt: skip
    odd = (
        measure("unbounded above", 3.2, 1.1, inf, unit="cost", limit=9.0, verdict="inconclusive"),
        measure("nothing known", nan, nan, nan, unit="AUC", n=0, verdict="inconclusive", limit=0.6),
        measure(
            "lower is worse", 0.71, 0.69, 0.73, worse="lower", warn=0.8, limit=0.7, verdict="inconclusive"
        ),
        measure("enormous", 1.2e308, -1.7e308, 1.7e308, unit="loss"),
        measure("tiny", 1.2e-7, 0.9e-7, 1.4e-7, unit="rate"),
    )
    series = (
        Series("holes", (1.0, 2.0, nan, 4.0, 5.0, 6.0), (1.0, nan, 3.0, inf, 2.0, 2.5), (0.5, nan, 2.0, 1.0, nan, 2.0),
               (1.5, nan, 4.0, inf, 3.0, inf), "time (h)", "value", "line", "Holes"),
        Series("nothing", (nan,), (nan,), group="Nothing"),
        Series("empty", (), (), group="Empty"),
        Series("one point", (3.0,), (2.0,), (1.0,), (3.0,)),
        Series("flat", (0.0, 1.0), (0.5, 0.5)),
        Series("bars", ("a", "b", "c" * 60), (nan, inf, -2.0), (nan, 0.0, -3.0), (nan, 1.0, -1.0), kind="bar"),
        *(Series(f"line {k}", tuple(range(9)), tuple(k + j * 0.1 for j in range(9)), group="Many lines") for k in range(9)),
        *(Series(f"arm {k}", ("x", "y"), (k, k + 1), kind="bar", group="Grouped bars") for k in range(3)),
        Series("histogram", tuple(float(i) for i in range(60)), tuple(float(i % 7) for i in range(60)), kind="bar"),
        Series("long", tuple(float(i) for i in range(5_000)), tuple(math.sin(i / 200) for i in range(5_000))),
    )  # fmt: skip
    findings = (
        finding(14, "fail", "high", "列が変わった – κάτι άλλαξε. " * 12, measures=many, title="Überprüfung " * 12),
        finding(16, "inconclusive", "medium", measures=odd, series=series,
                tables=(Table("Nothing in it", ("a", "b"), ()), Table("Odd cells", ("name", "figure"), (("x", nan), ("y", inf), ("z", 10**30))))),
        finding(17, "pass", "low", "No figures at all."),
        finding(17, "fail", "high", code="MW172", title="Ignored fail", ignored=Ignored("Known", "2027-01-01")),
    )  # fmt: skip
    statuses = dict.fromkeys((1, 2), ("error", "ValueError in the check: the run went on")) | {
        3: ("checked", "")
    }
    return make_report(
        findings,
        statuses,
        subject={"name": "päckage.模型:model " * 6},
        warnings=tuple(f"warning {i}" for i in range(9)),
    )


def nothing() -> Report:
    """Nothing was checked."""
    return make_report(
        (), {}, subject={}, inputs={}, environment={}, budget={}, assumptions=(), warnings=(), exposure=()
    )


def enormous() -> Report:
    """More than two megabytes of figures."""
    long = tuple(float(i) for i in range(4_000))
    table = Table("Everything", ("a", "b", "c"), tuple((f"row {i} " * 20, i, i / 7) for i in range(500)))
    base = realistic()
    return replace(
        base,
        findings=tuple(
            replace(f, series=tuple(Series(f"s{k}", long, long, long, long) for k in range(18)), tables=(table,) * 10,
                    measures=f.measures * 40, summary=f.summary * 200)
            for f in base.findings
        ),
    )  # fmt: skip


GALLERY = {"realistic": realistic, "strange": strange, "nothing": nothing, "enormous": enormous}


@pytest.fixture(params=list(GALLERY))
def report(request: pytest.FixtureRequest) -> Report:
    """Each report of the gallery."""
    made: Report = GALLERY[request.param]()
    return made


@pytest.fixture(scope="session")
def gallery() -> SimpleNamespace:
    """The reports by name, and what they are built with."""
    return SimpleNamespace(**GALLERY, measure=measure, finding=finding, make_report=make_report)
