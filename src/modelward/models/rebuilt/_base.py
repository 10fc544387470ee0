"""What every rebuilt estimator has, and the list of what can be rebuilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from modelward.errors import SubjectError
from modelward.models.rebuilt._table import Matrix, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelward.models.rebuilt._view import View

FAMILIES: dict[str, type[Estimator]] = {}
"""What computes as a class of scikit-learn, xgboost or lightgbm would, by that class's name."""


class Estimator:
    """An estimator of a file, computed by modelward.

    Parameters
    ----------
    view : View
        Its attributes.
    """

    rebuilt: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("sklearn",)
    """Whose class of that name it computes."""
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    # Present only where the file's class has it; `_offer` sets them.
    predict: Callable[[Any], Matrix]
    predict_proba: Callable[[Any], Matrix]
    decision_function: Callable[[Any], Matrix]
    transform: Callable[[Any], Any]
    classes_: NDArray[Any]

    def __init__(self, view: View) -> None:
        count = view.get("n_features_in_")
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= 10_000_000:
            self.n_features_in_ = count
        if view.has("feature_names_in_"):
            names = view.labels("feature_names_in_")
            if not all(isinstance(name, str) for name in names):
                raise view.bad("feature_names_in_", "holds names that are no text")
            self.feature_names_in_ = names

    def table(self, X: Any) -> Table:
        """Return what was asked as a table with the columns that the model was fitted on.

        Raises
        ------
        SubjectError
            If names or their number are others.
        """
        table = Table.of(X)
        names = getattr(self, "feature_names_in_", None)
        if names is not None and table.names is not None and list(table.names) != names.tolist():
            raise SubjectError("the columns are not those that the model was fitted on, in its order")
        count = getattr(self, "n_features_in_", None)
        if count is not None and table.d != count:
            raise SubjectError(f"the model takes {count} columns, not {table.d}")
        return table

    def _offer(self, **methods: Callable[[Any], Any]) -> None:
        """Set the methods that the file's class has; others must not exist, since callers look."""
        for name, method in methods.items():
            setattr(self, name, method)


class Classifier(Estimator):
    """An estimator that answers with labels."""

    _estimator_type = "classifier"

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.classes_ = self._labels(view)
        if not len(self.classes_):
            raise view.bad("classes_", "is empty")

    def _labels(self, view: View) -> NDArray[Any]:
        """Return the labels where most classifiers keep them."""
        return view.labels("classes_")

    def named(self, codes: Matrix) -> Matrix:
        """Return the labels of class numbers."""
        return self.classes_.take(codes, axis=0)


class Regressor(Estimator):
    """An estimator that answers with numbers."""

    _estimator_type = "regressor"


def family(*names: str, packages: tuple[str, ...] = ("sklearn",)) -> Callable[[type[Any]], type[Any]]:
    """Enter a class into the list, under the names of the classes that it computes.

    Each name gets a subclass of that name, so that reports and searches call the model what it is.
    """

    def enter(cls: type[Any]) -> type[Any]:
        for name in names:
            FAMILIES[name] = type(name, (cls,), {
                "__doc__": cls.__doc__, "__module__": cls.__module__, "packages": packages,
            })  # fmt: skip
        return cls

    return enter


def softmax(raw: Matrix) -> Matrix:
    """Return shares that add up to one, row by row."""
    out = np.exp(raw - raw.max(axis=1)[:, None])
    out /= out.sum(axis=1)[:, None]
    return out  # type: ignore[no-any-return]


def both(second: Matrix) -> Matrix:
    """Return the probabilities of two classes from those of the second."""
    return np.column_stack([1 - second, second])
