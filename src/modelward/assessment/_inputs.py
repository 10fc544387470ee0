"""From what the user names to the scope that the checks take. Every mistake is one clear line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.assessment._doubts import seen_before, unsteady
from modelward.assessment._plan import share_out
from modelward.checks import BUDGETS, Answers, Budget, Sample, Scope
from modelward.errors import InputError, SubjectError, UsageError
from modelward.models import (
    Meter,
    Opened,
    Subject,
    align_labels,
    is_rebuilt,
    match_columns,
    open_model,
    taught_rows,
    wrap,
)
from modelward.schema import Codec, FeatureSchema, infer, read_schema
from modelward.stats import Proportion
from modelward.tables import file_facts, read_table, stratified

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from modelward.artifacts import Artifact
    from modelward.checks import Check

ENDPOINT_QUERIES = 20_000
"""Rows that an endpoint is asked at most when nobody says otherwise: somebody may pay for them."""

FEWEST_ROWS = 20
"""With fewer rows of a table every figure would rest on fewer than ten."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs, and what its report says of the inputs."""

    scope: Scope
    inputs: dict[str, Any]
    subject: dict[str, Any]
    assumptions: tuple[str, ...]
    refused: Artifact | None = None
    quota: dict[str, int] | None = None


@dataclass(frozen=True)
class Request:
    """What the user asked for; see `modelward.assess` for the meaning of each."""

    model: Any
    data: Any
    target: str
    train: Any = None
    schema: FeatureSchema | str | Path | None = None
    goal: Any = None
    sensitive: tuple[str, ...] = ()
    group: str | None = None
    source: str | None = None
    budget: str = "quick"
    max_queries: int | None = None
    seed: int = 0
    exposure: tuple[str, ...] = ()
    metric: str = "balanced_accuracy"
    trust: tuple[str, ...] = ()
    offline: bool = False
    rebuild: bool = False
    project: Path | None = None
    store: Path | None = None
    db: Path | None = None
    max_db_age: int = 30
    index: str | None = None
    notes: list[str] = field(default_factory=list)


def prepare(request: Request, planned: Sequence[type[Check]]) -> Prepared:
    """Open the model, read the tables, and check that they belong together.

    Parameters
    ----------
    request : Request
    planned : sequence of Check classes
        Those that may ask the model, to divide a row budget among.

    Raises
    ------
    UsageError, InputError, SubjectError
        One line that says what, where and what to do.
    """
    test_frame = read_table(request.data, what="--data")
    train_frame = None if request.train is None else read_table(request.train, what="--train")
    for frame, flag in ((test_frame, "--data"), (train_frame, "--train")):
        if frame is not None:
            _check_target(frame, request.target, flag)
    opened = _open(request)
    notes = list(opened.notes)
    inputs = _input_facts(request, opened, test_frame, train_frame)
    if opened.model is None:
        return _refused(request, opened, inputs)

    if request.source is not None and (train_frame is None or request.source not in train_frame.columns):
        raise UsageError(f"--source {request.source!r} must be a column of --train FILE")
    aside = tuple(name for name in (request.group, request.source) if name)
    names, matched = match_columns(opened.model, test_frame, request.target, aside)
    notes += matched
    if train_frame is not None:
        _check_columns(train_frame, names, "--train")
    for name in request.sensitive:
        if not any(n == name or n.startswith(f"{name}_") for n in names):
            raise UsageError(f"--sensitive names {name!r}, which is no column that the model takes")
    schema = _schema(request, test_frame, names, notes)
    frames = [test_frame.select(names), *([train_frame.select(names)] if train_frame is not None else [])]
    taught = taught_rows(opened.model, schema, frames[0])
    codec = Codec.fit(schema, *frames, *([] if taught is None else [taught]))

    tables = [test_frame] if train_frame is None else [test_frame, train_frame]
    spelled = [value for table in tables for value in table[request.target].unique(maintain_order=True)]
    subject = wrap(opened.model, codec, spelled, name=opened.name)
    notes += _searched(opened.model, subject)
    y_test, *y_train = (align_labels(table[request.target], subject.classes) for table in tables)
    budget, quota, meter = _budget(request, opened.kind, planned, notes)
    subject = replace(subject, meter=meter)
    if subject.n_classes < 2 or len(np.unique(y_test)) < 2:
        raise InputError(f"column {request.target!r} of --data holds one label only: nothing can be measured")

    rng = np.random.default_rng(request.seed)
    test = _sample(subject, test_frame, names, y_test, budget.test_rows, rng, request.group, "--data", notes)
    train = None
    if train_frame is not None:
        train = _sample(
            subject,
            train_frame,
            names,
            y_train[0],
            budget.train_rows,
            rng,
            request.group,
            "--train",
            notes,
            request.source,
        )
    goal = _goal(request, subject, notes)
    known = _ask(subject, test)
    notes += unsteady(subject, test, known)
    if train_frame is not None:
        notes += seen_before(train_frame, test_frame, [*names, request.target])
    about = _performance(subject, test, known, opened.kind)
    scope = Scope(
        subject=subject, schema=schema, test=test, train=train, goal=goal, sensitive=request.sensitive,
        artifact=opened.artifact, budget=budget, seed=request.seed, exposure=request.exposure,
        metric=request.metric, known=known, schema_inferred=request.schema is None, project=request.project,
        store=request.store,
        options={"trust": request.trust, "db": request.db, "max_db_age": request.max_db_age, "index": request.index},
    )  # fmt: skip
    inputs["data"]["used"] = len(test)
    if train is not None:
        inputs["train"]["used"] = len(train)
    return Prepared(scope, inputs, about, (*schema.assumed, *notes), quota=quota)


