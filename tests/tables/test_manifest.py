"""Manifests of tables: against equal tables written otherwise, planted changes, and files that lie."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.errors import InputError, UsageError
from modelward.tables.manifest import (
    Manifest,
    compare_manifests,
    is_manifest,
    make_manifest,
    read_manifest,
    read_secret,
)
from modelward.tables.manifest._blocks import Cutter
from modelward.tables.manifest._manifest import merkle_root


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    n = 6_000
    return pl.DataFrame(
        {
            "id": np.arange(n), "amount": rng.normal(size=n).round(2), "city": rng.choice(["Ulm", "Bonn", "Genève"], n),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(int(d)) for d in rng.integers(0, 900, n)],
            "label": rng.integers(0, 2, n),
        }
    )  # fmt: skip


def test_the_same_table_in_other_clothes_has_the_same_content(rows: pl.DataFrame, tmp_path: Path) -> None:
    rows.write_csv(tmp_path / "a.csv")
    rows.write_csv(tmp_path / "b.tsv", separator="\t", quote_style="always")
    rows.write_parquet(tmp_path / "c.parquet")
    rows.write_ipc(tmp_path / "d.arrow")
    made = [make_manifest(path) for path in sorted(tmp_path.iterdir())]
    made += [
        make_manifest(rows), make_manifest(rows.to_pandas()), make_manifest(rows[:, ::-1]),
        make_manifest(rows.with_columns(pl.col("id", "label").cast(pl.Float64), pl.col("city").cast(pl.Categorical))),
        make_manifest(rows, block_rows=256),
    ]  # fmt: skip
    assert len({m.content for m in made}) == 1
    assert len({m.tree for m in made[:-1]}) == 1 != len({m.tree for m in made})
    assert len({m.unordered for m in made}) == 1
    assert len({m.sha256 for m in made[:4]}) == 4


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ([1, 2], [2, 1]), ([1, None], [None, 1]), ([0, None], [None, None]), ([2**60], [2**60 + 1]), ([0.1], [0.1 + 1e-16]),
        (["1"], [1]), (["", None], [None, None]), (["ab", "c"], ["a", "bc"]), ([2**53 + 1], [2**53]), ([True], [2]), ([2**64 - 1], [-1]), ([2**63 + 1], [2**63 + 2]),
        ([dt.datetime(2020, 1, 1)], [dt.datetime(2020, 1, 1, 0, 0, 0, 1)]), ([dt.date(2020, 1, 1)], ["2020-01-01"]),
        ([dt.time(1)], [dt.time(2)]), ([Decimal("0.10")], [Decimal("0.20")]), ([[1, 2]], [[1, 3]]), ([b"a"], [b"b"]),
        ([dt.timedelta(seconds=1)], [dt.timedelta(seconds=2)]), ([float("inf")], [float("-inf")]),
    ],
)  # fmt: skip
def test_other_values_have_another_content(one: list[Any], two: list[Any]) -> None:
    first, second = (make_manifest(pl.DataFrame({"x": v, "y": [0] * len(v)})) for v in (one, two))
    assert first.content != second.content
    assert not compare_manifests(first, second).same


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (pl.Series([1, 0, None]), pl.Series([True, False, None])),
        (pl.Series([0.0, None]), pl.Series([-0.0, float("nan")])),
        (pl.Series([dt.date(2020, 1, 1)]), pl.Series([dt.datetime(2020, 1, 1)], dtype=pl.Datetime("ns"))),
        (pl.Series([2**60], dtype=pl.UInt64), pl.Series([2**60])),
        (pl.Series([None, None]), pl.Series([None, None], dtype=pl.String)),
        (pl.Series([None, 7]), pl.Series([None, 7.0])),
        (pl.Series([2**63 + 1], dtype=pl.UInt64), pl.Series([2**63 + 1], dtype=pl.UInt64)),
        (pl.Series([1.0, 2.5], dtype=pl.Float32), pl.Series([1.0, 2.5])),
    ],
)
def test_equal_values_of_other_types_have_the_same_content(one: pl.Series, two: pl.Series) -> None:
    assert make_manifest(pl.DataFrame({"x": one})).content == make_manifest(pl.DataFrame({"x": two})).content


def test_nanoseconds_count() -> None:
    made = [
        make_manifest(pl.DataFrame({"x": pl.Series([n], dtype=pl.Datetime("ns"))})).content for n in (0, 1)
    ]
    assert made[0] != made[1]


def _ranges(found: Any) -> list[tuple[int, int]]:
    paths = [c.path for c in found.changes if c.path.startswith("rows[")]
    return [tuple(int(p) for p in path[5:-1].split(":")) for path in paths]  # type: ignore[misc]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 5_999), st.sampled_from(["flip", "insert", "delete", "append"]))
def test_the_block_that_changed_is_named_and_few_others(rows: pl.DataFrame, at: int, how: str) -> None:
    old = make_manifest(rows, target="label", block_rows=256)
    new = {
        "flip": lambda: rows.with_columns(
            label=pl.when(pl.int_range(pl.len()) == at).then(1 - pl.col("label")).otherwise(pl.col("label"))
        ),
        "insert": lambda: pl.concat([rows[:at], rows[:1], rows[at:]]),
        "delete": lambda: pl.concat([rows[:at], rows[at + 1 :]]),
        "append": lambda: pl.concat([rows, rows[:50]]),
    }[how]()
    found = compare_manifests(old, make_manifest(new, target="label", block_rows=256))
    at = len(rows) if how == "append" else at
    assert not found.same and not found.reordered
    ranges = _ranges(found)
    assert any(a <= at <= b for a, b in ranges)
    assert found.rows <= 4 * 256 * 3 and found.blocks <= 6
    columns = [c.path for c in found.changes if c.path.startswith("columns")]
    assert columns == (["columns.label"] if how == "flip" else ["columns"])
    whole = compare_manifests(old, old)
    assert whole.same and not whole.changes


def test_order_names_and_added_columns_are_said(rows: pl.DataFrame) -> None:
    old = make_manifest(rows)
    shuffled = compare_manifests(old, make_manifest(rows.sample(fraction=1, shuffle=True, seed=1)))
    assert shuffled.reordered and not shuffled.same
    renamed = compare_manifests(old, make_manifest(rows.rename({"city": "town"})))
    (change,) = renamed.changes
    assert change.path == "columns.town" and "'city', the same values" in change.before
    more = compare_manifests(old, make_manifest(rows.with_columns(new=pl.lit(1)).drop("day")))
    assert {c.path: c.after == "none" for c in more.changes} == {"columns.new": False, "columns.day": True}
    assert any("not the same" in note for note in more.notes)
    assert "another order" in " ".join(compare_manifests(old, make_manifest(rows[:, ::-1])).notes)


def test_a_block_size_of_its_own_leaves_columns_alone(rows: pl.DataFrame) -> None:
    found = compare_manifests(make_manifest(rows), make_manifest(rows[1:], block_rows=512))
    assert not found.same and found.blocks == 0 and "sizes" in " ".join(found.notes)


def test_a_table_that_repeats_itself_is_compared_in_time() -> None:
    old = make_manifest(pl.DataFrame({"x": [0] * 60_000}), block_rows=256)
    found = compare_manifests(
        old, make_manifest(pl.DataFrame({"x": [0] * 30_000 + [1] + [0] * 30_000}), block_rows=256)
    )
    assert not found.same


def test_no_value_is_in_the_text_but_labels_of_ten_rows(tmp_path: Path) -> None:
    n = 2_000
    frame = pl.DataFrame(
        {"name": [f"Anna{i:06}" for i in range(n)], "pay": [123_456.5 + i for i in range(n)], "label": ["secret"] * 9 + ["b"] * (n - 9),
         "gap": [None] * 3 + [1] * (n - 3)}
    )  # fmt: skip
    text = make_manifest(frame, target="label").to_text()
    assert "Anna" not in text and "123456" not in text and 'secret"' not in text.replace("secret = ", "")
    table = tomllib.loads(text)
    assert table["labels"] == [{"label": "b", "rows": n - 9}]
    assert [c["missing"] for c in table["columns"]] == [0, 0, 0, "few"]
    assert min(b["rows"] for b in table["blocks"]) >= 256


def test_a_secret_hides_guesses_and_keeps_the_comparison(rows: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(bytes(range(32)))
    secret = read_secret(tmp_path / "s")
    plain, keyed = make_manifest(rows), make_manifest(rows, secret=secret)
    hashes = [
        {*(c.hash for c in m.columns), *(b.hash for b in m.blocks), m.unordered} for m in (plain, keyed)
    ]
    assert not hashes[0] & hashes[1]
    assert [b.rows for b in plain.blocks] != [b.rows for b in keyed.blocks]
    with pytest.raises(InputError, match="different secrets"):
        compare_manifests(plain, keyed)
    assert compare_manifests(keyed, make_manifest(rows, secret=secret)).same
    (tmp_path / "short").write_bytes(b"1234")
    for name in ("short", "none"):
        with pytest.raises(InputError, match=r"openssl|cannot be read"):
            read_secret(tmp_path / name)


names = st.text(min_size=1, max_size=8)
cells = (
    st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.text()),
)


@settings(max_examples=20, deadline=None)
@given(st.data(), st.lists(names, min_size=1, max_size=4, unique=True), st.integers(1, 12))
def test_whatever_the_table_the_text_reads_back_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, columns: list[str], n: int
) -> None:
    frame = pl.DataFrame(
        [
            pl.Series(
                name,
                data.draw(st.lists(data.draw(st.sampled_from(cells)), min_size=n, max_size=n)),
                strict=False,
            )
            for name in columns
        ]
    )
    made = make_manifest(frame)
    path = tmp_path_factory.mktemp("m") / "m.toml"
    path.write_text(made.to_text(), encoding="utf-8", newline="\n")
    assert is_manifest(path)
    assert read_manifest(path) == made
    assert compare_manifests(made, read_manifest(path)).same
    assert sum(b.rows for b in made.blocks) == n


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=8), st.integers(0, 2**32 - 1), st.booleans())
def test_batches_do_not_matter_and_sizes_hold(parts: list[int], seed: int, flat: bool) -> None:
    digests = np.random.default_rng(seed).integers(0, 256, (sum(parts), 32), dtype=np.uint8)
    if flat:
        digests[:] = 7
    whole, cut = Cutter(256, b""), Cutter(256, b"")
    whole.update(digests)
    for part in np.split(digests, np.cumsum(parts)[:-1]):
        cut.update(part)
    blocks = whole.finish()
    assert blocks == cut.finish()
    assert sum(b.rows for b in blocks) == len(digests)
    assert all(64 <= b.rows <= 1024 + 64 for b in blocks) or len(blocks) == 1


def test_the_merkle_root_is_that_of_the_recursive_definition() -> None:
    import hashlib

    def h(x: bytes) -> bytes:
        return hashlib.blake2b(x, digest_size=32, person=b"mw tree").digest()

    def oracle(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return h(b"\0" + leaves[0])
        k = 1
        while k * 2 < len(leaves):
            k *= 2
        return h(b"\1" + oracle(leaves[:k]) + oracle(leaves[k:]))

    for n in range(1, 40):
        leaves = [bytes([i]) for i in range(n)]
        assert merkle_root(leaves) == oracle(leaves)


@pytest.fixture
def written(rows: pl.DataFrame, tmp_path: Path) -> tuple[Path, Manifest]:
    made = make_manifest(rows, target="label")
    path = tmp_path / "m.toml"
    path.write_text(made.to_text(), encoding="utf-8")
    return path, made


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("rows = 6000", "rows = 5999", "blocks"), ("modelward_manifest = 1", "modelward_manifest = 2", "version"),
        ('missing = 0', 'missing = "x"', "missing"), ("sha256", "sha257", "sha256"), ("block_rows = 1024", "block_rows = -1", "block_rows"),
        ("columns = [", "columns = [ 1,", "damaged"), ("blocks = [", "blocks = 3 #", "TOML"), ('name = "id"', 'name = "idd"', "edited"),
        ('name = "id"', 'name = "amount"', "columns"), ("rows = 6000", "rows = true", "rows"), ("labels = [", "labels = [[", "TOML"),
    ],
)  # fmt: skip
def test_a_manifest_that_was_edited_or_damaged_is_refused(
    written: tuple[Path, Manifest], old: str, new: str, why: str
) -> None:
    path, made = written
    text = made.to_text()
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=why):
        read_manifest(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_edit_is_read_refused_or_changes_what_is_compared(
    rows: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    made = make_manifest(rows[:300], target="label", block_rows=256)
    raw = bytearray(made.to_text().encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("m") / "m.toml"
    path.write_bytes(bytes(raw))
    try:
        read = read_manifest(path)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert read.content == made.content and read.tree == made.tree


def test_bad_input_is_one_line(rows: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'LABEL'"):
        make_manifest(rows, target="LABEL")
    with pytest.raises(InputError, match="different values"):
        make_manifest(rows, target="amount")
    for size in (0, 100, 1000):
        with pytest.raises(UsageError, match="power of two"):
            make_manifest(rows, block_rows=size)
    for content in (b"", b"\x80\x04N.", b"a,b\n"):
        (tmp_path / "x.csv").write_bytes(content)
        with pytest.raises(InputError):
            make_manifest(tmp_path / "x.csv")
    (tmp_path / "deep.toml").write_text("modelward_manifest = 1\nx = " + "[" * 100_000)
    with pytest.raises(InputError, match="TOML"):
        read_manifest(tmp_path / "deep.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(tmp_path)
    assert not is_manifest(tmp_path)
