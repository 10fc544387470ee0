"""`assess`: one call from a model and its rows to a report over all seventeen failure modes."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward._version import __version__
from modelward.assessment._inputs import Prepared, Request, prepare
from modelward.assessment._plan import chosen, coverage, keeps, make_sure_told
from modelward.assessment._run import run_checks
from modelward.checks import EXPOSURES, all_checks, told_by
from modelward.errors import InputError, UsageError
from modelward.findings import Policy, Report, code_alpha

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.assessment._run import Progress
    from modelward.schema import FeatureSchema

METRICS = ("balanced_accuracy", "accuracy", "f1_macro")


def assess(
    model: Any,
    data: Any,
    *,
    target: str,
    train: Any = None,
    schema: FeatureSchema | str | Path | None = None,
    goal: Any = None,
    sensitive: Sequence[str] = (),
    group: str | None = None,
    source: str | None = None,
    exposure: Sequence[str] = EXPOSURES,
    metric: str = "balanced_accuracy",
    budget: str = "quick",
    max_queries: int | None = None,
    seed: int = 0,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    trust: Sequence[str] = (),
    offline: bool = False,
    project: str | Path | None = None,
    store: str | Path | None = None,
    db: str | Path | None = None,
    max_db_age: int = 30,
    index: str | None = None,
    rebuild: bool = False,
    policy: Policy | None = None,
    n_jobs: int = 2,
    progress: Progress | None = None,
    today: datetime.date | None = None,
) -> Report:
    """Measure how a model can fail or be attacked.

    Parameters
    ----------
    model : object, str or Path
        A fitted estimator or any callable from rows to labels; or a model file (it is read inertly before
        anything is loaded), ``package.module:attribute``, or the URL of a prediction endpoint.
    data : table or path
        Held-out rows with their labels: a CSV or Parquet file, or a pandas, polars or pyarrow table. Give
        rows that you trust; checks compare other things with them.
    target : str
        The label column.
    train : table or path, optional
        The rows that the model was trained on.
    schema : FeatureSchema or path, optional
        What a legal row is; inferred from `data` if absent.
    goal : label, optional
        The label that an attacker wants; untargeted if absent.
    sensitive : sequence of str
        Columns that a caller must not be able to infer.
    group : str, optional
        Column that says whose row it is; one group stays on one side of every split.
    source : str, optional
        Column of `train` that says who delivered each row; what each supplier could do is measured.
    exposure : sequence of {"callers", "suppliers", "file-holders", "insiders"}
        Who may attack. Rows of the taxonomy outside it are not applicable.
    metric : {"balanced_accuracy", "accuracy", "f1_macro"}
        How retraining experiments are scored.
    budget : {"quick", "standard", "full"}
        How much work, in rows and fits.
    max_queries : int, optional
        The most rows sent to the model over all checks (20,000 for an endpoint).
    seed : int
        The same seed gives the same report, apart from seconds.
    select, ignore : sequence of str
        Codes of checks, or their beginnings.
    trust : sequence of str
        Exact global names that a model file may reach although they are unknown.
    offline : bool
        Refuse to ask an endpoint.
    project : path, optional
        Folder of the project that serves the model: its packages, code and container files are looked at.
    store : path, optional
        File that a `modelward.monitoring.Monitor` of the running service is kept in; it is only read.
    db : path, optional
        Advisories for it, a zip or folder of OSV records; those of MODELWARD_ADVISORIES or the cache if absent.
    max_db_age : int
        Days after which older advisories leave the result open.
    index : str, optional
        Simple pages of a package index that is asked about the project's packages: their names go there.
    rebuild : bool
        Load nothing of a model file: rebuild the model from its numbers, and ask that.
    policy : Policy, optional
        Limits, ignores and baseline.
    n_jobs : int
        Checks that run side by side.
    progress : callable, optional
        Called with a check's code and ``"start"`` or its status.
    today : date, optional
        The day against which ignores expire.

    Returns
    -------
    Report

    Raises
    ------
    UsageError, InputError, SubjectError
        If it cannot run; one line that says what, where and what to do.

    Examples
    --------
    >>> from modelward.demo import credit_data, shallow_forest
    >>> train, test = credit_data(rows=3_000, seed=0)
    >>> report = assess(shallow_forest(train), test, target="DEFAULT", select=["MW01"])
    >>> report.headline
    '1 of 17 checked'
    """
    checks = all_checks()
    unknown = sorted(set(exposure) - set(EXPOSURES))
    if unknown or not exposure:
        raise UsageError(f"--exposure takes {', '.join(EXPOSURES)}; not {', '.join(unknown) or 'nothing'}")
    if metric not in METRICS:
        raise UsageError(f"--metric must be one of {', '.join(METRICS)}, not {metric!r}")
    if project is not None and not Path(project).is_dir():
        raise InputError(f"--project {project} is no folder")
    held = None if store is None else Path(str(store).removeprefix("sqlite:///"))
    if held is not None and not held.is_file():
        raise InputError(f"--store {store} is no file: give the one that a monitor is kept in")
    if db is not None and project is None:
        raise UsageError("--db has the advisories for a project: add --project DIR")
    if index is not None and project is None:
        raise UsageError("--index is asked about a project's packages: add --project DIR")
    if index is not None and offline:
        raise UsageError("--offline excludes --index: it asks the network")
    policy = policy or Policy()
    request = Request(
        model=model, data=data, target=target, train=train, schema=schema, goal=goal,
        sensitive=tuple(sensitive), group=group, source=source, budget=budget, max_queries=max_queries, seed=seed,
        exposure=tuple(exposure), metric=metric, trust=tuple(trust), offline=offline, rebuild=rebuild,
        project=None if project is None else Path(project), db=None if db is None else Path(db),
        max_db_age=max_db_age, index=index, store=held,
    )  # fmt: skip
    make_sure_told(select, ignore, store=held is not None)
    run, _ = chosen(checks, select=select, ignore=ignore, exposure=exposure, refused=False)
    prepared = prepare(request, run)
    run, left = chosen(
        checks, select=select, ignore=ignore, exposure=exposure, refused=prepared.refused is not None
    )
    # What is ignored in a project is left out before findings are summed up by code.
    prepared.scope.options["policy"] = policy
    alpha = code_alpha(sum(policy.can_fail(check.code, check.limits) for check in checks if check.by_chance))
    done = run_checks(
        run,
        prepared.scope,
        quota=prepared.quota,
        alpha=alpha,
        policy=policy,
        n_jobs=n_jobs,
        progress=progress,
    )
    outcomes = sorted([*done, *left], key=lambda outcome: outcome.check.code)
    found = [outcome.finding for outcome in outcomes if outcome.finding is not None]
    told = [f for f in told_by(prepared.scope) if keeps(f.code, select, ignore)]
    found = sorted([*found, *told], key=lambda finding: finding.code)
    findings, warnings = policy.apply_ignores(found, today or datetime.datetime.now(datetime.UTC).date())
    return Report(
        subject=prepared.subject,
        inputs=prepared.inputs,
        environment=_environment(prepared),
        budget={**_public(prepared), "max_queries": max_queries},
        seed=seed,
        coverage=coverage(outcomes),
        findings=findings,
        assumptions=prepared.assumptions,
        warnings=(*warnings, *policy.unused_limits(findings)),
        exposure=tuple(exposure),
        modelward=__version__,
    )


def _public(prepared: Prepared) -> dict[str, Any]:
    budget = prepared.scope.budget
    return {name: getattr(budget, name) for name in budget.__dataclass_fields__}


def _environment(prepared: Prepared) -> dict[str, str]:
    """Return the versions that a figure may depend on."""
    packages = {"numpy", "polars", "scikit-learn", "scipy"}
    model = prepared.scope.subject.model
    root = type(model).__module__.partition(".")[0] if model is not None else ""
    if root not in ("", "builtins", "sklearn", "__main__", "modelward"):
        packages |= set(metadata.packages_distributions().get(root, ()))
    versions = {name: metadata.version(name) for name in sorted(packages)}
    return {"python": platform.python_version(), "platform": platform.system(), **versions}
