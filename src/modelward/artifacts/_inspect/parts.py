"""What a model is made of: its steps, members and wrapped estimators, each with what it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._arrays import as_array
from modelward.artifacts._container import printable
from modelward.artifacts._graph import join
from modelward.artifacts._inert import Inert
from modelward.artifacts._inspect.facts import facts_of
from modelward.artifacts._inspect.params import is_estimator, members
from modelward.artifacts._inspect.r_models import final_model
from modelward.artifacts._inspect.trees import is_tree, items_of
from modelward.artifacts._inspect.values import Allowance, described

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 300
_DEPTH = 12
_SHOWN_MEMBERS = 5
_LISTS = ("estimators_", "calibrated_classifiers_", "base_estimators_")
# In this order; templates that were cloned and not fitted stand under names without the underscore.
_SINGLES = (
    "best_estimator_", "estimator_", "final_estimator_", "regressor_", "transformer_", "classifier_",
    "unary_estimator_",
    "init_", "base_estimator_", "estimator", "base_estimator", "calibrators",
)  # fmt: skip
_TEMPLATES = ("estimator_", "base_estimator_", "estimator", "base_estimator")


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a model.

    Parameters
    ----------
    path : str
        Where in the file; empty for the object itself.
    name : str
        Its name in what holds it, such as that of a pipeline's step.
    kind : str
        Dotted name of its class, or of a function; ``"passthrough"`` and ``"drop"`` as they are.
    columns : tuple of str
        The columns that it is given, where what holds it says so.
    facts : tuple of (str, value)
        What it learned, in sizes and small figures: never rows.
    parts : tuple of Part
        What it is made of.
    """

    path: str
    name: str
    kind: str
    columns: tuple[str, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def short(self) -> str:
        """Name of the class alone."""
        return self.kind.rpartition(".")[2]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "path": self.path,
            "name": self.name,
            "class": self.kind,
            "columns": list(self.columns),
            "facts": dict(self.facts),
            "parts": [part.to_dict() for part in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Child:
    """An object that another one is made of."""

    path: str
    name: str
    value: Any
    columns: Any = None


def read_parts(root: Inert) -> Part:
    """Return what an object is made of; depth and number are bounded, as a file may nest without end."""
    return _part(Child("", "", root), frozenset(), [_MOST], Allowance())


def _part(child: Child, above: frozenset[int], left: list[int], allowance: Allowance) -> Part:
    value = child.value
    if not isinstance(value, Inert):
        kind = value if isinstance(value, str) else described(value, allowance)
        return Part(child.path, child.name, printable(str(kind)), _columns(child.columns, allowance))
    left[0] -= 1
    inner = []
    if id(value) not in above and len(above) < _DEPTH:
        for below in children(value, child.path):
            if left[0] <= 0:
                break
            inner.append(_part(below, above | {id(value)}, left, allowance))
    return Part(
        child.path, child.name, printable(value.type_name), _columns(child.columns, allowance),
        facts_of(value, allowance), tuple(inner),
    )  # fmt: skip


def _columns(value: Any, allowance: Allowance) -> tuple[str, ...]:
    if value is None:
        return ()
    found = described(value, allowance)
    return tuple(str(item) for item in found) if isinstance(found, list) else (str(found),)


def children(value: Inert, path: str) -> Iterator[Child]:
    """Yield the objects that an estimator is made of; trees are no parts, but drawn up on their own."""
    attributes = value.attributes
    for key in ("steps", "transformers_", "transformers", "transformer_list"):
        named = members(attributes.get(key))
        if named:
            for i, (name, item, columns) in enumerate(named):
                yield Child(f"{join(path, key)}[{i}][1]", name, item, columns)
            return
    final = final_model(value)
    if final is not None:
        yield Child(join(path, "finalModel"), "", final)
        return
    yield from _fitted(value, path)


def _fitted(value: Inert, path: str) -> Iterator[Child]:
    attributes = value.attributes
    names = [name for name, _, _ in members(attributes.get("estimators"))]
    seen: set[int] = set()
    for key in _LISTS:
        items = [item for item in items_of(attributes.get(key)) if isinstance(item, Inert)]
        items = [item for item in items if not is_tree(item) and as_array(item) is None]
        for i, item in enumerate(items[:_SHOWN_MEMBERS]):
            seen.add(id(item))
            yield Child(f"{join(path, key)}[{i}]", names[i] if len(names) == len(items) else "", item)
    for key in _SINGLES:
        single = attributes.get(key)
        template = key != "init_" and (key in _TEMPLATES or is_trees_holder(attributes))
        if template and (seen or "best_estimator_" in attributes or is_trees_holder(attributes)):
            continue
        if is_estimator(single) and id(single) not in seen:
            seen.add(id(single))
            yield Child(join(path, key), "", single)


def is_trees_holder(attributes: dict[Any, Any]) -> bool:
    """Say whether an estimator's members are trees: its template says nothing more."""
    return bool(items_of(attributes.get("estimators_")) or items_of(attributes.get("_predictors")))
