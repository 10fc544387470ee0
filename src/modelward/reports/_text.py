"""Words and numbers for people: every string that a report shows passes here first."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelward.findings import Measure, Table

NBSP = "\u00a0"
PERCENT_UNITS = frozenset({"share", "rate", "proportion", "fraction", "probability", "%", "share of rows"})
COUNT_UNITS = frozenset(
    {"rows", "row", "queries", "columns", "files", "names", "globals", "cells", "packages", "count", "fits"}
)
BARE_UNITS = frozenset({"auc", "score", "ratio", "index", "coefficient", ""})
_PERCENT_LABEL = re.compile(r"\b(share|rate|fraction|proportion)\b", re.IGNORECASE)
_CODE = re.compile(r"`([^`]{1,200})`|(--[a-z][a-z-]*(?: [A-Z][A-Z]*\b)?)")


def clean(text: object, limit: int = 4_000) -> str:
    """Return text without what could steer a terminal or turn reading order, on one line.

    Control and bidirectional characters and lone surrogates become U+FFFD, line breaks become spaces.

    Examples
    --------
    >>> clean("AGE\\x1b[2J\\nPAY")
    'AGE\ufffd[2J PAY'
    """
    return _scrub(str(text).replace("\r\n", " ").replace("\n", " ").replace("\t", " "), limit)


def clean_block(text: object, limit: int = 8_000) -> str:
    """Return text as `clean` does, but keep its line breaks: for code."""
    lines = str(text).replace("\r\n", "\n").expandtabs(4).split("\n")
    return _scrub("\n".join(lines), limit, keep="\n")


def _scrub(text: str, limit: int, keep: str = "") -> str:
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _is_hostile(c) else "\ufffd" for c in text)


def _is_hostile(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cf":
        return char not in "\u200c\u200d\u00ad"
    return category in ("Cc", "Cs", "Zl", "Zp", "Cn")


def is_percent(unit: str) -> bool:
    """Say whether figures of this unit are read best as a percentage."""
    return unit.strip().lower() in PERCENT_UNITS


def percent_axis(label: str) -> bool:
    """Say whether the label of an axis names a share or a rate."""
    return "%" not in label and _PERCENT_LABEL.search(label) is not None


def number(value: float, unit: str = "") -> str:
    """Return a figure with as many digits as a person reads, without its unit except for ``%``.

    Examples
    --------
    >>> number(0.22134, "share").replace(NBSP, " ")
    '22.1 %'
    >>> number(12000, "rows"), number(0.91449, "AUC"), number(float("nan"))
    ('12,000', '0.914', 'not known')
    """
    if not math.isfinite(value):
        return "not known" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if is_percent(unit):
        return bare(value, unit) + NBSP + "%"
    return bare(value, unit)


def bare(value: float, unit: str = "") -> str:
    """Return a figure like `number`, but without the ``%``: for the ends of an interval."""
    if not math.isfinite(value):
        return "not known" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    name = unit.strip().lower()
    if name in PERCENT_UNITS:
        shown = value * 100
        text = f"{shown:.1f}" if shown == 0 or abs(shown) >= 0.1 else f"{shown:.2g}"
    elif name in COUNT_UNITS and float(value).is_integer():
        text = f"{value:,.0f}"
    elif name == "auc":
        text = f"{value:.3f}"
    else:
        text = plain(value)
    return text.replace("-", "−") if "e" not in text else text


def plain(value: float | str) -> str:
    """Return any cell: whole numbers with thousands commas, others with three significant digits.

    Examples
    --------
    >>> plain(1234567), plain(0.000123), plain(3.14159), plain("AGE")
    ('1,234,567', '0.000123', '3.14', 'AGE')
    """
    if isinstance(value, bool | str) or not isinstance(value, int | float):
        return clean(value, 400)
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**15 else f"{value:.3g}"
    if not math.isfinite(value):
        return "not known" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if size >= 10**9 or (size and size < 1e-4):
        return f"{value:.3g}"
    if size >= 1_000 or float(value).is_integer():
        return f"{value:,.0f}"
    digits = 2 if size == 0 else max(0, 2 - math.floor(math.log10(size)))
    return f"{value:.{digits}f}"


def cells(table: Table, most: int) -> tuple[list[list[str]], list[bool]]:
    """Return the first rows of a table as text, and which columns hold nothing but figures.

    Fractions of one column get the same number of decimals, three digits for its largest.
    """
    lines = table.rows[:most]
    columns = [[line[i] for line in lines] for i in range(len(table.columns))]
    numeric = [
        bool(c) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in c) for c in columns
    ]
    texts = [
        column(c) if is_numeric else [plain(v) for v in c]
        for c, is_numeric in zip(columns, numeric, strict=True)
    ]
    return [[text[i] for text in texts] for i in range(len(lines))], numeric


def tick_names(values: Sequence[float], *, percent: bool, log: bool = False) -> list[str]:
    """Return the words at an axis: equal decimals, no more than the steps need.

    Examples
    --------
    >>> tick_names((0.0, 0.05, 0.1), percent=False), tick_names((0.01, 1.0, 1000.0), percent=False, log=True)
    (['0', '0.05', '0.10'], ['0.01', '1', '1,000'])
    """
    shown = [v * 100 for v in values] if percent else list(values)
    digits = next((d for d in range(7) if all(abs(round(v, d) - v) < 1e-9 for v in shown)), None)
    if log or digits is None or any(abs(v) >= 10**9 for v in shown):
        said = [
            f"{v:,.4g}" if abs(v) < 1_000 else f"{v:,.0f}" if abs(v) < 10**9 else f"{v:.3g}" for v in shown
        ]
    else:
        said = [f"{v:,.{digits}f}" if v else "0" for v in shown]
    return [text.replace("-", "−") + (f"{NBSP}%" if percent else "") for text in said]


def column(values: Sequence[Any]) -> list[str]:
    """Return figures that stand under each other with the same number of decimals."""
    sizes = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v)]
    if not sizes or all(s == int(s) for s in sizes) or not 1e-4 <= max(sizes) < 1_000:
        return [plain(v) for v in values]
    digits = max(0, 2 - math.floor(math.log10(max(sizes))))
    return [f"{v:,.{digits}f}".replace("-", "−") if math.isfinite(v) else plain(v) for v in values]


def suffix(measure: Measure) -> str:
    """Return what stands behind a figure: the unit, unless it is a share, an AUC, or said in the name."""
    name = measure.unit.strip().lower()
    silent = name in PERCENT_UNITS or name in BARE_UNITS or name in measure.name.lower()
    return "" if silent else f" {clean(measure.unit, 40)}"


def is_exact(measure: Measure) -> bool:
    """Say whether a figure was counted, not estimated."""
    return measure.low == measure.value == measure.high


def interval(measure: Measure) -> str:
    """Return the shown interval, such as ``[20.3 – 24.0]``, or ``(exact)``."""
    if is_exact(measure):
        return "(exact)"
    if math.isnan(measure.low) and math.isnan(measure.high):
        return "no interval"
    return f"[{bare(measure.low, measure.unit)} – {bare(measure.high, measure.unit)}]"


def figure(measure: Measure) -> str:
    """Return value, interval and unit on one line: ``22.1 % [20.3 – 24.0]`` or ``0 names (exact)``."""
    if is_exact(measure):
        return f"{number(measure.value, measure.unit)}{suffix(measure)} (exact)"
    return f"{number(_readable(measure), measure.unit)} {interval(measure)}{suffix(measure)}"


def _readable(measure: Measure) -> float:
    """Return the value, or zero where it is that beside its interval: −1.1e-16 [−0.3 – 0.3] tells nobody more."""
    width = measure.high - measure.low
    return 0.0 if math.isfinite(width) and abs(measure.value) < 1e-3 * width else measure.value


def limit_text(value: float, unit: str) -> str:
    """Return a limit as somebody would write it down: without digits that it does not have.

    Examples
    --------
    >>> limit_text(0.05, "share").replace(NBSP, " "), limit_text(0.11, "AUC")
    ('5 %', '0.11')
    """
    if not math.isfinite(value):
        return plain(value)
    return f"{value * 100:.6g}{NBSP}%" if is_percent(unit) else f"{value:,.6g}".replace("-", "−")


def limits(measure: Measure) -> tuple[str, ...]:
    """Return the limits in words, such as ``("warns above 2.0 %", "fails above 5.0 %")``."""
    side = "above" if measure.worse == "higher" else "below"
    said = []
    if measure.warn is not None:
        said.append(f"warns {side} {limit_text(measure.warn, measure.unit)}")
    if measure.limit is not None:
        said.append(f"fails {side} {limit_text(measure.limit, measure.unit)}")
    return tuple(said)


def split_code(text: str) -> list[tuple[str, bool]]:
    """Split words into parts; True marks command-line flags and what stands between backticks.

    Examples
    --------
    >>> split_code("needs --train FILE to compare")
    [('needs ', False), ('--train FILE', True), (' to compare', False)]
    """
    parts, at = [], 0
    for match in _CODE.finditer(text):
        if match.start() > at:
            parts.append((text[at : match.start()], False))
        parts.append((match[1] or match[2], True))
        at = match.end()
    if at < len(text):
        parts.append((text[at:], False))
    return parts


def _spoken(key: object) -> str:
    return str(key).replace("_", " ")


def facts(mapping: Mapping[str, Any], limit: int = 400) -> list[tuple[str, str]]:
    """Flatten nested plain data to names and values for a list of facts, in its own order."""
    found: list[tuple[str, str]] = []

    def walk(prefix: str, value: Any) -> None:
        if len(found) >= limit:
            return
        if isinstance(value, dict) and {"value", "low", "high"} <= value.keys():
            said = f"{plain(value['value'])} [{plain(value['low'])} – {plain(value['high'])}]"
            said += f", n = {plain(value['n'])}" if "n" in value else ""
            found.append((clean(prefix, 200), said))
        elif isinstance(value, dict) and value:
            for key, inner in value.items():
                walk(f"{prefix} · {_spoken(key)}" if prefix else _spoken(key), inner)
        elif isinstance(value, list | tuple):
            found.append((clean(prefix, 200), clean(", ".join(plain(v) for v in value) or "none", 600)))
        elif value is None or value == "" or value == {}:
            found.append((clean(prefix, 200), "none"))
        else:
            found.append((clean(prefix, 200), plain(value)))

    walk("", dict(mapping))
    return found
