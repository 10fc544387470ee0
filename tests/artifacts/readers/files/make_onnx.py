"""Writes the ONNX files beside it: `python make_onnx.py`, with onnx, skl2onnx and scikit-learn installed."""

from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent
X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)

if __name__ == "__main__":
    for name, model in (
        ("forest", RandomForestClassifier(2, max_depth=3, random_state=0)),
        ("linear", LogisticRegression()),
    ):
        made = to_onnx(model.fit(X, Y), X[:1], options={"zipmap": False})
        (HERE / f"{name}.onnx").write_bytes(made.SerializeToString())
