"""Names that releases of scikit-learn between those that the list was learned from write, by hand and with the reason.

Releases 1.5 to 1.7 build their losses as a compiled module that calls itself ``_loss``. A load finds it under that name
among what scikit-learn has loaded already, so it counts only after a name of ``sklearn._loss`` in the file; the classes
are those of ``sklearn._loss._loss``, which are on the list, and are held to the same calls.
"""

from __future__ import annotations

from modelward.artifacts._known import CALLED, FUNCTIONS, KNOWN
from modelward.artifacts._known_companions import COMPANIONS
from modelward.artifacts._known_tables import TABLES, TABLES_CALLED, TABLES_FUNCTIONS

_LOSSES = frozenset(
    {
        "CyAbsoluteError", "CyExponentialLoss", "CyHalfBinomialLoss", "CyHalfGammaLoss", "CyHalfMultinomialLoss",
        "CyHalfPoissonLoss", "CyHalfSquaredError", "CyHalfTweedieLoss", "CyHalfTweedieLossIdentity", "CyHuberLoss",
        "CyLossFunction", "CyPinballLoss",
    }
)  # fmt: skip
REBUILDERS = frozenset(f"_loss.__pyx_unpickle_{name}" for name in _LOSSES)
"""Functions that make a loss from its class and a number that says how it was laid out."""
# TunedThresholdClassifierCV of 1.5 kept its scorer where the estimator is; it later moved to the other scorers.
_SCORER = "sklearn.model_selection._classification_threshold._CurveScorer"
# numpy before 2 spells two of its array types so; they are the classes that the list has as numpy.rec.recarray and
# numpy.ma.MaskedArray.
_ARRAYS = frozenset({"numpy.recarray", "numpy.ma.core.MaskedArray"})

# pandas before 3 spells its classes by the module that they stand in; the list has the same ones by their public names.
_PANDAS = frozenset(
    f"pandas.{name}"
    for name in (
        "_libs.missing.NA", "core.arrays.categorical.Categorical", "core.arrays.datetimes.DatetimeArray",
        "core.arrays.integer.Int64Dtype", "core.arrays.integer.IntegerArray", "core.arrays.string_.StringArray",
        "core.arrays.string_.StringDtype", "core.dtypes.dtypes.CategoricalDtype",
        "core.dtypes.dtypes.DatetimeTZDtype", "core.frame.DataFrame", "core.indexes.base.Index",
        "core.indexes.multi.MultiIndex", "core.indexes.range.RangeIndex", "core.series.Series",
    )
)  # fmt: skip
_PANDAS_CALLED = frozenset({"pandas.core.arrays.string_.StringDtype"})

ALL_KNOWN = (
    KNOWN
    | REBUILDERS
    | {f"_loss.{name}" for name in _LOSSES}
    | {_SCORER}
    | _ARRAYS
    | _PANDAS
    | TABLES
    | COMPANIONS
)
ALL_FUNCTIONS = FUNCTIONS | REBUILDERS | {"pandas._libs.missing.NA"} | TABLES_FUNCTIONS
ALL_CALLED = CALLED | REBUILDERS | _PANDAS_CALLED | TABLES_CALLED | {f"_loss.{name}" for name in _LOSSES}
