"""bandit as a library: its findings with its own codes, and every way in which it gives up on a file told."""

from __future__ import annotations

import logging
import re
import tempfile
import tomllib
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import need
from modelward.dependencies._packages import Problem
from modelward.dependencies.code._bandit_quick import make_manager
from modelward.dependencies.code._hazard import Hazard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelward.findings import Severity


_LEVELS: dict[str, Severity] = {"MEDIUM": "medium", "HIGH": "high"}


@dataclass
class Settings:
    """What ``[tool.bandit]`` of pyproject.toml says."""

    skips: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    def leaves_out(self, path: str) -> bool:
        """Say whether a file is in one of the ``exclude_dirs``."""
        return any(path == part or f"/{path}".find(f"/{part}/") >= 0 for part in self.excluded)


def read_settings(root: Path) -> Settings:
    """Read bandit's settings of a project; a table that cannot be read is a problem, and nothing is left out."""
    file = root / "pyproject.toml"
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["bandit"]
        lists = {key: table.get(key, []) for key in ("skips", "tests", "exclude_dirs")}
        if not all(isinstance(v, list) and all(isinstance(w, str) for w in v) for v in lists.values()):
            raise TypeError
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        return Settings()
    except (TypeError, AttributeError):
        return Settings(
            problems=[Problem("pyproject.toml", 0, "has a [tool.bandit] that is not made of lists of texts")]
        )
    parts = tuple(re.sub(r"^(\./|\*/|/)+|[/*]+$", "", p) for p in lists["exclude_dirs"])
    return Settings(frozenset(lists["skips"]), frozenset(lists["tests"]), tuple(p for p in parts if p))


@dataclass
class Found:
    """What bandit said of the sources, by their index."""

    hazards: list[tuple[int, Hazard]] = field(default_factory=list)
    failures: dict[int, str] = field(default_factory=dict)
    silenced: int = 0


class _Complaints(logging.Handler):
    """Keeps what bandit only logs: a rule of it that crashed on a file."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _quiet() -> Iterator[_Complaints]:
    complaints = _Complaints()
    loggers = [logging.getLogger(name) for name in ("bandit", "stevedore")]
    before = [(logger.propagate, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(complaints)
        logger.propagate = False
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield complaints
    finally:
        for logger, (propagate, level) in zip(loggers, before, strict=True):
            logger.removeHandler(complaints)
            logger.propagate = propagate
            logger.setLevel(level)


def run_bandit(sources: Sequence[bytes], settings: Settings) -> Found:
    """Run bandit over sources.

    They are written to a folder of their own first, so that bandit reads the very bytes that our rules read, and no
    name of the project's reaches it.
    """
    found = Found()
    if not sources:
        return found
    with _quiet() as complaints:
        config = need("bandit.core.config", "bandit").BanditConfig()
        profile = {"include": set(settings.only), "exclude": set(settings.skips & _known())}
        with tempfile.TemporaryDirectory() as folder:
            paths = {str(Path(folder) / f"{i}.py"): i for i in range(len(sources))}
            for path, i in paths.items():
                Path(path).write_bytes(sources[i])
            manager = make_manager(config, profile)
            manager.files_list = list(paths)
            manager.run_tests()
    for path, why in manager.get_skipped():
        found.failures[paths[path]] = f"cannot be read by bandit: {why}"
    for line in complaints.lines:
        named = re.search(r"running: (\S+) on file (.+?\.py) at line (\d+)", line)
        if named and named[2] in paths:
            found.failures.setdefault(paths[named[2]], f"bandit's rule {named[1]} crashed at line {named[3]}")
    for issue in manager.results:
        if issue.fname in paths:
            found.hazards.append((paths[issue.fname], _hazard(issue)))
    totals = manager.metrics.data.get("_totals", {})
    found.silenced = int(totals.get("nosec", 0)) + int(totals.get("skipped_tests", 0))
    return found


def _known() -> set[str]:
    manager = need("bandit.core.extension_loader", "bandit").MANAGER
    return {str(one) for one in (*manager.plugins_by_id, *manager.blacklist_by_id)}


def _hazard(issue: Any) -> Hazard:
    level: Severity = _LEVELS.get(issue.severity, "low")
    if level == "high" and issue.confidence == "LOW":
        level = "medium"
    text = " ".join(str(issue.text).split())
    # Some of bandit's texts quote a password: it is kept out of reports.
    if issue.test_id in ("B105", "B106", "B107"):
        text = text.partition(":")[0]
    return Hazard(issue.test_id, "", int(issue.lineno), text.rstrip("."), level=level)
