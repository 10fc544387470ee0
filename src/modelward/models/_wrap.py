"""From a model in memory to a Subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.errors import SubjectError
from modelward.models._answers import NOT_A_CLASSIFIER, Reader
from modelward.models._booster import booster_call, is_booster
from modelward.models._categories import categories_of
from modelward.models._columns import fitted_names
from modelward.models._endpoint import Endpoint, EndpointBackend
from modelward.models._estimator import (
    AnswerBackend,
    CloneTrainer,
    EstimatorBackend,
    own_classes,
    single_threaded,
)
from modelward.models._feed import Feed, Form, failure, frame_form
from modelward.models._kinds import deciding_part
from modelward.models._labels import union_of_classes
from modelward.models._subject import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelward.schema import Codec


def wrap(model: Any, codec: Codec, labels: Iterable[Any], *, name: str = "model") -> Subject:
    """Return the Subject of a fitted model.

    Parameters
    ----------
    model : estimator, booster, callable or Endpoint
        A fitted estimator with `predict` (scikit-learn, a Pipeline, xgboost, lightgbm, catboost), a raw booster
        of xgboost or lightgbm, a function from a batch to labels or scores, or an `Endpoint`. It is not
        changed. Of a finished search the estimator that it chose is taken. A model that was fitted on named
        columns is given a pandas frame (polars if pandas is not installed), others a matrix; a function is
        given the first form that it answers.
    codec : Codec
        Of the schema in the model's column order.
    labels : iterable
        The labels that the data has, as the data spells them.
    name : str
        How reports call it.

    Returns
    -------
    Subject

    Raises
    ------
    SubjectError
        If the model is no classifier, has several outputs, or its classes do not meet the labels.
    """
    try:
        return _wrap(model, codec, labels, name)
    except SubjectError as err:
        raise type(err)(f"{name}: {err.message}", err.detail) from err
    except Exception as err:
        # Models that are not fitted, or are half there, fail in their own ways when they are looked at.
        kind, words = failure(err)
        raise SubjectError(f"{name}: {kind}", words) from err


def _wrap(model: Any, codec: Codec, labels: Iterable[Any], name: str) -> Subject:
    if isinstance(model, Endpoint):
        classes = union_of_classes((), labels)
        return Subject(name, EndpointBackend(model, codec, classes), classes, codec)
    if is_booster(model):
        classes = union_of_classes((), labels)
        call, meaning = booster_call(model)
        categories = categories_of(model, codec)
        feed = Feed(codec, (frame_form(),) if categories else ("numpy",), categories)
        reader = Reader(classes, meaning)
        return Subject(name, AnswerBackend(call, feed, reader, "booster"), classes, codec, model=model)
    if isinstance(model, type):
        raise SubjectError(f"{model.__name__} is a class: give a fitted object")
    if not hasattr(model, "predict"):
        if not callable(model):
            raise SubjectError(
                f"a {type(model).__name__} has no predict and is no function: {NOT_A_CLASSIFIER}"
            )
        classes = union_of_classes((), labels)
        backend = AnswerBackend(model, Feed(codec, _any_form(codec)), Reader(classes))
        return Subject(name, backend, classes, codec)
    _refuse_other_tasks(model)
    model = deciding_part(model)
    own = own_classes(model)
    classes = union_of_classes(() if own is None else own, labels)
    categories = categories_of(model, codec)
    named = bool(categories) or fitted_names(model) is not None
    # A pipeline that begins with a step of the user's own does not tell what it was fitted on.
    open_question = not named and not _says_count(model)
    feed = Feed(
        codec, _any_form(codec) if open_question else (frame_form() if named else "numpy",), categories
    )
    clonable = hasattr(model, "get_params") and hasattr(model, "fit")
    trainer = CloneTrainer(model, feed, classes) if clonable else None
    asked = single_threaded(model)
    if own is None:
        answers = AnswerBackend(asked.predict, feed, Reader(classes), "estimator")
        return Subject(name, answers, classes, codec, trainer=trainer, model=model)
    estimator = EstimatorBackend(asked, feed, classes, own)
    return Subject(name, estimator, classes, codec, trainer=trainer, model=model)


def _any_form(codec: Codec) -> tuple[Form, ...]:
    """Return the forms to try: a matrix first where all columns are numbers."""
    frames: tuple[Form, ...] = ("pandas", "polars") if frame_form() == "pandas" else ("polars",)
    return (*frames, "numpy") if any(c.coded for c in codec.schema) else ("numpy", *frames)


def _says_count(model: Any) -> bool:
    return hasattr(model, "n_features_in_")


def _refuse_other_tasks(model: Any) -> None:
    from sklearn.base import is_regressor

    try:
        regressor = is_regressor(model)
    except Exception:  # noqa: BLE001 - an object with predict need not know about scikit-learn's tags
        regressor = getattr(model, "_estimator_type", None) == "regressor"
    if regressor:
        raise SubjectError(f"{type(model).__name__} is a regression model; {NOT_A_CLASSIFIER}")
