"""TimeProfile: how many requests came in which hour, and business figures beside them."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.profiles._document import read_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

VERSION = 1
MOST_HOURS = 3 * 366 * 24
"""Hours that are kept; what is older than so many before the newest is counted together."""
MOST_FIGURES = 100
_FORMAT = "modelward time profile"
_SECONDS = 3600.0


class TimeProfile:
    """Rows by the hour (UTC), and of every business figure the number, exact sum, least and greatest by the hour.

    Parts merged in any order equal, bit for bit, one pass over all.

    Examples
    --------
    >>> profile = TimeProfile()
    >>> profile.update(np.array([0.0, 60.0, 3600.0]))
    >>> profile.figure("sales", np.array([2.0, 4.0]), np.array([10.0, 20.0]))
    >>> profile.volume(), profile.mean("sales")
    ({0: 2, 1: 1}, {0: 3.0})
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._figures: dict[str, dict[int, tuple[int, Fraction, float, float]]] = {}
        self._newest: int | None = None
        self.older = 0
        self.timeless = 0
        self.no_number = 0

    def update(self, times: NDArray[np.float64]) -> None:
        """Add rows by their times, seconds since 1970; NaN and infinite ones are counted in `timeless`."""
        hours = self._hours(times)
        known = np.isfinite(hours)
        self.timeless += int((~known).sum())
        for hour, n in zip(*(a.tolist() for a in np.unique(hours[known], return_counts=True)), strict=True):
            self._rows[int(hour)] = self._rows.get(int(hour), 0) + n
            self._newest = int(hour) if self._newest is None else max(self._newest, int(hour))
        self._forget()

    def figure(self, name: str, values: NDArray[np.float64], times: NDArray[np.float64]) -> None:
        """Add values of a business figure; what has no time or is no number is counted.

        Raises
        ------
        InputError
            If there are more than a hundred figures, or values and times differ in number.
        """
        values, hours = np.asarray(values, dtype=np.float64), self._hours(times)
        if values.shape != hours.shape:
            raise InputError(f"{values.size} values of {name!r} do not fit {hours.size} times")
        if name not in self._figures and len(self._figures) >= MOST_FIGURES:
            raise InputError(f"a profile has {MOST_FIGURES} business figures at most: leave {name!r} out")
        number = np.isfinite(values)
        self.timeless += int((~np.isfinite(hours)).sum())
        self.no_number += int((np.isfinite(hours) & ~number).sum())
        held = self._figures.setdefault(name, {})
        ok = number & np.isfinite(hours)
        # Adding 0 makes 0 of −0, of which neither is less.
        for value, hour in zip((values[ok] + 0.0).tolist(), hours[ok].astype(np.int64).tolist(), strict=True):
            held[hour] = _joined(held.get(hour), (1, Fraction(value), value, value))
            self._newest = hour if self._newest is None else max(self._newest, hour)
        self._forget()

    def _hours(self, times: Any) -> NDArray[np.float64]:
        array = np.asarray(times, dtype=np.float64).reshape(-1)
        return np.asarray(np.floor(np.where(np.abs(array) < 1e12, array, np.nan) / _SECONDS))

    def _forget(self) -> None:
        if self._newest is None:
            return
        last = self._newest - MOST_HOURS
        if self._rows and min(self._rows) <= last:
            self.older += sum(n for hour, n in self._rows.items() if hour <= last)
            self._rows = {hour: n for hour, n in self._rows.items() if hour > last}
        for name, held in self._figures.items():
            if held and min(held) <= last:
                self.older += sum(n for hour, (n, *_) in held.items() if hour <= last)
                self._figures[name] = {hour: one for hour, one in held.items() if hour > last}

    def merge(self, other: TimeProfile) -> TimeProfile:
        """Return the profile of both."""
        out = TimeProfile()
        for part in (self, other):
            out._take(part)
        if len(out._figures) > MOST_FIGURES:
            raise InputError(f"a profile has {MOST_FIGURES} business figures at most")
        out._forget()
        return out

    def _take(self, other: TimeProfile) -> None:
        for name in ("older", "timeless", "no_number"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other._newest is not None:
            self._newest = other._newest if self._newest is None else max(self._newest, other._newest)
        for hour, n in other._rows.items():
            self._rows[hour] = self._rows.get(hour, 0) + n
        for name, held in other._figures.items():
            own = self._figures.setdefault(name, {})
            for hour, one in held.items():
                own[hour] = _joined(own.get(hour), one)

    @property
    def figures(self) -> tuple[str, ...]:
        """The business figures."""
        return tuple(sorted(self._figures))

    def volume(self) -> dict[int, int]:
        """Return how many rows came in each hour (since 1970) that had any."""
        return dict(sorted(self._rows.items()))

    def mean(self, name: str) -> dict[int, float]:
        """Return the mean of a business figure in each hour that had a value."""
        return {hour: float(one[1] / one[0]) for hour, one in sorted(self._held(name).items())}

    def total(self, name: str) -> dict[int, float]:
        """Return the sum of a business figure in each hour that had a value."""
        return {hour: float(one[1]) for hour, one in sorted(self._held(name).items())}

    def range(self, name: str) -> dict[int, tuple[float, float]]:
        """Return the least and greatest value of a business figure in each hour that had one."""
        return {hour: one[2:] for hour, one in sorted(self._held(name).items())}

    def _held(self, name: str) -> dict[int, tuple[int, Fraction, float, float]]:
        if name not in self._figures:
            raise InputError(
                f"there is no business figure {name!r}; there are {', '.join(self.figures) or 'none'}"
            )
        return self._figures[name]

    def to_json(self) -> str:
        """Return the profile as JSON; equal profiles give equal texts."""
        out: dict[str, Any] = {
            "format": _FORMAT,
            "version": VERSION,
            "newest": self._newest,
            "older": self.older,
        }
        out |= {"timeless": self.timeless, "no_number": self.no_number, "rows": sorted(self._rows.items())}
        out["figures"] = {name: _listed(held) for name, held in sorted(self._figures.items())}
        return json.dumps(out, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> TimeProfile:
        """Return the profile that `to_json` wrote.

        Raises
        ------
        InputError
            If it is no profile of times, of another version, or damaged.
        """
        raw = read_head(text, _FORMAT, VERSION, what="profile of times", maker="`TimeProfile.to_json`")
        return cls._read(raw)

    @classmethod
    def _read(cls, raw: Mapping[str, Any]) -> TimeProfile:
        out = cls()
        try:
            out.older, out.timeless, out.no_number = (int(raw[k]) for k in ("older", "timeless", "no_number"))
            out._newest = None if raw["newest"] is None else int(raw["newest"])
            out._rows = {int(h): int(n) for h, n in raw["rows"]}
            for name, held in raw["figures"].items():
                out._figures[str(name)] = {
                    int(h): (int(n), _fraction(s), float(low), float(high)) for h, n, s, low, high in held
                }
            hours = [*out._rows, *(h for held in out._figures.values() for h in held)]
            last = -math.inf if out._newest is None else out._newest - MOST_HOURS
            if hours and (out._newest is None or max(hours) > out._newest or min(hours) <= last):
                raise ValueError
            counts = [
                *out._rows.values(),
                *(one[0] for held in out._figures.values() for one in held.values()),
            ]
            if min(counts, default=1) < 1 or len(out._figures) > MOST_FIGURES:
                raise ValueError
        except (KeyError, TypeError, ValueError, OverflowError, ZeroDivisionError, AttributeError):
            raise InputError("its figures are damaged: make it anew") from None
        return out


def _joined(
    one: tuple[int, Fraction, float, float] | None, two: tuple[int, Fraction, float, float]
) -> tuple[int, Fraction, float, float]:
    if one is None:
        return two
    return one[0] + two[0], one[1] + two[1], min(one[2], two[2]), max(one[3], two[3])


def _listed(held: Mapping[int, tuple[int, Fraction, float, float]]) -> list[list[Any]]:
    ordered = sorted(held.items())
    return [[hour, n, f"{s.numerator:x}/{s.denominator:x}", low, high] for hour, (n, s, low, high) in ordered]


def _fraction(text: Any) -> Fraction:
    above, mark, below = str(text).partition("/")
    if not mark or len(above) > 700 or len(below) > 700:
        raise ValueError("no fraction")
    return Fraction(int(above, 16), int(below, 16))
