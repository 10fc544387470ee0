"""What a monitor learns of a reference: bins, series, their normal and their thresholds."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from modelward.errors import InputError
from modelward.monitoring._bands import SIGMAS
from modelward.monitoring._clock import HOUR, astray, many_seconds
from modelward.monitoring._events import Calendar
from modelward.monitoring._folds import SPAN
from modelward.monitoring._kernels import WEEK
from modelward.monitoring._learned import Learned
from modelward.monitoring._novelty import Novelty
from modelward.monitoring._performance import calibrate
from modelward.monitoring._series import Plan, shares
from modelward.monitoring._tell_time import telling_time
from modelward.monitoring._together import Together, width_of
from modelward.monitoring._watch import Watch
from modelward.profiles import Layout, Profile
from modelward.schema import FeatureSchema, infer
from modelward.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from modelward.monitoring._declared import Declared
    from modelward.monitoring._performance import Calibration

_THURSDAY = 72
"""1970-01-01 was a Thursday, and hour 0 of a week is Monday's first."""
_MOST_HOURS = 20 * 366 * 24
_LEAST_SHARE = 0.5


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
    seconds = many_seconds(when, frame.height)
    hours = np.floor(seconds / HOUR)
    if np.isfinite(hours).all() and (stray := int(astray(np.sort(seconds)).sum())):
        raise InputError(
            f"{stray:,} rows of the reference have times far from all others, as of a clock that leaped: leave them out"
        )
    if not np.isfinite(hours).all() or np.ptp(hours) > _MOST_HOURS:
        raise InputError("the reference needs a time for every row, all within twenty years")
    for name, how in telling_time(frame, seconds).items():
        warnings.warn(f"column {name!r} {how}: its alerts will not end, leave it out of X", stacklevel=3)
    layout, first = Layout.fit(frame, schema, texts=()), int(hours.min())
    # Words of the later half are new where they are not in the first: what new words are usual is learned there.
    layout = layout.with_texts(frame.filter(pl.Series(hours < first + (np.ptp(hours) + 1) / 2)))
    encoded = layout.encode(frame)[0]
    calibration = None if labels is None else calibrate(layout, inputs, encoded, labels, answer)
    whole = Profile(layout)
    whole.update(encoded)
    ratio = Plan(layout).shape(whole)
    profiles, rows = _profiles(layout, encoded, hours.astype(np.int64) - first, layout.texts_of(frame))
    return learn_hours(
        layout, inputs, profiles, rows, first=first, ratio=ratio, declared=declared, kpis=kpis, calibration=calibration
    )  # fmt: skip


def learn_hours(
    layout: Layout,
    inputs: int,
    profiles: Iterable[Profile],
    rows: NDArray[np.float64],
    *,
    first: int,
    ratio: NDArray[np.float64],
    declared: Declared,
    kpis: Mapping[str, tuple[Any, Any]] | None = None,
    calibration: Calibration | None = None,
) -> tuple[Learned, Watch, Novelty]:
    """Learn what is normal from the profiles of hours.

    Parameters
    ----------
    layout, inputs, ratio, calibration
        As `Learned` has them.
    profiles : iterable of Profile, length T
        Of every hour of the reference, one after another.
    rows : ndarray of float64, shape (T,)
        How many rows each has.
    first : int
        Hour of the first, since 1970.
    """
    kpis = kpis or {}
    plan = Plan(layout, ratio)
    width = width_of(rows)
    Y, dense_counts, counts, wide_rows = _history(plan, profiles, width)
    figures = [_hourly(figure, first, len(Y)) for figure in kpis.values()]
    dense = plan.dense(dense_counts.sum(axis=0) / max(1.0, float((wide_rows > 0).sum())))
    arcs_of_hours = [shares(c, float(n)) for c, n in zip(dense_counts, wide_rows, strict=True)]
    full = np.column_stack([Y, *figures, arcs_of_hours])
    usable = (np.isfinite(full).mean(axis=0) >= _LEAST_SHARE) & (np.nan_to_num(full).std(axis=0) > 1e-12)
    usable[-len(dense) :] &= dense
    usable[0] = True
    watched, start = full[:, usable], (first + _THURSDAY) % WEEK
    base = Learned(
        layout, inputs, tuple(kpis), dense, np.flatnonzero(usable), first, len(Y), int(rows.sum()), Calendar((), ()),
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
    watch = Watch(learned.names).fit(watched, start=start, events=held, groups=learned.groups, even=["mean"])
    if watch.normal is not None:
        calendar.learn(watch.normal, watched, first, (start + np.arange(len(Y))) % WEEK, watch.days)
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
