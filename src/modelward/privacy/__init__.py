"""What a model gives away about its training rows: membership and attribute inference."""

from modelward.privacy._attributes import AttributeInference, AttributeResult
from modelward.privacy._exchange import Exchangeability, exchangeability
from modelward.privacy._hardening import Hardened, coarser_params, harden
from modelward.privacy._lira import lira
from modelward.privacy._membership import (
    AttackOutcome,
    Effect,
    MembershipInference,
    MembershipResult,
)
from modelward.privacy._rows import Labelled, Sides, separate
from modelward.privacy._secret import Secret, find_columns, secret_of
from modelward.privacy._shadows import ShadowModels
from modelward.privacy._tpr import TprAtFpr

__all__ = [
    "AttackOutcome",
    "AttributeInference",
    "AttributeResult",
    "Effect",
    "Exchangeability",
    "Hardened",
    "Labelled",
    "MembershipInference",
    "MembershipResult",
    "Secret",
    "ShadowModels",
    "Sides",
    "TprAtFpr",
    "coarser_params",
    "exchangeability",
    "find_columns",
    "harden",
    "lira",
    "secret_of",
    "separate",
]
