"""What a monitor learns of a reference: bins, series, their normal and their thresholds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.monitoring._bands import SIGMAS
from modelward.monitoring._clock import HOUR, many_seconds
from modelward.monitoring._events import Calendar
from modelward.monitoring._folds import SPAN
from modelward.monitoring._normal import WEEK
from modelward.monitoring._novelty import Novelty
from modelward.monitoring._performance import Calibration, calibrate
from modelward.monitoring._series import Plan, shares
from modelward.monitoring._together import Together, width_of
from modelward.monitoring._watch import Watch
from modelward.profiles import Layout, Profile
from modelward.schema import FeatureSchema, infer
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from modelward.monitoring._declared import Declared, Proxy, Tolerance

_THURSDAY = 72
"""1970-01-01 was a Thursday, and hour 0 of a week is Monday's first."""
_MOST_HOURS = 20 * 366 * 24
_LEAST_SHARE = 0.5


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

    def natural(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of the watched series, shape (..., S), in the units that people use."""
        out = np.array(values, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            for turn, here in self._turned:
                out[..., here] = turn(out[..., here])
        return out

    @cached_property
    def _turned(self) -> list[tuple[Callable[[Any], Any], slice | NDArray[np.int64]]]:
        """Which series are turned into which units, those that stay as they are left out."""
        out: list[tuple[Callable[[Any], Any], slice | NDArray[np.int64]]] = []
        for kind, turn in _TURNS.items():
            here = np.flatnonzero(self.kinds == kind)
            if turn is not _same and len(here):
                whole = int(here[-1]) - int(here[0]) + 1 == len(here)
                out.append((turn, slice(int(here[0]), int(here[-1]) + 1) if whole else here))
        return out

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
        declared = {t.series: self._natural(self._places[t.series], full) for t in self.tolerances}
        return full[self.used], own[~self.dense], declared

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: j for j, name in enumerate(self.all_names)}

    def _natural(self, j: int, full: NDArray[np.float64]) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            return float(_TURNS[self.kind_of(j)](full[j]))

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


def learn(
    X: Any,
    outputs: Any,
    when: Any,
    kpis: Mapping[str, tuple[Any, Any]],
    schema: FeatureSchema | None,
    declared: Declared,
    labels: Any = None,
    answer: str | None = None,
) -> tuple[Learned, Watch, Novelty]:
    """Learn what is normal; `Monitor.fit` says what the parameters are.

    Raises
    ------
    InputError
        If tables and times do not fit each other, or the schema.
    """
    frame, schema, inputs = _joined(X, outputs, schema)
    hours = np.floor(many_seconds(when, frame.height) / HOUR)
    if not np.isfinite(hours).all() or np.ptp(hours) > _MOST_HOURS:
        raise InputError("the reference needs a time for every row, all within twenty years")
    layout, first = Layout.fit(frame, schema, texts=()), int(hours.min())
    # Words of the later half are new where they are not in the first: what new words are usual is learned there.
    layout = layout.with_texts(frame.filter(pl.Series(hours < first + (np.ptp(hours) + 1) / 2)))
    plan, encoded = Plan(layout), layout.encode(frame)[0]
    calibration = None if labels is None else calibrate(layout, inputs, encoded, labels, answer)
    whole = Profile(layout)
    whole.update(encoded)
    ratio = plan.shape(whole)
    plan = Plan(layout, ratio)
    profiles, rows = _profiles(layout, encoded, hours.astype(np.int64) - first, layout.texts_of(frame))
    width = width_of(rows)
    Y, dense_counts, counts, wide_rows = _history(plan, profiles, width)
    figures = [_hourly(figure, first, len(Y)) for figure in kpis.values()]
    dense = plan.dense(dense_counts.sum(axis=0) / max(1.0, float((wide_rows > 0).sum())))
    full = np.column_stack([Y, *figures, shares(dense_counts, wide_rows[:, None])])
    usable = (np.isfinite(full).mean(axis=0) >= _LEAST_SHARE) & (np.nan_to_num(full).std(axis=0) > 1e-12)
    usable[-len(dense) :] &= dense
    usable[0] = True
    watched, start = full[:, usable], (first + _THURSDAY) % WEEK
    base = Learned(
        layout, inputs, tuple(kpis), dense, np.flatnonzero(usable), first, len(Y), frame.height, Calendar((), ()),
        np.empty((2, 0)), 0.0, declared.tolerances, declared.proxies, declared.intended,
        calibration, width, ratio,
    )  # fmt: skip
    calendar = Calendar(declared.events, base.columns)
    held = calendar.mask(first, len(Y))
    plain, alarms = _plain(np.where(held, np.nan, watched))
    learned = replace(base, calendar=calendar, plain=plain, plain_alarms=alarms)
    for tolerance in declared.tolerances:
        learned.place(tolerance.series)
    for proxy in declared.proxies:
        learned.series_of(proxy.metric)
    learned.know_figures((*(p.stands_for for p in declared.proxies), *declared.intended))
    watch = Watch(learned.names).fit(watched, start=start, events=held)
    if watch.normal is not None:
        calendar.learn(watch.normal, watched, first, (start + np.arange(len(Y))) % WEEK)
    with np.errstate(invalid="ignore"):
        calendar.learn_rare(np.nan_to_num(counts[:, ~dense] / rows[:, None]), first)
    # Rare counts of an event's columns say nothing of ordinary hours.
    rare = np.where(
        Calendar(declared.events, learned.rare_columns).mask(first, len(Y)), 0.0, counts[:, ~dense]
    )
    return learned, watch, Novelty(rare, rows)


def _plain(Y: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return 3σ bands over all but the last four weeks, and how often those leave them in 30 days."""
    late = len(Y) - SPAN * WEEK
    past = Y[:late] if late > WEEK else Y
    n = np.maximum(np.isfinite(past).sum(axis=0), 1)
    mean = np.nansum(past, axis=0) / n
    spread = np.sqrt(np.nansum((past - mean) ** 2, axis=0) / n)
    bands = np.stack([mean - SIGMAS * spread, mean + SIGMAS * spread])
    if late <= WEEK:
        return bands, float("nan")
    out = (Y[late:] < bands[0]) | (Y[late:] > bands[1])
    return bands, float(out.sum()) * 30 / (7 * SPAN)


def _joined(X: Any, outputs: Any, schema: FeatureSchema | None) -> tuple[pl.DataFrame, FeatureSchema, int]:
    frame = read_table(X, what="inputs", names=schema.names if schema else None)
    schema = schema or infer(frame)
    frame, inputs = frame.select(schema.names), len(schema)
    if outputs is None:
        return frame, schema, inputs
    answers = read_table(outputs, what="outputs")
    if answers.height != frame.height or set(answers.columns) & set(schema.names):
        raise InputError("outputs need as many rows as the inputs, and column names of their own")
    both = FeatureSchema((*schema.columns, *infer(answers).columns), schema.onehot, schema.relations)
    return frame.hstack(answers), both, inputs


def _profiles(
    layout: Layout, X: NDArray[np.float64], hour: NDArray[np.int64], texts: Mapping[str, list[Any]]
) -> tuple[Iterator[Profile], NDArray[np.float64]]:
    """Return the profiles of all hours, one after another, and how many rows each has."""
    order = np.argsort(hour, kind="stable")
    ends = np.searchsorted(hour[order], np.arange(int(hour.max()) + 2))

    def each() -> Iterator[Profile]:
        for start, stop in pairwise(ends.tolist()):
            profile = Profile(layout)
            here = order[start:stop]
            profile.update(X[here], {name: [held[i] for i in here.tolist()] for name, held in texts.items()})
            yield profile

    return each(), np.diff(ends).astype(np.float64)


def _history(plan: Plan, profiles: Iterable[Profile], width: int) -> tuple[NDArray[np.float64], ...]:
    """Return series and counts of hours together, counts of each hour alone, and the rows of hours together."""
    together = Together(width)
    Y, counts, own, rows = [], [], [], []
    for profile in profiles:
        wide = together.take(profile)
        y, c = plan.measure(wide)
        y[0] = np.log1p(profile.rows)
        Y.append(y)
        counts.append(c)
        own.append(c if wide is profile else plan.count(profile))
        rows.append(float(wide.rows))
    return np.array(Y), np.array(counts), np.array(own), np.array(rows)


def _hourly(figure: tuple[Any, Any], first: int, hours: int) -> NDArray[np.float64]:
    values = np.asarray(pl.Series(figure[0]).cast(pl.Float64).to_numpy(), dtype=np.float64)
    place = np.floor(many_seconds(figure[1], len(values)) / HOUR) - first
    ok = np.isfinite(values) & (place >= 0) & (place < hours)
    at = place[ok].astype(np.int64)
    n = np.bincount(at, minlength=hours).astype(np.float64)
    return np.bincount(at, weights=values[ok], minlength=hours) / np.where(n > 0, n, np.nan)


def _same(turned: NDArray[np.float64]) -> NDArray[np.float64]:
    return turned


def _share(turned: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sin(np.clip(turned, 0.0, np.pi / 2)) ** 2)


_TURNS: dict[str, Callable[[Any], Any]] = {
    "rows": np.expm1,
    "mean": _same,
    "spread": np.exp,
    "kpi": _same,
    "share": _share,
}
"""From series to the units that people use."""

_BACK: dict[str, Callable[[Any], Any]] = {
    "rows": np.log1p,
    "spread": np.log,
    "share": lambda natural: np.arcsin(np.sqrt(np.clip(natural, 0.0, 1.0))),
}
"""And back."""
