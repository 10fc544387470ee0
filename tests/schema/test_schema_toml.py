"""TOML: what is written is read back exactly, and a slip of the hand is one line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.errors import InputError, SchemaError
from modelward.schema import Column, FeatureSchema, Relation, from_toml, read_schema, to_toml, write_schema

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def columns(draw, name):
    kind = draw(st.sampled_from(["continuous", "integer", "ordinal", "categorical", "datetime", "text"]))
    coded = kind in ("ordinal", "categorical", "text")
    low, high = sorted(draw(st.tuples(FINITE, FINITE)))
    lists = [st.text(max_size=8), st.integers(-(2**60), 2**60), FINITE, st.booleans()]
    categories = st.one_of(*(st.lists(cells, min_size=1, max_size=3, unique=True) for cells in lists))
    return Column(
        name,
        kind,
        low=None if coded else draw(st.sampled_from([None, low])),
        high=None if coded else draw(st.sampled_from([None, high])),
        precision=draw(st.sampled_from([None, 1e-9])) if kind in ("continuous", "datetime") else None,
        categories=tuple(draw(categories)) if kind in ("ordinal", "categorical") else (),
        missing=draw(st.booleans()),
        mutable=draw(st.booleans()),
        direction=draw(st.sampled_from(["any", "up", "down"])),
        cost=draw(st.floats(0, 1e9)),
        role=draw(st.sampled_from(["none", "sensitive", "group", "time"])),
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_written_schema_is_read_back_exactly(data):
    names = data.draw(st.lists(st.text(max_size=8), min_size=1, max_size=5, unique=True))
    try:
        schema = FeatureSchema(
            tuple(data.draw(columns(name)) for name in names),
            assumed=tuple(data.draw(st.lists(st.text(max_size=9), max_size=2))),
        )
    except SchemaError:
        return  # an integer range without an integer in it
    assert from_toml(to_toml(schema)) == schema


def test_groups_and_relations_are_read_back(tmp_path):
    names = ("a", "b c", "SEX_1", "SEX_2")
    schema = FeatureSchema(
        tuple(Column(n, "integer", low=0, high=1) for n in names),
        onehot=(("SEX_1", "SEX_2"),),
        relations=(Relation("a", "<=", "b c"),),
    )
    write_schema(schema, tmp_path / "s.toml")
    assert read_schema(tmp_path / "s.toml") == schema
    with pytest.raises(InputError, match="exists already"):
        write_schema(schema, tmp_path / "s.toml")
    write_schema(schema, tmp_path / "s.toml", force=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns = 3", "no columns"),
        ("[columns]\na = 3", "'a': its settings must stand in braces"),
        ("[columns]\na = {}", "'a': kind is missing"),
        ('[columns]\na = { kind = "interger" }', "did you mean 'integer'"),
        ('[columns]\na = { kind = "integer", hihg = 3 }', "did you mean 'high'"),
        ('[columns]\na = { kind = "integer", low = "3" }', "'a': low must be a number"),
        ('[columns]\na = { kind = "integer", low = 3, high = 2 }', "'a': the range is empty"),
        (
            '[columns]\na = { kind = "integer", low = 3, high = 7, precision = 10 }',
            "'a': no multiple of its precision",
        ),
        ('[columns]\na = { kind = "integer", mutable = 1 }', "mutable must be true or false"),
        ('[columns]\na = { kind = "integer", low = inf }', "low must be a finite number"),
        ('[columns]\na = { kind = "ordinal" }', "categories are missing"),
        ('[columns]\na = { kind = "integer", categories = [1] }', "make it categorical"),
        ('[columns]\na = { kind = "ordinal", categories = [1, "x"] }', "of one type"),
        ('[columns]\na = { kind = "ordinal", categories = [1, 1] }', "listed twice"),
        ('relations = ["a <= z"]\n[columns]\na = { kind = "integer" }', "'z' is used"),
        ('relations = ["a =< a"]\n[columns]\na = { kind = "integer" }', "'=<' is none of"),
        ('relations = ["a"]\n[columns]\na = { kind = "integer" }', "must be a column, an operator"),
        ('onehot = [["a"]]\n[columns]\na = { kind = "integer" }', "two columns or more"),
        ("version = 2\n[columns]", "version 2 is not 1"),
        ("colums = 3", "unknown key 'colums', did you mean 'columns'"),
        ("[columns", "is not TOML"),
    ],
)
def test_a_slip_of_the_hand_is_one_clear_line(text, message):
    with pytest.raises(SchemaError) as caught:
        from_toml(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_schema_are_one_line(tmp_path):
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / "b.toml"):
        with pytest.raises(SchemaError) as caught:
            read_schema(path)
        assert "\n" not in str(caught.value)
