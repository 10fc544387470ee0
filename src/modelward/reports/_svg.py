"""Drawing by hand: elements that escape themselves, scales, and ticks that people can read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


class Drawing(str):
    """Markup that was made by `element`; every other string is escaped when it is put in."""

    __slots__ = ()

    def __html__(self) -> str:
        """Tell a template that this is markup already."""
        return str(self)


def element(tag: str, *children: str, **attributes: str | float | None) -> Drawing:
    """Return one element; text and attributes are escaped, ``class_`` stands for ``class``.

    Examples
    --------
    >>> str(element("text", "a < b", class_="tick", x=1.0, text_anchor="end"))
    '<text class="tick" x="1" text-anchor="end">a &lt; b</text>'
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(str(c) if isinstance(c, Drawing) else escape(c) for c in children)
    return Drawing(f"<{tag}{said}>{inner}</{tag}>" if inner else f"<{tag}{said}/>")


def group(parts: Iterable[str], **attributes: str | float | None) -> Drawing:
    """Return a ``<g>`` around parts."""
    return element("g", *parts, **attributes)


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else point(value)


def point(value: float) -> str:
    """Return a coordinate, short."""
    return f"{value:.1f}".rstrip("0").rstrip(".").replace("-0", "0") if abs(value) < 0.05 else _trim(value)


def _trim(value: float) -> str:
    text = f"{value:.1f}"
    return text.removesuffix(".0")


@dataclass(frozen=True, slots=True)
class Scale:
    """From data to coordinates, linear or logarithmic.

    Parameters
    ----------
    low, high : float
        Domain, finite, low < high, both positive if `log`.
    start, end : float
        Coordinates of its ends.
    log : bool
        Whether equal ratios have equal lengths.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the coordinate; what lies outside of the domain is drawn at its edge."""
        value = min(max(value, self.low), self.high)
        if self.log:
            # Differences of logarithms: a quotient of floats can be infinite.
            low = math.log(self.low)
            share = (math.log(value) - low) / (math.log(self.high) - low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Return round values inside the domain."""
        return log_ticks(self.low, self.high, most) if self.log else ticks(self.low, self.high, most)


def ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Return round values in [low, high], at most about `most`.

    Examples
    --------
    >>> ticks(0, 0.23)
    (0.0, 0.05, 0.1, 0.15, 0.2)
    """
    step = _step((high - low) / max(1, most - 1))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(float(f"{i * step:.12g}") for i in range(first, last + 1))


def log_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Return powers of ten in [low, high]; with 2 and 5 between them where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = [10.0**e for e in range(first, last + 1) if low * 0.999 <= 10.0**e <= high * 1.001]
    if len(decades) > most:
        return tuple(decades[:: math.ceil(len(decades) / most)])
    if len(decades) >= 3:
        return tuple(decades)
    fine = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    return tuple(v for v in fine if low * 0.999 <= v <= high * 1.001)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))


def widen(low: float, high: float) -> tuple[float, float]:
    """Return a domain with room in it, at round ends, whatever the values are.

    Examples
    --------
    >>> widen(3, 3)
    (2.0, 4.0)
    """
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        room = abs(low) / 4 or 1.0
        low, high = low - room, high + room
    for _ in range(2):  # rounding outwards may ask for a wider step
        step = _step((high - low) / 5)
        low = float(f"{math.floor(low / step + 1e-9) * step:.12g}")
        high = float(f"{math.ceil(high / step - 1e-9) * step:.12g}")
    return low, high
