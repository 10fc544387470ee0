"""Does it matter here? Which packages are imported where serving begins, by a model file, or by tools alone."""

from modelward.dependencies.reach._entries import Entry, find_entries
from modelward.dependencies.reach._models import ModelFile, beside_models, find_models
from modelward.dependencies.reach._project import Source, beside, read_imports
from modelward.dependencies.reach._trace import How, Reach, Use, trace

__all__ = [
    "Entry",
    "How",
    "ModelFile",
    "Reach",
    "Source",
    "Use",
    "beside",
    "beside_models",
    "find_entries",
    "find_models",
    "read_imports",
    "trace",
]
