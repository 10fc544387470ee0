"""Trees of xgboost and lightgbm for the engines: from a model in memory, or one that was rebuilt from its file.

Both are read by the reader of files (`artifacts._boosters`), so that one place says what a split means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.artifacts._boosters import BoosterError, BoosterTrees, trees_of_bytes
from modelward.models._estimator import step_module
from modelward.models._kinds import is_rebuilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOGISTIC = ("binary:logistic", "reg:logistic")
LIGHTGBM_ZERO = float(np.float32(1e-35))
"""lightgbm takes numbers up to this size for 0, before it looks at any threshold."""
_LOGARITHM = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")


def booster_of(model: Any) -> BoosterTrees | None:
    """Return the trees of a wrapper or booster of xgboost or lightgbm.

    Parameters
    ----------
    model : object
        In memory, or rebuilt from its file.

    Returns
    -------
    BoosterTrees or None
        None for other models, and for boosters that cannot be read.
    """
    if is_rebuilt(model):
        held = getattr(model, "trees_", None)
        return held if isinstance(held, BoosterTrees) else None
    library = step_module(model)
    try:
        if library == "xgboost":
            booster = model.get_booster() if hasattr(model, "get_booster") else model
            return trees_of_bytes(bytes(booster.save_raw("ubj")))
        if library == "lightgbm":
            return trees_of_bytes(getattr(model, "booster_", model).model_to_string().encode())
    except BoosterError:
        pass
    return None


def starting_margins(found: BoosterTrees) -> NDArray[np.float64] | None:
    """Return what each score of a row starts from, shape (n_groups,), before the link is undone.

    XGBoost keeps a probability or a mean in `base_score` and takes its link in float32.

    Returns
    -------
    ndarray or None
        None if `base_score` does not fit.
    """
    base = np.asarray(found.base_score or (0.0,), dtype=np.float32)
    if len(base) not in (1, found.n_groups):
        return None
    if found.library == "xgboost":
        one = np.float32(1)
        with np.errstate(all="ignore"):
            if found.objective in _LOGISTIC:
                odds = (one / base - one).astype(np.float64)
                base = (-np.log(odds)).astype(np.float32)
            elif found.objective in _LOGARITHM:
                base = np.log(base.astype(np.float64)).astype(np.float32)
        if not np.isfinite(base).all():
            return None
    return np.broadcast_to(base, (found.n_groups,)).astype(np.float64)
