"""Projection and cost: a projected row is legal and reachable, and projecting twice changes nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelward.errors import SchemaError
from modelward.schema import Column, FeatureSchema, Relation, cost, legal, project

MOST = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@st.composite
def numbers(draw, name):
    kind = draw(st.sampled_from(["continuous", "integer", "datetime"]))
    precision = draw(
        st.sampled_from([None, 0.01, 0.1, 1.0, 5.0]) if kind != "integer" else st.sampled_from([None, 2.0])
    )
    low, high = sorted(draw(st.tuples(st.integers(-20, 20), st.integers(-20, 20))))
    return Column(
        name,
        kind,
        low=draw(st.sampled_from([None, float(low)])),
        high=draw(st.sampled_from([None, float(high + 6)])),
        precision=precision,
        missing=draw(st.booleans()),
        mutable=draw(st.sampled_from([True, True, False])),
        direction=draw(st.sampled_from(["any", "any", "up", "down"])),
        cost=draw(st.sampled_from([0.1, 1.0, 3.0])),
    )


@st.composite
def codes(draw, name):
    kind = draw(st.sampled_from(["ordinal", "categorical", "text"]))
    return Column(
        name,
        kind,
        categories=() if kind == "text" else ("a", "b", "c"),
        missing=draw(st.booleans()),
        mutable=draw(st.booleans()),
        direction=draw(st.sampled_from(["any", "up", "down"])),
    )


@st.composite
def schemas(draw):
    columns = [draw(numbers(f"n{i}")) for i in range(draw(st.integers(1, 4)))]
    columns += [draw(codes(f"c{i}")) for i in range(draw(st.integers(0, 2)))]
    groups = []
    for g in range(draw(st.integers(0, 2))):
        mutable, direction = draw(st.booleans()), draw(st.sampled_from(["any", "up"]))
        members = tuple(f"g{g}_{i}" for i in range(draw(st.integers(2, 3))))
        columns += [
            Column(m, "integer", low=0, high=1, mutable=mutable, direction=direction) for m in members[:1]
        ]
        columns += [Column(m, "integer", low=0, high=1, mutable=mutable) for m in members[1:]]
        groups.append(members)
    ordered = [c.name for c in columns if c.name[0] == "n" or c.kind == "ordinal"]
    pairs = list(itertools.combinations(ordered, 2))
    operators = st.sampled_from(["<=", "<", ">=", ">", "=="])
    relations = [
        Relation(a, draw(operators), b)
        for a, b in draw(st.lists(st.sampled_from(pairs), max_size=3) if pairs else st.just([]))
    ]
    return FeatureSchema(tuple(columns), onehot=tuple(groups), relations=tuple(relations))


@st.composite
def matrices(draw, schema, rows=16):
    """Draw numbers of every sort: near and far, on steps and off, missing, infinite, huge."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (rows, len(schema))
    sorts = [
        rng.uniform(-30, 30, shape),
        rng.integers(-6, 7, shape).astype(float),
        rng.integers(-300, 300, shape) * 0.1,
        rng.integers(0, 3, shape).astype(float),
        np.full(shape, np.nan),
        rng.choice([np.inf, -np.inf, 1e300, -1e300, 1e17, 5e-324, -0.0], shape),
    ]
    return np.choose(rng.choice(len(sorts), shape, p=[0.25, 0.25, 0.15, 0.2, 0.1, 0.05]), sorts)


@st.composite
def cases(draw):
    schema = draw(schemas())
    # Rows that are legal come from projecting anything without an origin, checked by the definition.
    origin = project(schema, draw(matrices(schema)))
    return schema, draw(matrices(schema)), origin


