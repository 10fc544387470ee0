"""A profile of a table as a page: what its columns are, and what moved beside another profile."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from modelward._version import __version__
from modelward.findings import MIN_ROWS, Series, Table
from modelward.reports import Page, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelward.profiles import Profile, TextProfile

_MOST_PICTURES, _MOST_ROWS, _MOST_WORDS, _MOST_BARS = 12, 60, 12, 20
_MOVED = 1.0
"""Standard errors from which a word is shown as one that moved."""
_FOOT = (
    ("Quantiles are read off a histogram; distinct values are an estimate with a standard error of 3 %. Beside another "
    "profile a column's distance is the total variation between the two histograms: 0 the same, 1 nothing in common."),
    ("Words and values are named only where ten rows have them. A word's score is the difference of its shares in "
    "standard errors."),
)  # fmt: skip


def page_of(made: Profile, before: Profile | None, name: str, notes: Mapping[str, str]) -> Page:
    """Return the page.

    Parameters
    ----------
    made : Profile
    before : Profile or None
        Of the same layout, to compare with.
    name : str
        Of the file.
    notes : mapping of str to str
        What is wrong with a column.
    """
    sections, order = [_columns(made)], list(range(len(made.layout.names)))
    if before is not None:
        far = [_distance(before.counts[j], made.counts[j]) for j in order]
        order.sort(key=lambda j: (-far[j], j))
        sections.insert(0, _moved(made, before, far, order))
    sections += [_words(column, text) for column, text in made.texts.items()]
    sections.append(Section("Histograms", series=_pictures(made, before, order), folded=True))
    missing, illegal = int(made.missing.sum()), int(made.illegal.sum())
    said = [f"column {column!r}: {what}" for column, what in sorted(notes.items())[:20]]
    infinite = [n for n, k in zip(made.layout.names, made.infinite.tolist(), strict=True) if k]
    if infinite:
        said.append(f"infinite values in {', '.join(infinite[:20])}: they are in no bin and no moment")
    return Page(
        f"Profile of {name}",
        f"{made.rows:,} rows, {len(made.layout.names)} columns, {missing:,} values missing, {illegal:,} outside the "
        "schema",
        "; ".join(said), "", tuple(sections), (), 0, __version__, _FOOT, "profile",
        "No row of the data is on this page.",
    )  # fmt: skip


def _columns(made: Profile) -> Section:
    rows = []
    for j, column in enumerate(made.layout.schema.columns[:_MOST_ROWS]):
        top = made.top(j, 1)
        named = (
            f"{top[0][0]} ({top[0][1] / max(1, made.rows):.0%})" if top and made.layout.by_value[j] else "–"
        )
        shown = ["–"] * 5
        if not column.coded:
            quantiles = [made.quantile(j, q).value for q in (0.01, 0.5, 0.99)]
            shown = [_number(v) for v in (made.mean(j), math.sqrt(made.variance(j)), *quantiles)]
        rows.append((
            column.name, column.kind, _share(made.missing[j], made.rows), _share(made.illegal[j], made.rows),
            _distinct(made, j), *shown, named,
        ))  # fmt: skip
    titles = (
        "column",
        "kind",
        "missing",
        "illegal",
        "distinct",
        "mean",
        "sd",
        "1 %",
        "median",
        "99 %",
        "most frequent",
    )
    more = len(made.layout.names) - len(rows)
    return Section(
        "Columns",
        f"{more} more columns are in the profile." if more else "",
        tables=(Table("Of all rows", titles, tuple(rows)),),
    )


def _moved(made: Profile, before: Profile, far: list[float], order: list[int]) -> Section:
    names = made.layout.names
    rows = tuple(
        (
            names[j], _number(far[j]), _both(before.missing[j], before.rows, made.missing[j], made.rows),
            _both(before.illegal[j], before.rows, made.illegal[j], made.rows),
            f"{_number(before.mean(j))} → {_number(made.mean(j))}" if not made.layout.schema.columns[j].coded else "–",
        )
        for j in order[:_MOST_ROWS]
    )  # fmt: skip
    table = Table("The furthest first", ("column", "distance", "missing", "illegal", "mean"), rows)
    return Section("What moved", "Beside the profile given.", tables=(table,))


def _pictures(made: Profile, before: Profile | None, order: Iterable[int]) -> tuple[Series, ...]:
    out = []
    for j in islice(order, _MOST_PICTURES):
        names = made.layout.slot_names(j)
        seen = made.counts[j] + (before.counts[j] if before is not None else 0)
        # Bins have rounded edges; a value that fewer than ten rows have is not drawn.
        places = [
            s for s, n in enumerate(names) if n and (not made.layout.by_value[j] or seen[s] >= MIN_ROWS)
        ]
        if not made.layout.by_value[j]:
            places = [places[-2], *places[:-2], places[-1]]
        # A column in which no value is common, such as a key, has nothing to draw.
        if not places:
            continue
        width = -(-len(places) // _MOST_BARS)
        joined = [places[k : k + width] for k in range(0, len(places), width)]
        for what, held in (("before", before), ("now", made)):
            if held is not None:
                total = max(1, int(held.present[j]))
                y = tuple(float(held.counts[j, group].sum()) / total for group in joined)
                x = tuple(_joined([names[s] for s in group]) for group in joined)
                out.append(Series(what, x, y, y_label="share", kind="bar", group=made.layout.names[j]))
    return tuple(out)


def _words(column: str, text: TextProfile) -> Section:
    told = text.counted()
    facts = (
        ("texts", f"{text.texts:,}"), ("words of a text", _number(text.mean_words)),
        ("words that the reference has not", _percent(text.unseen_share)),
        ("texts with such a word", _share(told["texts with unseen words"], text.texts)),
        ("texts with invisible characters", _share(told["invisible characters"], text.texts)),
        ("texts without words", _share(told["without words"], text.texts)),
    )  # fmt: skip
    moved = [r for r in text.rises(_MOST_WORDS) if abs(r.score) >= _MOVED]
    rows = tuple((r.word, _percent(r.before), _percent(r.now), f"{r.score:+.1f}") for r in moved)
    common = tuple((w, _number(v)) for w, v in list(text.tf_idf().items())[:_MOST_WORDS])
    return Section(
        f"Words of {column}", "", facts,
        tables=(
            # A profile that made its own reference has nothing that moved.
            *([Table("Moved most beside the reference", ("word", "reference", "here", "score"), rows)] if rows else []),
            Table("Largest TF-IDF", ("word", "TF-IDF"), common),
        ),
    )  # fmt: skip


def _distinct(made: Profile, j: int) -> str:
    """Return how many different values there are; of values in words all that have no name are one code."""
    other = made.layout.by_value[j] and made.layout.schema.columns[j].coded
    known = len(made.layout.points[j])
    if other and made.counts[j, known]:
        return f"over {max(0, round(made.distinct(j)) - 1):,}"
    return f"{made.distinct(j):,.0f}"


def _joined(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    first, last = names[0].split(" to "), names[-1].split(" to ")
    if names[0].startswith("below"):
        return f"up to {last[-1]}"
    if names[-1].startswith("above"):
        return f"from {first[0]}"
    return f"{first[0]} to {last[-1]}" if len(last) == 2 else f"{names[0]} … {names[-1]}"


def _distance(one: np.ndarray, two: np.ndarray) -> float:
    a, b = int(one.sum()), int(two.sum())
    return float(np.abs(one / a - two / b).sum() / 2) if a and b else math.nan if not (a or b) else 1.0


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}"


def _share(part: int, whole: int) -> str:
    return _percent(part / whole) if whole else "–"


def _both(a: int, n: int, b: int, m: int) -> str:
    return "–" if not (a or b) else f"{_share(a, n)} → {_share(b, m)}"
