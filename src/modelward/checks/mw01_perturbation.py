"""MW01: a caller changes a row within what is legal, and the decision flips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelward.checks._advice import advice
from modelward.checks._base import Check, CheckNotApplicable, CheckNotGiven, CheckSkipped, Evidence
from modelward.evasion import Cheapest, EnsembleSearch, Outcome, Space
from modelward.findings import MIN_ROWS, Claim, Limit, Series
from modelward.stats import Median, Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelward.checks._scope import Scope
    from modelward.evasion import Result

UNIT_COST = 1.0
MOVED, MEDIAN = "rows moved at cost <= 1", "median cost"
# From above 0, where nothing has moved, so that the picture has an axis of factors: deep models flip at hundredths.
_COSTS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
_POOL = 10
_REFERENCE_ROWS = 2_000
_FEW_UNFINISHED = 0.05
_WORK_PER_QUERY = 3_000
"""So that the exact search takes some 0.1 s of a processor for a row on a large forest with the least budget."""
_INSIDE = 8
"""By what the queries of a row are divided where the trees can be read: the exact search does the most there."""
_LEAST_QUERIES = 200


class Perturbation(Check):
    """The cheapest legal change of each row that flips the decision.

    Rows count as the model labels them now, right or wrong: a caller wants to leave the decision that stands.
    """

    code = "MW011"
    title = "Cheapest legal change that flips the decision"
    number = 1
    severity = "medium"
    query_share = 4.0
    exposure = ("callers",)
    limits = {MOVED: Limit(warn=0.5)}
    references = (
        "Kantchelian, Tygar & Joseph 2016, Evasion and Hardening of Tree Ensemble Classifiers",
        "Chen, Jordan & Wainwright 2020, HopSkipJumpAttack: A Query-Efficient Decision-Based Attack",
    )

    def run(self, scope: Scope) -> Evidence:
        """Measure."""
        if len(scope.test) < MIN_ROWS:
            raise CheckNotGiven(f"needs at least {MIN_ROWS} rows in --data FILE")
        rng = scope.rng(self.code)
        pool = rng.permutation(len(scope.test))[: _pool_size(scope)]
        known = scope.known
        labels = scope.subject.codes(scope.test.X[pool]) if known is None else known.codes[pool]
        chosen, sample = _choose(scope, labels, _rows_to_attack(scope))
        X, codes = scope.test.X[pool[chosen]], labels[chosen]
        attack = Cheapest(
            reference=_reference(scope, np.delete(pool, chosen), rng),
            work=_WORK_PER_QUERY * scope.budget.queries_per_row,
        )
        left = scope.subject.meter.left
        plan = attack.plan(scope.subject, scope.schema)
        inside = isinstance(plan[0], EnsembleSearch)
        share = scope.budget.queries_per_row // (_INSIDE if inside else 1)
        share = share if left is None else min(share, left // max(1, len(X)))
        if share < 1:
            raise CheckSkipped(f"{left} queries are left for {len(X)} rows: raise --max-queries or --budget")
        result = attack.run(
            scope.subject, X, codes, schema=scope.schema, goal=scope.goal,
            budget=len(X) * share, random_state=scope.seed_of(self.code), plan=plan,
        )  # fmt: skip
        tried = result.tried & sample
        if not tried.any():
            raise CheckNotApplicable(_nothing(scope, result))
        return Evidence(
            summary=_summary(scope, result, tried)
            + _sides(scope, result, tried, codes)
            + _thrift(scope, result, tried, share, inside=inside),
            claims=_claims(scope, result, tried, codes),
            series=_curves(scope, result, tried, codes) + _columns(scope, result, X),
            countermeasures=advice(scope.schema, _used(scope, result, X)),
            attack_rows=result.rows[result.success],
            inconclusive=_unsettled(result, tried, share, _LEAST_QUERIES // (_INSIDE if inside else 1)),
            unproven=_inexact(result, tried),
        )  # fmt: skip


def _pool_size(scope: Scope) -> int:
    """Return how many rows to choose from; labelling them takes a tenth at most of what the meter allows."""
    left = scope.subject.meter.left if scope.known is None else None
    most = _POOL * scope.budget.attack_rows
    return most if left is None else min(most, max(2 * MIN_ROWS, left // _POOL))


def _rows_to_attack(scope: Scope) -> int:
    """Return how large the random sample is: smaller where the meter allows only a few queries a row.

    Half as many rows may be added to it, see `_choose`.
    """
    left = scope.subject.meter.left
    most = scope.budget.attack_rows
    return most if left is None else min(most, max(MIN_ROWS, 2 * left // (3 * _LEAST_QUERIES)))


def _unsettled(result: Result, tried: NDArray[np.bool_], share: int, least: int) -> str:
    """Return why the figures are not to be judged; empty if they are. A row may ask `share` and should `least`."""
    if np.count_nonzero(tried) < MIN_ROWS:
        return f"fewer than {MIN_ROWS} rows could be tried"
    if result.stopped:
        # Rows that have moved by then might have moved more cheaply.
        return f"the search broke off: {result.stopped}"
    n = len(result.outcome)
    unfinished = sum(o is Outcome.BUDGET for o in result.outcome)
    if unfinished > _FEW_UNFINISHED * n:
        lacking = f"{unfinished} of {n}" if unfinished >= MIN_ROWS else "all"
        return f"the budget ended before {lacking} rows were searched: raise --max-queries or --budget"
    if share < least and not result.proven[tried].all():
        return f"{share} queries a row are few, {least} are needed: raise --max-queries"
    return ""


def _inexact(result: Result, tried: NDArray[np.bool_]) -> str:
    """Return why few moved rows prove nothing; empty if every row has moved for that cost or cannot."""
    settled = result.proven | (result.cost <= UNIT_COST) | (result.bound > UNIT_COST)
    if settled[tried].all():
        return ""
    return "the search is not exact for this model, so more rows may move as cheaply than were found"


def _choose(scope: Scope, labels: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return positions of n rows to attack or a few more, and which of them are the random sample.

    The pool is in random order, so its head is a random sample. For a binary model without a goal the rarer
    label is filled up to half as many rows, for the figures by direction only.
    """
    if scope.goal is not None:
        labels_to_move = np.flatnonzero(labels != scope.goal)[:n]
        return labels_to_move, np.ones(len(labels_to_move), dtype=bool)
    head = np.arange(min(n, len(labels)))
    extra = [np.empty(0, dtype=np.int64)]
    if scope.subject.n_classes == 2:
        for label in (0, 1):
            missing = n // 2 - int(np.count_nonzero(labels[head] == label))
            extra.append(np.flatnonzero(labels[n:] == label)[: max(0, missing)] + n)
    chosen = np.concatenate([head, *extra]).astype(np.int64)
    return chosen, np.arange(len(chosen)) < len(head)


