"""Row 17, incomplete testing: the groups an average hides, places nobody looked at, rows the model knows by heart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, Evidence
from modelward.findings import MIN_ROWS, Claim, Countermeasure, Limit, Series, Table
from modelward.robustness import error_slices, seen_rows, visited_cells
from modelward.stats import Exact, Proportion

if TYPE_CHECKING:
    from modelward.checks._scope import Scope
    from modelward.robustness import Slice

_SLICE = """from modelward.robustness import error_slices

for s in error_slices(codec.encode(X_test), model.predict(X_test) != y_test, codec, random_state=0):
    assert not s.confirmed or s.excess.value < 0.05, f"errs {s.excess.value:.0%} more often where {s.text}"
"""


class ErrorSlices(Check):
    """Short rules under which the model errs more than elsewhere, confirmed on rows that did not propose them."""

    code = "MW171"
    title = "Worst subgroups by error"
    number = 17
    severity = "medium"
    limits = {"excess error": Limit(warn=0.05)}
    references = (
        "Chung et al. 2019, Slice Finder: Automated Data Slicing for Model Validation",
        "Benjamini & Hochberg 1995, Controlling the False Discovery Rate",
    )

    def run(self, scope: Scope) -> Evidence:
        """Search on one half of the test rows, confirm on the other."""
        if len(scope.test) < 20 * MIN_ROWS:
            raise CheckNotApplicable(
                f"needs 200 test rows to search and to confirm, --data has {len(scope.test)}"
            )
        wrong = scope.answers().codes != scope.test.y
        proposed = error_slices(scope.test.X, wrong, scope.subject.codec, random_state=scope.rng(self.code))
        slices = [s for s in proposed if s.confirmed]
        # All that were proposed are judged: those picked by the rows that confirm would look worse than they are,
        # and what was not confirmed is not thereby disproved.
        claims = [Claim(f"excess error: {s.text}", s.excess, "share of rows") for s in proposed]
        errors = Proportion(int(wrong.sum()), len(wrong))
        claims.append(Claim("error of all rows", errors, "share of rows"))
        return Evidence(
            _summary(slices, len(scope.test)),
            claims=tuple(claims),
            series=_pictures(slices),
            tables=(_table(slices),) if slices else (),
            inconclusive="" if proposed else "no rule covers enough of the errors to be measured",
            countermeasures=(
                Countermeasure("Test these groups by name in CI, beside the average", code=_SLICE),
                Countermeasure(
                    "Collect more labelled rows of these groups, or leave their decisions to a person"
                ),
            ),
        )


class UnvisitedCells(Check):
    """Pairs of column ranges that the model may meet and no test row visits."""

    code = "MW172"
    title = "Cells of the schema that no test row visits"
    number = 17
    severity = "low"
    references = (
        "Kuhn, Wallace & Gallo 2004, Software Fault Interactions and Implications for Software Testing",
    )

    def run(self, scope: Scope) -> Evidence:
        """Count pairwise cells."""
        train = scope.train.X if scope.train is not None else None
        cells = visited_cells(scope.test.X, scope.schema, train)
        if not cells.total:
            raise CheckNotApplicable("the schema has fewer than two columns with ranges or categories")
        empty = cells.total - cells.visited
        claims = [
            Claim(
                "cells without a test row", Exact(empty / cells.total, cells.total, "exact"), "share of cells"
            )
        ]
        told = ""
        if scope.train is not None and len(scope.train):
            share = Proportion(int(cells.unvisited_mask.sum()), len(scope.train))
            claims.append(Claim("training rows in such cells", share, "share of rows"))
            told = f" {share.value:.1%} of the training rows lie in one of them."
        return Evidence(
            f"Of {cells.total:,} cells of two columns (each range cut in four), {empty:,} have no test row: what the "
            f"model does there, nobody has seen.{told}",
            claims=tuple(claims),
            tables=(
                Table(
                    "Pairs of columns with the most unvisited cells", ("column", "column", "unvisited", "cells"),
                    cells.blind,
                ),
            ),
            countermeasures=(
                Countermeasure("Write down the decisions that are unacceptable in these cells, and test them by name"),
                Countermeasure("Narrow the schema to what the model was tested on, and refuse the rest at the door"),
            ),
        )  # fmt: skip


class SeenRows(Check):
    """Test rows that stand in the training rows: every other figure is then one of rows that the model knows."""

    code = "MW173"
    title = "Test rows that the model was trained on"
    number = 17
    severity = "high"
    limits = {"test rows seen in training, beyond repetitions": Limit(fail=0.1)}
    references = (
        "Kapoor & Narayanan 2023, Leakage and the Reproducibility Crisis in Machine-Learning-Based Science",
    )

    def run(self, scope: Scope) -> Evidence:
        """Count equal rows."""
        train = scope.train
        if train is None:
            raise CheckNotGiven("needs --train FILE, the rows that the model was trained on")
        found = seen_rows(scope.test.X, scope.test.y, train.X, train.y)
        if found.cleaned:
            raise CheckNotApplicable(
                "test rows repeat and no training row does, so which of them are met again by chance cannot be told"
            )
        part = (
            f" (of {train.total:,} training rows {len(train):,} were looked at)"
            if train.total > len(train)
            else ""
        )
        return Evidence(
            f"{found.rows:,} of {len(scope.test):,} test rows stand in the training rows, features and label alike; "
            f"{found.expected:.1%} would be usual by the tables' own repetitions{part}.",
            claims=(Claim("test rows seen in training, beyond repetitions", found.beyond, "share of rows"),),
            countermeasures=(
                Countermeasure("Give --data rows that no training has seen, split by customer and by time"),
            ),
        )


def _summary(slices: list[Slice], n: int) -> str:
    if not slices:
        return (
            f"No rule of one or two conditions that covers at least 1 % of {n:,} test rows was confirmed to err more "
            "than the rest."
        )
    worst = slices[0]
    return (
        f"Where {worst.text} ({worst.share.value:.1%} of the rows) the model errs on {worst.inside.value:.1%}, "
        f"elsewhere on {worst.outside.value:.1%}; {len(slices)} such group{'s' if len(slices) > 1 else ''} confirmed."
    )


def _pictures(slices: list[Slice]) -> tuple[Series, ...]:
    if not slices:
        return ()
    pictures = []
    for name, pick in (("inside the group", "inside"), ("everyone else", "outside")):
        shares = [getattr(s, pick) for s in slices]
        bounds = [share.interval(0.95) for share in shares]
        pictures.append(
            Series(
                name, tuple(s.text for s in slices), tuple(s.value for s in shares),
                tuple(low for low, _ in bounds), tuple(high for _, high in bounds),
                x_label="group", y_label="error", kind="bar", group="Error of the worst groups",
            )
        )  # fmt: skip
    return tuple(pictures)


def _table(slices: list[Slice]) -> Table:
    return Table(
        "Groups in which the model errs more",
        ("group", "share of rows", "error inside", "error elsewhere", "excess"),
        tuple(
            (
                s.text,
                round(s.share.value, 4),
                round(s.inside.value, 4),
                round(s.outside.value, 4),
                round(s.excess.value, 4),
            )
            for s in slices
        ),
    )


CHECKS: tuple[type[Check], ...] = (ErrorSlices, UnvisitedCells, SeenRows)
