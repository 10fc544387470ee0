"""What a model answers, request volume and business figures: against numpy, and merging in any order."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelward.errors import InputError
from modelward.profiles import Layout, Profile, TimeProfile, output_table
from modelward.profiles import _times as module
from modelward.tables import read_batches, read_table


def test_confidence_margin_and_entropy_are_numpys() -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet([1, 1, 1], 50)
    scores[0] = [1, 0, 0]
    table = output_table(scores=scores, classes=["a", "b", "c"])
    ordered = np.sort(scores, axis=1)
    assert table["label"].to_list() == [["a", "b", "c"][k] for k in scores.argmax(axis=1)]
    np.testing.assert_allclose(table["confidence"], ordered[:, -1])
    np.testing.assert_allclose(table["margin"], ordered[:, -1] - ordered[:, -2], atol=1e-15)
    np.testing.assert_allclose(table["entropy"], stats.entropy(scores, axis=1), atol=1e-12)
    np.testing.assert_allclose(table["score of b"], scores[:, 1])


def test_one_score_is_that_of_the_second_class_and_margins_have_no_confidence() -> None:
    table = output_table([1, 0, 1], np.array([0.8, 0.1, np.nan]))
    np.testing.assert_allclose(table["confidence"].to_numpy()[:2], [0.8, 0.9])
    assert table["confidence"].is_null().to_list() == [False, False, True]
    margins = output_table(scores=np.array([[3.0, -1.0], [0.2, 0.8]]))
    assert margins["label"].to_list() == [0, 1]
    assert margins["confidence"].to_list() == [None, 0.8]
    assert output_table(["x", "y"]).columns == ["label"]
    for labels, scores, classes, said in (
        (None, None, None, "one of them"), ([1], np.zeros((2, 2)), None, "do not fit"), (None, np.zeros((2, 2)), ["a"], "as many names"),
        (None, np.zeros((2, 2, 2)), None, "shape"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            output_table(labels, scores, classes=classes)


moments = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e5) | st.sampled_from([math.nan, math.inf])), max_size=25
)


def _times(rows: list[tuple[float, float]]) -> TimeProfile:
    out = TimeProfile()
    times = np.array([t for _, t in rows], dtype=float)
    out.update(times)
    out.figure("sales", np.array([v for v, _ in rows], dtype=float), times)
    return out


@settings(max_examples=60, deadline=None)
@given(moments, st.integers(0, 25), st.integers(0, 25), st.sampled_from([4, 10_000]))
def test_parts_merged_in_any_order_equal_one_pass(
    rows: list[tuple[float, float]], a: int, b: int, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_HOURS", most)
        low, high = sorted((a, b))
        parts = [_times(part) for part in (rows[:low], rows[low:high], rows[high:])]
        whole = _times(rows)
        for i, j, k in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
            assert parts[i].merge(parts[j].merge(parts[k])).to_json() == whole.to_json()
        assert TimeProfile.from_json(whole.to_json()).to_json() == whole.to_json()
        assert sum(whole.volume().values()) * 2 + whole.older + whole.timeless == 2 * len(rows)


def test_hours_and_figures_equal_brute_force() -> None:
    rng = np.random.default_rng(0)
    times, values = rng.uniform(0, 36_000, 500), rng.normal(size=500) * 10.0 ** rng.integers(-8, 8, 500)
    made = _times(list(zip(values.tolist(), times.tolist(), strict=True)))
    hours = (times // 3600).astype(int)
    assert made.volume() == {int(h): int((hours == h).sum()) for h in np.unique(hours)}
    for h, total in made.total("sales").items():
        assert total == math.fsum(values[hours == h])
        assert made.range("sales")[h] == (values[hours == h].min(), values[hours == h].max())
        assert made.mean("sales")[h] == pytest.approx(values[hours == h].mean(), rel=1e-9)
    made.figure("sales", np.array([np.nan]), np.array([0.0]))
    assert made.no_number == 1
    raw = json.loads(made.to_json())
    for change, said in (
        ({"version": 9}, "version 9"), ({"format": 1}, "no profile of times"), ({"rows": [[10**9, 1]]}, "damaged"), ({"rows": [[0, 0]]}, "damaged"),
        ({"figures": {"a": [[0, 1, "1/0", 0, 0]]}}, "damaged"), ({"newest": None}, "damaged"), ({"older": "x"}, "damaged"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            TimeProfile.from_json(json.dumps(raw | change))
    for call, said in (
        (lambda: TimeProfile.from_json("{"), "not JSON"), (lambda: made.mean("x"), "there are sales"),
        (lambda: made.figure("a", np.zeros(2), np.zeros(1)), "do not fit"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            call()


def test_every_kind_of_table_gives_the_same_profile(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 400
    frame = pl.DataFrame({
        "amount": np.round(rng.normal(100, 30, n), 2), "age": rng.integers(18, 90, n), "plan": rng.choice(["a", "b"], n),
        "note": [f"please send parcel number {i} today" for i in range(n)],
    }).with_columns(pl.when(pl.col("age") == 30).then(None).otherwise(pl.col("amount")).alias("amount"))  # fmt: skip
    layout = Layout.fit(frame)
    assert list(layout.texts) == ["note"]

    def profiled(*tables: pl.DataFrame) -> str:
        made = Profile(layout)
        for table in tables:
            X, problems = layout.encode(table)
            assert not problems
            made.update(X, layout.texts_of(table))
        return made.to_json()

    whole = profiled(frame)
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_ipc(tmp_path / "t.arrow")
    for name in ("t.csv", "t.parquet", "t.arrow"):
        assert profiled(*read_batches(tmp_path / name, 77)) == whole
    columns = {name: frame[name].to_list() for name in frame.columns}
    structured = np.array(
        list(
            zip(
                *(
                    frame[c].fill_null(float("nan")).to_list() if c == "amount" else columns[c]
                    for c in frame.columns
                ),
                strict=True,
            )
        ),
        dtype=[("amount", "f8"), ("age", "i8"), ("plan", "U1"), ("note", "U60")],
    )
    for table in (pd.DataFrame(columns), pa.table(columns), frame.lazy(), structured):
        assert profiled(read_table(table)) == whole
