"""Secrets by their form: the detectors of the library detect-secrets, and tokens of machine-learning services.

A secret that is found is named by its kind and place and never quoted. Nothing is asked of a network.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from modelward.dependencies._extra import need

_OWN = (
    ("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("GitHub token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}\b")),
    ("Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("Anthropic API key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{20,}")),
    ("OpenAI token", re.compile(r"\bsk-(?:proj|svcacct)-[A-Za-z0-9_-]{20,}")),
    ("Databricks token", re.compile(r"\bdapi[0-9a-f]{32}\b")),
)
_WINDOW, _OVERLAP = 4_000, 300
# An address or a pair of names is no secret in an output; entropy and key words take pictures and prose for secrets.
_LEFT_OUT = {"Public IP (ipv4)", "SoftLayer Credentials", "Artifactory Credentials"}


@cache
def _detectors() -> tuple[tuple[str, Any], ...]:
    util = need("detect_secrets.core.plugins.util", "detect-secrets")
    base = need("detect_secrets.plugins.base", "detect-secrets")
    classes = util.get_mapping_from_secret_type_to_class()
    return tuple(
        (name, kind())
        for name, kind in sorted(classes.items())
        if issubclass(kind, base.RegexBasedDetector) and name not in _LEFT_OUT
    )


def secrets_in(text: str) -> list[tuple[int, str]]:
    """Return line numbers (from 1) and kinds of secrets in a text, each once a line.

    Examples
    --------
    >>> secrets_in("ok\\nAKIA" + "Q" * 16)
    [(2, 'AWS Access Key')]
    """
    found: dict[tuple[int, str], None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for start in range(0, max(1, len(line)), _WINDOW - _OVERLAP):
            part = line[start : start + _WINDOW]
            for name, pattern in _OWN:
                if pattern.search(part):
                    found[number, name] = None
            for name, detector in _detectors():
                if any(True for _ in detector.analyze_string(part)):
                    found[number, name] = None
    return list(found)
