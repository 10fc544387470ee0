"""Names of everyday frames, series and trees of rows, by hand and with the reason; the learned list has models alone.

All hold values: index classes and extension arrays keep numpy arrays, dtypes say of what kind, offsets count days and
months. A time zone by name is made by a method that is fetched by name, which is allowed of this class alone
(`_inert.Fetched`). Left out on purpose: sparse columns (`IntIndex` believes the positions that it is given), and
`DateOffset`, which keeps a calendar of another library.
"""

from __future__ import annotations

_INDEX = {
    "DatetimeIndex": "datetimes", "TimedeltaIndex": "timedeltas", "PeriodIndex": "period", "IntervalIndex": "interval",
    "CategoricalIndex": "category",
}  # fmt: skip
_WIDTHS = [f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64)]
_DTYPES = (
    dict.fromkeys((f"{width}Dtype" for width in _WIDTHS), "arrays.integer")
    | {"Float32Dtype": "arrays.floating", "Float64Dtype": "arrays.floating", "BooleanDtype": "arrays.boolean"}
    | {"PeriodDtype": "dtypes.dtypes", "IntervalDtype": "dtypes.dtypes"}
)
_ARRAYS = {
    "TimedeltaArray": "timedeltas", "PeriodArray": "period", "IntervalArray": "interval", "FloatingArray": "floating",
    "BooleanArray": "boolean",
}  # fmt: skip
# Each has the name that pandas 3 gives it, and that of the module in which it stands.
_CLASSES = (
    {f"pandas.{name}" for name in (*_INDEX, *_DTYPES)}
    | {f"pandas.arrays.{name}" for name in _ARRAYS}
    | {f"pandas.core.indexes.{module}.{name}" for name, module in _INDEX.items()}
    | {f"pandas.core.{module}.{name}" for name, module in _DTYPES.items()}
    | {f"pandas.core.arrays.{module}.{name}" for name, module in _ARRAYS.items()}
)
OFFSETS = frozenset(
    f"pandas._libs.tslibs.offsets.{name}"
    for name in (
        "Day", "Hour", "Minute", "Second", "Milli", "Micro", "Nano", "BusinessDay", "Week", "MonthBegin", "MonthEnd",
        "BusinessMonthBegin", "BusinessMonthEnd", "QuarterBegin", "QuarterEnd", "BQuarterBegin", "BQuarterEnd",
        "YearBegin", "YearEnd", "BYearBegin", "BYearEnd", "SemiMonthBegin", "SemiMonthEnd",
    )
)  # fmt: skip
"""Steps of an index; made of whole numbers."""
INTERVALS = frozenset({"pandas.Interval", "pandas._libs.interval.Interval"})
INDEX_MAKERS = frozenset(
    f"pandas.core.indexes.{module}._new_{name}"
    for name, module in _INDEX.items()
    if name in ("DatetimeIndex", "TimedeltaIndex", "IntervalIndex")
)
"""They make the index of a class from its arrays; no other class is to be made in this way."""
INDEX_CLASSES = frozenset(name for name in _CLASSES if name.rpartition(".")[2] in _INDEX)
PERIODS = frozenset({"pandas.Period", "pandas._libs.tslibs.period.Period"})
"""A month or a day; made of its number and the offset that it counts."""
INTERVAL_MAKER = "pandas._libs.interval.__pyx_unpickle_IntervalMixin"
"""It makes an empty array of intervals, which is given its attributes as any other object is."""
ZONES = frozenset({"pytz._p", "pytz._UTC", "pytz.FixedOffset"})
"""Time zones of pandas 2; made of a name, or of minutes."""
_NOT_A_TIME = "pandas._libs.tslibs.nattype._nat_unpickle"  # returns NaT, whatever it is given
# scipy's trees of rows: numbers alone, whose links are held to the arrays that they point into (`_followed.py`).
_TREES = frozenset(
    {
        "scipy.spatial._ckdtree.cKDTree", "scipy.spatial._kdtree.KDTree", "scipy.spatial.ckdtree.cKDTree",
        "scipy.spatial.kdtree.KDTree",
    }
)  # fmt: skip
# Gradient boosting with categories keeps this check of its columns; it is referred to, and not called by a load.
_CHECK = "sklearn.utils.validation.check_array"

TABLES = (
    frozenset(_CLASSES)
    | OFFSETS
    | INTERVALS
    | INDEX_MAKERS
    | _TREES
    | PERIODS
    | ZONES
    | {_NOT_A_TIME, _CHECK, INTERVAL_MAKER, "zoneinfo.ZoneInfo"}
)
TABLES_CALLED = (
    OFFSETS | INTERVALS | INDEX_MAKERS | {_NOT_A_TIME} | {name for name in _CLASSES if name.endswith("Dtype")}
)
TABLES_FUNCTIONS = INDEX_MAKERS | {_NOT_A_TIME, _CHECK}
