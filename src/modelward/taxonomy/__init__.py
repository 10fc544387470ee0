"""What can go wrong: the seventeen failure modes as data."""

from modelward.taxonomy._mode import Access, Countermeasure, ExternalId, FailureMode, Property
from modelward.taxonomy._modes import MODES, find, mode

__all__ = ["MODES", "Access", "Countermeasure", "ExternalId", "FailureMode", "Property", "find", "mode"]
