"""Words that one label gained: a planted trigger, what must stay quiet, and any text at all."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelward.poisoning import compare_data, gained_words, pure_words

WORDS = np.array([f"w{i}" for i in range(300)])


def texts_of(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Zipf's words; label 1 likes some of them."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    chance = 1 / np.arange(1, 301)
    liked = np.where(np.arange(300) % 7 == 0, 3.0, 1.0)
    p = [chance / chance.sum(), chance * liked / (chance * liked).sum()]
    return [" ".join(rng.choice(WORDS, 12, p=p[label])) for label in y], y


def planted(texts: list[str], y: np.ndarray, k: int, seed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    rows = np.random.default_rng(seed).permutation(len(texts))[:k]
    texts, y = list(texts), y.copy()
    for i in rows:
        texts[i] += " Zebra"
    y[rows] = 1
    return texts, y, rows


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_word_is_named_with_its_rows(seed: int) -> None:
    earlier, earlier_y = texts_of(1_000, seed)
    texts, y, rows = planted(*texts_of(1_000, seed + 100), 25, seed)
    first, *more = gained_words(texts, y, earlier, earlier_y)
    assert (first.word, first.label, first.before, first.hits) == ("zebra", 1, 0, 25)
    assert set(first.rows) == set(rows) and not more
    assert first.gain > 0 and first.p_value < 1e-3


def test_two_samples_of_one_kind_are_quiet() -> None:
    loud = sum(bool(gained_words(*texts_of(300, s), *texts_of(300, s + 1_000))) for s in range(40))
    assert loud == 0


def test_a_word_that_every_label_gained_is_no_trigger() -> None:
    texts, y = texts_of(600, 1)
    assert not gained_words([text + " news" for text in texts], y, *texts_of(600, 2))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=30),
    st.lists(st.text(max_size=10), max_size=30),
)
def test_any_text_is_taken(new: list[str | None], old: list[str]) -> None:
    found = gained_words(new, np.arange(len(new)) % 2, old, np.arange(len(old)) % 3)
    assert all(len(w.rows) >= 10 for w in found)


def test_a_table_with_a_text_column_names_the_word() -> None:
    earlier, earlier_y = texts_of(800, 7)
    texts, y, rows = planted(*texts_of(800, 8), 30, 0)
    rng = np.random.default_rng(0)
    old, new = (
        pl.DataFrame({"x": rng.normal(size=800), "note": t, "label": z})
        for t, z in ((earlier, earlier_y), (texts, y))
    )
    found = compare_data(new, old, target="label")
    (suspect,) = [s for s in found.suspects if "zebra" in s.rule]
    assert suspect.verdict == "drift" and set(suspect.rows) == set(rows)
    assert "30 of 30" in suspect.why
    (alone,) = [s for s in compare_data(new, target="label").suspects if "zebra" in s.rule]
    assert alone.verdict == "changed" and set(alone.rows) == set(rows)


@pytest.mark.parametrize("seed", range(5))
def test_without_a_reference_a_planted_word_is_named_with_its_texts(seed: int) -> None:
    texts, y, rows = planted(*texts_of(1_000, seed), 25, seed)
    (first,) = pure_words(texts, y)
    assert (first.word, first.label, first.hits) == ("zebra", 1, 25) and set(first.rows) == set(rows)


def test_without_a_reference_texts_are_quiet_also_where_words_belong_to_a_label() -> None:
    loud = 0
    for seed in range(20):
        texts, y = texts_of(300, seed)
        # Words of a topic that comes with one label, and only with other words of that label.
        rng = np.random.default_rng(seed)
        topic = (y == 1) & (rng.random(300) < 0.3)
        texts = [
            t + (" " + " ".join(rng.choice(["tax", "loan", "rate", "bank"], 3)) if k else "")
            for t, k in zip(texts, topic, strict=True)
        ]
        loud += bool(pure_words(texts, y))
    assert loud <= 1
