"""Row 13, side effects: the system disturbs what nobody meant it to move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotGiven, CheckSkipped, Evidence
from modelward.checks._pictures import days_of
from modelward.checks._service import span_of, standing_of, told, why_open
from modelward.findings import Claim, Countermeasure, Limit, Table
from modelward.monitoring import Size, move_of

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.findings import Series
    from modelward.monitoring import Alert, Standing

_SHOWN = 3


class SideEffects(Check):
    """Business figures that nobody meant to move, over the last four weeks of a service."""

    code = "MW131"
    title = "Business figures nobody meant to move"
    number = 13
    severity = "medium"
    needs_model = False
    limits = {"move of a figure": Limit(warn=0.1)}
    references = ("Amodei et al. 2016, Concrete Problems in AI Safety, section 3",)

    def run(self, scope: Scope) -> Evidence:
        """Measure how far each went from its learned level."""
        standing = standing_of(scope)
        if not standing.kpis:
            raise CheckNotGiven(
                "the monitor in --store has no business figures: give them to it (`--kpi COL`, Monitor.kpi)"
            )
        meant = {*standing.intended, *(p.stands_for for p in standing.proxies)}
        meant |= {p.metric for p in standing.proxies}
        names = [name for name in standing.kpis if name not in meant]
        if not names:
            raise CheckNotGiven(
                "every business figure of the monitor in --store is declared as meant to move"
            )
        unwatched = [name for name in names if name not in standing.series]
        moves = {name: move_of(standing, name) for name in names if name in standing.series}
        known = {name: move for name, move in moves.items() if move is not None}
        if not known:
            raise CheckSkipped(f"under a week of {', '.join(names)} was judged: wait until there is more")
        ranked = sorted(known, key=lambda name: -abs(known[name].value))
        lost = [*unwatched, *(name for name in moves if name not in known)]
        gone = f"{', '.join(lost)} could not be measured" if lost else ""
        pictures: list[Series] = days_of(standing, ranked[:_SHOWN], "Figures nobody meant to move")
        rows = tuple(
            (n, float(f"{known[n].usual:.4g}"), float(f"{known[n].now:.4g}"), f"{known[n].value:+.1%}")
            for n in ranked
        )
        return Evidence(
            f"Over {span_of(standing)}, against the learned level: "
            f"{'; '.join(told(known[name]) for name in ranked[:_SHOWN])}.{_alerts(standing, ranked)}",
            claims=tuple(
                Claim(f"move of a figure: {name}", Size(known[name]), "of the usual") for name in ranked
            ),
            series=tuple(pictures),
            tables=(Table("Figures nobody meant to move", ("figure", "usual", "now", "move"), rows),),
            countermeasures=(
                Countermeasure(
                    "Find out whether the model does it: compare with a random share of traffic without it"
                ),
                Countermeasure(
                    "Name the figures that it is meant to move, so that the others stand out",
                    code='# watch.toml, for `modelward monitor --declared`\nintended = ["approved"]\n',
                ),
            ),
            unproven="; ".join(reason for reason in (why_open(standing), gone) if reason),
        )


def _alerts(standing: Standing, names: list[str]) -> str:
    found: list[Alert] = [a for a in standing.open_alerts if a.series in names]
    if not found:
        return ""
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f" Alerts that nobody has decided on: {found[0].words}{more}."


CHECKS: tuple[type[Check], ...] = (SideEffects,)
