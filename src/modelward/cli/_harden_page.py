"""Countermeasures as a page: the table first, then each with its pictures and its code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward._version import __version__
from modelward.findings import Series, Table
from modelward.reports import Page, Section

if TYPE_CHECKING:
    from modelward.assessment import HardenReport
    from modelward.evasion import Standing, Trial
    from modelward.findings import Estimate

_FOOT = (
    (
        "Before and after are attacked by the same search on the same rows. Those that are trained again are compared "
        "with the same kind of model trained again on the same rows, not with the deployed file, so that the "
        "difference is that of the countermeasure alone."
    ),
    (
        "Flipped: share of the rows that some legal change of cost 1 or less moves (one interquartile range of one "
        "column, or one category). 'Exact' means that no cheaper change exists; else cheaper ones may, and a model "
        "whose inside cannot be read may look safer than it is: changes that flipped the model before are tried "
        "on the model after, too."
    ),
    (
        "A countermeasure helps, or makes it worse, if the whole 95 % interval of the factor by which flips became "
        "dearer lies beyond what the controls show, in which nothing but the seed differs: where luck of the training "
        "moves costs a lot, little can be shown. Intervals are about other rows, not about other trainings. "
        "Clipping is measured with callers who send what the schema forbids: within the schema it changes nothing."
    ),
)


def page_of(report: HardenReport) -> Page:
    """Return the page about countermeasures."""
    tried = [t for t in report.result.trials if t.status == "tried"]
    sections = [_stands(report), _table(report)]
    if tried:
        sections.append(_pictures(tried))
    sections += [_one(trial) for trial in report.result.trials]
    return Page(
        title=report.name, headline=_headline(report), alarm=_alarm(report), calm="",
        sections=tuple(sections), findings=(), exit_code=report.exit_code(), version=__version__, foot=_FOOT,
        brand="countermeasures, tried and measured", closing="Countermeasures, tried and measured.",
    )  # fmt: skip


def _headline(report: HardenReport) -> str:
    trials = report.result.trials
    trials = tuple(t for t in trials if not t.control)
    helping = [t for t in trials if t.effect == "helps"]
    free = [t for t in helping if not t.costs_accuracy]
    count = sum(t.status == "tried" for t in trials)
    if not helping:
        return f"None of {count} countermeasures is shown to make flips dearer."
    names = ", ".join(t.title.lower() for t in (free or helping))
    which = "without a proven loss of accuracy" if free else "at a proven loss of accuracy"
    return f"{len(helping)} of {count} countermeasures make flips dearer; {which}: {names}."


def _alarm(report: HardenReport) -> str:
    broken = [t.title for t in report.result.trials if t.status == "error"]
    said = f"Could not be measured: {', '.join(broken)}. " if broken else ""
    return (said + (f"Not complete: {report.result.stopped}." if report.result.stopped else "")).strip()


def _share(estimate: Estimate, *, signed: bool = False) -> str:
    low, high = estimate.interval(0.95)
    sign = "+" if signed else ""
    return f"{100 * estimate.value:{sign}.1f} % [{100 * low:{sign}.1f} to {100 * high:{sign}.1f}]"


def _cost(estimate: Estimate) -> str:
    low, high = estimate.interval(0.95)
    return f"{_number(estimate.value)} [{_number(low)} to {_number(high)}]"


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "never"


def _stands(report: HardenReport) -> Section:
    now = report.result.deployed
    facts = (
        ("class", report.kind),
        ("balanced accuracy", _share(now.balanced_accuracy)),
        ("flipped at cost 1 or less", _share(now.flipped)),
        ("median cost of a flip", _cost(now.cost) + (", exact" if now.exact else ", at most")),
        ("rows", f"{report.train_rows:,} to train on, {report.test_rows:,} to test, {report.result.rows:,} attacked"),
        ("wanted label", report.goal if report.goal is not None else "any other than the model's"),
    )  # fmt: skip
    return Section("How it stands now", facts=facts)


def _table(report: HardenReport) -> Section:
    head = ("countermeasure", "flipped at cost 1", "flips cost", "balanced accuracy", "effect")
    rows = tuple(_row(trial) for trial in report.result.trials)
    return Section(
        "What each does", "Before → after, with the 95 % interval of what is after; the others stand below.",
        tables=(Table("Before and after", head, rows),),
    )  # fmt: skip


def _row(trial: Trial) -> tuple[str, ...]:
    if trial.before is None or trial.after is None:
        said = "not applicable" if trial.status == "not_applicable" else "could not be measured"
        return (trial.title, "–", "–", "–", said)
    before, after = trial.before, trial.after
    loss = ", costs accuracy" if trial.costs_accuracy else ""
    said = "luck" if trial.control else f"{trial.effect}{loss}"
    return (
        trial.title, f"{100 * before.flipped.value:.1f} → {_share(after.flipped)}",
        _factor(trial),
        f"{100 * before.balanced_accuracy.value:.1f} → {_share(after.balanced_accuracy)}", said,
    )  # fmt: skip


def _pictures(tried: list[Trial]) -> Section:
    series = []
    for label, pick in (("before", 0), ("after", 1)):
        standings = [(t, (t.before, t.after)[pick]) for t in tried]
        pairs: list[tuple[Trial, Standing]] = [(t, s) for t, s in standings if s is not None]
        bands = [s.flipped.interval(0.95) for _, s in pairs]
        series.append(
            Series(
                label, tuple(t.title for t, _ in pairs), tuple(s.flipped.value for _, s in pairs),
                tuple(b[0] for b in bands), tuple(b[1] for b in bands), "", "share of rows flipped at cost 1",
                "bar", group="Rows flipped by a cheap legal change",
            )
        )  # fmt: skip
    gaps = [(t, t.accuracy_by) for t in tried if t.accuracy_by is not None]
    bands = [g.interval(0.95) for _, g in gaps]
    series.append(
        Series(
            "after minus before", tuple(t.title for t, _ in gaps), tuple(g.value for _, g in gaps),
            tuple(b[0] for b in bands), tuple(b[1] for b in bands), "", "balanced accuracy, after minus before",
            "bar", group="What it costs in accuracy",
        )
    )  # fmt: skip
    return Section("At a glance", series=tuple(series))


def _one(trial: Trial) -> Section:
    if (
        trial.before is None
        or trial.after is None
        or trial.flipped_by is None
        or trial.log_factor is None
        or trial.accuracy_by is None
    ):
        said = "Not applicable" if trial.status == "not_applicable" else "Could not be measured"
        return Section(trial.title, f"{said}: {trial.reason}.", code=trial.code, folded=not trial.reason)
    facts = (
        ("chosen", trial.note),
        (
            "flips cost, on average",
            _factor(trial)
            + ("" if trial.outside else f"; luck alone gives up to × {math.exp(trial.luck):.2f}"),
        ),
        ("flipped before", _share(trial.before.flipped)),
        ("flipped, after minus before", _share(trial.flipped_by, signed=True)),
        ("median cost before", _cost(trial.before.cost) + _sure(trial.before)),
        ("median cost after", _cost(trial.after.cost) + _sure(trial.after)),
        ("balanced accuracy, after minus before", _share(trial.accuracy_by, signed=True)),
    )
    return Section(trial.title, facts=facts, code=trial.code)


def _factor(trial: Trial) -> str:
    if trial.log_factor is None:
        return "–"
    value, (low, high) = trial.log_factor.value, trial.log_factor.interval(0.95)
    return f"× {math.exp(value):.2f} [{math.exp(low):.2f} to {math.exp(high):.2f}]"


def _sure(standing: Standing) -> str:
    return ", exact" if standing.exact else ", at most"
