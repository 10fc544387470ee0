"""Reading tables: formats agree, types are found over the whole file, and bad input is one line."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelward.errors import InputError
from modelward.tables import file_facts, read_batches, read_table, stratified

BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "header only": (b"a,b\n", "no rows"),
    "long row": (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells"),
    "short row": (b"a,b\n1,2\n1\n", "line 3 has 1 cells"),
    "repeated": (b"a,b,a\n1,2,3\n", "'a' more than once"),
    "latin-1": (b"a,b\n1,caf\xe9\n", "line 2 has byte 0xe9"),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "binary": (b"\x00\x01\x02", "binary"),
    "pickle": (b"\x80\x04K\x01.", "a pickle"),
    "zip": (b"PK\x03\x04aaaa", "zip or Excel"),
    "json": (b'{"a": 1, "b": 2}', "JSON"),
    "html": (b"<html><body>no</body></html>", "markup"),
    "prose": (b"hello world\nno table here\n", "one column of text only"),
    "no header": (b"1.5,2\n3,4\n", "begins with numbers"),
    "open quote": (b'a,b\n"x,2\np,4\n', "line 3"),
    "cut gzip": (gzip.compress(b"a,b\n" + b"1,2\n" * 50_000)[:-40], "cannot be read"),
    "cut parquet": (b"PAR1abcdef", "damaged"),
}


@pytest.mark.parametrize("case", sorted(BAD))
@pytest.mark.parametrize(
    "reader", [read_table, lambda p, what: list(read_batches(p, 2, what=what))], ids=["whole", "batches"]
)
def test_bad_files_are_one_line_that_says_what(case, reader, tmp_path):
    content, message = BAD[case]
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        reader(path, what="--data")
    assert message in str(caught.value)
    assert str(caught.value).startswith("--data ")
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_one_line(tmp_path):
    for path, message in ((tmp_path / "no.csv", "does not exist"), (tmp_path, "is a directory")):
        with pytest.raises(InputError, match=message):
            read_table(path)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60))
def test_any_bytes_are_a_table_or_an_input_error(content, tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    try:
        frame = read_table(path)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert frame.height and frame.width


LATE = {
    "fraction": (["1"] * 3000 + ["1.5"], pl.Float64),
    "after gaps": ([""] * 3000 + ["2"], pl.Int64),
    "word": (["1"] * 3000 + ["x"], pl.String),
    "boolean": (["True", ""] * 1500 + ["False"], pl.Boolean),
    "date": (["2024-01-01"] * 3000 + [""], pl.Date),
    "sign": (["1"] * 3000 + ["+2"], pl.Int64),
    "huge": (["1"] * 3000 + ["9223372036854775808"], pl.Float64),
    "integers with gaps": (["1", "", "NA", "nan"] * 800, pl.Int64),
}


@pytest.mark.parametrize("case", sorted(LATE))
def test_types_are_found_over_the_whole_file(case, tmp_path):
    cells, dtype = LATE[case]
    path = tmp_path / "x.csv"
    path.write_text("a,b\n" + "".join(f"{cell},0\n" for cell in cells))
    whole = read_table(path)
    assert whole["a"].dtype == dtype
    parts = list(read_batches(path, 700))
    assert all(part.height == 700 for part in parts[:-1])
    assert pl.concat(parts).equals(whole)


def test_all_formats_give_the_same_table(tmp_path):
    frame = pl.DataFrame(
        {"a": [1, None, 3], "b": ["x", "y", None], "c": [0.5, None, 2.5], "d": [True, False, None]}
    )
    text = frame.write_csv()
    (tmp_path / "x.csv").write_text(text)
    (tmp_path / "semicolon.csv").write_text("\ufeff" + text.replace(",", ";"), encoding="utf-8")
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text.encode()))
    frame.write_parquet(tmp_path / "x.parquet")
    frame.write_ipc(tmp_path / "x.arrow")
    for path in sorted(tmp_path.iterdir()):
        assert read_table(path).equals(frame), path.name
        assert pl.concat(list(read_batches(path, 2))).equals(frame), path.name


def test_frames_of_other_libraries_give_the_same_table():
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    frame = pl.DataFrame({"a": [1.0, None], "b": ["x", None]})
    assert read_table(pd.DataFrame({"a": [1, np.nan], "b": ["x", None]}, index=[7, 8])).equals(frame)
    assert read_table(pa.table({"a": [1.0, None], "b": ["x", None]})).equals(frame)
    assert read_table(frame.lazy()).equals(frame)
    assert read_table(np.array([[1.0, "x"], [np.nan, None]], dtype=object), names=("a", "b")).equals(frame)
    assert read_table(pd.DataFrame({0: [1, 2], 1: [3, 4]})).columns == ["0", "1"]
    for strange in (5, [1, 2], np.zeros(3), pd.DataFrame([[1, 2]], columns=["a", "a"])):
        with pytest.raises(InputError):
            read_table(strange)


def test_facts_are_digest_and_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n3,4\n")
    digest = hashlib.sha256(b"a,b\n1,2\n3,4\n").hexdigest()
    assert file_facts("x.csv") == {"path": "x.csv", "sha256": digest, "rows": 2}
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04K\x01.")
    assert set(file_facts(tmp_path / "m.pkl")) == {"path", "sha256"}


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5), n=st.integers(0, 200), seed=st.integers(0, 99)
)
def test_a_sample_keeps_the_shares_of_the_labels(sizes, n, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    rows = stratified(y, n, np.random.default_rng(seed))
    assert len(rows) == len(set(rows.tolist())) == min(n, len(y))
    assert (np.diff(rows) > 0).all()
    counts = np.bincount(y[rows], minlength=len(sizes))
    if n >= len(sizes):
        assert (counts >= 1).all()
        assert (np.abs(counts - min(n, len(y)) * np.array(sizes) / len(y)) < len(sizes) + 1).all()
    np.testing.assert_array_equal(rows, stratified(y, n, np.random.default_rng(seed)))


def test_groups_are_drawn_whole():
    rng = np.random.default_rng(0)
    groups, y = rng.integers(0, 200, 1000), rng.integers(0, 2, 1000)
    rows = stratified(y, 300, rng, groups)
    assert 250 < len(rows) <= 300
    assert not set(groups[rows]) & set(np.delete(groups, rows))
