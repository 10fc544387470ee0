"""Attacks, curves and countermeasures: against what must hold, brute force, and models whose answer is a theorem."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from modelward.models import wrap
from modelward.poisoning import (
    Attack,
    Backdoor,
    Curve,
    LegalRows,
    Neighbours,
    Person,
    Reached,
    SearchedFlips,
    SubgroupFlips,
    Trimmed,
    Vote,
    all_attacks,
    all_sieves,
    attack_curves,
    certified_flips,
)
from modelward.poisoning._resampled import mean_of
from modelward.poisoning.attacks import World
from modelward.poisoning.attacks._backdoor import _round_above
from modelward.schema import Codec, legal
from modelward.stats import Proportion
from modelward.subgroups import Condition, Rule

Table = tuple[Codec, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def table(draw_credit: Callable[[int, int], Table]) -> Table:
    return draw_credit(1_600, 3)


def subject_of(table: Table, model: Any, rows: int = 800) -> Any:
    codec, X, y = table
    return wrap(model.fit(X[:rows], y[:rows]), codec, [0, 1])


@pytest.fixture(scope="module")
def world(table: Table) -> World:
    _, X, y = table
    subject = subject_of(table, DecisionTreeClassifier(max_depth=4, random_state=0))
    rule = Rule((Condition(0, ">=", float(np.median(X[:, 0]))),))
    controlled = np.arange(800) % 2 == 0
    return World(subject, X[:800], y[:800], controlled, X[800:1200], y[800:1200], X[1200:], y[1200:], rule, 1)


@pytest.fixture(scope="module", params=all_attacks(), ids=lambda a: a.name)
def ready(request: pytest.FixtureRequest, world: World) -> tuple[Attack, Any]:
    attack = replace(request.param, tries=3) if isinstance(request.param, SearchedFlips) else request.param
    return attack, attack.prepare(world, np.random.default_rng(0))


@settings(max_examples=12, deadline=None)
@given(k=st.integers(1, 500), seed=st.integers(0, 99))
def test_an_attack_writes_what_it_controls_and_nothing_else(
    ready: tuple[Attack, Any], world: World, k: int, seed: int
) -> None:
    attack, plan = ready
    made = plan.poison(k, np.random.default_rng(seed))
    again = plan.poison(k, np.random.default_rng(seed))
    assert np.array_equal(made.X, again.X, equal_nan=True) and np.array_equal(made.y, again.y)
    changed = (made.y != world.y) | ~((made.X == world.X) | (np.isnan(made.X) & np.isnan(world.X))).all(
        axis=1
    )
    assert set(np.flatnonzero(changed)) <= set(made.rows.tolist())
    assert world.controlled[made.rows].all() and len(set(made.rows.tolist())) == len(made.rows)
    persons = len(made.asked) if attack.aim == "person" else 1
    assert len(made.rows) <= k * persons
    if persons > 1:
        assert k * persons <= 0.01 * len(world.y)
    if "clean" in attack.name or attack.name == "scaled column":
        assert np.array_equal(made.y, world.y)
        assert (world.y[made.rows] == world.goal).all()
    elif attack.aim != "accuracy":
        assert (made.y[made.rows] == world.goal).all()
    assert plan.words and "nan" not in plan.words


def test_triggers_are_what_they_are_said_to_be(world: World) -> None:
    for seed in range(8):
        ((j, value),) = Backdoor(1).prepare(world, np.random.default_rng(seed)).trigger
        assert not (world.X[:, j] >= value).any() or world.schema.columns[j].coded
        pair = Backdoor(2).prepare(world, np.random.default_rng(seed)).trigger
        both = np.ones(len(world.X), dtype=bool)
        for j, value in pair:
            assert (world.X[:, j] == value).any()
            both &= world.X[:, j] == value
        assert both.mean() <= 0.01


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_number_beyond_the_range_is_round_and_beyond(high: float, width: float) -> None:
    value = _round_above(high + width, high)
    assert value > high
    assert value >= high + width - 1e-6
    assert len(f"{abs(value):.0f}".strip("0")) <= 2


def test_clean_label_persons_are_legal_rows(world: World) -> None:
    made = (
        Person(clean_label=True).prepare(world, np.random.default_rng(0)).poison(20, np.random.default_rng(0))
    )
    assert legal(world.schema, made.X[made.rows]).all()


@pytest.mark.parametrize("attack", all_attacks(), ids=lambda a: a.name)
def test_a_model_that_learns_nothing_is_moved_by_nothing(table: Table, attack: Attack) -> None:
    _, X, y = table
    goal = int(y.mean() < 0.5)
    found = attack_curves(
        subject_of(table, DummyClassifier()), X[:1200], y[:1200], X[1200:], y[1200:], attacks=[attack], goal=goal,
        levels=(0.01, 0.05), fit_rows=400, repeats=2,
    )  # fmt: skip
    for curve in found.curves:
        assert [p.moved.value for p in curve.points] == [0.0, 0.0]
        assert [p.lost.value for p in curve.points] == [0.0, 0.0]
        assert math.isinf(curve.needed(0.1).value)


def test_one_copy_decides_for_the_nearest_neighbour(table: Table) -> None:
    codec, X, y = table
    different = X + np.random.default_rng(0).uniform(0, 1e-6, X.shape)  # no two rows alike
    subject = wrap(KNeighborsClassifier(1).fit(different[:800], y[:800]), codec, [0, 1])
    found = attack_curves(
        subject, different[:1200], y[:1200], different[1200:], y[1200:], attacks=[Person()], levels=(0.002,),
        fit_rows=500, repeats=3,
    )  # fmt: skip
    (point,) = found.curves[0].points
    assert point.rows == 1
    assert point.moved.value == 1.0


@pytest.fixture(scope="module")
def found(table: Table) -> Any:
    _, X, y = table
    return attack_curves(
        subject_of(table, DecisionTreeClassifier(min_samples_leaf=2, random_state=0)), X[:1200], y[:1200], X[1200:], y[1200:], goal=1,
        attacks=[Backdoor(1), SubgroupFlips(), SearchedFlips(tries=8)], sieves=all_sieves(), sieve_share=0.05,
        levels=(0.01, 0.05), fit_rows=600, repeats=2,
    )  # fmt: skip


def test_a_forest_learns_a_trigger_out_of_range_and_the_schema_forgets_it(found: Any) -> None:
    curve = found.curves[0]
    assert curve.points[-1].moved.value > 0.8
    assert abs(curve.points[-1].lost.value) < 0.1
    guarded = {(g.sieve, g.attack): g for g in found.guarded}
    kept = guarded[LegalRows().name, curve.name]
    assert kept.caught == 1.0 and kept.after.value < 0.1 and kept.before.value == curve.points[-1].moved.value
    assert {name for name, _ in guarded} == {s.name for s in all_sieves()}
    vote = guarded[Vote().name, curve.name]
    assert vote.certified == tuple(sorted(vote.certified, reverse=True)) and len(vote.certified) == 7
    assert all(0 <= g.caught <= 1 and 0 <= g.honest <= 1 for g in found.guarded)


def test_a_search_is_no_worse_than_where_it_begins(world: World) -> None:
    inside = world.rule.mask(world.known_X)
    seed = int(np.random.default_rng(5).integers(2**31 - 1))

    def reached(plan: Any) -> float:
        made = plan.poison(round(0.02 * len(world.y)), np.random.default_rng(seed))
        return float(
            (world.subject.refit(made.X, made.y, seed).codes(world.known_X[inside]) == world.goal).mean()
        )

    plans = [SearchedFlips(tries=t).prepare(world, np.random.default_rng(5)) for t in (1, 12)]
    assert reached(plans[1]) >= reached(plans[0]) - 1e-3


def test_nothing_controlled_is_nothing_moved(table: Table) -> None:
    _, X, y = table
    model = subject_of(table, DecisionTreeClassifier(max_depth=4, random_state=0))
    args: Any = (model, X[:1200], y[:1200], X[1200:], y[1200:])
    options: Any = {
        "attacks": [Backdoor(2), SubgroupFlips()],
        "levels": (0.05,),
        "fit_rows": 400,
        "repeats": 2,
    }
    none = attack_curves(*args, controlled=np.zeros(1200, dtype=bool), **options)
    assert [p.moved.value for c in none.curves for p in c.points] == [0.0, 0.0]
    assert [p.rows for c in none.curves for p in c.points] == [0, 0]
    once, again = (attack_curves(*args, random_state=1, **options) for _ in range(2))
    assert once == again


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(1, 99).map(lambda i: i / 99.5))
def test_rows_needed_are_where_the_line_gets_there(hits: list[int], wanted: float) -> None:
    shares = [0.01 * (i + 1) for i in range(len(hits))]
    points = tuple(
        Reached(s, 1, Proportion(h, 40), mean_of([np.zeros(2)])) for s, h in zip(shares, hits, strict=True)
    )
    needed = Curve("x", "person", ("x",), points).needed(wanted)
    grid = np.unique([*np.linspace(0, shares[-1], 4001), *shares])
    line = np.interp(grid, [0.0, *shares], [0.0, *(h / 40 for h in hits)])
    over = grid[line >= wanted]
    if len(over):
        assert needed.value == pytest.approx(over[0], abs=2 * shares[-1] / 4000)
    else:
        assert math.isinf(needed.value)
    assert needed.low <= needed.value <= needed.high


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_the_certificate_is_that_of_brute_force(voters: list[int]) -> None:
    votes = np.bincount(voters, minlength=3)
    winner = int(votes.argmax())

    def survives(flips: int) -> bool:
        for who in itertools.combinations(range(len(voters)), flips):
            for what in itertools.product(range(3), repeat=flips):
                changed = list(voters)
                for i, v in zip(who, what, strict=True):
                    changed[i] = v
                if int(np.bincount(changed, minlength=3).argmax()) != winner:
                    return False
        return True

    flips = int(certified_flips(votes[None])[0])
    assert survives(flips)
    if flips < len(voters):
        assert not survives(flips + 1)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 399), st.integers(0, 99))
def test_a_changed_label_changes_one_vote_and_order_none(table: Table, at: int, seed: int) -> None:
    _, X, y = table
    subject = subject_of(table, DecisionTreeClassifier(max_depth=3, random_state=0))
    vote = Vote(5)
    other = y[:400].copy()
    other[at] = 1 - other[at]
    before, after = (vote.votes(subject, X[:400], labels, 0)(X[800:900]) for labels in (y[:400], other))
    assert np.abs(before - after).sum(axis=1).max() <= 2  # one vote: one label loses it, another gains it
    mixed = np.random.default_rng(seed).permutation(400)
    assert np.array_equal(before, vote.votes(subject, X[:400][mixed], y[:400][mixed], 0)(X[800:900]))


def test_neighbours_and_trimming_drop_planted_rows_first() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-3, 1, (150, 3)), rng.normal(3, 1, (150, 3))])
    y = np.repeat([0, 1], 150)
    wrong = rng.permutation(300)[:12]
    y[wrong] = 1 - y[wrong]
    from modelward.schema import infer
    from modelward.tables import read_table

    frame = read_table(X, names=("a", "b", "c"))
    subject = wrap(DecisionTreeClassifier(max_depth=1).fit(X, y), Codec.fit(infer(frame), frame), [0, 1])
    for sieve in (Neighbours(against=0.7), Trimmed(share=0.04)):
        kept = sieve.train(subject, X, y, 0).kept
        assert (~kept)[wrong].mean() >= 0.75 and (~kept).sum() <= 14


@given(st.integers(1, 4), st.integers(2, 30), st.integers(0, 99))
def test_the_mean_is_the_mean_and_lies_in_its_band(repeats: int, m: int, seed: int) -> None:
    values = list(np.random.default_rng(seed).integers(-1, 2, (repeats, m)).astype(float))
    estimate = mean_of(values)
    low, high = estimate.interval(0.999)
    assert estimate.value == pytest.approx(np.mean(values))
    assert low - 1e-9 <= estimate.value <= high + 1e-9


def test_mistakes_are_named(table: Table) -> None:
    _, X, y = table
    subject = subject_of(table, DecisionTreeClassifier(max_depth=2))
    with pytest.raises(ValueError, match="200 training"):
        attack_curves(subject, X[:100], y[:100], X, y)
    for levels in ((), (0.1, 0.01), (0.0,), (1.5,)):
        with pytest.raises(ValueError, match="levels"):
            attack_curves(subject, X, y, X, y, levels=levels)