def _reference(scope: Scope, others: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return rows such as a caller may know; none of those that are attacked."""
    rows = scope.train.X if scope.train is not None else scope.test.X[others]
    return rows[np.sort(rng.permutation(len(rows))[:_REFERENCE_ROWS])]


def _nothing(scope: Scope, result: Result) -> str:
    if scope.goal is not None:
        label = scope.subject.classes[scope.goal]
        return f"the model gives {label!r} to every row that was looked at: there is nothing to move"
    illegal = sum(o is Outcome.ILLEGAL_ROW for o in result.outcome)
    return f"{illegal} of {len(result.outcome)} rows break the schema: correct it with --schema FILE"


def _summary(scope: Scope, result: Result, tried: NDArray[np.bool_]) -> str:
    n = int(np.count_nonzero(tried))
    wanted = "another label" if scope.goal is None else f"the label {scope.subject.classes[scope.goal]!s}"
    share = _moved(result, tried).value
    text = (
        f"Of {n} rows, as the model labels them now, {share:.0%} get {wanted} by a legal change of cost 1 or "
        "less (one interquartile range of one column, or one category)."
    )
    proven = int(np.count_nonzero(result.proven & tried))
    if proven == n:
        text += " The cheapest change is exact for every row."
    elif proven >= MIN_ROWS and n - proven >= MIN_ROWS:
        text += (
            f" The cheapest change is exact for {proven} of {n} rows; for the others cheaper ones may exist."
        )
    elif proven >= MIN_ROWS:
        text += f" The cheapest change is exact for all but fewer than {MIN_ROWS} rows."
    else:
        text += " The changes were found by a search that asks for labels, so cheaper ones may exist."
    illegal = sum(o is Outcome.ILLEGAL_ROW for o in result.outcome)
    if illegal:
        count = f"{illegal}" if illegal >= MIN_ROWS else f"Fewer than {MIN_ROWS}"
        text += f" {count} rows that break the schema were left out."
    return text


def _sides(scope: Scope, result: Result, tried: NDArray[np.bool_], codes: NDArray[np.int64]) -> str:
    """Return a sentence on the two directions where one moves more easily than the figure for all rows says."""
    whole = _moved(result, tried)
    sides = [(name, _moved(result, rows)) for name, rows in _directions(scope, result, codes)]
    if not any(side.interval(0.95)[0] > whole.interval(0.95)[1] for _, side in sides):
        return ""
    each = ", ".join(f"{name} {side.value:.0%}" for name, side in sides)
    return f" One direction is much easier: {each}. Each is judged; --goal LABEL looks at one alone."


def _thrift(scope: Scope, result: Result, tried: NDArray[np.bool_], share: int, *, inside: bool) -> str:
    """Return a sentence on how many rows were asked where that is fewer than the budget would allow."""
    allowed = scope.budget.queries_per_row
    if not inside or share >= allowed or result.proven[tried].all():
        return ""
    return (
        f" The exact search came first, so the search that asks for labels had {share} queries a row of the "
        f"{allowed} that this budget allows it on other models: with more it may find cheaper ones."
    )


def _directions(
    scope: Scope, result: Result, codes: NDArray[np.int64]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return the two directions of a binary model without a goal that have rows enough."""
    if scope.goal is not None or scope.subject.n_classes != 2:
        return []
    names = [str(c) for c in scope.subject.classes]
    sides = [(f"{names[a]} to {names[1 - a]}", result.tried & (codes == a)) for a in (0, 1)]
    return [(name, rows) for name, rows in sides if np.count_nonzero(rows) >= MIN_ROWS]


def _claims(
    scope: Scope, result: Result, tried: NDArray[np.bool_], codes: NDArray[np.int64]
) -> tuple[Claim, ...]:
    claims = [
        Claim(MOVED, _moved(result, tried), "share"),
        Claim(MEDIAN, Median.of(result.cost[tried]), "cost", worse="lower"),
    ]
    # Each direction is held to the limit too: where most rows have the label that is hard to leave, all of them
    # together look safe. The median is shown, not judged.
    for name, rows in _directions(scope, result, codes):
        claims.append(Claim(f"{MOVED}: {name}", _moved(result, rows), "share"))
        claims.append(Claim(f"{name}, {MEDIAN}", Median.of(result.cost[rows]), "cost", worse="lower"))
    return tuple(claims)


def _moved(result: Result, rows: NDArray[np.bool_], cost: float = UNIT_COST) -> Proportion:
    # Costs are sums of rounded products: 1.0000000000000002 is 1.
    return Proportion(int(np.count_nonzero(result.cost[rows] <= cost + 1e-9)), int(np.count_nonzero(rows)))


def _curves(
    scope: Scope, result: Result, tried: NDArray[np.bool_], codes: NDArray[np.int64]
) -> tuple[Series, ...]:
    curves = []
    for name, rows in [("all rows", tried), *_directions(scope, result, codes)]:
        if np.count_nonzero(rows) < MIN_ROWS:
            continue
        shares = [_moved(result, rows, cost) for cost in _COSTS]
        bands = [share.interval(0.95) for share in shares]
        curves.append(
            Series(
                name, _COSTS, tuple(s.value for s in shares), tuple(b[0] for b in bands),
                tuple(b[1] for b in bands), "cost of the change", "share of rows flipped",
                group="Security curve",
            )
        )  # fmt: skip
    # With nothing proven the bracket would be everything.
    bounded = np.count_nonzero((result.bound > 0) & tried)
    if len(curves) and bounded >= MIN_ROWS and not result.proven[tried].all():
        curves.append(_not_excluded(result, tried))
    return tuple(curves)


def _not_excluded(result: Result, tried: NDArray[np.bool_]) -> Series:
    """Return the upper end of the bracket: the curve if every row moved for what is proven that it costs at least."""
    least = np.where(result.proven, result.cost, result.bound)[tried]
    shares = [Proportion(int(np.count_nonzero(least <= cost + 1e-9)), len(least)) for cost in _COSTS]
    return Series(
        "not excluded: rows may move for as little as their proven lower bound", _COSTS, tuple(s.value for s in shares),
        x_label="cost of the change", y_label="share of rows flipped", group="Security curve",
    )  # fmt: skip


def _used(scope: Scope, result: Result, X: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many of the moved rows change each unit, shape (units,)."""
    moved = result.success
    costs = Space(scope.schema).unit_costs(result.rows[moved], X[moved])
    return np.asarray((costs > 0).sum(axis=0))


def _columns(scope: Scope, result: Result, X: NDArray[np.float64]) -> tuple[Series, ...]:
    """Return which columns the found changes use, those of ten rows and more."""
    space, used = Space(scope.schema), _used(scope, result, X)
    names = [" / ".join(scope.schema.names[j] for j in unit) for unit in space.units]
    bars = sorted(
        ((int(n), name) for n, name in zip(used, names, strict=True) if n >= MIN_ROWS), reverse=True
    )
    if not bars:
        return ()
    total = int(np.count_nonzero(result.success))
    return (
        Series(
            "rows moved", tuple(name for _, name in bars), tuple(n / total for n, _ in bars),
            x_label="column", y_label="share of moved rows that change it", kind="bar",
            group="Columns that the attack uses",
        ),
    )  # fmt: skip


CHECKS: tuple[type[Check], ...] = (Perturbation,)
