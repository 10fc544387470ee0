"""The demo: generated credit data, a small model, six attacks on it and the locks that catch them."""

from modelward.demo._data import generate
from modelward.demo._model import credit_data, shallow_forest
from modelward.demo._scene import Scene
from modelward.demo._story import Story, next_command, tell

__all__ = ["Scene", "Story", "credit_data", "generate", "next_command", "shallow_forest", "tell"]
