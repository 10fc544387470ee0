"""What we found: measures, findings, the report, and the policy from report to exit code."""

from modelward.findings._finding import Cost, Countermeasure, Finding, Ignored, Series, Table
from modelward.findings._judge import REPORT_ALPHA, code_alpha, judge, p_value, verdict_of, worst
from modelward.findings._measure import (
    MIN_ROWS,
    SEVERITIES,
    Claim,
    Estimate,
    Limit,
    Measure,
    Severity,
    Verdict,
    Worse,
)
from modelward.findings._policy import Ignore, Policy, read_baseline, read_policy
from modelward.findings._report import SCHEMA_VERSION, Coverage, FailOn, Report, Status

__all__ = [
    "MIN_ROWS",
    "REPORT_ALPHA",
    "SCHEMA_VERSION",
    "SEVERITIES",
    "Claim",
    "Cost",
    "Countermeasure",
    "Coverage",
    "Estimate",
    "FailOn",
    "Finding",
    "Ignore",
    "Ignored",
    "Limit",
    "Measure",
    "Policy",
    "Report",
    "Series",
    "Severity",
    "Status",
    "Table",
    "Verdict",
    "Worse",
    "code_alpha",
    "judge",
    "p_value",
    "read_baseline",
    "read_policy",
    "verdict_of",
    "worst",
]
