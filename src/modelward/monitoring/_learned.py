"""What a monitor learned of a reference, and does not change while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._reading import ROWS, SAME, SHARE, SPREAD, bands, natural
from modelward.monitoring._series import PLAIN, Plan, shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from modelward.monitoring._declared import Proxy, Tolerance
    from modelward.monitoring._events import Calendar
    from modelward.monitoring._performance import Calibration
    from modelward.profiles import Layout, Profile


@dataclass(frozen=True, eq=False)
class Learned:
    """What does not change while a monitor runs, beside the watch and the rare counts that go on with it.

    Parameters
    ----------
    layout : Layout
        Of inputs and outputs.
    inputs : int
        How many of its columns are inputs.
    kpis : tuple of str
        Business figures.
    dense : ndarray of bool, shape (C,)
        Which of the plan's counts are watched as shares; the others are rare.
    used : ndarray of int64
        Which of all series (plan, figures, shares) are watched.
    first, hours : int
        First hour of the reference, in hours since 1970, and how many there are.
    rows : int
        Of the reference.
    calendar : Calendar
        Events, and how far they moved each series.
    plain : ndarray of float64, shape (2, S)
        Mean − 3 σ and mean + 3 σ of each series, over all but the last four weeks.
    plain_alarms : float
        How often those last weeks left that band, in 30 days.
    tolerances, proxies, intended
        That a person declared.
    calibration : Calibration, optional
        How often answers were right, where labels were given.
    together : int
        Hours that means and shares are taken over.
    ratio : ndarray of float64, shape (d,), optional
        Of each column the standard deviation over the one that is read off its bins.
    """

    layout: Layout
    inputs: int
    kpis: tuple[str, ...]
    dense: NDArray[np.bool_]
    used: NDArray[np.int64]
    first: int
    hours: int
    rows: int
    calendar: Calendar
    plain: NDArray[np.float64]
    plain_alarms: float
    tolerances: tuple[Tolerance, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    intended: tuple[str, ...] = ()
    calibration: Calibration | None = None
    together: int = 1
    ratio: NDArray[np.float64] | None = None

    @cached_property
    def plan(self) -> Plan:
        """What is read off a window's profile."""
        return Plan(self.layout, self.ratio)

    @cached_property
    def all_names(self) -> tuple[str, ...]:
        """All series that there could be."""
        return (*self.plan.names, *self.kpis, *(c.name for c in self.plan.counts))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The watched series."""
        return tuple(self.all_names[j] for j in self.used.tolist())

    @cached_property
    def rare(self) -> tuple[str, ...]:
        """The counts that are watched as Poisson counts."""
        return tuple(c.name for c, d in zip(self.plan.counts, self.dense, strict=True) if not d)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Of each watched series the column or figure that it is about; empty for the number of rows."""
        return tuple(self.all_columns[j] for j in self.used.tolist())

    @cached_property
    def rare_columns(self) -> tuple[str, ...]:
        """The columns of `rare`."""
        return tuple(c.column for c, d in zip(self.plan.counts, self.dense, strict=True) if not d)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Moments and figures that cannot be watched: too often missing, or they never moved."""
        watched = set(self.names)
        return tuple(k for k in (*self.plan.names, *self.kpis) if k not in watched)

    @cached_property
    def kinds(self) -> NDArray[np.str_]:
        """Of each watched series "rows", "mean", "spread", "kpi" or "share"."""
        return np.array([self.kind_of(j) for j in self.used.tolist()])

    def turned(self, natural: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values in the units that people use as values of the watched series, shape (..., S)."""
        out = np.array(natural, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            for kind, turn in _BACK.items():
                here = self.kinds == kind
                out[..., here] = turn(out[..., here])
        return out

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Of each watched series which others have thresholds in common with it: bins and means are the wildest."""
        binned = {self.layout.names[j] for j in np.flatnonzero(~np.asarray(self.layout.by_value)).tolist()}
        out = []
        for j, name, column in zip(self.used.tolist(), self.names, self.columns, strict=True):
            kind = self.kind_of(j)
            of_bins = kind == "share" and column in binned and not name.endswith(PLAIN)
            out.append("bins" if of_bins else kind if kind in ("mean", "kpi") else "others")
        return tuple(out)

    def natural(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of the watched series, shape (n, S), in the units that people use."""
        out = np.empty(values.shape)
        natural(values, self._used_turns, out)
        return out

    def bands(
        self, y: NDArray[np.float64], expected: NDArray[np.float64], width: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return what an hour measured and the two ends of its band, in the units that people use, shape (3, S)."""
        out = np.empty((3, len(y)), dtype=np.float32)
        bands(y, expected, width, self._used_turns, out)
        return out

    @cached_property
    def _turns(self) -> NDArray[np.int64]:
        """Of all series how each is turned into its unit."""
        return np.array([_TURNS[self.kind_of(j)] for j in range(len(self.all_names))], dtype=np.int64)

    @cached_property
    def _used_turns(self) -> NDArray[np.int64]:
        return self._turns[self.used]

    def vector(
        self, profile: Profile, wide: Profile, figures: Mapping[str, list[float]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], dict[str, float]]:
        """Return the watched series of an hour, shape (S,), its rare counts, and what has a tolerance.

        `wide` is the profile of all hours that means and shares are taken over.
        """
        y, counts = self.plan.measure(wide)
        own = counts if wide is profile else self.plan.count(profile)
        y[0] = np.log1p(profile.rows)
        kpis = [figures[k][0] / figures[k][1] if k in figures else np.nan for k in self.kpis]
        full = np.concatenate([y, kpis, shares(counts, wide.rows)])
        declared = {t.series: self._unit(self._places[t.series], full) for t in self.tolerances}
        return full[self.used], own[self._rare], declared

    @cached_property
    def _rare(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.dense)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: j for j, name in enumerate(self.all_names)}

    def _unit(self, j: int, full: NDArray[np.float64]) -> float:
        out = np.empty((1, 1))
        natural(full[j : j + 1, None], self._turns[j : j + 1], out)
        return float(out[0, 0])

    def natural_of(self, j: int, value: float) -> float:
        """Return a value of watched series j in the unit that people use."""
        out = np.empty((1, 1))
        natural(np.array([[value]]), self._used_turns[j : j + 1], out)
        return float(out[0, 0])

    def kind_of(self, j: int) -> str:
        """Return the kind of a series of `all_names`."""
        moments = len(self.plan.measured)
        ends = np.cumsum([1, moments, moments, len(self.kpis)])
        return ("rows", "mean", "spread", "kpi", "share")[int(np.searchsorted(ends, j, side="right"))]

    @cached_property
    def all_columns(self) -> tuple[str, ...]:
        """Of each of `all_names` the column or figure; empty for the number of rows."""
        measured = [self.layout.names[k] for k in self.plan.measured]
        return ("", *measured, *measured, *self.kpis, *(c.column for c in self.plan.counts))

    def series_of(self, metric: str) -> str:
        """Return the watched series that a figure, a column (its mean) or a series is.

        Raises
        ------
        InputError
            If it is none that is watched.
        """
        for name in (metric, f"{metric}: mean"):
            if name in self.names:
                return name
        raise InputError(
            f"proxy {metric!r} is no business figure, column of numbers or series that is watched"
        )

    def know_figures(self, names: Iterable[str]) -> None:
        """Make sure that these are business figures.

        Raises
        ------
        InputError
            If one is none; it names those that there are.
        """
        for name in names:
            if name not in self.kpis:
                there = ", ".join(self.kpis) or "none: name them with --kpi"
                raise InputError(f"{name!r} is declared as a business figure; there are {there}")

    def place(self, series: str) -> int:
        """Return where a series is in `all_names`.

        Raises
        ------
        InputError
            If there is none of that name; it names some that there are.
        """
        if series not in self._places:
            near = get_close_matches(series, self.all_names, 3, 0.3) or self.all_names[:3]
            raise InputError(
                f"there is no series {series!r} to declare a tolerance of; there are {', '.join(near)}"
            )
        return self._places[series]


_TURNS = {"rows": ROWS, "mean": SAME, "spread": SPREAD, "kpi": SAME, "share": SHARE}
"""From series to the units that people use."""

_BACK: dict[str, Callable[[Any], Any]] = {
    "rows": np.log1p,
    "spread": np.log,
    "share": lambda natural: np.arcsin(np.sqrt(np.clip(natural, 0.0, 1.0))),
}
"""And back."""
