"""Inspection: what a model file gives away."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelward.artifacts._artifact import FileVerdict, TrainingRows
    from modelward.artifacts._inspect.parts import Part
    from modelward.artifacts._inspect.surface import LeafSizes
    from modelward.artifacts._inspect.trees import TreeSet
    from modelward.artifacts._inspect.vocabulary import Vocabulary
    from modelward.artifacts._inspect.wording import Term
    from modelward.findings import Finding

SCHEMA_VERSION = 1
_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class TrainRow:
    """Share of a table of training rows in a rule's box: rows in it, rows of the table."""

    inside: int
    total: int


@dataclass(frozen=True, slots=True)
class SureRule:
    """A rule that always yields a label, in the table's columns.

    Parameters
    ----------
    label : object
        What every row in the box gets: proven from the leaves of all trees.
    terms : tuple of Term
        One for each column that the rule asks for; empty if every row gets the label.
    at_least, at_most : float
        Share of the training rows in the box, by the counts in the leaves.
    counted : TrainRow or None
        The same, counted in the training table, where one was given and ten rows or more are in the box.
    """

    label: Any
    terms: tuple[Term, ...]
    at_least: float
    at_most: float
    counted: TrainRow | None = None

    @property
    def words(self) -> str:
        """The rule for people."""
        if not self.terms:
            return f"every row gets {self.label!r}"
        return " and ".join(term.words for term in self.terms) + f" always gives {self.label!r}"


@dataclass(frozen=True)
class Surface:
    """What of a model can be steered, memorised or repeated.

    Parameters
    ----------
    columns : int or None
        How many it takes.
    used, unused : tuple of str, or None
        Which can change the answer, and which never do; None if the file does not tell.
    leaves : LeafSizes or None
    rules : tuple of SureRule
    why_no_rule : str
        Why there is no rule for any label; empty if there are, or if nobody asked.
    unseeded : tuple of str
        Parameters that leave chance open.
    seeded : bool
        Whether some parameter fixes chance.
    n_bytes : int
        Size of the file.
    """

    columns: int | None
    used: tuple[str, ...] | None
    unused: tuple[str, ...] | None
    leaves: LeafSizes | None
    rules: tuple[SureRule, ...]
    why_no_rule: str
    unseeded: tuple[str, ...]
    seeded: bool
    n_bytes: int

    @property
    def reproducible(self) -> bool | None:
        """Whether training again gives the same model, as far as seeds go; None if nothing is known to be random."""
        if self.unseeded:
            return False
        return True if self.seeded else None


@dataclass(frozen=True, slots=True)
class SeenColumn:
    """A column as the deciding estimator sees it: ``scale * x + shift`` of the table's column.

    `category` holds the one category for which a one-hot column is 1; empty for others.
    """

    name: str
    scale: float = 1.0
    shift: float = 0.0
    category: str = ""


