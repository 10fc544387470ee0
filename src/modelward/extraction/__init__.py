"""Model stealing: how well a copy agrees with the model after so many queries."""

from modelward.extraction._queries import draw_from_schema
from modelward.extraction._stealing import Answers, ModelStealing, Source, StealingResult, StolenCopy
from modelward.extraction._surrogates import FAMILIES, fit_copy

__all__ = [
    "FAMILIES",
    "Answers",
    "ModelStealing",
    "Source",
    "StealingResult",
    "StolenCopy",
    "draw_from_schema",
    "fit_copy",
]
