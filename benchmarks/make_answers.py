"""Fit models with an installed library, save them with their own answers; for environments where modelward is not.

    python benchmarks/make_answers.py FOLDER

Written to FOLDER/LIBRARY-VERSION: `NAME.pkl` or `NAME.joblib`, and `NAME.npz` with the rows asked and what the fitted
model answered. Needs scikit-learn, or xgboost or lightgbm with it, so that it runs with releases of years ago.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

SEED = 0
RNG = np.random.default_rng(SEED)
X = np.round(RNG.normal(size=(400, 6)), 2)
X[:, 4] = RNG.integers(0, 4, len(X))
GAPS = RNG.uniform(size=X.shape) < 0.05
LABELS = {
    "two": np.where(X[:, 0] + X[:, 1] ** 2 > 0.5, "yes", "no"),
    "three": np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5]) * 3 - 1,
    "number": X[:, 0] - 2 * X[:, 1] + X[:, 4],
}


def asked() -> np.ndarray:
    """Return rows seen, half-way between two seen, far away, and the neighbours of the half-way ones in float."""
    rng = np.random.default_rng(SEED + 1)
    middle = (X[rng.permutation(len(X))] + X) / 2
    near = np.nextafter(middle.astype(np.float32), np.float32(9)).astype(float)
    rows = np.vstack([X, middle, rng.normal(size=X.shape) * 4, near])
    rows[:, 4] = np.abs(np.round(rows[:, 4])) % 4
    return rows


def models() -> list[tuple[str, object]]:
    """Return models by the kind of label that they are fitted on."""
    L = LogisticRegression
    classify = [
        DecisionTreeClassifier(), ExtraTreeClassifier(max_depth=4), RandomForestClassifier(30),
        ExtraTreesClassifier(30, bootstrap=True), GradientBoostingClassifier(n_estimators=20),
        HistGradientBoostingClassifier(max_iter=20), AdaBoostClassifier(n_estimators=10),
        BaggingClassifier(n_estimators=10, max_features=0.6), L(), SGDClassifier(loss="modified_huber"),
        RidgeClassifier(), LinearSVC(dual=False), LinearDiscriminantAnalysis(),
        QuadraticDiscriminantAnalysis(reg_param=0.1), GaussianNB(), BernoulliNB(),
        make_pipeline(MinMaxScaler(clip=True), MultinomialNB()),
        make_pipeline(MinMaxScaler((1, 2), clip=True), ComplementNB()), DummyClassifier(strategy="prior"),
        make_pipeline(SimpleImputer(), StandardScaler(), PCA(3, whiten=True), L()),
        make_pipeline(TruncatedSVD(3), L()), make_pipeline(RobustScaler(), PolynomialFeatures(2), L(max_iter=40)),
        make_pipeline(PolynomialFeatures(2), VarianceThreshold(), SelectKBest(k=9), GaussianNB()),
        make_pipeline(MaxAbsScaler(), Normalizer(), L()), make_pipeline(PowerTransformer(), L()),
        make_pipeline(QuantileTransformer(n_quantiles=40), L()),
        make_pipeline(KBinsDiscretizer(encode="onehot", strategy="uniform"), L()),
        CalibratedClassifierCV(RandomForestClassifier(5)),
        CalibratedClassifierCV(LinearSVC(dual=False), method="isotonic"),
        VotingClassifier([("a", L()), ("b", GaussianNB())], voting="soft", weights=[1, 2]),
        StackingClassifier([("a", L()), ("b", RandomForestClassifier(5))], passthrough=True),
        OneVsRestClassifier(DecisionTreeClassifier(max_depth=3)), GridSearchCV(L(), {"C": [0.1, 1]}),
        make_pipeline(make_union(StandardScaler(), MinMaxScaler()), L()),
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), [4]), (StandardScaler(), slice(0, 2)),
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), [3]), remainder="passthrough",
            ),
            GradientBoostingClassifier(n_estimators=5),
        ),
    ]  # fmt: skip
    regress = [
        DecisionTreeRegressor(max_depth=5), RandomForestRegressor(20), GradientBoostingRegressor(n_estimators=20),
        HistGradientBoostingRegressor(max_iter=20), LinearRegression(), Ridge(), Lasso(0.01),
    ]  # fmt: skip
    out = [(kind, model) for kind in ("two", "three") for model in classify]
    return out + [("number", model) for model in regress]


def boosters(name: str) -> list[tuple[str, object]]:
    """Return the wrappers of xgboost or lightgbm."""
    if name == "xgboost":
        import xgboost

        return [
            (kind, cls(n_estimators=20, random_state=SEED, n_jobs=1, **more))
            for kind in ("two", "three")
            for cls in (xgboost.XGBClassifier, xgboost.XGBRFClassifier)
            for more in ({}, {"max_depth": 3, "subsample": 0.7})
        ] + [
            ("two", xgboost.XGBClassifier(n_estimators=20, n_jobs=1, booster="dart", rate_drop=0.3)),
            ("three", xgboost.XGBClassifier(n_estimators=20, n_jobs=1, booster="gblinear")),
            ("two", xgboost.XGBClassifier(n_estimators=20, n_jobs=1, missing=0.0)),
            ("number", xgboost.XGBRegressor(n_estimators=20, n_jobs=1)),
            ("number", xgboost.XGBRegressor(n_estimators=20, n_jobs=1, objective="reg:absoluteerror")),
        ]
    import lightgbm

    return [
        (kind, lightgbm.LGBMClassifier(n_estimators=20, random_state=SEED, n_jobs=1, verbose=-1, **more))
        for kind in ("two", "three")
        for more in (
            {}, {"num_leaves": 5, "subsample": 0.7, "subsample_freq": 1}, {"boosting_type": "dart"},
            {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}, {"zero_as_missing": True},
            {"categorical_feature": [4], "min_data_per_group": 5}, {"linear_tree": True},
        )
    ] + [
        ("number", lightgbm.LGBMRegressor(n_estimators=20, n_jobs=1, verbose=-1, objective=objective))
        for objective in ("regression", "poisson")
    ]  # fmt: skip


def answers(model: object, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return what the model says of rows, by method."""
    told = {}
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            told[method] = np.asarray(getattr(model, method)(rows))
    return told


