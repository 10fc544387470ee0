"""Feed: an encoded matrix in the form that a model takes."""

from __future__ import annotations

import threading
import warnings
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelward.errors import ModelwardError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl
    from numpy.typing import NDArray

    from modelward.schema import Codec

Form = Literal["numpy", "pandas", "polars"]


@cache
def frame_form() -> Form:
    """Return which data frame models are given: pandas where it is installed."""
    return "pandas" if find_spec("pandas") else "polars"


def value_table(values: tuple[Any, ...]) -> NDArray[np.float64] | None:
    """Return what the codes of a coded column stand for as numbers, or None if they are texts.

    The last entry is what a value that nobody has seen decodes to.
    """
    from modelward.schema._codec import unseen_value

    cells = [*values, unseen_value(values)]
    if not values or any(not isinstance(v, bool | int | float | None) for v in cells):
        return None
    return np.array([np.nan if v is None else float(v) for v in cells])


def column_values(codes: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers that codes stand for; a missing code is a missing number."""
    missing = np.isnan(codes)
    index = np.where(missing, 0, codes).astype(np.int64)
    out = table[np.clip(index, 0, len(table) - 1)]
    out[missing] = np.nan
    return out


class Feed:
    """Turn encoded matrices into what a model takes, and remember which form it accepted.

    Parameters
    ----------
    codec : Codec
        Of the schema in the model's column order.
    forms : tuple of {"numpy", "pandas", "polars"}
        What to try, in order. The first that the model answers is kept: later batches are given in that form
        only, so that a batch cannot change how another is read.
    categories : mapping of str to list
        Columns that the model takes as a categorical type of pandas, with the categories in its order.
    """

    def __init__(
        self, codec: Codec, forms: tuple[Form, ...], categories: Mapping[str, list[Any]] | None = None
    ) -> None:
        self.codec = codec
        self.forms = forms
        self.categories = dict(categories or {})
        self.chosen: Form | None = forms[0] if len(forms) == 1 else None
        self._lock = threading.Lock()
        coded = [(j, value_table(codec.values[c.name])) for j, c in enumerate(codec.schema) if c.coded]
        self._texts = any(table is None for _, table in coded)
        self._tables = [(j, table) for j, table in coded if table is not None]

    def ask(self, call: Callable[[Any], Any], X: NDArray[np.float64]) -> Any:
        """Return what the model answers to a batch.

        Raises
        ------
        SubjectError
            If it fails in every form.
        """
        chosen = self.chosen
        if chosen is not None:
            try:
                return call(self.form(X, chosen))
            except ModelwardError:
                raise
            except Exception as err:
                raise SubjectError(*failure(err)) from err
        with self._lock:
            if not self._settled():
                return self._first(call, X)
        return self.ask(call, X)

    def _settled(self) -> bool:
        """Whether another thread has found the form in the meantime."""
        return self.chosen is not None

    def _first(self, call: Callable[[Any], Any], X: NDArray[np.float64]) -> Any:
        """Try the forms in turn; a form that the model warns about is not the one that it was fitted on."""
        problem: Exception | None = None
        for form in self.forms:
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("error", message=".*feature names")
                    answer = call(self.form(X, form))
            except ModelwardError:
                raise
            except Exception as err:  # noqa: BLE001 - a model may raise anything
                problem = problem or err
            else:
                self.chosen = form
                return answer
        raise SubjectError(*failure(problem or ValueError("no form of rows is known"))) from problem

    def form(self, X: NDArray[np.float64], form: Form) -> Any:
        """Return a batch in one form.

        Raises
        ------
        SubjectError
            If texts are asked for as a matrix and the model cannot take them.
        """
        if form == "numpy":
            return self.matrix(X)
        frame = self.codec.decode(X)
        return self._pandas(frame) if form == "pandas" else frame

    def matrix(self, X: NDArray[np.float64]) -> NDArray[Any]:
        """Return the plain matrix: numbers in place of codes, and an object matrix if there are texts."""
        if self._texts:
            frame = self.codec.decode(X)
            return np.column_stack([_objects(frame[name]) for name in frame.columns])
        if not self._tables:
            return X
        out = np.array(X)
        for j, table in self._tables:
            out[:, j] = column_values(X[:, j], table)
        return out

    def _pandas(self, frame: pl.DataFrame) -> Any:
        """Return a pandas frame, without the detour over Arrow (which may not be installed)."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for series in frame.iter_columns():
            if series.name in self.categories:
                known = self.categories[series.name]
                code = {value: i for i, value in enumerate(known)}
                codes = [code.get(cell, -1) for cell in series.to_list()]
                columns[series.name] = pd.Categorical.from_codes(codes, categories=pd.Index(known))
            elif series.dtype.is_numeric() or series.dtype.is_temporal() or not series.null_count():
                columns[series.name] = series.to_numpy()
            else:
                columns[series.name] = _objects(series)
        return pd.DataFrame(columns)


def _objects(series: pl.Series) -> NDArray[Any]:
    """Return a column as objects, with NaN for missing as a CSV reader leaves it."""
    cells = np.empty(len(series), dtype=object)
    cells[:] = series.to_list()
    if series.null_count():
        cells[series.is_null().to_numpy()] = np.nan
    return cells


def failure(err: BaseException) -> tuple[str, str]:
    """Return what kind of exception a model raised, and its own words: those may quote a row."""
    lines = str(err).strip().splitlines()
    return f"the model failed: {type(err).__name__}", (lines[0] if lines else "no message")[:300]
