"""The formats that are read, one file each, in the order in which content is shown to them."""

from modelward.artifacts._formats import Reader
from modelward.artifacts.readers._codeless import CODELESS
from modelward.artifacts.readers._npy import READER as NPY
from modelward.artifacts.readers._pickle import READER as PICKLE
from modelward.artifacts.readers._r import READER as R_DATA
from modelward.artifacts.readers._tar import READER as TAR
from modelward.artifacts.readers._torch_legacy import READER as TORCH_LEGACY
from modelward.artifacts.readers._zip import READER as ZIP

READERS: tuple[Reader, ...] = (NPY, ZIP, TAR, TORCH_LEGACY, R_DATA, *CODELESS)
"""Formats that content names itself to be, by magic bytes or structure."""

__all__ = ["PICKLE", "READERS"]
