"""inspect: what a model file gives away, read without loading it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from modelward.artifacts._arrays import plain
from modelward.artifacts._artifact import Artifact
from modelward.artifacts._container import printable
from modelward.artifacts._graph import library_versions, walk_graph
from modelward.artifacts._inspect import columns, identity, parts, surface, tensors
from modelward.artifacts._inspect.ensembles import MAX_COLUMNS, STRANGE, tree_set
from modelward.artifacts._inspect.inspection import Inspection, SeenColumn, SureRule, Surface, TrainRow
from modelward.artifacts._inspect.params import params as params_of
from modelward.artifacts._inspect.r_models import library_of, r_kind, r_weights
from modelward.artifacts._inspect.rule import find_rules
from modelward.artifacts._inspect.surface import Decider
from modelward.artifacts._inspect.values import Allowance, described
from modelward.artifacts._inspect.verdicts import file_findings
from modelward.artifacts._inspect.vocabulary import Vocabulary, vocabularies
from modelward.artifacts._inspect.wording import column_name, terms
from modelward.artifacts._integrity import integrity
from modelward.artifacts._leaks import training_rows
from modelward.artifacts._read import read_artifact
from modelward.errors import InputError, UnreadableError, UsageError
from modelward.findings import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from modelward.artifacts._artifact import TrainingRows
    from modelward.artifacts._inert import Inert
    from modelward.artifacts._inspect.columns import Origins
    from modelward.artifacts._inspect.trees import TreeSet
    from modelward.artifacts._inspect.wording import Term

T = TypeVar("T")
_MAX_SETS = 2_000
_MOST_WEIGHTS = 5_000


def inspect(
    path: str | Path | Artifact, *, train: Any = None, goal: str | None = None, rules: bool = True
) -> Inspection:
    """Say what a model file gives away; nothing of it is loaded, and its library need not be installed.

    Parameters
    ----------
    path : path or Artifact
        A model file, or one that was read already.
    train : path or data frame, optional
        The training rows: shares are counted in them.
    goal : str, optional
        The label whose rule is wanted; every label otherwise.
    rules : bool
        Whether to look for the rules that always yield a label.

    Returns
    -------
    Inspection

    Raises
    ------
    InputError
        If there is no such file, it holds no model, or it cannot be read.
    UsageError
        If `goal` is no label of the model.

    Examples
    --------
    >>> import pickle, tempfile, pathlib
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> model = DecisionTreeClassifier(max_depth=1, random_state=0).fit([[0, 5], [1, 5], [2, 5]], ["no", "no", "yes"])
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "model.pkl"
    >>> _ = file.write_bytes(pickle.dumps(model))
    >>> found = inspect(file, goal="yes")
    >>> found.short, found.params["max_depth"], found.surface.used
    ('DecisionTreeClassifier', 1, ('x0',))
    >>> print(found.surface.rules[0].words)
    x0 > 1.5 always gives 'yes'
    """
    artifact = path if isinstance(path, Artifact) else read_artifact(path)
    inner = _with_model(artifact)
    table = _table(train)
    found = identity.find_model(inner.root)
    if found is None:
        return _without_model(artifact, inner)
    import numpy as np

    with np.errstate(all="ignore"):
        return _Reading(artifact, inner, *found).inspection(table, goal, rules=rules)


def _with_model(artifact: Artifact) -> Artifact:
    """Return the file itself, or the first thing in a container that holds a model."""
    inner: Sequence[Artifact] = artifact.members
    if artifact.root is not None or not inner:
        return artifact
    return next((one for one in inner if identity.find_model(one.root) is not None), artifact)


def _table(train: Any) -> pl.DataFrame | None:
    if train is None:
        return None
    from modelward.tables import read_table

    return read_table(train, what="--train")


def _without_model(artifact: Artifact, inner: Artifact) -> Inspection:
    """Inspect a file without a model: dangerous ones still say so; others are no input for this."""
    if artifact.verdict not in ("malicious", "suspicious"):
        if artifact.verdict == "unreadable":
            reason = artifact.reasons[0] if artifact.reasons else "it is no format that is known"
            raise UnreadableError(f"{artifact.path}: {reason}")
        if not _arrays(artifact):
            what = identity.describe_content(inner.root)
            raise InputError(f"{artifact.path}: holds no model but {what}; see `modelward scan`")
    arrays = _arrays(artifact)
    empty = Surface(
        None, None, None, None, (), "it holds no model whose answers are known", (), False, len(artifact.data)
    )
    rows = training_rows(artifact)
    return Inspection(
        artifact.path, artifact.format, artifact.verdict, "", "", "", "", {}, True, None, None, None, None, (), {}, "",
        {}, (), arrays, rows, empty, file_findings(artifact, rows, integrity(artifact), None),
        ("There is no model in it that could be read.",) if artifact.root is None else (),
    )  # fmt: skip


def _arrays(artifact: Artifact) -> tuple[tuple[str, tuple[int, ...], str], ...]:
    """Return the arrays of a file and of what it holds."""
    found = list(tensors.tensors(artifact.root))
    for member in artifact.members:
        if member.root is artifact.root:
            continue  # a container whose object is its one member's
        name = member.path.removeprefix(f"{artifact.path}!/")
        found.extend(
            (printable(f"{name}: {path}"), shape, kind) for path, shape, kind in tensors.tensors(member.root)
        )
    return tuple(found[: tensors.MOST])


class _Reading:
    """One model of one file: `artifact` is the file, `inner` what in it holds the model."""

    def __init__(self, artifact: Artifact, inner: Artifact, model_path: str, value: Inert) -> None:
        self.artifact, self.inner, self.model_path, self.value = artifact, inner, model_path, value
        self.odd: list[str] = []
        self.names = self._safely("column names", lambda: identity.feature_names(value), None)
        self.count = self._safely("number of columns", lambda: identity.feature_count(value), None)
        self.decider: Decider = self._safely(
            "steps", lambda: surface.find_decider(model_path, value), Decider(model_path, value, None)
        )
        self.sets = tuple(self._tree_sets())
        self.count = self.count if self.count is not None else self._count_of_trees()

    def _count_of_trees(self) -> int | None:
        own = self.own_trees()
        if own is None or self.decider.value is not self.value:
            return None
        if self.names is None and len(own.feature_names) == own.n_features:
            self.names = list(own.feature_names)
        # The model is what decides, so no step stands between the table's columns and its own.
        self.decider = Decider(self.decider.path, self.value, columns.identity(own.n_features))
        return own.n_features

    def _tree_sets(self) -> list[TreeSet]:
        """Return all sets of trees of the model, the decider's own first; members of a set are no sets."""
        found: list[TreeSet] = []
        taken: set[int] = set()
        for node in walk_graph(self.value):
            if len(found) >= _MAX_SETS:
                break
            if id(node.value) in taken:
                continue
            one = tree_set(node.value, node.path)
            if one is not None:
                found.append(one)
                taken.update(_below(node.value))
        return found

    def own_trees(self) -> TreeSet | None:
        """Return the trees of the estimator that decides."""
        return tree_set(self.decider.value, self.decider.path)

    def _safely(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        """Read a part; what no honest file has there is remarked on, and the rest is still read."""
        try:
            return read()
        except STRANGE:
            self.odd.append(
                f"Its {what} cannot be told: the file holds values of a kind that does not belong there."
            )
            return otherwise

    def inspection(self, table: pl.DataFrame | None, goal: str | None, *, rules: bool) -> Inspection:
        artifact, value = self.artifact, self.value
        allowance = Allowance()
        nothing: tuple[dict[str, Any], bool] = ({}, False)
        raw, complete = self._safely("parameters", lambda: params_of(value), nothing)
        own = self.own_trees()
        no_rows: tuple[TrainingRows, ...] = ()
        rows = self._safely("training rows", lambda: training_rows(artifact, table), no_rows)
        labels = self._safely("classes", lambda: identity.class_labels(value), None)
        classes = None if labels is None else tuple(described(labels, Allowance(200_000)))
        no_weights: tuple[dict[str, tuple[float, ...]], tuple[float, ...]] = ({}, ())
        weights, constants = self._safely("weights", self._weights, no_weights)
        importances, kind = self._importances(own)
        library = library_of(value) if r_kind(value) else value.type_name.partition(".")[0]
        described_params = {printable(name): described(item, allowance) for name, item in raw.items()}
        exposed = self._surface(own, raw, labels, table, goal, rules=rules)
        part = self._safely("parts", lambda: parts.read_parts(value), None)
        no_words: tuple[Vocabulary, ...] = ()
        words = self._safely("vocabulary", lambda: vocabularies(value), no_words)
        return Inspection(
            path=artifact.path, format=artifact.format, verdict=artifact.verdict, model_path=self.model_path,
            kind=printable(value.type_name), library=printable(library),
            library_version=self._version(library, own), params=described_params,
            complete_params=complete and allowance.left >= 0, n_features=self.count,
            feature_names=None if self.names is None else tuple(self.names), classes=classes, part=part,
            trees=self.sets, importances=importances, importance_kind=kind, weights=weights, constants=constants,
            tensors=tensors.tensors(value) if library == "torch" else (), training_data=rows, surface=exposed,
            findings=file_findings(artifact, rows, integrity(self.inner), None if table is None else table.height),
            remarks=(*self._remarks(own), *_words(words), *self.odd), vocabularies=words,
            seen=self._seen(own), written_by=self.inner.writer,
        )  # fmt: skip

    def _version(self, library: str, own: TreeSet | None) -> str:
        if library == "stats" and r_kind(self.value):
            return self.inner.writer.removeprefix("R ")  # a part of R, with R's own version
        told = (
            own.version
            if own is not None and library == self.decider.value.type_name.partition(".")[0]
            else ""
        )
        return library_versions(self.inner).get(library, "") or told

    def _weights(self) -> tuple[dict[str, tuple[float, ...]], tuple[float, ...]]:
        if r_kind(self.decider.value):
            return r_weights(self.decider.value)
        weights = surface.linear_weights(self.decider.value)
        if weights is None or weights.shape[1] > _MOST_WEIGHTS or weights.shape[0] > 1_000:
            return {}, ()
        named = [self._seen_name(j) for j in range(weights.shape[1])]
        found = {name: tuple(weights[:, j].tolist()) for j, name in enumerate(named)}
        return found, tuple(surface.intercepts(self.decider.value))

    def _importances(self, own: TreeSet | None) -> tuple[dict[str, float], str]:
        """Return importances by column of the table where each column seen comes from one, else by column seen."""
        if own is None or own.importances is None:
            return {}, ""
        found: dict[str, float] = {}
        for j, share in enumerate(own.importances.tolist()):
            name = self._table_name(j)
            found[name] = found.get(name, 0.0) + share
        return found, own.importance_kind

    def _origin_column(self, j: int) -> int | None:
        origins: Origins | None = self.decider.origins
        if origins is None:
            return j if self.decider.value is self.value else None
        if j >= len(origins) or len(origins[j].columns) != 1:
            return None
        return next(iter(origins[j].columns))

    def _table_name(self, j: int) -> str:
        column = self._origin_column(j)
        return (
            f"column {j} after preprocessing"
            if column is None
            else printable(column_name(self.names, column))
        )

    def _seen_name(self, j: int) -> str:
        """Return a name for a column that the decider sees, told apart where several come from one."""
        origins = self.decider.origins
        name = self._table_name(j)
        if origins is not None and j < len(origins) and origins[j].category:
            return f"{name} = {printable(str(described(origins[j].category[0])))}"
        several = origins is not None and j < len(origins) and not origins[j].straight and "after" not in name
        return f"{name} (column {j} after preprocessing)" if several else name

    def _seen(self, own: TreeSet | None) -> tuple[SeenColumn, ...]:
        """Return the columns of the deciding trees in the table's terms, where it is they that come first."""
        if (
            own is None
            or not self.sets
            or own.n_features > MAX_COLUMNS
            or len(own.trees) != len(self.sets[0].trees)
        ):
            return ()
        return tuple(self._seen_column(j) for j in range(own.n_features))

    def _seen_column(self, j: int) -> SeenColumn:
        origins = self.decider.origins
        origin = origins[j] if origins is not None and j < len(origins) else None
        if origin is None or len(origin.columns) != 1 or not (origin.straight or origin.category):
            return SeenColumn(self._seen_name(j))
        category = printable(str(described(origin.category[0]))) if origin.category else ""
        return SeenColumn(self._table_name(j), origin.scale, origin.shift, category)

    def _surface(
        self, own: TreeSet | None, raw: dict[str, Any], labels: list[Any] | None, table: pl.DataFrame | None,
        goal: str | None, *, rules: bool,
    ) -> Surface:  # fmt: skip
        count = self.count
        used = names = None
        if count is not None and count <= MAX_COLUMNS:
            used = self._safely("columns that count", lambda: surface.used_columns(self.value), None)
            if used is not None and all(j < count for j in used):
                names = [printable(column_name(self.names, j)) for j in range(count)]
        nothing: tuple[tuple[SureRule, ...], str] = ((), "the file holds values that do not belong there")
        found, why = nothing if rules else ((), "")
        if rules:
            found, why = self._safely("rules", lambda: self._rules(own, labels, table, goal), nothing)
        unset: list[str] = []
        open_seeds = self._safely("seeds", lambda: surface.unseeded({"": self.value, **raw}), unset)
        seeds = [name for name in raw if name.rpartition("__")[2] == "random_state"]
        return Surface(
            count,
            None if names is None or used is None else tuple(names[j] for j in sorted(used)),
            None if names is None or used is None else tuple(n for j, n in enumerate(names) if j not in used),
            self._safely("leaves", lambda: surface.leaf_sizes(self.sets), None), found, why,
            tuple(printable(name) for name in open_seeds),
            any(isinstance(plain(raw[name]), int) for name in seeds), len(self.artifact.data),
        )  # fmt: skip

    def _rules(
        self, own: TreeSet | None, labels: list[Any] | None, table: pl.DataFrame | None, goal: str | None
    ) -> tuple[tuple[SureRule, ...], str]:
        wanted = _goals(labels, own.classes if own is not None else (), goal)
        if own is None:
            return (), "only the answers of tree ensembles can be proven from the file"
        found, why = find_rules(own, wanted)
        out = []
        for rule in found:
            said = tuple(
                term
                for term in terms(rule, self.decider.origins, self.names)
                if not term.words.endswith(" is anything")
            )
            out.append(
                SureRule(
                    described(rule.label),
                    said,
                    rule.at_least,
                    rule.at_most,
                    _counted(said, table, self.names),
                )
            )
        return tuple(out), why

    def _remarks(self, own: TreeSet | None) -> tuple[str, ...]:
        found = []
        if self.model_path:
            found.append(f"The model stands at {printable(self.model_path)} in what the file holds.")
        if self.inner is not self.artifact:
            found.append(f"The model is {printable(self.inner.path)}.")
        if self.inner.pickles > 1:
            found.append(f"The file holds {self.inner.pickles:,} pickles; this is the first model in them.")
        broken = [text for one in self.sets for text in one.broken]
        if broken:
            if len(broken) == 1 and not any(one.trees for one in self.sets):
                said = f"Its trees cannot be read: {broken[0].removeprefix('the model: ')}"
            else:
                said = f"{len(broken):,} of its trees cannot be read: {broken[0]}"
            found.append(f"{printable(said, 500)}.")
        if not self.value.attributes:
            found.append("The file keeps no attributes of this object that can be read.")
        if own is not None and not own.trees and not own.broken:
            found.append("It has no trees.")
        return tuple(found)


def _words(found: Sequence[Vocabulary]) -> list[str]:
    """Say what a vocabulary gives away."""
    count = sum(one.size for one in found)
    return [f"{count:,} words of the training texts stand in it: whoever holds the file reads them."] * bool(
        count
    )


def _below(value: Inert) -> set[int]:
    """Return the ids of everything inside an object."""
    return {id(node.value) for node in walk_graph(value)}


def _goals(labels: list[Any] | None, classes: tuple[Any, ...], goal: str | None) -> tuple[Any, ...]:
    """Return the labels whose rules are wanted.

    Raises
    ------
    UsageError
        If the wanted label is none of the model's.
    """
    if goal is None:
        return classes[:20]
    known = list(classes) or (labels or [])
    found = [label for label in known if str(label) == goal]
    if not found:
        said = ", ".join(printable(str(label), 40) for label in known[:10])
        raise UsageError(
            f"--goal {printable(goal)}: no label of this model; it has {said}" if known
            else f"--goal {printable(goal)}: this model answers with no labels that the file tells"
        )  # fmt: skip
    return tuple(found[:1])


def _counted(said: tuple[Term, ...], table: pl.DataFrame | None, names: list[str] | None) -> TrainRow | None:
    """Count the training rows in a rule's box; None if they cannot be counted, or are fewer than ten."""
    if table is None or not table.height:
        return None
    import polars as pl

    mask = pl.Series([True]).new_from_index(0, table.height)
    for term in said:
        name = names[term.index] if names is not None and 0 <= term.index < len(names) else None
        if name is None or name not in table.columns:
            return None
        column = table[name]
        if term.is_not or term.equals:
            said_as = column.cast(pl.String, strict=False)
            for item in term.is_not:
                mask &= (said_as != str(item)).fill_null(value=True)
            for item in term.equals:
                mask &= (said_as == str(item)).fill_null(value=False)
        if math.isfinite(term.low) or math.isfinite(term.high):
            if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
                return None
            values = column.cast(pl.Float64)
            mask &= ((values >= term.low) & (values <= term.high)).fill_null(value=False)
    inside = int(mask.sum())
    return TrainRow(inside, table.height) if inside >= MIN_ROWS else None
