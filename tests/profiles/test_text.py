"""Texts: against brute force and scikit-learn, merging in any order, and words that must not be written."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from modelward.errors import InputError
from modelward.profiles import Layout, Profile, TextLayout, TextProfile
from modelward.profiles import _text as module
from modelward.profiles._words import Filter, bits, invisible, words
from modelward.schema import Column, FeatureSchema

VOCABULARY = [f"word{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(300)]


def _texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(VOCABULARY) + 1)
    return [
        " ".join(rng.choice(VOCABULARY, size=rng.integers(1, 15), p=share / share.sum())) for _ in range(n)
    ]


def _profile(layout: TextLayout, texts: list[object]) -> TextProfile:
    out = TextProfile(layout)
    out.update(texts)
    return out


def _equal(a: TextProfile, b: TextProfile) -> bool:
    one, two = a.arrays(), b.arrays()
    return one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)


some_texts = st.lists(
    st.one_of(st.none(), st.integers(), st.text(max_size=30), st.sampled_from(_texts(30, 3))), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(some_texts, st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_parts_merged_in_any_order_equal_one_pass(
    texts: list[object], a: int, b: int, through_json: bool
) -> None:
    layout = TextLayout.fit(_texts(60))
    low, high = sorted((a, b))
    parts = [_profile(layout, part) for part in (texts[:low], texts[low:high], texts[high:])]
    whole = _profile(layout, texts)
    for first, second, third in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        merged = parts[first].merge(parts[second].merge(parts[third]))
        assert _equal(merged, whole)
        assert merged.to_dict() == whole.to_dict()
    if through_json:
        back = TextProfile.from_dict(layout, json.loads(json.dumps(whole.to_dict())))
        assert back.to_dict() == whole.to_dict()
        assert back.merge(back).to_dict() == whole.merge(whole).to_dict() or back.fresh() != whole.fresh()


def test_the_sample_of_unseen_words_is_exact_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FRESH", 8)
    layout = TextLayout.fit(_texts(60))
    rng = np.random.default_rng(5)
    texts = [
        " ".join(f"new{chr(97 + k % 20)}{chr(97 + k // 20)}" for k in rng.integers(0, 100, 6))
        for _ in range(200)
    ]
    whole = _profile(layout, texts)
    counts = Counter(w for t in texts for w in set(words(t)) if not layout.seen(w))
    smallest = sorted(counts, key=lambda w: bits(w)[0])[:8]
    held = dict(whole.arrays()["fresh"].tolist())
    assert held == {bits(w)[0]: counts[w] for w in smallest}
    for k in range(5):
        order = np.random.default_rng(k).permutation(200)
        parts = [_profile(layout, [texts[i] for i in p]) for p in np.array_split(order, k + 2)]
        merged = parts[0]
        for part in parts[1:]:
            merged = part.merge(merged)
        assert _equal(merged, whole)


def test_counts_equal_brute_force() -> None:
    reference, texts = _texts(400), [*_texts(300, 1), None, "", "…", 7, "zero\u200bwidth", "x " * 30_000]
    layout = TextLayout.fit(reference, most_words=50, most_pairs=20)
    made = _profile(layout, texts)
    strings = [t for t in texts if isinstance(t, str)]
    split = [words(t) for t in strings]
    before = Counter(w for t in reference for w in set(t.split()))
    assert list(layout.words.values()) == [n for _, n in before.most_common(50)]
    assert layout.documents == 400
    for word, docs, times in zip(layout.words, made.docs, made.times, strict=True):
        assert docs == sum(word in set(t) for t in split)
        assert times == sum(t.count(word) for t in split)
        assert made.share(word) == docs / len(strings)
    for pair, n in zip(layout.pairs, made.pairs, strict=True):
        assert n == sum(pair in set(itertools.pairwise(t)) for t in split)
    unseen = sum(not layout.seen(w) for t in split for w in t)
    assert unseen >= 10_000
    assert made.unseen_share == unseen / sum(map(len, split))
    told = made.counted()
    assert (told["rows"], told["missing"], told["no text"], told["without words"]) == (306, 1, 1, 2)
    assert (told["too long"], told["invisible characters"]) == (1, 1)
    assert made.lengths.sum() == made.texts == 304
    # Every word of the reference is found again: it is named or in the filter.
    assert all(layout.seen(w) for w in before)
    assert sum(layout.seen(f"never{k}x{chr(97 + k % 26)}") for k in range(1000)) < 50


def test_tf_idf_is_scikit_learns() -> None:
    reference, texts = _texts(200), _texts(100, 1)
    layout = TextLayout.fit(reference, most_words=10_000)
    fitted = TfidfVectorizer(vocabulary=list(layout.words), norm=None, token_pattern=r"\w+").fit(reference)  # noqa: S106
    total = sum(len(t.split()) for t in texts)
    theirs = np.asarray(fitted.transform([" ".join(texts)]).todense())[0] / total
    ours = _profile(layout, texts).tf_idf()
    for k, word in enumerate(layout.words):
        assert ours.get(word, 0.0) == pytest.approx(theirs[k], rel=1e-12)
    assert list(ours.values()) == sorted(ours.values(), reverse=True)


def test_an_injected_word_leads_what_rose_whether_it_was_seen_before_or_not() -> None:
    layout = TextLayout.fit(_texts(2000))
    for word, known in (("wordda", True), ("xqz", False)):
        texts = [f"{t} {word}" if k % 20 == 0 else t for k, t in enumerate(_texts(2000, 1))]
        top = _profile(layout, texts).rises(3)[0]
        assert (word in layout.words) == known
        assert top.word == word
        assert top.now >= 0.05 > top.before
    quiet = _profile(layout, _texts(2000, 2)).rises(1)[0]
    assert abs(quiet.score) < 5


def test_words_of_few_texts_are_written_as_hashes() -> None:
    reference = ["please send my parcel"] * 50 + ["I am Rumpelstiltskin"]
    layout = TextLayout.fit(reference)
    made = _profile(layout, ["send it to Rapunzel"] * 9 + ["send bitcoin"] * 10)
    frame = pl.DataFrame({"note": reference})
    schema = FeatureSchema((Column("note", "text"),))
    whole = Profile(Layout.fit(frame, schema, texts=["note"]))
    for text in (json.dumps([layout.to_dict(), made.to_dict()]), whole.to_json()):
        assert "parcel" in text
        assert "rumpel" not in text.lower()
    assert "rapunzel" not in json.dumps(made.to_dict())
    assert "bitcoin" in json.dumps(made.to_dict())
    assert made.fresh() == [("bitcoin", 10)]
    twice = TextProfile.from_dict(layout, made.to_dict())
    # The count is whole after reading, the name is gone.
    assert dict(twice.merge(twice).fresh())[f"#{bits('rapunzel')[0]:012x}"] == 18


def test_words_are_folded_and_cut() -> None:
    assert words("STRASSE Straße \u200bfoo\u200bbar ａｂｃ it’s 3.14 x_y") == [
        "strasse", "strasse", "foobar", "abc", "it's", "0", "0", "x", "y",
    ]  # fmt: skip
    assert words("a" * 100) == ["a" * 40]
    assert invisible("pay\u202epal")
    assert not invisible("naïve\n\tline")
    assert words("\ud800") == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), max_size=50, unique=True))
def test_a_filter_finds_all_that_was_put_in(held: list[str]) -> None:
    assert all(Filter.of(held).holds(bits(w)[1]) for w in held)


def test_a_table_with_texts_is_profiled_whole() -> None:
    texts = [t + " end of it" for t in _texts(500)]
    frame = pl.DataFrame({"note": texts, "id": [f"k{i}-{i * 7}" for i in range(500)], "n": range(500)})
    layout = Layout.fit(frame)
    assert list(layout.texts) == ["note"]
    whole, one, two = Profile(layout), Profile(layout), Profile(layout)
    for made, part in ((whole, frame), (one, frame[:200]), (two, frame[200:])):
        made.update(layout.encode(part)[0], layout.texts_of(part))
    assert one.merge(two).to_json() == whole.to_json() == Profile.from_json(whole.to_json()).to_json()
    assert len(whole.to_json().encode()) <= 50_000
    held = Profile.from_arrays(layout, whole.arrays())
    assert held.to_json() == whole.to_json()
    # A column that vanished is missing in every row.
    gone = frame.drop("note")
    made = Profile(layout)
    made.update(layout.encode(gone)[0], layout.texts_of(gone))
    assert made.texts["note"].counted()["missing"] == 500
    assert math.isnan(made.texts["note"].mean_words)


def test_damage_is_one_clear_line() -> None:
    layout = TextLayout.fit(_texts(100))
    made = _profile(layout, [*_texts(50, 1), "brand new"])
    raw = json.loads(json.dumps(made.to_dict()))
    for change in (
        {"docs": raw["docs"][:-1]}, {"fresh": [["zz", 1, ""]]}, {"fresh": [["0" * 12, 0, ""]]}, {"fresh": [[1]]},
        {"counters": [-1] * 10}, {"lengths": [0] * 17}, {"bound": "x"}, {"buckets": None}, {"times": [0] * len(raw["times"])},
    ):  # fmt: skip
        with pytest.raises(InputError, match="damaged"):
            TextProfile.from_dict(layout, raw | change)
    shape = json.loads(json.dumps(layout.to_dict()))
    assert TextLayout.from_dict(shape).digest == layout.digest
    for change in (
        {"rest": "!"}, {"rest": "AAAA"}, {"hashes": 0}, {"documents": 1}, {"words": [["x" * 99, 1]]},
        {"words": [["a", 1], ["a", 1]]}, {"pairs": [["a", 1]]}, {"documents": None},
    ):  # fmt: skip
        with pytest.raises(InputError, match="no layout of texts"):
            TextLayout.from_dict(shape | change)
    with pytest.raises(InputError, match="different layouts"):
        made.merge(TextProfile(TextLayout.fit(_texts(100, 9))))
    with pytest.raises(InputError, match="there are none"):
        TextLayout.fit(["…", None])
    with pytest.raises(InputError, match="by name"):
        made.share("nowhere")
    frame = pl.DataFrame({"note": ["a b c d"] * 20})
    table = Profile(Layout.fit(frame, texts=["note"]))
    with pytest.raises(InputError, match="another number of rows"):
        table.update(table.layout.encode(frame)[0], {"note": ["a"]})