def save(folder: Path, found: list[tuple[str, object]], rows: np.ndarray) -> int:
    """Fit, save and ask; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, (kind, model) in enumerate(found):
        states = [k for k in model.get_params() if k == "random_state" or k.endswith("__random_state")]
        model.set_params(**dict.fromkeys(states, SEED))
        y, seen = LABELS[kind], X
        if not type(model).__module__.startswith("sklearn"):
            seen = np.where(GAPS, np.nan, X)  # boosters send missing cells a way of their own
            y = np.exp(y / 4) if kind == "number" else np.unique(y, return_inverse=True)[1]
        model.fit(seen, y)
        last = model.steps[-1][1] if hasattr(model, "steps") else model
        stem = f"{i:03d}-{type(last).__name__}-{kind}"
        if i % 2:
            joblib.dump(model, folder / f"{stem}.joblib", compress=3)
        else:
            (folder / f"{stem}.pkl").write_bytes(pickle.dumps(model))
        np.savez(folder / f"{stem}.npz", rows=rows, **answers(model, rows))
    return len(found)


def main() -> None:
    """Save them all."""
    warnings.simplefilter("ignore")
    out, rows = Path(sys.argv[1]), asked()
    count = save(out / f"scikit-learn-{sklearn.__version__}", models(), rows)
    print(f"scikit-learn {sklearn.__version__}: {count} models")
    for name in ("xgboost", "lightgbm"):
        try:
            library = __import__(name)
        except ImportError:
            continue
        gaps = np.random.default_rng(SEED + 2).uniform(size=rows.shape) < 0.05
        count = save(out / f"{name}-{library.__version__}", boosters(name), np.where(gaps, np.nan, rows))
        print(f"{name} {library.__version__}: {count} models")


if __name__ == "__main__":
    main()
