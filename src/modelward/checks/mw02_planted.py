"""MW023: how many rows a supplier must plant for a backdoor, or to decide about one person."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, CheckSkipped, Evidence
from modelward.errors import NotRefittable
from modelward.findings import Claim, Countermeasure, Series, Table
from modelward.poisoning import (
    LEVELS,
    Backdoor,
    LegalRows,
    Person,
    all_attacks,
    all_sieves,
    attack_curves,
    exposure_by_source,
)

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.poisoning import AttackCurves, Curve, Guarded, Needed
    from modelward.stats import Bootstrap, Proportion

_TRIED: dict[str, tuple[float, ...]] = {
    "quick": (0.01, 0.05),
    "standard": (0.002, 0.01, 0.05),
    "full": LEVELS,
}
_REPEATS = {"quick": 2, "standard": 3, "full": 10}
_FIT_SHARE = {"quick": 4, "standard": 8, "full": 4}
"""The part of the budget's rows that each of the many models is trained on: one in so many."""
_SOURCES = {"quick": 5, "standard": 10, "full": 50}
_TENTH, _HALF = 0.10, 0.50
_AIMS = {
    "trigger": "share of other rows that the trigger turns to class {label}",
    "person": "share of persons who get class {label}",
    "subgroup": "points by which the share of class {label} moves where {rule}",
    "accuracy": "accuracy lost",
}