def same(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


@MOST
@given(cases())
def test_a_projected_row_of_a_legal_origin_is_legal_and_reachable(case):
    schema, X, origin = case
    assume(legal(schema, origin).any())
    keep = legal(schema, origin)
    X, origin = X[keep], origin[keep]
    projected = project(schema, X, origin)
    assert legal(schema, projected).all()
    for j, column in enumerate(schema):
        if not column.mutable:
            assert same(projected[:, j], origin[:, j]).all()
        if column.kind in ("categorical", "text") or column.direction == "any":
            continue
        moved = ~same(projected[:, j], origin[:, j])
        sign = 1 if column.direction == "up" else -1
        assert (sign * (projected[moved, j] - origin[moved, j]) > 0).all()


@MOST
@given(cases())
def test_projecting_twice_changes_nothing(case):
    schema, X, origin = case
    once = project(schema, X, origin)
    assert same(project(schema, once, origin), once).all()


@MOST
@given(st.data())
def test_projecting_twice_changes_nothing_even_of_illegal_origins(data):
    schema = data.draw(schemas())
    X, origin = data.draw(matrices(schema)), data.draw(matrices(schema))
    once = project(schema, X, origin)
    assert same(project(schema, once, origin), once).all()
    assert same(project(schema, origin, origin), origin).all()


def test_an_infinite_origin_pushes_nothing_to_infinity():
    schema = FeatureSchema(
        (Column("a", "continuous", mutable=False), Column("b", "continuous")),
        relations=(Relation("a", "<=", "b"),),
    )
    once = project(schema, np.array([[0.0, -5.2]]), np.array([[np.inf, -4.0]]))
    assert once.tolist() == [[np.inf, -4.0]]
    assert same(project(schema, once, np.array([[np.inf, -4.0]])), once).all()


@MOST
@given(st.data())
def test_without_relations_any_row_becomes_legal_without_an_origin(data):
    schema = data.draw(schemas())
    plain = FeatureSchema(schema.columns, onehot=schema.onehot)
    X = data.draw(matrices(plain))
    once = project(plain, X)
    assert legal(plain, once).all()
    assert same(project(plain, once), once).all()


@MOST
@given(cases())
def test_many_rows_are_moved_as_single_rows_are(case):
    schema, X, origin = case
    together = project(schema, X, origin)
    alone = np.vstack([project(schema, X[[i]], origin[[i]]) for i in range(len(X))])
    assert same(together, alone).all()


@MOST
@given(
    st.lists(st.integers(0, 6), min_size=3, max_size=3), st.lists(st.integers(0, 6), min_size=3, max_size=3)
)
def test_a_chain_is_repaired_wherever_brute_force_finds_a_legal_row(wanted, start):
    names = ("a", "b", "c")
    columns = [
        Column(n, "integer", low=0, high=6, direction=d)
        for n, d in zip(names, ("any", "up", "down"), strict=True)
    ]
    schema = FeatureSchema(tuple(columns), relations=(Relation("a", "<", "b"), Relation("b", "<=", "c")))
    origin = np.array([start], dtype=float)
    assume(legal(schema, origin)[0])
    X = np.array([wanted], dtype=float)
    got = project(schema, X, origin)
    reachable = [
        row
        for row in itertools.product(range(7), repeat=3)
        if row[0] < row[1] <= row[2] and row[1] >= start[1] and row[2] <= start[2]
    ]
    assert tuple(got[0].astype(int)) in reachable
    # A row that is legal and reachable already is not moved at all.
    if tuple(wanted) in reachable:
        assert tuple(got[0].astype(int)) == tuple(wanted)


def test_the_cheaper_side_gives_way():
    schema = FeatureSchema(
        (Column("paid", "integer", cost=1.0), Column("bill", "integer", cost=5.0)),
        relations=(Relation("paid", "<=", "bill"),),
    )
    assert project(schema, np.array([[9.0, 4.0]]), np.array([[1.0, 4.0]])).tolist() == [[4.0, 4.0]]


def test_a_group_gets_its_largest_member_and_ties_go_to_the_origin():
    columns = tuple(Column(f"k_{i}", "integer", low=0, high=1) for i in range(3))
    schema = FeatureSchema(columns, onehot=(("k_0", "k_1", "k_2"),))
    origin = np.array([[0.0, 1.0, 0.0]])
    got = project(schema, np.array([[0.2, 0.1, 0.9], [0.5, 0.5, 0.5], [np.nan, -1, -2]]), origin)
    assert got.argmax(axis=1).tolist() == [2, 1, 1]
    assert legal(schema, got).all()


def test_an_unseen_category_is_no_move():
    schema = FeatureSchema((Column("job", "categorical", categories=("a", "b")),))
    assert project(schema, np.array([[2.0], [1.0]]), np.array([[0.0]])).ravel().tolist() == [0.0, 1.0]


def test_a_matrix_of_another_width_is_refused():
    schema = FeatureSchema((Column("a", "integer"),))
    with pytest.raises(SchemaError, match="does not fit"):
        project(schema, np.zeros((2, 2)))
    with pytest.raises(SchemaError, match="origins"):
        project(schema, np.zeros((3, 1)), np.zeros((2, 1)))


@MOST
@given(st.data())
def test_cost_equals_its_definition_cell_by_cell(data):
    schema = data.draw(schemas())
    finite = st.one_of(st.integers(-5, 5).map(float), st.just(np.nan))
    rows = [[data.draw(finite) for _ in schema] for _ in range(4)]
    X, origin = np.array(rows[:2]), np.array(rows[2:])
    expected = np.zeros(2)
    for i, (j, column) in itertools.product(range(2), enumerate(schema)):
        a, b = X[i, j], origin[i, j]
        if np.isnan(a) or np.isnan(b):
            expected[i] += float(np.isnan(a) != np.isnan(b))
        elif column.kind in ("categorical", "text"):
            expected[i] += column.cost * (a != b)
        else:
            expected[i] += column.cost * abs(a - b)
    np.testing.assert_allclose(cost(schema, X, origin), expected, rtol=1e-12)
    assert (cost(schema, X, X) == 0).all()
    np.testing.assert_array_equal(cost(schema, X, origin), cost(schema, origin, X))


def test_switching_a_group_costs_one():
    columns = tuple(Column(f"k_{i}", "integer", low=0, high=1, cost=0.5) for i in range(3))
    schema = FeatureSchema(columns, onehot=(("k_0", "k_1", "k_2"),))
    assert cost(schema, np.eye(3)[[0]], np.eye(3)[[2]]).tolist() == [1.0]
