"""What libsvm and sparse matrices are handed unseen: honest estimators are clean, those that lie about a size never are.

Most changes were seen to end the process, or to read beside an array, when the loaded model was asked.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import AffinityPropagation, BisectingKMeans, KMeans
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from modelward.artifacts import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
TWO, THREE = (X[:, 0] > 0).astype(int), np.digitize(X[:, 0], [-0.5, 0.5])
CODES = RNG.integers(0, 5, size=(80, 3))
WORDS = ["aa bb cc", "dd ee aa", "bb dd", "cc ee aa"]

HONEST: dict[str, Callable[[], Any]] = {
    "two classes": lambda: SVC().fit(X, TWO),
    "three classes": lambda: SVC().fit(X, THREE),
    "as text": lambda: SVC(class_weight="balanced").fit(X, THREE.astype(str)),
    "one against one": lambda: SVC(decision_function_shape="ovo").fit(X, THREE),
    "nu": lambda: NuSVC(nu=0.1).fit(X, TWO),
    "numbers": lambda: SVR().fit(X, X[:, 0]),
    "numbers, nu": lambda: NuSVR().fit(X, X[:, 0]),
    "one class": lambda: OneClassSVM().fit(X),
    "precomputed": lambda: SVC(kernel="precomputed").fit(X @ X.T, THREE),
    "sparse": lambda: SVC(kernel="linear").fit(csr_matrix(X), THREE),
    "sparse numbers": lambda: SVR().fit(csr_matrix(X), X[:, 0]),
    "sparse, one class": lambda: OneClassSVM().fit(csr_matrix(X)),
    "neighbours": lambda: KNeighborsClassifier(algorithm="brute").fit(X, TWO),
    "neighbours by distances": lambda: NearestNeighbors(metric="precomputed").fit(np.abs(X @ X.T)),
    "sparse neighbours": lambda: KNeighborsClassifier().fit(csr_matrix(X), TWO),
    "outliers": lambda: LocalOutlierFactor(novelty=True, algorithm="brute").fit(X),
    "centres": lambda: KMeans(3, n_init=1).fit(X),
    "centres of centres": lambda: BisectingKMeans(3, n_init=1).fit(X),
    "exemplars": lambda: AffinityPropagation(random_state=0).fit(X),
    "not fitted": lambda: [SVC(), CountVectorizer(), DictVectorizer(), OneHotEncoder()],
    "words": lambda: CountVectorizer().fit(WORDS),
    "some words": lambda: TfidfVectorizer(max_features=3, ngram_range=(1, 2)).fit(WORDS),
    "words given": lambda: CountVectorizer(vocabulary={"aa": 1, "bb": 0}).fit(WORDS),
    "dicts": lambda: DictVectorizer().fit([{"a": 1, "b": "x"}, {"b": "y"}]),
    "codes": lambda: OneHotEncoder().fit(CODES),
    "codes but one": lambda: OneHotEncoder(drop="first").fit(CODES),
    "codes but one of two": lambda: OneHotEncoder(drop="if_binary").fit(np.column_stack([CODES, CODES[:, 0] > 2])),
    "codes but some": lambda: OneHotEncoder(drop=[0, 1, 4]).fit(CODES),
    "rare codes": lambda: OneHotEncoder(min_frequency=15).fit(CODES),
    "rare codes, all but one": lambda: OneHotEncoder(max_categories=3, drop="first").fit(CODES.astype(str)),
    "all codes but one are rare": lambda: OneHotEncoder(max_categories=1).fit(CODES),
    "bins": lambda: KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf").fit(X),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_honest_state_is_clean(name: str) -> None:
    model = HONEST[name]()
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    for data in (pickle.dumps(model, 2), pickle.dumps(model, 5), buffer.getvalue()):
        found = read_bytes(data)
        assert found.verdict == "clean", found.reasons


ODD: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("two classes", "_n_support", lambda counts: np.array([10**8, sum(counts) - 10**8], "i4")),
    ("three classes", "_n_support", lambda counts: np.append(counts, np.zeros(1000, "i4"))),
    ("three classes", "_n_support", lambda counts: counts + 1),
    ("two classes", "support_", lambda _: np.arange(10**5, dtype="i4")),
    ("precomputed", "support_", lambda rows: rows + 10**6),
    ("three classes", "_dual_coef_", lambda weights: weights[:1].copy()),
    ("three classes", "_dual_coef_", lambda weights: weights[:, :1].copy()),
    ("one class", "_dual_coef_", lambda weights: weights[:, :1].copy()),
    ("three classes", "_intercept_", lambda _: np.zeros(0)),
    ("three classes", "_probA", lambda _: np.zeros(1)),
    ("three classes", "support_vectors_", lambda vectors: vectors[:, :1].copy()),
    ("sparse", "_dual_coef_", lambda _: csr_matrix(np.ones((1, 1)))),
    ("sparse", "_n_support", lambda _: np.array([10**8, -(10**8), 0], "i4")),
    ("neighbours", "_fit_X", lambda rows: rows[:, :2].copy()),
    ("neighbours", "n_features_in_", lambda _: 10**6),
    ("outliers", "_fit_X", lambda rows: rows.ravel()),
    ("centres", "cluster_centers_", lambda rows: rows[:, :1].copy()),
    ("words", "vocabulary_", lambda words: dict.fromkeys(words, 10**9)),
    ("words", "vocabulary_", lambda words: words | {"aa": -1}),
    ("words", "vocabulary_", lambda words: words | {"aa": 1.0}),
    ("some words", "vocabulary_", lambda words: words | {"aa": np.int64(3)}),
    ("dicts", "vocabulary_", lambda words: words | {"a": 3}),
    ("codes", "_n_features_outs", lambda _: [10**9, -(10**9), 5]),
    ("codes", "_n_features_outs", lambda _: [1, 1, 1]),
    ("codes", "_n_features_outs", lambda _: [5, 5]),
    ("codes but one", "_drop_idx_after_grouping", lambda _: np.array([-1, 0, 0], dtype=object)),
    ("rare codes", "_default_to_infrequent_mappings", lambda maps: [np.full(5, 10**9), *maps[1:]]),
    ("rare codes", "_default_to_infrequent_mappings", lambda maps: [np.full(5, -1), *maps[1:]]),
]


@pytest.mark.parametrize(("name", "attribute", "change"), ODD)
def test_what_does_not_fit_together_is_not_clean(
    name: str, attribute: str, change: Callable[[Any], Any]
) -> None:
    model = HONEST[name]()
    vars(model)[attribute] = change(vars(model)[attribute])
    for protocol in (2, 4):
        found = read_bytes(pickle.dumps(model, protocol))
        assert found.verdict == "suspicious"
        assert any("outside its own arrays" in reason for reason in found.reasons)