def _searched(model: Any, subject: Subject) -> list[str]:
    """Say that a search is not repeated where the model is trained again."""
    if not hasattr(model, "best_estimator_") or subject.model is model:
        return []
    return ["the model is a finished search: trainings use the parameters that it chose"]


def _open(request: Request) -> Opened:
    spec = request.model
    if not isinstance(spec, str | Path):
        return Opened(model=spec, kind="object", artifact=None, name=type(spec).__name__)
    if request.offline and str(spec).startswith(("http://", "https://")):
        raise UsageError("--offline forbids to ask an endpoint: give a file or package.module:attribute")
    return open_model(str(spec), trust=request.trust, rebuild=request.rebuild)


def _input_facts(
    request: Request, opened: Opened, test: pl.DataFrame, train: pl.DataFrame | None
) -> dict[str, Any]:
    rows = {"data": test.height, "train": None if train is None else train.height}
    facts: dict[str, Any] = {}
    for key, source in (("model", request.model), ("data", request.data), ("train", request.train)):
        if source is None:
            continue
        if isinstance(source, str | Path) and (key != "model" or opened.kind == "file"):
            facts[key] = file_facts(source, rows=rows.get(key))
        elif key != "model":
            facts[key] = {"rows": rows[key]}
    if isinstance(request.schema, str | Path):
        facts["schema"] = file_facts(request.schema)
    return facts


def _check_target(frame: pl.DataFrame, target: str, flag: str) -> None:
    if target not in frame.columns:
        raise InputError(
            f"{flag} has no column {target!r} (--target); it has {', '.join(frame.columns[:30])}"
        )
    if frame.height < FEWEST_ROWS:
        raise InputError(f"{flag} has {frame.height} rows: nothing can be said with fewer than {FEWEST_ROWS}")
    missing = frame[target].null_count()
    if missing:
        raise InputError(f"column {target!r} of {flag} is empty in {missing} rows: remove or label them")


def _check_columns(frame: pl.DataFrame, names: Sequence[str], flag: str) -> None:
    lacking = [name for name in names if name not in frame.columns]
    if lacking:
        raise InputError(f"{flag} lacks {', '.join(lacking)}, which the model takes")


def _schema(request: Request, frame: pl.DataFrame, names: Sequence[str], notes: list[str]) -> FeatureSchema:
    if request.schema is None:
        notes.append(
            "the schema was inferred from --data: `modelward schema infer` writes it for you to edit"
        )
        return infer(frame.select(names), sensitive=request.sensitive)
    schema = request.schema
    if not isinstance(schema, FeatureSchema):
        schema = read_schema(schema)
    lacking = [name for name in names if name not in schema.names]
    if lacking:
        raise InputError(f"--schema lacks {', '.join(lacking)}, which the model takes")
    extra = [name for name in schema.names if name not in names]
    if extra:
        notes.append(f"columns of the schema that the model does not take were left out: {', '.join(extra)}")
    return schema.select(names)


