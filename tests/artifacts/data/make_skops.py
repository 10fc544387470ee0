"""Make the files under skops/: `python tests/artifacts/data/make_skops.py` with skops installed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import skops.io
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

HERE = Path(__file__).parent / "skops"


def main() -> None:
    """Write the files."""
    HERE.mkdir(exist_ok=True)
    X, y = make_classification(60, 4, random_state=0)
    forest = RandomForestClassifier(2, max_depth=2, random_state=0)
    pipeline = make_pipeline(
        make_column_transformer((StandardScaler(), [0, 1]), remainder="passthrough"), forest
    )
    skops.io.dump(pipeline.fit(X, y), HERE / "pipeline.skops")
    values = {
        "matrix": sparse.csr_matrix(np.eye(3)), "objects": np.array(["a", None], dtype=object), "bytes": b"abc",
        "numbers": np.arange(3), "scalar": np.float64(2.5), 7: (1, [2.0, "x"], {"k": None}),
    }  # fmt: skip
    skops.io.dump(values, HERE / "values.skops")
    skops.io.dump(FunctionTransformer(os.system), HERE / "evil.skops")


if __name__ == "__main__":
    main()