class PlantedRows(Check):
    """Plant rows among the training rows, train again, and see what they reach.

    Backdoors of one and of two columns, and one person's answer; with more budget also backdoors and persons
    without a wrong label, a scaled column, and labels that a search picks.
    """

    code = "MW023"
    title = "Exposure to planted rows"
    number = 2
    severity = "medium"
    exposure = ("suppliers",)
    limits = {}
    references = (
        "Gu, Dolan-Gavitt & Garg 2017, BadNets",
        "Shafahi et al. 2018, Poison Frogs",
        "Turner, Tsipras & Madry 2019, Label-Consistent Backdoor Attacks",
        "Jagielski et al. 2021, Subpopulation Data Poisoning Attacks",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        if scope.train is None:
            raise CheckNotGiven("needs --train FILE, the rows that the model was trained on")
        if scope.subject.trainer is None:
            raise CheckNotApplicable(
                "the model cannot be trained again: callables and endpoints cannot be cloned"
            )
        name = scope.budget.name
        quick = name == "quick"
        try:
            found = attack_curves(
                scope.subject, scope.train.X, scope.train.y, scope.test.X, scope.test.y, goal=scope.goal,
                sensitive=scope.sensitive, attacks=(Backdoor(1), Backdoor(2), Person()) if quick else all_attacks(),
                levels=_TRIED[name], sieves=(LegalRows(),) if quick else all_sieves(), sieve_share=_TRIED[name][-1],
                fit_rows=scope.budget.fit_rows // _FIT_SHARE[name], repeats=_REPEATS[name],
                random_state=scope.seed_of(self.code),
            )  # fmt: skip
        except NotRefittable as error:
            raise CheckNotApplicable(error.public) from error
        except ValueError as error:
            raise CheckSkipped(f"rows could not be planted: {error}") from error
        if not found.curves:
            raise CheckSkipped(f"no attack has a place in this table: {found.left[0][1]}")
        return Evidence(
            summary=_summary(scope, found),
            claims=tuple(
                Claim(f"moved: {curve.name}, {point.share:.1%} of rows", point.moved, "share")
                for curve in found.curves for point in curve.points
            ),
            series=_series(scope, found),
            tables=(_table(scope, found), *_source_table(scope), *_locks_table(found)),
            countermeasures=_countermeasures(found),
        )  # fmt: skip


def _label(scope: Scope, found: AttackCurves) -> str:
    return str(scope.subject.classes[found.goal])


def _summary(scope: Scope, found: AttackCurves) -> str:
    parts = []
    for curve in found.curves:
        last = curve.points[-1]
        parts.append(f"{curve.name} {last.moved.value:.0%}")
    trigger = next((c.words[0] for c in found.curves if c.aim == "trigger"), "")
    example = f" (such as {trigger})" if trigger else ""
    left = "".join(f" {name}: not tried, {why}." for name, why in found.left)
    return (
        f"What a supplier of {found.curves[0].points[-1].share:.0%} of the training rows moves to class "
        f"{_label(scope, found)}{example}: {', '.join(parts)}. {found.fits} models were trained on "
        f"{found.fit_rows:,} rows each; an effect is what poisoned training adds to clean training on the same rows "
        f"(clean accuracy {found.clean.value:.1%}).{left}"
    )


def _series(scope: Scope, found: AttackCurves) -> tuple[Series, ...]:
    out = []
    for curve in found.curves:
        what = _AIMS[curve.aim].format(
            label=_label(scope, found), rule=found.subgroup.text(scope.subject.codec)
        )
        edges = [point.moved.interval(0.95) for point in curve.points]
        out.append(
            Series(
                curve.name, (0.0, *(p.share for p in curve.points)), (0.0, *(p.moved.value for p in curve.points)),
                (0.0, *(low for low, _ in edges)), (0.0, *(high for _, high in edges)),
                "share of training rows controlled", what, "line", f"Planted rows: {what}",
            )
        )  # fmt: skip
    return tuple(out)


def _table(scope: Scope, found: AttackCurves) -> Table:
    total = scope.train.total if scope.train is not None and scope.train.total else found.fit_rows
    rows = []
    for curve in found.curves:
        needed = tuple(_shown(curve.needed(much), curve, total) for much in (_TENTH, _HALF))
        unseen = curve.points[-1].lost
        low, high = unseen.interval(0.95)
        rows.append((curve.name, *needed, f"{unseen.value:+.1%} ({low:+.1%} to {high:+.1%})"))
    return Table(
        f"Rows that must be controlled, of {total:,} (in proportion, from trainings on {found.fit_rows:,}; 95 % bands)",
        ("attack", "to move 10 points", "to move 50 points", f"accuracy lost at {_most(found):.0%} of rows"),
        tuple(rows),
    )


def _most(found: AttackCurves) -> float:
    return found.curves[0].points[-1].share


def _shown(needed: Needed, curve: Curve, total: int) -> str:
    top = curve.points[-1].share

    def rows(share: float) -> str:
        return f"over {top:.0%}" if math.isinf(share) else f"{max(1, math.ceil(share * total)):,}"

    if math.isinf(needed.value):
        return f"over {top:.0%}" + (f" (from {rows(needed.low)})" if math.isfinite(needed.low) else "")
    return f"{rows(needed.value)} ({rows(needed.low)} to {rows(needed.high)})"


def _source_table(scope: Scope) -> tuple[Table, ...]:
    """Measure what each supplier could do, if the training rows say who delivered them."""
    train, budget = scope.train, scope.budget
    if train is None or train.sources is None:
        return ()
    suppliers = exposure_by_source(
        scope.subject, train.X, train.y, scope.test.X, scope.test.y, train.sources, goal=scope.goal,
        sensitive=scope.sensitive, most_sources=_SOURCES[budget.name],
        fit_rows=budget.fit_rows // _FIT_SHARE[budget.name], repeats=_REPEATS[budget.name],
        random_state=scope.seed_of(PlantedRows.code),
    )  # fmt: skip
    names = [curve.name for curve in max(suppliers, key=lambda s: len(s.curves)).curves]
    rows = []
    for each in suppliers:
        moved = {curve.name: _band(curve.points[-1].moved) for curve in each.curves}
        rows.append((each.name, f"{each.share:.1%}", *(moved.get(name, "no place for it") for name in names)))
    return (
        Table(
            "What each supplier could do with all rows that are theirs (share moved, 95 % interval)",
            ("supplier", "of the training rows", *names), tuple(rows),
        ),
    )  # fmt: skip


def _locks_table(found: AttackCurves) -> tuple[Table, ...]:
    if not found.guarded:
        return ()
    rows = tuple(
        (
            each.sieve, each.attack, _band(each.before), _band(each.after), f"{-each.price.value:+.1%}",
            f"{each.caught:.0%}", f"{each.honest:.1%}",
        )
        for each in found.guarded
    )  # fmt: skip
    return (
        Table(
            f"Countermeasures, with {found.guarded[0].share:.0%} of the rows planted",
            ("countermeasure", "attack", "moved without", "moved with", "accuracy", "planted rows dropped",
             "other rows dropped"),
            rows,
        ),
    )  # fmt: skip


def _band(estimate: Bootstrap | Proportion) -> str:
    low, high = estimate.interval(0.95)
    return f"{estimate.value:+.0%} ({low:+.0%} to {high:+.0%})"


def _countermeasures(found: AttackCurves) -> tuple[Countermeasure, ...]:
    by_name: dict[str, list[Guarded]] = {}
    for each in found.guarded:
        by_name.setdefault(each.sieve, []).append(each)
    tried = []
    for name, results in by_name.items():
        effects = "; ".join(f"{e.attack} {e.before.value:.0%} to {e.after.value:.0%}" for e in results)
        proof = ""
        if results[0].certified:
            proof = (
                f"; one changed label provably changes nothing for {results[0].certified[0]:.0%} of the rows"
            )
        price = results[0].price.value
        title = name[0].upper() + name[1:]
        tried.append(Countermeasure(title, f"moved: {effects}; accuracy changes by {-price:+.1%}{proof}"))
    return (
        *tried,
        Countermeasure(
            "Hold every delivery to a signed manifest, and look at what changed", "",
            "modelward fingerprint train.csv -o train.manifest.toml\nmodelward diff train.manifest.toml delivered.csv",
        ),
    )  # fmt: skip


CHECKS: tuple[type[Check], ...] = (PlantedRows,)
