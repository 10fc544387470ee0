"""Rules in words, and in the units of the table: back through scalers and one-hot columns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._inspect.values import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelward.artifacts._inspect.columns import Origin, Origins
    from modelward.artifacts._inspect.rule import Condition, Rule

_SLACK = 1e-9
"""Scaling rounds, so the ends of a rule in the table's units are drawn in by this share."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a rule asks of one column of the table.

    Parameters
    ----------
    column : str
        Its name.
    index : int
        Its number in the table; −1 if the column is one that a transformer made.
    low, high : float
        Any number from `low` to `high` fulfils it, both included.
    is_not, equals : tuple
        Categories that it must not be, or the one that it must be, of a one-hot column.
    words : str
        For people.
    """

    column: str
    index: int
    low: float
    high: float
    is_not: tuple[Any, ...] = ()
    equals: tuple[Any, ...] = ()
    words: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data; an open end is null."""
        return {
            "column": self.column,
            "low": None if math.isinf(self.low) else self.low,
            "high": None if math.isinf(self.high) else self.high,
            "is_not": [described(item) for item in self.is_not],
            "equals": [described(item) for item in self.equals],
            "words": self.words,
        }


def column_name(names: Sequence[str] | None, index: int) -> str:
    """Return a column's name, or ``x`` and its number."""
    return names[index] if names is not None and index < len(names) else f"x{index}"


def terms(rule: Rule, origins: Origins | None, names: Sequence[str] | None) -> tuple[Term, ...]:
    """Return what a rule asks of the table's columns, one term for each column, in the table's order."""
    found: dict[tuple[int, str], Term] = {}
    for condition in rule.conditions:
        origin = (
            origins[condition.column] if origins is not None and condition.column < len(origins) else None
        )
        term = _term(condition, origin, names)
        key = (term.index, term.column if term.index < 0 else "")
        earlier = found.get(key)
        found[key] = term if earlier is None else _both(earlier, term)
    return tuple(found[key] for key in sorted(found, key=lambda k: (k[0] < 0, k[0], k[1])))


def _term(condition: Condition, origin: Origin | None, names: Sequence[str] | None) -> Term:
    low, high, above, up_to = condition.low, condition.high, condition.above, condition.up_to
    signs = ("≥", "<") if condition.strict else (">", "≤")
    if origin is None or len(origin.columns) != 1 or (not origin.straight and not origin.category):
        name = f"column {condition.column} after preprocessing"
        if origin is not None and len(origin.columns) == 1:
            name = f"{column_name(names, next(iter(origin.columns)))} after preprocessing"
        return _worded(Term(name, -1, low, high), above, up_to, signs)
    index = next(iter(origin.columns))
    name = column_name(names, index)
    if origin.category:
        return _category(origin, name, index, low, high)
    if origin.scale == 1 and origin.shift == 0:
        return _worded(Term(name, index, low, high), above, up_to, signs)
    low, high = ((end - origin.shift) / origin.scale for end in (low, high))
    slack = _SLACK * (abs(origin.shift / origin.scale) + max(_size(low), _size(high)))
    low, high = low + slack, high - slack
    return _worded(Term(name, index, low, high), low, high)


def _size(end: float) -> float:
    return 0.0 if math.isinf(end) else abs(end)


def _category(origin: Origin, name: str, index: int, low: float, high: float) -> Term:
    """Put a condition on a one-hot column, which is 0 or 1, into words of its category."""
    item = origin.category[0]
    said = _quoted(item)
    if low <= 0 <= high < 1:
        return Term(name, index, -math.inf, math.inf, is_not=(item,), words=f"{name} is not {said}")
    if 0 < low <= 1 <= high:
        return Term(name, index, -math.inf, math.inf, equals=(item,), words=f"{name} is {said}")
    if low <= 0 and high >= 1:
        return Term(name, index, -math.inf, math.inf, words=f"{name} is anything")
    return Term(f"{name} = {said}", -1, low, high, words=f"{name} = {said} is between {low:g} and {high:g}")


def _quoted(item: Any) -> str:
    return f"'{item}'" if isinstance(item, str) else str(described(item))


def _both(a: Term, b: Term) -> Term:
    """Join two terms about one column."""
    merged = Term(
        a.column, a.index, max(a.low, b.low), min(a.high, b.high), a.is_not + b.is_not, a.equals + b.equals
    )
    words = " and ".join(w for w in (a.words, b.words) if w)
    if merged.equals:
        words = f"{a.column} is {' and '.join(_quoted(item) for item in merged.equals)}"
    elif merged.is_not and math.isinf(merged.low) and math.isinf(merged.high):
        words = f"{a.column} is not {' or '.join(_quoted(item) for item in merged.is_not)}"
    return Term(merged.column, merged.index, merged.low, merged.high, merged.is_not, merged.equals, words)


def _worded(term: Term, above: float, up_to: float, signs: tuple[str, str] = (">", "≤")) -> Term:
    """Say a range as a person would; ends are rounded inwards, so what is said stays true."""
    name = term.column
    if math.isinf(above) and math.isinf(up_to):
        words = f"{name} is anything"
    elif math.isinf(above):
        words = f"{name} {signs[1]} {short(up_to, up=False)}"
    elif math.isinf(up_to):
        words = f"{name} {signs[0]} {short(above, up=True)}"
    else:
        turned = "≤" if signs[0] == "≥" else "<"
        words = f"{short(above, up=True)} {turned} {name} {signs[1]} {short(up_to, up=False)}"
    return Term(name, term.index, term.low, term.high, words=words)


def short(value: float, *, up: bool) -> str:
    """Return a number in few digits, rounded up or down, never across.

    Examples
    --------
    >>> short(1.5, up=True), short(0.123456789, up=True), short(0.123456789, up=False)
    ('1.5', '0.12346', '0.12345')
    >>> short(-1234567.25, up=False)
    '−1,234,568'
    """
    if math.isinf(value) or math.isnan(value):
        return "∞" if value > 0 else "−∞"
    digits = 0 if abs(value) >= 10_000 else 5 - max(0, math.floor(math.log10(abs(value) or 1)) + 1)
    if 0 < abs(value) < 1e-3 or abs(value) >= 1e15:
        return (
            f"{value:.6g}".replace("-", "−", 1)
            if f"{value:.6g}" and float(f"{value:.6g}") == value
            else _exact(value)
        )
    step = 10.0**digits
    rounded = (math.ceil if up else math.floor)(value * step) / step
    text = f"{rounded:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _exact(value: float) -> str:
    return repr(value).replace("-", "−", 1)