def _budget(
    request: Request, kind: str, planned: Sequence[type[Check]], notes: list[str]
) -> tuple[Budget, dict[str, int] | None, Meter]:
    """Return the budget, what each check may send, and the meter of the whole run."""
    if request.budget not in BUDGETS:
        raise UsageError(f"--budget must be one of {', '.join(BUDGETS)}, not {request.budget!r}")
    budget, cap = BUDGETS[request.budget], request.max_queries
    if cap is not None and cap < 1:
        raise UsageError(f"--max-queries must be at least 1, not {cap}")
    if cap is None and kind == "endpoint":
        cap = ENDPOINT_QUERIES
        notes.append(f"an endpoint is sent at most {cap:,} rows: --max-queries changes that")
    if cap is None:
        return budget, None, Meter()
    # An eighth answers for the test rows, once for all checks; the rest is theirs.
    test_rows = min(budget.test_rows, max(20, cap // 8))
    return replace(budget, test_rows=test_rows), share_out(planned, max(0, cap - test_rows)), Meter(cap)


def _sample(
    subject: Subject,
    frame: pl.DataFrame,
    names: Sequence[str],
    labels: NDArray[Any],
    most: int,
    rng: np.random.Generator,
    group: str | None,
    flag: str,
    notes: list[str],
    source: str | None = None,
) -> Sample:
    codes = subject.encode_labels(labels)
    if group is not None and group not in frame.columns:
        raise InputError(f"{flag} has no column {group!r} (--group)")
    groups = None if group is None else frame[group].to_numpy()
    rows = np.arange(len(codes))
    if len(codes) > most:
        rows = stratified(codes, most, rng, groups)
        notes.append(f"{flag}: {len(rows):,} of {len(codes):,} rows were used, drawn by label with the seed")
    X = subject.codec.encode(frame.select(names)[rows])
    sources = None if source is None else frame[source].to_numpy()[rows]
    return Sample(X, codes[rows], None if groups is None else groups[rows], total=len(codes), sources=sources)


def _goal(request: Request, subject: Subject, notes: list[str]) -> int | None:
    if request.goal is None:
        notes.append("no --goal was given: attacks take any other label, a binary model is shown both ways")
        return None
    for i, label in enumerate(subject.classes.tolist()):
        if label == request.goal or str(label) == str(request.goal):
            return i
    known = ", ".join(str(label) for label in subject.classes.tolist()[:20])
    raise UsageError(f"--goal {request.goal!r} is no label of the model; it has {known}")


def _ask(subject: Subject, test: Sample) -> Answers:
    """Ask the model for the test rows, once for all checks: what cannot answer here cannot be assessed."""
    try:
        return Answers(*subject.ask(test.X))
    except SubjectError as error:
        empty = np.flatnonzero(np.isnan(test.X).any(axis=0))
        missing = [subject.codec.schema.names[j] for j in empty]
        if not missing:
            raise
        raise InputError(
            f"the model cannot answer for --data, which has missing values in {', '.join(missing[:10])}: fill "
            f"them, or put an imputer into the model's pipeline ({error})"
        ) from None


def _performance(subject: Subject, test: Sample, known: Answers, kind: str) -> dict[str, Any]:
    """Return the figures that open the report."""
    right = known.codes == test.y
    accuracy = Proportion(int(right.sum()), len(test))
    low, high = accuracy.interval(0.95)
    recalls = [float(right[test.y == k].mean()) for k in np.unique(test.y)]
    return {
        "name": subject.name,
        "kind": kind,
        "class": _class(subject, kind),
        "features": list(subject.codec.schema.names),
        "classes": [str(label) for label in subject.classes.tolist()],
        "accuracy": {"value": accuracy.value, "low": low, "high": high, "n": len(test)},
        "balanced_accuracy": float(np.mean(recalls)),
    }


def _class(subject: Subject, kind: str) -> str:
    """Return what a report calls the class of the model."""
    if subject.model is None:
        return kind
    return type(subject.model).__name__ + (" (rebuilt, not loaded)" if is_rebuilt(subject.model) else "")


def _refused(request: Request, opened: Opened, inputs: dict[str, Any]) -> Prepared:
    """Return a scope about the file alone: the model in it is never asked."""
    schema = FeatureSchema(())
    codec = Codec(schema, {}, {})
    classes: NDArray[Any] = np.array([], dtype=object)
    subject = Subject(opened.name, RefusedBackend(), classes, codec)
    empty = Sample(np.empty((0, 0)), np.empty(0, dtype=np.int64))
    scope = Scope(
        subject=subject, schema=schema, test=empty, artifact=opened.artifact, seed=request.seed,
        exposure=request.exposure, project=request.project, store=request.store,
        options={"db": request.db, "max_db_age": request.max_db_age, "index": request.index},
    )  # fmt: skip
    about = {"name": opened.name, "kind": opened.kind, "class": "refused", "features": [], "classes": []}
    notes = ("the model file was refused: it was read, never loaded, and the model was not asked",)
    return Prepared(scope, inputs, about, notes, refused=opened.artifact)


class RefusedBackend:
    """Answers for a model whose file was refused: not at all."""

    kind = "refused"

    def ask(self, X: NDArray[np.float64]) -> Any:  # noqa: ARG002
        """Refuse."""
        raise SubjectError("the model file was refused, so the model cannot be asked")

    def scores(self, X: NDArray[np.float64]) -> Any:  # noqa: ARG002
        """Refuse."""
        raise SubjectError("the model file was refused, so the model cannot be asked")

    def labels(self, X: NDArray[np.float64]) -> NDArray[Any]:  # noqa: ARG002
        """Refuse."""
        raise SubjectError("the model file was refused, so the model cannot be asked")
