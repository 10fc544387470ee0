"""MW041: can a caller tell which rows the model was trained on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._base import Check, CheckNotGiven, CheckSkipped, Evidence
from modelward.errors import BudgetExhausted
from modelward.findings import MIN_ROWS, Claim, Countermeasure, Limit, Series
from modelward.privacy import MembershipInference, harden
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.checks._scope import Sample, Scope
    from modelward.findings import Estimate
    from modelward.privacy import AttackOutcome, Effect, Hardened, MembershipResult

FEWEST_NON_MEMBERS = 1_000
_FEWEST_ROWS = 50
_ROC = "Membership inference: ROC"
_FPR, _TPR = "false-positive rate", "true-positive rate"
_LABELS_ONLY = 'return {"label": str(model.predict(row)[0])}  # and no score'
_ROUND = "scores = model.predict_proba(rows).round(1)"


class Membership(Check):
    """Ask first whether train and test can be told apart without the model; then attack."""

    code = "MW041"
    title = "Membership inference"
    number = 4
    severity = "high"
    query_share = 3.0
    exposure = ("callers",)
    limits = {"TPR at 1 % FPR": Limit(0.02, 0.05), "AUC": Limit(0.55, 0.60)}
    references = (
        "Carlini et al. 2022, Membership Inference Attacks From First Principles",
        "Yeom et al. 2018, Privacy Risk in Machine Learning",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        if scope.train is None:
            raise CheckNotGiven("needs --train FILE, the rows that the model was trained on")
        budget = scope.budget
        rows, left = min(budget.test_rows, budget.fit_rows), scope.subject.meter.left
        if left is not None:
            rows = min(rows, left // 2)
            if rows < _FEWEST_ROWS:
                raise CheckSkipped(
                    f"membership inference asks {_FEWEST_ROWS} rows of each side at least and may send {left}: "
                    "raise --max-queries"
                )
        attack = MembershipInference(shadows=budget.shadows, fit_rows=budget.fit_rows, rows=rows)
        try:
            result = attack.run(scope.subject, scope.train, scope.test, random_state=scope.rng(self.code))
        except BudgetExhausted as error:
            raise CheckSkipped(f"membership inference asks each row once: {error}") from error
        except ValueError as error:
            raise CheckSkipped(f"{error}: give more rows with --data and --train") from error
        hardened = _harden(scope, scope.train, result)
        others = len(result.other_rows)
        return Evidence(
            summary=_summary(result, others),
            claims=_claims(result),
            series=_roc(result.outcomes),
            countermeasures=_countermeasures(result.effects, hardened),
            inconclusive=_inconclusive(result, others),
            unproven=(
                f"the stronger attack by shadow models could not be tried ({result.shadow_reason})"
                if result.shadows is None
                else ""
            ),
        )


def _inconclusive(result: MembershipResult, others: int) -> str:
    reason = result.exchangeability.reason
    if not reason and others < FEWEST_NON_MEMBERS:
        reason = (
            f"{others} non-members are too few for a rate at 1 % false positives; "
            f"{FEWEST_NON_MEMBERS:,} are needed"
        )
    return reason


def _summary(result: MembershipResult, others: int) -> str:
    attacks = "; ".join(
        f"the {o.name} attack has AUC {o.auc.value:.3f} and names {o.tpr.value:.1%} of the training rows at 1 % "
        "false positives"
        for o in result.outcomes
    )
    text = f"Over {len(result.member_rows):,} training rows and {others:,} others, {attacks}."
    if result.shadows is None:
        text += f" No shadow models: {result.shadow_reason}."
    else:
        text += f" {len(result.shadows.signals)} shadow models on {result.shadows.fit_rows:,} rows each."
    sides = result.sides
    if sides.repeated_members or sides.repeated_others:
        text += f" Left out as repeated: {sides.repeated_members:,} train and {sides.repeated_others:,} test rows."
    if sides.shared_members or sides.shared_others:
        text += (
            f" Left out because their group is on both sides: {sides.shared_members:,} train and "
            f"{sides.shared_others:,} test rows."
        )
    return text


def _claims(result: MembershipResult) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    for outcome in result.outcomes:
        claims.append(Claim(f"TPR at 1 % FPR: {outcome.name}", outcome.tpr, "share"))
        claims.append(Claim(f"AUC: {outcome.name}", outcome.auc, "AUC"))
        claims.append(Claim(f"realised FPR: {outcome.name}", outcome.realised_fpr, "share"))
    apart = result.exchangeability
    claims.append(Claim("AUC without the model", apart.auc, "AUC"))
    claims.append(Claim("AUC of the label's difficulty", apart.difficulty, "AUC"))
    if apart.unseen is not None:
        claims.append(Claim("AUC of models that have not seen the row", apart.unseen, "AUC"))
    return tuple(claims)


def _harden(scope: Scope, train: Sample, result: MembershipResult) -> Hardened | None:
    if result.shadows is None:
        return None
    X = np.vstack([train.X[result.member_rows], scope.test.X[result.other_rows]])
    y = np.concatenate([train.y[result.member_rows], scope.test.y[result.other_rows]])
    return harden(scope.subject, result.shadows, X, y)


def _roc(outcomes: tuple[AttackOutcome, ...]) -> tuple[Series, ...]:
    """Draw the curves from the first point that ten rows of both sides stand behind."""
    series = []
    for outcome in outcomes:
        points = _points(outcome.members, outcome.others)
        if len(points) > 1:
            fpr, tpr, low, high = (tuple(point[i] for point in points) for i in range(4))
            series.append(Series(outcome.name, fpr, tpr, low, high, _FPR, _TPR, group=_ROC))
    if series:
        line = tuple(float(x) for x in series[0].x)
        series.append(Series("chance", line, line, x_label=_FPR, y_label=_TPR, group=_ROC))
    return tuple(series)


def _points(
    members: NDArray[np.float64], others: NDArray[np.float64]
) -> list[tuple[float, float, float, float]]:
    """Return (fpr, tpr, low, high) on a grid of equal steps in log(fpr)."""
    n, m = len(members), len(others)
    ranked, thresholds = np.sort(members), np.sort(others)[::-1]
    points: list[tuple[float, float, float, float]] = []
    if m <= MIN_ROWS:
        return points
    for wanted in np.unique(np.geomspace(MIN_ROWS, m - 1, 25).round().astype(int)):
        threshold = thresholds[wanted]
        through = int((thresholds > threshold).sum())
        hits = n - int(np.searchsorted(ranked, threshold, side="right"))
        fpr = through / m
        if min(through, hits) >= MIN_ROWS and (not points or fpr > points[-1][0]):
            low, high = Proportion(hits, n).interval(0.95)
            points.append((fpr, hits / n, low, high))
    return points


def _countermeasures(effects: tuple[Effect, ...], hardened: Hardened | None) -> tuple[Countermeasure, ...]:
    out = []
    if hardened is not None:
        settings = ", ".join(f"{k}={v}" for k, v in hardened.params.items())
        out.append(
            Countermeasure(
                f"Train coarser trees ({settings})",
                f"AUC of the confidence attack {_shown(hardened.auc_before)} → {_shown(hardened.auc_after)}, "
                f"accuracy on unseen rows {_shown(hardened.accuracy_before)} → "
                f"{_shown(hardened.accuracy_after)} (both trained on the same half)",
                f"model.set_params({_call(hardened)}).fit(X, y)",
            )
        )
    words = {
        "labels only": ("Return labels without scores", _LABELS_ONLY),
        "round scores": ("Round scores to one decimal", _ROUND),
    }
    for title, (advice, code) in words.items():
        mine = [e for e in effects if e.title == title]
        if mine:
            effect = "; ".join(
                f"AUC of the {e.attack} attack {_shown(e.before)} → {_shown(e.after)}" for e in mine
            )
            out.append(Countermeasure(advice, effect, code))
    return tuple(out)


def _shown(figure: Estimate) -> str:
    low, high = figure.interval(0.95)
    return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]"


def _call(hardened: Hardened) -> str:
    if all(name.isidentifier() for name in hardened.params):
        return ", ".join(f"{k}={v}" for k, v in hardened.params.items())
    return f"**{dict(hardened.params)!r}"


CHECKS: tuple[type[Check], ...] = (Membership,)
