"""What was found in a table or in labelled pictures, as a page: suspects, differences, what was not looked into."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward._version import __version__
from modelward.findings import Series, Table
from modelward.reports import Page, RuleCard, Section

if TYPE_CHECKING:
    from modelward.poisoning import ColumnShift, DataComparison, FlipRate, GroupRate, Lock, Suspect
    from modelward.stats import Proportion

_MOST_CARDS = 12
_MOST_PICTURES = 6
_MOST_RATES = 12
_MOST_COLUMNS = 200
_TONES = {"tampered": 1, "changed": 2, "drift": 2}
_FOOT = (
    (
        "Tampered: there is evidence that drift cannot give, such as a matched row that was changed in bulk, labels "
        "that are pure at sharp edges, numbers of a foreign precision, or copies of other rows. Drift: the two samples "
        "differ, as they do when the world changes. Whether a change was ordered is not in the data: a correction in "
        "bulk that you asked for is shown like any other."
    ),
    (
        "A rule is called only where its evidence goes beyond what chance gives to the best of all rules that the "
        "columns' values allow, with a probability of 0.5 % for a search. Intervals are 95 % (Clopper-Pearson)."
    ),
    (
        "No row of the data is shown. Ranges are rounded, and groups of fewer than ten rows are left out; the ends of "
        "a suspect's rule, and a trigger's value, are named as they are. `-o rows.csv` has the suspects' row numbers."
    ),
)
_PICTURES_FOOT = (
    (
        "Tampered: there is evidence that drift cannot give, such as a patch in pictures of one label although the "
        "rest of those pictures looks like others. Drift: the two sets differ, as they do when the world changes."
    ),
    (
        "What is named goes beyond what chance gives to the best of all that was searched, with a probability of 0.5 % "
        "for a search. Intervals are 95 % (Clopper-Pearson). `-o rows.csv` has the suspects' numbers and files."
    ),
)


def page_of(
    found: DataComparison, flips: FlipRate | None, tried: tuple[Lock, ...], name: str, exit_code: int,
    *, pictures: bool = False,
) -> Page:  # fmt: skip
    """Return the page about a table or about labelled pictures.

    Parameters
    ----------
    found : DataComparison
    flips : FlipRate or None
    tried : tuple of Lock
        Ways to train in spite of the suspects; empty if none was tried.
    name : str
        Of the file.
    exit_code : int
    pictures : bool
        Whether rows are pictures.
    """
    rows = "pictures" if pictures else "rows"
    sections = [_facts(found, flips, rows)]
    if found.suspects:
        sections.append(_suspects(found, rows))
    if tried:
        sections.append(_locks(tried))
    if histograms := _pictures(found):
        sections.append(histograms)
    if found.rates:
        sections.append(_rates(found))
    if found.columns or found.rates:
        sections.append(_columns(found))
    if found.notes:
        lead = "What nobody looked into is not clean."
        facts = tuple((f"{i}.", note) for i, note in enumerate(found.notes, 1))
        sections.append(Section("Not looked into", lead, facts=facts))
    asked = "were these pictures tampered with?" if pictures else "was this table tampered with?"
    return Page(
        title=name, headline=_headline(found, rows), alarm=_alarm(found), calm="", sections=tuple(sections),
        findings=(), exit_code=exit_code, version=__version__, foot=_PICTURES_FOOT if pictures else _FOOT, brand=asked,
        closing="None of the pictures is shown." if pictures else "No row of the data is shown.",
    )  # fmt: skip


def _headline(found: DataComparison, what: str) -> str:
    tampered = [s for s in found.suspects if s.verdict == "tampered"]
    if tampered:
        count = f"{len(tampered)} suspect{'s' if len(tampered) > 1 else ''}"
        rows = f" ({len(tampered[0].rows):,} {what})" if len(tampered[0].rows) else ""
        return f"There is evidence of tampering: {count}, first {tampered[0].rule}{rows}."
    changed = any(s.verdict == "changed" for s in found.suspects)
    if changed and not found.matched:
        return "What is named here may have come about by itself, and may have been put there: look at it."
    if changed:
        return (
            f"{what.capitalize()} were changed or removed, and nothing says why: look whether that was meant."
        )
    if found.suspects:
        return "They differ from the reference, but nothing in that is evidence of tampering."
    if found.matched and found.complete:
        return f"All {what} stand in the reference as they are here."
    return "No evidence of tampering was found, which is no proof that there was none."


def _alarm(found: DataComparison) -> str:
    if found.tampered:
        return (
            "Do not train on these rows before somebody who knows their history has looked at the suspects."
        )
    return ""


def _facts(found: DataComparison, flips: FlipRate | None, rows: str) -> Section:
    how = {
        "key": "by a key column", "content": "by content",
        "nothing": f"the reference holds other {rows}", "no reference": "there is no reference",
    }[found.matched_by]  # fmt: skip
    facts = [(rows, f"{found.rows:,}"), ("matched", how)]
    if found.matched:
        facts.append(
            ("in both files", f"{found.matched:,}; {found.added:,} added, {found.removed:,} removed")
        )
    departing = sum(c.departs for c in found.columns)
    if not all(math.isnan(c.distance) for c in found.columns):
        facts.append(("columns that depart", f"{departing:,} of {len(found.columns):,}"))
    if flips is not None and flips.rate is None:
        facts.append(("flipped at random", f"at most {flips.high:.1%} of the labels"))
    elif flips is not None:
        facts.append(
            ("flipped at random", f"{flips.rate:.1%} of the labels [{flips.low:.1%} to {flips.high:.1%}]")
        )
    return Section("The table" if rows == "rows" else "The pictures", facts=tuple(facts))


def _suspects(found: DataComparison, rows: str) -> Section:
    shown = found.suspects[:_MOST_CARDS]
    rest = len(found.suspects) - len(shown)
    lead = f"{rest} more are in the JSON output." if rest else ""
    return Section("Suspects", lead, rules=tuple(_card(s, rows) for s in shown))


def _card(suspect: Suspect, rows: str) -> RuleCard:
    note = f"{len(suspect.rows):,} {rows}"
    if not len(suspect.rows):
        note = f"all {rows}" if suspect.recall is None else f"{rows} of the reference"
    elif suspect.verdict != "changed" and suspect.high > suspect.low:
        note += f"; holds for {100 * suspect.low:.1f} to {100 * suspect.high:.1f} % of them"
    if suspect.recall is not None:
        note += f"; covers {suspect.recall:.0%} of the rows so changed"
    return RuleCard(suspect.verdict, f"{suspect.rule}: {suspect.why}", note, tone=_TONES[suspect.verdict])


def _locks(tried: tuple[Lock, ...]) -> Section:
    names = tuple(lock.name for lock in tried)
    what = "share of suspects that get the suspects' label"
    pull = _bars(
        "suspects that did not train", names, [lock.pull for lock in tried], what, "Pull of the suspects"
    )
    head = ("training", "suspects pulled", "accuracy elsewhere", "change of accuracy", "certified")
    rows = []
    for lock in tried:
        low, high = lock.price.interval(0.95)
        change = (
            f"{100 * lock.price.value:+.1f} [{100 * low:+.1f} to {100 * high:+.1f}]"
            if lock.price.value or high
            else "–"
        )
        safe = "–" if lock.certified is None else f"{lock.certified:.0f} labels"
        rows.append((lock.name, _share(lock.pull), _share(lock.accuracy), change, safe))
    lead = (
        "Small models trained with half of the suspects and asked about the other half: with everything; with the "
        "suspects dropped; by a vote of models that have each a part of the rows; without as many rows that the model "
        "finds least likely; and without as many other rows, which is what chance does. Certified: so many "
        "training labels can be changed at will without changing the answers of half of the other rows."
    )
    table = Table("Suspects' pull and what each way of training does", head, tuple(rows))
    return Section("What the suspects do to a model", lead, series=(pull,), tables=(table,))


def _share(share: Proportion) -> str:
    low, high = share.interval(0.95)
    return f"{100 * share.value:.1f} % [{100 * low:.1f} to {100 * high:.1f}]"


def _pictures(found: DataComparison) -> Section | None:
    departing = [c for c in found.columns if c.departs and len(c.histogram) > 1]
    departing.sort(key=lambda c: -c.distance)
    if not departing:
        return None
    series = []
    for column in departing[:_MOST_PICTURES]:
        names = tuple(text for text, _, _ in column.histogram)
        for label, pick in (("new", 1), ("reference", 2)):
            shares = tuple(float(bar[pick]) for bar in column.histogram)
            series.append(
                Series(
                    label,
                    names,
                    shares,
                    (),
                    (),
                    "",
                    "share of the rows",
                    "bar",
                    f"{column.name} in both tables",
                )
            )
    return Section(
        "Columns that depart",
        "That two samples differ is no evidence of tampering by itself.",
        series=tuple(series),
    )


def _rates(found: DataComparison) -> Section:
    shown = found.rates[:_MOST_RATES]
    label = {r.label for r in shown}
    names = tuple(r.group if len(label) == 1 else f"{r.group}, label {r.label}" for r in shown)
    what = f"share of label {next(iter(label))}" if len(label) == 1 else "share of the label"
    series = [_bars("new", names, [r.rate for r in shown], what)]
    before = [r.before for r in shown if r.before is not None]
    if len(before) == len(shown):
        series.append(_bars("reference", names, before, what))
    lead = "Those that differ most come first." if before else "The highest come first."
    return Section("Label rates by group", lead, series=tuple(series))


def _bars(
    name: str,
    names: tuple[str, ...],
    shares: list[Proportion],
    what: str,
    group: str = "Label rates by group",
) -> Series:
    edges = [share.interval(0.95) for share in shares]
    return Series(
        name, names, tuple(share.value for share in shares), tuple(low for low, _ in edges),
        tuple(high for _, high in edges), "", what, "bar", group,
    )  # fmt: skip


def _rate_row(r: GroupRate) -> tuple[str, ...]:
    if r.before is None:
        return (r.group, r.label, f"{r.rate.value:.1%}", f"{r.rate.n:,}", "–", "–", "–")
    before, n = f"{r.before.value:.1%}", f"{r.before.n:,}"
    return (r.group, r.label, f"{r.rate.value:.1%}", f"{r.rate.n:,}", before, n, f"{r.gap:+.1f}")


def _columns(found: DataComparison) -> Section:
    columns = sorted(found.columns, key=lambda c: (not c.departs, -max(0.0, c.distance)))
    head = ("column", "holds", "missing", "before", "precision", "before", "distance", "departs")
    rows = tuple(_column_row(c) for c in columns[:_MOST_COLUMNS])
    rest = len(columns) - len(rows)
    tables = [Table("Columns: missing values, precision and distance", head, rows)]
    if found.rates:
        groups = ("group", "label", "new", "rows", "reference", "rows", "standard errors")
        tables.append(Table("Label rates by group", groups, tuple(_rate_row(r) for r in found.rates)))
    lead = f"{rest:,} more columns are in the JSON output." if rest else ""
    return Section("Columns and groups in figures", lead, tables=tuple(tables), folded=True)


def _column_row(c: ColumnShift) -> tuple[str, ...]:
    missing = tuple("–" if math.isnan(v) else f"{v:.1%}" for v in (c.missing, c.missing_before))
    steps = tuple("–" if math.isnan(v) else f"{v:g}" for v in (c.step, c.step_before))
    distance = "–" if math.isnan(c.distance) else f"{c.distance:.3f}"
    return (c.name, c.kind, *missing, *steps, distance, c.how or "yes" if c.departs else "no")
