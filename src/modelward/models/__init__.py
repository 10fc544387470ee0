"""The model under test: subject, query meter, and what the inside of known models looks like."""

from modelward.models._additive import AdditiveForm, additive_form
from modelward.models._boxes import Boxes, tree_boxes
from modelward.models._cleared import Cleared, clear, load
from modelward.models._columns import match_columns
from modelward.models._endpoint import Endpoint
from modelward.models._inside import (
    forest_cuts,
    linear_form,
    subject_boxes,
    subject_forest,
    subject_thresholds,
)
from modelward.models._kinds import is_kind, is_rebuilt
from modelward.models._labels import align_labels
from modelward.models._load import load_artifact
from modelward.models._meter import Meter
from modelward.models._nodes import Forest
from modelward.models._open import Opened, open_model
from modelward.models._scores import Scores
from modelward.models._subject import Backend, Subject, Trainer
from modelward.models._taught import taught_rows
from modelward.models._thresholds import thresholds
from modelward.models._wrap import wrap

__all__ = [
    "AdditiveForm",
    "Backend",
    "Boxes",
    "Cleared",
    "Endpoint",
    "Forest",
    "Meter",
    "Opened",
    "Scores",
    "Subject",
    "Trainer",
    "additive_form",
    "align_labels",
    "clear",
    "forest_cuts",
    "is_kind",
    "is_rebuilt",
    "linear_form",
    "load",
    "load_artifact",
    "match_columns",
    "open_model",
    "subject_boxes",
    "subject_forest",
    "subject_thresholds",
    "taught_rows",
    "thresholds",
    "tree_boxes",
    "wrap",
]
