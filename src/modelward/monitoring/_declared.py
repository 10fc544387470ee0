"""What a person declares: tolerances, a calendar of events, and what figures stand for, in one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from modelward.errors import InputError
from modelward.monitoring._clock import seconds
from modelward.monitoring._events import HOUR, Event

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 1_000
_TOLERANCE = {"series", "low", "high"}
_PROXY = {"metric", "stands_for", "better"}
_EVENT = {"name", "start", "end", "hours", "columns", "direction", "repeat", "at_most"}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Where a series may lie, said by a person; it alarms without any history.

    Parameters
    ----------
    series : str
        Such as ``"rows"``, ``"AGE: mean"``, ``"AGE: missing"`` or the name of a business figure.
    low, high : float, optional
        One of them at least; shares from 0 to 1.
    """

    series: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        bounds = [b for b in (self.low, self.high) if b is not None]
        if not self.series or not bounds or any(b != b for b in bounds) or bounds != sorted(bounds):
            raise InputError(f"tolerance of {self.series!r} needs a low or a high, and low below high")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A figure that a model is optimised for, and the business figure that it stands for.

    Parameters
    ----------
    metric : str
        A business figure, a column (its mean is meant) or a series such as ``"score: mean"``.
    stands_for : str
        A business figure.
    better : {"up", "down"}
        Which way the business figure should go.
    """

    metric: str
    stands_for: str
    better: Literal["up", "down"] = "up"

    def __post_init__(self) -> None:
        if not self.metric or not self.stands_for or self.metric == self.stands_for:
            raise InputError("a proxy needs a metric, and another figure that it stands_for")
        if self.better not in ("up", "down"):
            raise InputError(f"proxy {self.metric!r}: better is up or down")


@dataclass(frozen=True, slots=True)
class Declared:
    """All that a person declared.

    Parameters
    ----------
    tolerances : tuple of Tolerance
    events : tuple of Event
    proxies : tuple of Proxy
    intended : tuple of str
        Business figures that the model is meant to move; all others should stay as they are.
    """

    tolerances: tuple[Tolerance, ...] = ()
    events: tuple[Event, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    intended: tuple[str, ...] = ()


def read_declared(path: str | Path) -> Declared:
    """Read tolerances, events and what figures stand for from a TOML file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "watch.toml"
    ...     _ = file.write_text('''
    ... [[tolerance]]
    ... series = "AGE: missing"
    ... high = 0.02
    ...
    ... [[event]]
    ... name = "Black Friday"
    ... start = 2024-11-29T00:00:00Z
    ... hours = 24
    ... columns = ["rows", "amount"]
    ... direction = "up"
    ...
    ... [[proxy]]
    ... metric = "clicks"
    ... stands_for = "orders"
    ... ''')
    ...     declared = read_declared(file)
    >>> declared.tolerances[0].high, declared.events[0].columns, declared.proxies[0].stands_for
    (0.02, ('rows', 'amount'), 'orders')

    Raises
    ------
    InputError
        In one line what is wrong, and in which entry.
    """
    file = Path(path)
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no TOML: {str(error).splitlines()[0]}") from None
    if unknown := set(raw) - {"tolerance", "event", "proxy", "intended"}:
        known = "[[tolerance]], [[event]], [[proxy]] and intended"
        raise InputError(f"{path}: there is no {min(unknown)!r}; there are {known}")
    intended = raw.get("intended", [])
    if not isinstance(intended, list) or not all(isinstance(name, str) for name in intended):
        raise InputError(f"{path}: intended is a list of business figures")
    return Declared(
        tuple(_tolerance(e, f"{path}, tolerance {i}") for i, e in _entries(raw, "tolerance", path)),
        tuple(_event(e, f"{path}, event {i}") for i, e in _entries(raw, "event", path)),
        tuple(_proxy(e, f"{path}, proxy {i}") for i, e in _entries(raw, "proxy", path)),
        tuple(intended),
    )


def _entries(raw: Mapping[str, Any], name: str, path: str | Path) -> list[tuple[int, dict[str, Any]]]:
    entries = raw.get(name, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries) or len(entries) > _MOST:
        raise InputError(f"{path}: write [[{name}]] above each, {_MOST:,} at most")
    return list(enumerate(entries, 1))


def _known(entry: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := set(entry) - known:
        raise InputError(f"{where}: there is no {min(unknown)!r}; there are {', '.join(sorted(known))}")


def _number(entry: Mapping[str, Any], name: str, where: str) -> float | None:
    value = entry.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InputError(f"{where}: {name} is a number")
    return None if value is None else float(value)


def _tolerance(entry: Mapping[str, Any], where: str) -> Tolerance:
    _known(entry, _TOLERANCE, where)
    try:
        return Tolerance(
            str(entry.get("series", "")), _number(entry, "low", where), _number(entry, "high", where)
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _proxy(entry: Mapping[str, Any], where: str) -> Proxy:
    _known(entry, _PROXY, where)
    try:
        return Proxy(
            str(entry.get("metric", "")), str(entry.get("stands_for", "")), entry.get("better", "up")
        )
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _event(entry: Mapping[str, Any], where: str) -> Event:
    _known(entry, _EVENT, where)
    start, hours = _moment(entry, "start", where), _number(entry, "hours", where)
    if start is None or ("end" in entry) == (hours is not None):
        raise InputError(f"{where}: it needs a start, and either an end or hours")
    end = _moment(entry, "end", where) if hours is None else start + hours * HOUR
    columns = entry.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(c, str) for c in columns):
        raise InputError(f"{where}: columns is a list of names")
    try:
        return Event(
            str(entry.get("name", "")), start, float(end or 0.0), tuple(columns), entry.get("direction", "any"),
            entry.get("repeat", "once"), _number(entry, "at_most", where),
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _moment(entry: Mapping[str, Any], name: str, where: str) -> float | None:
    value = entry.get(name)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    try:
        return None if value is None else seconds(value)
    except InputError as error:
        raise InputError(f"{where}: {name}: {error}") from None
