"""Dangerous code in a project: bandit's rules, and those that machine learning needs beside them."""

from modelward.dependencies.code._hazard import CodeRead, Hazard
from modelward.dependencies.code._read import read_code

__all__ = ["CodeRead", "Hazard", "read_code"]
