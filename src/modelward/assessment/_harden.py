"""`harden`: countermeasures against cheap legal changes, each tried on the model and measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward._version import __version__
from modelward.assessment._inputs import Request, prepare
from modelward.errors import RefusedError, UsageError
from modelward.evasion import Workbench
from modelward.evasion import harden as run
from modelward.findings import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelward.evasion import Hardening, Standing, Trial
    from modelward.findings import Estimate
    from modelward.schema import FeatureSchema

_WORK_PER_QUERY = 3_000


@dataclass(frozen=True)
class HardenReport:
    """Countermeasures on one model, and what it rests on.

    Parameters
    ----------
    name, kind : str
        The model and its class.
    result : Hardening
    goal : str or None
        The label that an attacker wants.
    seed : int
    budget : str
    train_rows, test_rows : int
        Rows used.
    assumptions : tuple of str
    """

    name: str
    kind: str
    result: Hardening
    goal: str | None
    seed: int
    budget: str
    train_rows: int
    test_rows: int
    assumptions: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every countermeasure that this model has a place for was measured to the end."""
        return not self.result.stopped and all(t.status != "error" for t in self.result.trials)

    def exit_code(self) -> int:
        """Return 0, or 3 if something could not be measured; nothing here is a failure."""
        return 0 if self.complete else 3

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, version 1."""
        result = self.result
        return {
            "schema_version": 1,
            "modelward": __version__,
            "complete": self.complete,
            "stopped": result.stopped,
            "subject": {"name": self.name, "class": self.kind},
            "goal": self.goal,
            "seed": self.seed,
            "budget": self.budget,
            "rows": {"train": self.train_rows, "test": self.test_rows, "attacked": result.rows},
            "assumptions": list(self.assumptions),
            "deployed": _standing(result.deployed),
            "countermeasures": [_trial(trial) for trial in result.trials],
        }


def harden(
    model: Any,
    data: Any,
    *,
    target: str,
    train: Any,
    schema: FeatureSchema | str | Path | None = None,
    goal: Any = None,
    budget: str = "quick",
    seed: int = 0,
    trust: tuple[str, ...] = (),
    progress: Callable[[str], None] | None = None,
) -> HardenReport:
    """Try countermeasures against cheap legal changes on a model, and measure each.

    Every countermeasure trains the same kind of model on the same rows or stands in front of the deployed one, and is
    attacked by the same search as the model that it is compared with.

    Parameters
    ----------
    model : object, str or Path
        As for `modelward.assess`.
    data, train : table or path
        Held-out rows, and those to train on.
    target : str
        The label column.
    schema : FeatureSchema or path, optional
        What a legal row is; inferred from `data` if absent.
    goal : label, optional
        The label that an attacker wants; any other than the model's if absent.
    budget : {"quick", "standard", "full"}
        How many rows are attacked, and how hard.
    seed : int
        The same seed gives the same report.
    trust : tuple of str
        Names that a model file may reach although they are unknown.
    progress : callable, optional
        Called once with a line about the size of the work.

    Returns
    -------
    HardenReport

    Raises
    ------
    UsageError, InputError, SubjectError
        If it cannot run; one line that says what, where and what to do.
    """
    request = Request(
        model=model, data=data, target=target, train=train, schema=schema, goal=goal, budget=budget, seed=seed,
        trust=trust,
    )  # fmt: skip
    prepared = prepare(request, ())
    scope = prepared.scope
    if prepared.refused is not None:
        raise RefusedError("the model file was refused, so nothing was tried: `modelward scan` says why")
    if scope.train is None:
        raise UsageError("--train FILE is needed: countermeasures are trained on the rows of the model")
    codes = scope.answers().codes
    open_rows = len(codes) if scope.goal is None else int((codes != scope.goal).sum())
    if open_rows < MIN_ROWS:
        raise UsageError(
            f"the model gives the label of --goal to all but fewer than {MIN_ROWS} rows: nothing can be moved"
        )
    if progress:
        progress(f"training and attacking up to ten models, {scope.budget.attack_rows} rows each")
    bench = Workbench(
        scope.subject, scope.train.X, scope.train.y, scope.schema, seed, 4 * scope.budget.attack_rows
    )
    result = run(
        bench, scope.test.X, scope.test.y, goal=scope.goal, rows=scope.budget.attack_rows,
        queries=scope.budget.queries_per_row, work=_WORK_PER_QUERY * scope.budget.queries_per_row,
    )  # fmt: skip
    wanted = None if scope.goal is None else str(scope.subject.classes[scope.goal])
    return HardenReport(
        prepared.subject["name"], prepared.subject["class"], result, wanted, seed, budget, len(scope.train),
        len(scope.test), prepared.assumptions,
    )  # fmt: skip


def _figure(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.interval(0.95)
    return {
        "value": _plain(estimate.value), "low": _plain(low), "high": _plain(high), "n": estimate.n,
        "confidence": 0.95, "method": estimate.method,
    }  # fmt: skip


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "balanced_accuracy": _figure(standing.balanced_accuracy), "flipped_at_cost_1": _figure(standing.flipped),
        "median_cost": _figure(standing.cost), "exact": standing.exact,
    }  # fmt: skip


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.name,
        "title": trial.title,
        "status": trial.status,
        "reason": trial.reason,
        "note": trial.note,
        "callers": "beyond the schema" if trial.outside else "within the schema",
        "before": None if trial.before is None else _standing(trial.before),
        "after": None if trial.after is None else _standing(trial.after),
        "log_cost_factor": None if trial.log_factor is None else _figure(trial.log_factor),
        "log_cost_factor_of_luck": None if trial.outside else _plain(trial.luck),
        "flipped_difference": None if trial.flipped_by is None else _figure(trial.flipped_by),
        "balanced_accuracy_difference": None if trial.accuracy_by is None else _figure(trial.accuracy_by),
        "effect": trial.effect,
        "costs_accuracy": trial.costs_accuracy,
        "code": trial.code,
    }
