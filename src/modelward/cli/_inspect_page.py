"""An inspection as a page: what to say, in which order, to somebody who did not make the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelward._version import __version__
from modelward.cli._inspect_tree import asked_ranges, small_tree
from modelward.findings import Series, Table
from modelward.reports import Item, Page, RuleCard, Section, Span

if TYPE_CHECKING:
    from modelward.artifacts import Inspection
    from modelward.artifacts._inspect.inspection import SureRule
    from modelward.artifacts._inspect.parts import Part
    from modelward.artifacts._inspect.wording import Term

_NAMED, _BARS, _CONDITIONS, _WORDS = 12, 20, 16, 20
_ALARMS = {
    "malicious": "Do not load this file: it runs what its author chose.",
    "suspicious": "Loading this file reaches code that nobody has vouched for. Read that code first.",
    "unreadable": "This file could not be read to its end. Nothing is known about the rest of it.",
}
_CALM = "The scan found nothing that would run when it is loaded."
_KINDS = {
    "impurity": "share of the decrease of impurity",
    "gain": "share of the gain of all splits",
    "splits": "share of the splits",
    "split counts": "splits on the column",
    "gain per split": "gain of a split on the column, made to add up to one",
    "total gain": "gain of all splits on the column",
}
_FOOT = (
    (
        "Everything here was read from the file's bytes. Nothing of it was loaded or run, and the library that wrote "
        "it was not asked."
    ),
    (
        "A rule is proven from the leaves of all trees: every row that fulfils it gets the label, whatever its other "
        "columns hold. Columns that a rule names must have a value. Numbers are compared as the library does, mostly "
        "in single precision; the JSON output has the exact ends. A drawn line goes over the values at which the model "
        "asks about its column."
    ),
)


def page_of(found: Inspection) -> Page:
    """Return the page about an inspected file."""
    sections = (_about(found), _columns(found), _made_of(found), _rules(found), _trees(found), _weights(found),
                _tensors(found), _words(found), _rows(found), _params(found), _names(found))  # fmt: skip
    return Page(
        title=found.path, headline=_headline(found), alarm=_alarm(found),
        calm=_CALM if found.verdict == "clean" else "", sections=tuple(s for s in sections if s is not None),
        findings=found.findings, exit_code=found.exit_code(), version=__version__, foot=_FOOT,
    )  # fmt: skip


def _alarm(found: Inspection) -> str:
    said = _ALARMS.get(found.verdict, "")
    if not said and any(f.code == "MW093" for f in found.findings):
        said = "This file holds what no honest training produces: somebody may have changed the model."
    return said


def _headline(found: Inspection) -> str:
    if not found.kind:
        return "There is no model in this file whose class is known."
    spoken = found.short.startswith(("XGB", "LGBM", "MLP", "SGD", "SV", "RFE"))
    article = "An" if spoken or found.short[:1].upper() in "AEIOU" else "A"
    made = f"{article} {found.short} of {found.library}" + (
        f" {found.library_version}" if found.library_version else ""
    )
    takes = f" over {_count(found.n_features, 'column')}" if found.n_features is not None else ""
    answers = f" that answers {_or(found.classes)}" if found.classes and not _nested(found.classes) else ""
    return f"{made}{takes}{answers}."


def _nested(classes: tuple[Any, ...]) -> bool:
    return any(isinstance(label, list) for label in classes)


def _or(classes: tuple[Any, ...]) -> str:
    shown = [str(label)[:40] for label in classes[:6]]
    if len(classes) > 6:
        return f"{', '.join(shown)} or {len(classes) - 6} more"
    return " or ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"


def _bytes(number: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000 or unit == "MB":
            return f"{number:,.0f} {unit}" if unit == "bytes" else f"{number:,.1f} {unit}"
        number = number / 1000  # type: ignore[assignment]
    return ""


def _about(found: Inspection) -> Section:
    facts = [("file", f"{found.format}, {_bytes(found.surface.n_bytes)}")]
    if found.kind:
        facts.append(("class", found.kind))
    facts.append(("library", f"{found.library or 'not told'} {found.library_version}".strip()))
    if found.written_by:
        facts.append(("written by", found.written_by))
    if found.surface.reproducible is False:
        named = ", ".join(found.surface.unseeded[:5])
        facts.append(("can be repeated", f"no: {named} is not set, so training again gives another model"))
    elif found.surface.reproducible:
        facts.append(("can be repeated", "yes, as far as seeds go: random_state is set"))
    facts.append(("training rows in it", _carried(found)))
    facts.extend(("note", remark) for remark in found.remarks)
    return Section("What it is", facts=tuple(facts), half=True)


def _carried(found: Inspection) -> str:
    if not found.training_data:
        return "none found where this kind of model keeps them"
    most = max(found.training_data, key=lambda rows: rows.rows)
    return f"{most.rows:,} rows of {most.columns:,} columns ({most.kind}): whoever holds the file has them"


def _made_of(found: Inspection) -> Section | None:
    if found.part is None or not (found.part.parts or found.part.facts):
        return None
    items: list[Item] = []
    _outline(found.part, 0, items)
    return Section("What it is made of", items=tuple(items), half=True)


def _outline(part: Part, depth: int, items: list[Item]) -> None:
    notes = []
    if part.columns:
        shown = ", ".join(part.columns[:6]) + (
            f" and {len(part.columns) - 6} more" if len(part.columns) > 6 else ""
        )
        notes.append(f"on {shown}")
    notes.extend(f"{name}: {_said(value)}" for name, value in part.facts[:6])
    items.append(Item(depth, part.name, part.short or part.kind, "; ".join(notes)))
    for inner in part.parts:
        _outline(inner, depth + 1, items)


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} = {item}" for key, item in list(value.items())[:5])
    return str(value)


def _columns(found: Inspection) -> Section | None:
    surface = found.surface
    if surface.used is None and not found.importances:
        return None
    facts = []
    if surface.used is not None and surface.columns is not None:
        said = f"{len(surface.used):,} of {_count(surface.columns, 'column')} can change the answer"
        facts.append(("used", said))
        if surface.unused:
            facts.append(("never used", f"{_list(surface.unused)}: they can hold anything"))
    series = []
    ranked = sorted(
        found.importances.items(), key=lambda item: -item[1] if math.isfinite(item[1]) else math.inf
    )
    ranked = [(name, value) for name, value in ranked if math.isfinite(value) and value > 0][:_BARS]
    if ranked:
        series.append(
            Series("importance", tuple(n for n, _ in ranked), tuple(v for _, v in ranked), kind="bar",
                   group="How much each column counts", y_label=_KINDS.get(found.importance_kind, ""))
        )  # fmt: skip
    return Section("Which columns count", facts=tuple(facts), series=tuple(series), half=True)


def _list(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _words(found: Inspection) -> Section | None:
    if not found.vocabularies:
        return None
    facts = []
    for one in found.vocabularies:
        weighed = one.words and one.words[0].weight is not None
        shown = [word.text if word.text.strip() else repr(word.text) for word in one.words[:_WORDS]]
        more = f" and {one.size - len(shown):,} more" if one.size > len(shown) else ""
        order = ", the most common first" if weighed else ""
        facts.append((one.path, f"{_count(one.size, 'word')}{order}: {', '.join(shown)}{more}"))
    lead = "Words of the texts it was trained with. Whoever holds the file reads them; the JSON output has them all."
    return Section("Its vocabulary", lead, facts=tuple(facts))


def _rules(found: Inspection) -> Section | None:
    if not found.trees:
        return None
    rules = found.surface.rules
    title = "The rule that always gives a label"
    if not rules:
        why = found.surface.why_no_rule or "no box was found in which all trees agree enough"
        return Section(title, f"None can be proven: {why}.")
    asked = asked_ranges(found)
    cards = tuple(_card(found, rule, asked) for rule in rules)
    lead = "Whoever can choose these columns can choose the answer. Proven for every row, not sampled."
    return Section(title, lead, rules=cards)


def _card(found: Inspection, rule: SureRule, asked: dict[str, tuple[float, float]]) -> RuleCard:
    tone = _tone(found, rule.label)
    title = f"always {rule.label}"
    if not rule.terms:
        return RuleCard(title, "Every row gets this label, whatever it holds.", "", (), tone)
    words = " and ".join(term.words for term in rule.terms[:_CONDITIONS])
    if len(rule.terms) > _CONDITIONS:
        words += f", and {len(rule.terms) - _CONDITIONS} more conditions that the JSON output has"
    spans = tuple(
        Span(term.column, term.words, term.low, term.high, *_range(term, asked))
        for term in rule.terms[:_CONDITIONS]
        if not term.is_not and not term.equals
    )
    return RuleCard(title, words, _behind(rule), spans, tone)


def _tone(found: Inspection, label: Any) -> int:
    classes = list(found.classes or ())
    return classes.index(label) if label in classes else 0


def _behind(rule: SureRule) -> str:
    if rule.counted is not None:
        share = rule.counted.inside / rule.counted.total
        return f"{rule.counted.inside:,} of {rule.counted.total:,} training rows fulfil it ({share:.1%})."
    if rule.at_most < 0.0005:
        return "Hardly any training row fulfils it: the rule is a narrow corner."
    if rule.at_most - rule.at_least < 0.001:
        return f"{rule.at_most:.1%} of the training rows fulfil it, by the counts in the leaves."
    if rule.at_least < 0.0005:
        return f"At most {rule.at_most:.1%} of the training rows fulfil it, by the counts in the leaves."
    return f"{rule.at_least:.1%} to {rule.at_most:.1%} of the training rows fulfil it, by the counts in the leaves."


def _range(term: Term, asked: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the range that is drawn: where the model asks about the column, and the condition's ends."""
    ends = [end for end in (term.low, term.high) if not math.isinf(end)]
    if not ends or max(map(abs, ends)) > 1e150:
        return 0.0, 0.0
    start, end = asked.get(term.column, (ends[0], ends[0]))
    start, end = min(start, *ends), max(end, *ends)
    room = 0.06 * (end - start) or max(abs(ends[0]), 1.0)
    return start - room, end + room


