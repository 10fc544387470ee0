"""The words of a vectoriser, as the loaded object has them."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelward.artifacts import inspect
from modelward.cli._inspect import inspect as verb

TEXTS = ["good day <b>sir</b>", "bad day", "day and night", "miller owes 300 euros"] * 5
LABELS = [1, 0, 1, 0] * 5


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("kind", [TfidfVectorizer, CountVectorizer])
def test_words_columns_and_weights_are_those_of_the_object(tmp_path: Path, kind: type, protocol: int) -> None:
    model = make_pipeline(kind(ngram_range=(1, 2)), LogisticRegression()).fit(TEXTS, LABELS)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model, protocol))
    found = inspect(path)
    (words,) = found.vocabularies
    assert words.path == "steps[0][1].vocabulary_"
    assert {word.text: word.column for word in words.words} == model[0].vocabulary_
    assert words.size == len(model[0].vocabulary_)
    weights = [word.weight for word in words.words]
    if kind is TfidfVectorizer:
        assert weights == sorted(weights)
        assert np.array_equal([model[0].idf_[word.column] for word in words.words], weights)
    else:
        assert set(weights) == {None}
        assert [word.column for word in words.words] == list(range(words.size))
    assert any("words of the training texts stand in it" in remark for remark in found.remarks)


def test_a_long_vocabulary_is_cut_in_text_and_whole_in_json(tmp_path: Path) -> None:
    texts = [f"word{i:03d} <script>" for i in range(200)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1] * 100)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    out, page = tmp_path / "a.json", tmp_path / "a.html"
    said = CliRunner().invoke(verb, [str(path), "-o", str(out), "-o", str(page)])
    assert said.exit_code == 0, said.output
    assert "201 words, the most common first" in " ".join(said.output.split())
    assert said.output.count("word0") + said.output.count("word1") == 19
    told = json.loads(out.read_text())["vocabularies"][0]
    assert len(told["words"]) == told["size"] == 201
    assert told["words"][0]["word"] == "script"
    assert "181 more" in page.read_text()


def test_what_is_no_vocabulary_is_none(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    records = [{"a": "x"}, {"b": 2}] * 5
    path.write_bytes(
        pickle.dumps(make_pipeline(DictVectorizer(), LogisticRegression()).fit(records, [0, 1] * 5))
    )
    assert inspect(path).vocabularies == ()
    odd = CountVectorizer().fit(TEXTS)
    for value in ({1: 2}, {"a": "b"}, {}, "abc", [1], {"\x1b[2J": 0}, OrderedDict(a=1)):
        odd.vocabulary_ = value
        path.write_bytes(pickle.dumps(odd))
        found = inspect(path).vocabularies
        assert len(found) == (1 if value in ({"\x1b[2J": 0}, OrderedDict(a=1)) else 0)
        assert all(word.text.isprintable() for one in found for word in one.words)


def test_every_vectoriser_of_a_model_is_told(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": TEXTS, "b": TEXTS[::-1]})
    both = ColumnTransformer([("x", TfidfVectorizer(), "a"), ("y", CountVectorizer(), "b")])
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(make_pipeline(both, LogisticRegression()).fit(frame, LABELS)))
    assert len(inspect(path).vocabularies) == 2
