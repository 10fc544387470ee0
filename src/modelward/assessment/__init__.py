"""The assessment: which checks run, with what budget, and what became of each; and countermeasures, tried."""

from modelward.assessment._assess import assess
from modelward.assessment._harden import HardenReport, harden

__all__ = ["HardenReport", "assess", "harden"]
