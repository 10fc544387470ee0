"""Run the planned checks, side by side, and turn what each measured into its outcome."""

from __future__ import annotations

import dataclasses
import os
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.assessment._plan import Outcome
from modelward.checks import CheckNotApplicable, CheckNotGiven, CheckSkipped, conclude, input_lock
from modelward.errors import BudgetExhausted, ModelwardError, NotRefittable
from modelward.findings import Cost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelward.checks import Check, Evidence, Scope
    from modelward.findings import Policy

    Progress = Callable[[str, str], None]
    """Called with a check's code and ``"start"`` or its status."""

_ROOT = Path(__file__).parents[1]


def run_checks(
    checks: Sequence[type[Check]],
    scope: Scope,
    *,
    quota: Mapping[str, int] | None,
    alpha: float,
    policy: Policy,
    n_jobs: int,
    progress: Progress | None,
) -> list[Outcome]:
    """Run all checks; one that crashes becomes an outcome of its own and the others go on.

    Parameters
    ----------
    checks : sequence of Check classes
    scope : Scope
        Each check gets it with a meter of its own.
    quota : mapping of str to int, or None
        The most rows that each check may send to the model, by code.
    alpha : float
        Error rate of one code.
    policy : Policy
        Limits.
    n_jobs : int
        Threads. The work is in compiled code that lets go of the interpreter; the outcome does not depend
        on it.
    progress : callable or None
        Told of every start and end.

    Returns
    -------
    list of Outcome
        In the order of `checks`.
    """
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    def job(check: type[Check]) -> Outcome:
        if progress:
            progress(check.code, "start")
        # Checks run side by side, so each keeps to one core; and sums over a varying number of threads would
        # not be the same twice. OpenMP counts by thread, hence once more in here.
        with threadpool_limits(1):
            rows = None if quota is None else quota[check.code]
            outcome = _run_one(check, scope, quota=rows, alpha=alpha, policy=policy)
        if progress:
            progress(check.code, outcome.status)
        return outcome

    with warnings.catch_warnings(), threadpool_limits(1):
        # Libraries warn of convergence and feature names; what matters for the verdict is measured instead.
        # They also swap the filters, which all threads share, so a filter alone lets some warnings through.
        warnings.simplefilter("ignore")
        warnings.showwarning = _unseen
        done = Parallel(n_jobs=n_jobs, backend="threading")(delayed(job)(check) for check in checks)
    return list(done)


def _unseen(*_args: Any, **_options: Any) -> None:
    """Show no warning."""


def _run_one(check: type[Check], scope: Scope, *, quota: int | None, alpha: float, policy: Policy) -> Outcome:
    if quota is not None and quota < check.min_queries:
        few = f"needs at least {check.min_queries:,} rows sent to the model and may send {quota:,}"
        return Outcome(check, "skipped", f"{few}: raise --max-queries")
    subject = scope.subject.with_budget(quota)
    own = dataclasses.replace(scope, subject=subject)
    began = time.perf_counter()
    try:
        evidence = _with_input_lock(check().run(own), scope)
    except CheckNotApplicable as outcome:
        return Outcome(check, "not_applicable", str(outcome))
    except NotRefittable as outcome:
        return Outcome(check, "not_applicable", outcome.public)
    except CheckNotGiven as outcome:
        return Outcome(check, "not_given", str(outcome))
    except (CheckSkipped, BudgetExhausted) as outcome:
        return Outcome(check, "skipped", str(outcome))
    except ModelwardError as error:
        return Outcome(check, "error", error.public)
    except Exception as error:  # noqa: BLE001 - whatever a model or a check does, the run goes on and says so
        if os.environ.get("MODELWARD_DEBUG"):
            traceback.print_exc()
        return Outcome(check, "error", f"{check.code} crashed with {_where(error)}")
    cost = Cost(subject.meter.rows, round(time.perf_counter() - began, 3))
    finding = conclude(check, evidence, alpha=alpha, policy=policy, cost=cost)
    return Outcome(check, "checked", finding=finding)


def _with_input_lock(evidence: Evidence, scope: Scope) -> Evidence:
    """Replay the rows that an attack sent through the input locks, and print the share that they stop."""
    if evidence.attack_rows is None or not len(evidence.attack_rows):
        return evidence
    lock = input_lock(scope, evidence.attack_rows)
    return dataclasses.replace(evidence, countermeasures=(lock, *evidence.countermeasures))


def _where(error: Exception) -> str:
    """Name an unexpected error by type and place: its message may quote a user's rows."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(_ROOT)]
    last = (ours or list(frames))[-1]
    place = Path(last.filename)
    shown = place.relative_to(_ROOT) if place.is_relative_to(_ROOT) else Path(place.name)
    return (
        f"{type(error).__name__} at {shown.as_posix()}:{last.lineno} (MODELWARD_DEBUG=1 shows the traceback)"
    )