def _trees(found: Inspection) -> Section | None:
    trees = [tree for one in found.trees for tree in one.trees]
    if not trees:
        return None
    nodes = sum(len(tree.left) for tree in trees)
    facts = [
        ("trees", (f"{len(trees):,}, at most {max(one.max_depth for one in found.trees):,} deep, "
                  f"{_count(nodes, 'node')} together"))
    ]  # fmt: skip
    leaves = found.surface.leaves
    if leaves is not None:
        facts.append(
            (
                "rows behind a leaf",
                f"{leaves.smallest:,.0f} in the smallest, {leaves.median:,.0f} in the median",
            )
        )
        if leaves.few > 0:
            facts.append(
                ("memorised", (f"{leaves.few:.0%} of the leaves stand for fewer than ten training rows, "
                              f"{leaves.single:.0%} for a single one: such rows can be told from strangers "
                              "(membership inference)"))
            )  # fmt: skip
    drawn, title = small_tree(found)
    return Section("Its trees", facts=tuple(facts), tree=drawn, tree_title=title)


def _weights(found: Inspection) -> Section | None:
    if not found.weights:
        return None
    rows = sorted(found.weights.items(), key=lambda item: -max((abs(v) for v in item[1]), default=0.0))[:200]
    width = min(len(rows[0][1]), 6)
    classes = found.classes or ()
    heads = (
        tuple(f"for {label}" for label in classes[:width]) if len(classes) == len(rows[0][1])
        else (f"for {classes[-1]}",) if len(classes) == 2 and width == 1
        else tuple(f"score {i}" for i in range(width)) if width > 1 else ("weight",)
    )  # fmt: skip
    table = Table("Coefficients, largest first", ("column", *heads), tuple((n, *v[:width]) for n, v in rows))
    lead = "A linear model: each unit of a column moves the score by its coefficient, in the units that the model sees."
    facts = (("intercepts", ", ".join(f"{v:.4g}" for v in found.constants[:6])),) if found.constants else ()
    return Section("Its weights", lead, facts=facts, tables=(table,))


