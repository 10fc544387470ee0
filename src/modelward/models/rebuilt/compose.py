"""What holds other estimators and hands rows on: pipelines, column transformers, unions, searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts import Inert
from modelward.models.rebuilt._base import Estimator, family
from modelward.models.rebuilt._table import Table
from modelward.models.rebuilt._view import cannot

if TYPE_CHECKING:
    from modelward.models.rebuilt._table import Matrix
    from modelward.models.rebuilt._view import View

_METHODS = ("predict", "predict_proba", "decision_function", "transform")


def _pass_on(outer: Estimator, inner: Estimator, prepare: Any) -> None:
    """Give an estimator the methods and classes of another, asked after a preparation."""
    for name in _METHODS:
        method = getattr(inner, name, None)
        if method is not None:
            outer._offer(**{name: lambda X, method=method: method(prepare(X))})  # noqa: SLF001
    for name in ("classes_", "_estimator_type"):
        if hasattr(inner, name):
            setattr(outer, name, getattr(inner, name))


@family("Pipeline")
class Pipeline(Estimator):
    """Steps, one after the other."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.steps: list[tuple[str, Any]] = []
        for item in view.items("steps"):
            if not isinstance(item, tuple | list) or len(item) != 2 or not isinstance(item[0], str):
                raise view.bad("steps", "are no pairs of a name and an estimator")
            name, step = item
            built = "passthrough" if step in (None, "passthrough") else view.build(step)
            if built != "passthrough":
                self.steps.append((name, built))
        if not self.steps:
            raise view.bad("steps", "is empty")
        first = self.steps[0][1]
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(first, name):
                setattr(self, name, getattr(first, name))
        if any(not hasattr(step, "transform") for _, step in self.steps[:-1]):
            raise view.bad("steps", "holds a step that transforms nothing before the last")
        _pass_on(self, self.steps[-1][1], self._prepare)

    def _prepare(self, X: Any) -> Any:
        out: Any = self.table(X)
        for _, step in self.steps[:-1]:
            out = step.transform(out)
        return out


@family("ColumnTransformer")
class ColumnTransformer(Estimator):
    """Other transformers for other columns, side by side."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        places = view.raw("_transformer_to_input_indices")
        if not isinstance(places, dict):
            raise view.bad("_transformer_to_input_indices", "is no table")
        columns = view.integer("n_features_in_", most=10_000_000)
        weights = _weights(view)
        self._parts: list[tuple[Any, Estimator | None, float | None]] = []
        for item in view.items("transformers_"):
            if not isinstance(item, tuple) or len(item) != 3 or not isinstance(item[0], str):
                raise view.bad("transformers_", "are no triples")
            name, step, chosen = item
            if isinstance(step, str) and step == "drop":
                continue
            if isinstance(chosen, str | int) and not isinstance(chosen, bool):
                raise cannot("a ColumnTransformer gives a step one column without its dimension")
            where = view.places(places.get(name), "_transformer_to_input_indices", columns)
            if len(where):
                built = None if step == "passthrough" else view.build(step)
                if built is not None and not hasattr(built, "transform"):
                    raise view.bad("transformers_", "holds a step that transforms nothing")
                self._parts.append((where, built, weights.get(name)))
        self._offer(transform=self._transform)

    def table(self, X: Any) -> Table:
        """Return the columns that it was fitted on: by name it finds them in any order."""
        table = Table.of(X)
        names = getattr(self, "feature_names_in_", None)
        if names is not None and table.names is not None and list(table.names) != names.tolist():
            return table.take([table.place(name) for name in names.tolist()])
        return super().table(table)

    def _transform(self, X: Any) -> Matrix:
        table = self.table(X)
        blocks = []
        for where, step, weight in self._parts:
            some = table.take(where)
            block = some.matrix() if step is None else _matrix(step.transform(some))
            blocks.append(block if weight is None else block * weight)
        return np.hstack(blocks) if blocks else np.zeros((table.n, 0))


def _matrix(answer: Any) -> Matrix:
    return answer.matrix() if isinstance(answer, Table) else np.asarray(answer)


def _weights(view: View) -> dict[str, float]:
    weights = view.get("transformer_weights") or {}
    if not isinstance(weights, dict) or not all(isinstance(w, int | float) for w in weights.values()):
        raise view.bad("transformer_weights", "are no numbers")
    return {str(name): float(weight) for name, weight in weights.items()}


@family("FeatureUnion")
class FeatureUnion(Estimator):
    """All transformers for all columns, side by side."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        weights = _weights(view)
        self._parts: list[tuple[Estimator | None, float | None]] = []
        for item in view.items("transformer_list"):
            if not isinstance(item, tuple | list) or len(item) != 2 or not isinstance(item[0], str):
                raise view.bad("transformer_list", "are no pairs")
            if item[1] is not None and item[1] != "drop":
                built = None if item[1] == "passthrough" else view.build(item[1])
                self._parts.append((built, weights.get(item[0])))
        if self._parts and self._parts[0][0] is not None:
            first = self._parts[0][0]
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(first, name):
                    setattr(self, name, getattr(first, name))
        self._offer(transform=self._transform)

    def _transform(self, X: Any) -> Matrix:
        table = self.table(X)
        blocks = []
        for step, weight in self._parts:
            block = table.matrix() if step is None else _matrix(step.transform(table))
            blocks.append(block if weight is None else block * weight)
        return np.hstack(blocks) if blocks else np.zeros((table.n, 0))


@family("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
class Search(Estimator):
    """A search: its best estimator answers."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.best_estimator_ = view.child("best_estimator_")
        _pass_on(self, self.best_estimator_, lambda X: X)


@family("FunctionTransformer")
class FunctionTransformer(Estimator):
    """A function from a short list of numpy's; none is imported on the file's say-so."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        function = view.get("func")
        name = None if function is None else _function_name(function)
        if name is not None and name not in _FUNCTIONS:
            raise cannot("a FunctionTransformer calls a function of its own")
        if view.get("kw_args"):
            raise cannot("a FunctionTransformer calls a function with arguments of its own")
        call = None if name is None else _FUNCTIONS[name]
        self._offer(transform=lambda X: self._run(call, X))

    @staticmethod
    def _run(call: Any, X: Any) -> Any:
        if call is None:
            return X
        with np.errstate(all="ignore"):
            return call(Table.of(X).floats(nan=True, inf=True))


_FUNCTIONS = {
    "numpy.log": np.log, "numpy.log1p": np.log1p, "numpy.log2": np.log2, "numpy.log10": np.log10,
    "numpy.sqrt": np.sqrt, "numpy.square": np.square, "numpy.exp": np.exp, "numpy.expm1": np.expm1,
    "numpy.absolute": np.abs, "numpy.cbrt": np.cbrt, "numpy.tanh": np.tanh, "numpy.arcsinh": np.arcsinh,
}  # fmt: skip


def _function_name(function: Any) -> str:
    """Return the name of a function that a file refers to."""
    module, name = getattr(function, "module", None), getattr(function, "name", None)
    if isinstance(function, Inert) and str(name) in ("_ufunc_reconstruct", "_ufunc_reduce"):
        return ".".join(str(arg) for arg in function.args[:2])
    return f"{module}.{name}" if not isinstance(function, Inert) else ""
