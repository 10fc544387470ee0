"""What a dependency weighs: packages and bytes that come along with it, what of it could go, and import time."""

from modelward.dependencies.weight._import_time import measure_imports
from modelward.dependencies.weight._smaller import SMALLER, Smaller
from modelward.dependencies.weight._weigh import Load, Weight, weigh

__all__ = ["SMALLER", "Load", "Smaller", "Weight", "measure_imports", "weigh"]