def _tensors(found: Inspection) -> Section | None:
    if not found.tensors:
        return None
    total = sum(math.prod(shape) for _, shape, _ in found.tensors)
    tables = [
        (name, shape) for name, shape, _ in found.tensors if len(shape) == 2 and "embed" in name.lower()
    ]
    facts = [("arrays", f"{len(found.tensors):,}, {total:,} numbers together")]
    facts.extend(
        ("embedding table", f"{name}: {shape[0]:,} entries of {shape[1]:,} numbers")
        for name, shape in tables[:8]
    )
    largest = sorted(found.tensors, key=lambda item: -math.prod(item[1]))[:60]
    table = Table(
        "Largest arrays", ("name", "shape", "kind"),
        tuple((name, " × ".join(f"{side:,}" for side in shape) or "one number", kind) for name, shape, kind in largest),
    )  # fmt: skip
    return Section("Its arrays", facts=tuple(facts), tables=(table,))


def _rows(found: Inspection) -> Section | None:
    if not found.training_data:
        return None
    rows = tuple(
        (r.path or "the object itself", r.rows, r.columns, r.kind) for r in found.training_data[:200]
    )
    table = Table("Where", ("path", "rows", "columns", "what"), rows)
    lead = (
        "Rows of training data stand in the file as they are. Give it the access rights of the data itself."
    )
    return Section("Training rows in the file", lead, tables=(table,))


def _params(found: Inspection) -> Section | None:
    if not found.params:
        return None
    rows = tuple((name, _said(value)) for name, value in list(found.params.items())[:400])
    return Section(
        "Hyper-parameters", tables=(Table("As get_params gives them", ("name", "value"), rows),), folded=True
    )


def _names(found: Inspection) -> Section | None:
    if not found.feature_names:
        return None
    used = None if found.surface.used is None else set(found.surface.used)
    rows = tuple(
        (i, name, "" if used is None else "yes" if name in used else "no")
        for i, name in enumerate(found.feature_names[:2_000])
    )
    return Section(
        "All columns", tables=(Table("In the model's order", ("number", "name", "used"), rows),), folded=True
    )