@dataclass(frozen=True)
class Inspection:
    """What a model file gives away, read without loading it.

    Parameters
    ----------
    path, format : str
    verdict : {"clean", "suspicious", "malicious", "unreadable"}
        Of the scan.
    model_path : str
        Where in the file the model is; empty for the file's one object.
    kind : str
        Dotted name of the model's class; empty if there is none.
    library, library_version : str
        As far as the file says.
    written_by : str
        The program that wrote the file, where the format's header says it, such as ``"R 4.2.2"``.
    params : dict
        Hyper-parameters, nested with ``__``; objects by the names of their classes.
    complete_params : bool
        Whether these are all.
    n_features : int or None
    feature_names : tuple of str, or None
    classes : tuple, or None
    part : Part or None
        What the model is made of.
    trees : tuple of TreeSet
        All trees, by the estimator that holds them.
    importances : dict
        From column to importance.
    importance_kind : str
        ``"impurity"`` as scikit-learn's `feature_importances_`, ``"gain"`` or ``"splits"``.
    weights : dict
        From column to coefficients, one for each score, of a linear model.
    constants : tuple of float
        Its intercepts.
    tensors : tuple of (str, shape, dtype)
        Arrays of formats that hold nothing but arrays, and of neural networks.
    training_data : tuple of TrainingRows
    surface : Surface
    findings : tuple of Finding
    remarks : tuple of str
        What a reader should know that is no finding.
    seen : tuple of SeenColumn
        The columns that the first of `trees` splits on, by number; empty if they are too many.
    vocabularies : tuple of Vocabulary
        Words that vectorisers learned.
    """

    path: str
    format: str
    verdict: FileVerdict
    model_path: str
    kind: str
    library: str
    library_version: str
    params: dict[str, Any]
    complete_params: bool
    n_features: int | None
    feature_names: tuple[str, ...] | None
    classes: tuple[Any, ...] | None
    part: Part | None
    trees: tuple[TreeSet, ...] = field(repr=False)
    importances: dict[str, float]
    importance_kind: str
    weights: dict[str, tuple[float, ...]]
    constants: tuple[float, ...]
    tensors: tuple[tuple[str, tuple[int, ...], str], ...]
    training_data: tuple[TrainingRows, ...]
    surface: Surface
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()
    seen: tuple[SeenColumn, ...] = ()
    written_by: str = ""
    vocabularies: tuple[Vocabulary, ...] = ()

    @property
    def short(self) -> str:
        """Name of the class alone."""
        return self.kind.rpartition(".")[2]

    def exit_code(self) -> int:
        """Return 1 if a finding of high severity or over fails, 3 if one is open, else 0."""
        grave = [f.verdict for f in self.findings if f.severity in ("high", "critical")]
        return 1 if "fail" in grave else 3 if "inconclusive" in grave else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON contract, version 1, as plain data."""
        surface = self.surface
        data = {
            "schema_version": SCHEMA_VERSION,
            "path": self.path,
            "format": self.format,
            "verdict": self.verdict,
            "class": self.kind,
            "library": self.library,
            "library_version": self.library_version,
            "written_by": self.written_by,
            "model_path": self.model_path,
            "params": self.params,
            "complete_params": self.complete_params,
            "n_features": self.n_features,
            "feature_names": None if self.feature_names is None else list(self.feature_names),
            "classes": None if self.classes is None else list(self.classes),
            "parts": None if self.part is None else self.part.to_dict(),
            "trees": {
                "count": sum(len(one.trees) + len(one.broken) for one in self.trees),
                "max_depth": max((one.max_depth for one in self.trees), default=0),
                "nodes": sum(one.nodes for one in self.trees),
            },
            "vocabularies": [words.to_dict() for words in self.vocabularies],
            "importances": self.importances,
            "importance_kind": self.importance_kind,
            "coefficients": {name: list(row) for name, row in self.weights.items()},
            "intercepts": list(self.constants),
            "tensors": [
                {"name": name, "shape": list(shape), "dtype": kind} for name, shape, kind in self.tensors
            ],
            "training_data": [dataclasses.asdict(rows) for rows in self.training_data],
            "surface": {
                "columns": surface.columns,
                "columns_used": None if surface.used is None else len(surface.used),
                "used": None if surface.used is None else list(surface.used[:_LISTED]),
                "unused": None if surface.unused is None else list(surface.unused[:_LISTED]),
                "leaves": None if surface.leaves is None else dataclasses.asdict(surface.leaves),
                "reproducible": surface.reproducible,
                "unseeded": list(surface.unseeded),
                "bytes": surface.n_bytes,
                "rules": [_rule(rule) for rule in surface.rules],
                "why_no_rule": surface.why_no_rule,
            },
            "remarks": list(self.remarks),
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }
        plain: dict[str, Any] = _plain(data)
        return plain


def _rule(rule: SureRule) -> dict[str, Any]:
    return {
        "label": rule.label,
        "words": rule.words,
        "conditions": [term.to_dict() for term in rule.terms],
        "share_at_least": rule.at_least,
        "share_at_most": rule.at_most,
        "training_rows": None if rule.counted is None else rule.counted.inside,
        "training_share": None if rule.counted is None else rule.counted.inside / rule.counted.total,
    }


def _plain(value: Any) -> Any:
    """Turn tuples into lists and numbers that are not finite into null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
