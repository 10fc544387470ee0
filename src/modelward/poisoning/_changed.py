"""Rows that both tables have: what changed in them, by what map, under which rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from modelward.poisoning._coded import kind_of
from modelward.poisoning._evidence import surplus
from modelward.poisoning._grid import MIN_ROWS
from modelward.poisoning._maps import name_map, name_words_map
from modelward.poisoning._ranges import rule_mask, rule_text
from modelward.poisoning._rules import Aim, search
from modelward.poisoning._suspects import Suspect
from modelward.poisoning._words import gained_words
from modelward.stats import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.poisoning._align import Tables
    from modelward.poisoning._coded import Coded
    from modelward.poisoning._match import Matching

_GOOD = 0.75
_SAME = 0.99
_SWAPPED = 0.95
_WHOLE = 0.9


def changed(t: Tables, pairs: Matching) -> list[Suspect]:
    """Describe what changed in rows that are in both tables."""
    if t.old is None:
        return []
    found: list[Suspect] = []
    old = pairs.old + t.new.height
    before = t.coded.take(old)
    if t.y is not None:
        a, b = t.y[pairs.new], t.y[old]
        renamed = _renamed(a, b, len(t.labels))
        if renamed is not None:
            names = ", ".join(
                f"{t.labels[i]} is {t.labels[k]}" for i, k in enumerate(renamed.tolist()) if i != k
            )
            why = f"in bulk: the labels have other names now: {names}"
            found.append(Suspect("every row", why, "changed", pairs.new, 1.0, 1.0))
            b = renamed[b]
        for label in np.unique(a[a != b]).tolist():
            moved = (a != b) & (a == label)
            found += _rule_of(
                t, pairs, before, moved, b != label, f"relabelled to {t.labels[label]}", "", found
            )
    everything = np.ones(len(old), dtype=bool)
    for name in t.names:
        how, j = "", t.coded.names.index(name) if name in t.coded.names else None
        if j is None:
            first, then = (
                frame[name].cast(pl.String).fill_null("").gather(rows).to_numpy()
                for frame, rows in ((t.new, pairs.new), (t.old, pairs.old))
            )
            moved = first != then
            if moved.sum() >= MIN_ROWS:
                how = name_words_map(then[moved], first[moved])
                gained = _words(t, pairs, name, (first, then), moved)
                if gained:
                    found += gained
                    continue
        else:
            moved = t.coded.codes[j][pairs.new] != t.coded.codes[j][old]
            values, words = t.coded.numbers(j), t.coded.words[j]
            if isinstance(words, tuple) and moved.sum() >= MIN_ROWS:
                named = np.array([*words, ""], dtype=object)
                codes = t.coded.codes[j]
                how = name_words_map(named[codes[old][moved]], named[codes[pairs.new][moved]])
            elif values is not None and moved.sum() >= MIN_ROWS:
                how = name_map(values[old][moved], values[pairs.new][moved])
        if moved.any():
            how = how or (_swapped(t, pairs, name, moved) if moved.sum() >= MIN_ROWS else "")
            found += _rule_of(
                t, pairs, before, moved, everything, f"{name} changed {how}".strip(), how, found
            )
    return found


def _renamed(now: NDArray[np.int64], then: NDArray[np.int64], labels: int) -> NDArray[np.int64] | None:
    """Return the new name of every label if all have names that were none before; labels that were swapped have not."""
    if np.isin(now, then).any():
        return None
    counts = np.bincount(then * labels + now, minlength=labels * labels).reshape(labels, labels)
    old = np.flatnonzero(counts.any(axis=1))
    names = counts[old].argmax(axis=1)
    if len(set(names.tolist())) < len(old) or counts[old, names].sum() < _GOOD * len(now):
        return None
    renamed = np.arange(labels)
    renamed[old] = names
    return renamed


def _words(
    t: Tables, pairs: Matching, name: str, texts: tuple[NDArray[np.str_], NDArray[np.str_]], moved: NDArray[np.bool_]
) -> list[Suspect]:  # fmt: skip
    """Return the words that changed texts of one label gained, if they are most of what changed."""
    if t.y is None:
        return []
    first, then = texts
    out, told = [], np.zeros(len(moved), dtype=bool)
    for word in gained_words(first.tolist(), t.y[pairs.new], then.tolist(), t.y[pairs.old + t.new.height]):
        inside = np.zeros(len(moved), dtype=bool)
        inside[word.rows] = True
        inside &= moved
        if not inside.any():
            continue
        hits, count = int((t.y[pairs.new][inside] == word.label).sum()), int(inside.sum())
        why = f"{count:,} rows {name} changed; {hits:,} of them have {t.target} {t.labels[word.label]}: a trigger word"
        low, high = Proportion(hits, count).interval(0.95)
        rows = pairs.new[inside]
        out.append(
            Suspect(f"{name} holds {word.word!r}", why, "tampered", rows, low, high, count / moved.sum())
        )
        told |= inside
    return out if told[moved].mean() >= _GOOD else []


def _swapped(t: Tables, pairs: Matching, name: str, moved: NDArray[np.bool_]) -> str:
    """Name the other column that this one's new values came from; empty if there is none."""
    if t.old is None:
        return ""
    rows = pl.Series(np.flatnonzero(moved))
    now = t.new[name].gather(pairs.new[rows.to_numpy()])
    for other in t.names:
        if other == name or kind_of(t.old[other]) != kind_of(t.new[name]):
            continue
        then = t.old[other].gather(pairs.old[rows.to_numpy()])
        if (now.cast(pl.String) == then.cast(pl.String)).fill_null(value=False).mean() >= _SWAPPED:  # type: ignore[operator]
            return f"to the values of {other}"
    return ""


