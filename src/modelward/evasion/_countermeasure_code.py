"""The code that applies each countermeasure to `model`, with `X_train` and `y_train` as polars tables.

Tests run it; `hardened` is what it leaves, or `answer`, a function from a polars table to labels.
"""

MONOTONIC = """\
from sklearn.base import clone

# 1: more of it may only raise the chance of the second label; -1: only lower it. Correct what you know better.
signs = {signs}
hardened = clone(model).set_params({name}=[signs.get(c, 0) for c in X_train.columns])
hardened.fit(X_train, y_train)
"""

LEAVES = """\
from sklearn.base import clone

hardened = clone(model).set_params(**{changes})
hardened.fit(X_train, y_train)
"""

CLIPPING = """\
import modelward
from modelward.schema import project

schema = modelward.infer(X_train)  # or modelward.read_schema("schema.toml"), corrected by hand
codec = modelward.Codec.fit(schema, X_train)
door = modelward.wrap(model, codec, y_train.unique().to_list())


def answer(rows):
    return door.predict(project(schema, codec.encode(rows)))
"""

ROUNDING = """\
import polars as pl
from sklearn.base import clone

steps = {steps}


def squeeze(rows):
    return rows.with_columns([(pl.col(c) / s).round() * s for c, s in steps.items()])


hardened = clone(model)
hardened.fit(squeeze(X_train), y_train)


def answer(rows):
    return hardened.predict(squeeze(rows))
"""

ADVERSARIAL = """\
import modelward
import numpy as np
import polars as pl
from modelward.evasion import CoordinateSearch, split_points
from sklearn.base import clone

schema = modelward.infer(X_train)
codec = modelward.Codec.fit(schema, X_train)
subject = modelward.wrap(model, codec, y_train.unique().to_list())
some = np.random.default_rng(0).permutation(len(X_train))[:{rows}]
X = codec.encode(X_train[some])
search = CoordinateSearch(reference=X, thresholds=split_points(subject))
found = search.run(subject, X, subject.codes(X), schema=schema, budget=500 * len(X))
near = found.success & (found.cost <= 1)
extra = codec.decode(np.repeat(found.rows[near], {copies}, axis=0))
labels = y_train[some].filter(pl.Series(near))
hardened = clone(model)
hardened.fit(
    pl.concat([X_train, extra], how="vertical_relaxed"), np.concatenate([y_train, np.repeat(labels, {copies})])
)
"""

ENSEMBLE = """\
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier

hardened = BaggingClassifier(clone(model), n_estimators={members}, random_state=0)
hardened.fit(X_train, y_train)
"""
