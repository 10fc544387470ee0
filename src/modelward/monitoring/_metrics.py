"""A monitor for Prometheus: its text format 0.0.4, with a bounded number of time series."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from modelward.monitoring._alerts import SAME
from modelward.monitoring._clock import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelward.monitoring._alerts import Alert
    from modelward.monitoring._hours import Hours

MOST_COLUMNS = 100
"""Columns that have a label of their own; alerts of others are counted as "other columns"."""
_PREFIX = "modelward_monitor_"
Labels = tuple[tuple[str, str], ...]


def goes_on(alert: Alert, hour: int) -> bool:
    """Say whether an alert may still go on when an hour (since 1970) has been judged."""
    return hour * HOUR - alert.end <= SAME[alert.detector] * HOUR


def exposition(hours: Hours, *, store_problem: str) -> str:
    """Return the state of a monitor in the text format of Prometheus.

    Parameters
    ----------
    hours : Hours
    store_problem : str
        Why the last write into the store failed, if it did; only whether it did is told.
    """
    closed = hours.gate.closed or 0
    active: Counter[Labels] = Counter()
    named = set(hours.learned.layout.names[:MOST_COLUMNS]) | set(hours.learned.kpis[:MOST_COLUMNS]) | {""}
    for alert in hours.book.all():
        if goes_on(alert, closed):
            column = alert.column if alert.column in named else "other columns"
            told = "true" if alert.explained else "false"
            active[("column", column or "rows"), ("detector", alert.detector), ("explained", told)] += 1
    rows = hours.judged[-1].rows if hours.judged else 0
    begun: dict[Labels, int] = {(("detector", name),): n for name, n in sorted(hours.book.begun.items())}
    dropped: dict[Labels, int] = {(("reason", reason),): n for reason, n in sorted(hours.dropped.items())}
    nothing: Labels = ()
    return "".join([
        _family("hours_total", "counter", "Hours that were judged.", {nothing: hours.count}),
        _family("alerts_total", "counter", "Alerts that began.", begun),
        _family("alerts_active", "gauge", "Alerts that go on.", dict(sorted(active.items()))),
        _family("dropped_total", "counter", "Rows and figures that were not taken in.", dropped),
        _family("rows", "gauge", "Rows of the last judged hour.", {nothing: rows}),
        _family("last_hour_end_timestamp_seconds", "gauge", "When the last judged hour ended.",
                {nothing: int((closed + 1) * HOUR)}),
        _family("sufficient_history", "gauge", "Whether there was history enough to alarm.",
                {nothing: int(hours.watch.sufficient)}),
        _family("store_failing", "gauge", "Whether the last write into the store failed.",
                {nothing: int(bool(store_problem))}),
    ])  # fmt: skip


def _family(name: str, kind: str, words: str, samples: Mapping[Labels, int]) -> str:
    lines = [f"# HELP {_PREFIX}{name} {words}", f"# TYPE {_PREFIX}{name} {kind}"]
    lines += [f"{_PREFIX}{name}{_labels(labels)} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "replace").decode()
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", " ")