def _rule_of(
    t: Tables, pairs: Matching, before: Coded, moved: NDArray[np.bool_], could: NDArray[np.bool_], what: str,
    how: str, known: list[Suspect],
) -> list[Suspect]:  # fmt: skip
    count = int(moved.sum())
    said, rows = f"{count:,} rows {what}", pairs.new[moved]
    if count < MIN_ROWS:
        # Labels do not change by themselves: with a key it is that row, by content it may be another of its like.
        few: Literal["tampered", "changed"] = (
            "tampered" if pairs.by == "key" and what.startswith("relabelled") else "changed"
        )
        return [Suspect("rows without a rule", "fewer than ten rows: " + what, few, rows, 0.0, 1.0)]
    for earlier in known:
        # Several columns of the same rows: one search is enough.
        if earlier.recall is not None and _same(np.isin(pairs.new, earlier.rows) & could, moved):
            return [replace(earlier, why=said)]
    after = t.coded.take(pairs.new)
    block = _block(pairs.new[could], moved[could])
    for rows_then in (before, after) if not moved[could].all() else ():
        # A relabelled group is named by what its rows were, a trigger by what they became.
        rate = float(moved[could].mean())
        score = surplus([1], [0], rate)
        best = search(rows_then, np.where(could, moved, -1).astype(np.int64), 2, [Aim(score, score)])[1][0]
        if best is not None and best.counts[1] >= _GOOD * best.counts.sum():
            if block is not None and best.counts[1] < _GOOD * count:
                continue
            named, found = rows_then, best
            break
    else:
        if block is not None:
            low, high = Proportion(count, block[2]).interval(0.95)
            where = f"rows {block[0]:,} to {block[1]:,} of the file"
            return [Suspect(where, said, "tampered", rows, low, high, 1.0)]
        verdict: Literal["tampered", "changed"] = (
            "tampered" if how or what.startswith("relabelled") else "changed"
        )
        if moved.all():
            return [Suspect("every row", f"in bulk: {said}", verdict, rows, 1.0, 1.0)]
        return [Suspect("no rule describes them", said, verdict, rows, 1.0, 1.0)]
    hits, total = int(found.counts[1]), int(found.counts.sum())
    # The rule's rows that had the label already belong to what the rule names.
    low, high = Proportion(hits, total).interval(0.95)
    inside = pairs.new[rule_mask(found.rule, named)]
    return [Suspect(rule_text(found.rule, named), said, "tampered", inside, low, high, hits / count)]


def _block(positions: NDArray[np.int64], moved: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Return the first and the last row that changed, and the rows between, if they stand together in the file."""
    first, last = int(positions[moved].min()), int(positions[moved].max())
    between = (positions >= first) & (positions <= last)
    if moved[between].mean() < _GOOD or between.mean() > _WHOLE:
        return None
    return first, last, int(between.sum())


def _same(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    return bool((first & second).sum() >= _SAME * (first | second).sum())
