"""Raw boosters of xgboost and lightgbm: a function from a matrix to scores."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import SubjectError
from modelward.models._answers import NOT_A_CLASSIFIER, Meaning
from modelward.models._kinds import is_rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable


def is_booster(model: Any) -> bool:
    """Whether the model is a raw booster; neither library is imported for the question."""
    return _xgboost(model) or _lightgbm(model) or _rebuilt(model)


def _rebuilt(model: Any) -> bool:
    return is_rebuilt(model) and getattr(model, "raw_booster", False) is True


def _xgboost(model: Any) -> bool:
    module = sys.modules.get("xgboost")
    return module is not None and isinstance(model, module.Booster)


def _lightgbm(model: Any) -> bool:
    module = sys.modules.get("lightgbm")
    return module is not None and isinstance(model, module.Booster)


def booster_call(model: Any) -> tuple[Callable[[Any], Any], Meaning]:
    """Return a function that asks a raw booster, and what a single number of its answer means.

    Raises
    ------
    SubjectError
        If its objective is no classification.
    """
    if _xgboost(model):
        objective = json.loads(model.save_config())["learner"]["objective"]["name"]
        names = model.feature_names

        def ask(batch: Any) -> Any:
            import xgboost

            matrix = np.asarray(batch, dtype=np.float64) if isinstance(batch, np.ndarray) else batch
            named = names if isinstance(matrix, np.ndarray) else None
            return model.predict(
                xgboost.DMatrix(matrix, feature_names=named, enable_categorical=True, nthread=1)
            )

        call: Callable[[Any], Any] = ask
    elif _rebuilt(model):
        objective, call = model.objective, model.predict
    else:
        line = model.model_to_string(num_iteration=1).partition("\nobjective=")[2].split()
        objective = line[0] if line else ""
        call = model.predict
    if objective in ("binary:logistic", "binary", "cross_entropy"):
        return call, "probability"
    if objective == "binary:logitraw":
        return call, "margin"
    if objective in ("multi:softprob", "multi:softmax", "binary:hinge", "multiclass", "multiclassova"):
        return call, "labels"
    raise SubjectError(f"a booster whose objective is {objective or 'unknown'}: {NOT_A_CLASSIFIER}")
