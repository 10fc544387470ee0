"""Assess a model: which checks apply to this scope, in what order, with what budget."""

from modelward.assessment._assess import assess

__all__ = ["assess"]
