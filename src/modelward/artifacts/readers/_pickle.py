"""Pickles of protocols 0 to 5, one or several in a file, and joblib's files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact, FileVerdict, GlobalUse
from modelward.artifacts._container import looks_like, printable
from modelward.artifacts._formats import worst
from modelward.artifacts._log import Log
from modelward.artifacts._names import harmless_calls, judge_name
from modelward.artifacts._unpickle import Reading, read_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelward.artifacts._formats import Job

_MAX_PICKLES = 20_000
_TAMPERING = (
    "changes the attributes",
    "computes the name",
    "sets an attribute",
    "sets an item",
    "appends to",
    "gives code",
    "gives a state in layers",
    "takes bytes of the file for",
    "calls xgboost",
    "calls lightgbm",
)


def read(job: Job) -> Artifact:
    """Read a job as a pickle; content that is none is ``unreadable``, by the name of what it looks like."""
    scan = Scan(job.content, job.max_memory)
    joblib = scan.read()
    names = scan.judged()
    recognised = joblib or job.content[:1] == b"\x80" or not scan.error or bool(names)
    if not recognised:
        what = looks_like(job.content)
        if what == "unknown":
            reason = f"not a pickle ({printable(scan.error)}), and no format that is known"
        else:
            reason = f"looks like {what}, which is not read here"
        shown = f"{what} in {job.compressed}" if job.compressed else what
        return Artifact(job.path, shown, job.data, "unreadable", (reason,))
    verdict, reasons = scan.verdict(names)
    roots = scan.roots
    root = None if scan.error else (roots[0] if len(roots) == 1 else tuple(roots))
    if any(use.name.startswith(("xgboost.", "lightgbm.")) for use in names):
        # The libraries' own loaders trust the model's bytes that such a pickle carries.
        from modelward.artifacts._boosters import booster_problems

        spoilt = booster_problems(root, job.max_memory)
        verdict, reasons = (worst([verdict, "suspicious"]) if spoilt else verdict), (*reasons, *spoilt)
    form = "joblib" if joblib or job.compressed else "pickle"
    return job.artifact(form, verdict, reasons, root=root, names=names, pickles=len(roots))


def reached(content: bytes, max_memory: int) -> tuple[tuple[GlobalUse, ...], str]:
    """Read content of another format as if it were a pickle.

    Returns
    -------
    names : tuple of GlobalUse
        What an unpickler would reach.
    error : str
        Why it is no pickle to its end; empty if it is one.
    """
    scan = Scan(content, max_memory)
    scan.read()
    return scan.judged(), scan.error


_NO_LOSSES = (
    "scikit-learn's only where the file has reached sklearn._loss before; else any module of that name"
)


@dataclass
class Scan:
    """The pickles of some content: what they hold, and what reading them has shown."""

    content: bytes
    max_memory: int
    persistent: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        self.log = Log(persistent=self.persistent)
        self.error = ""
        self.roots: list[Any] = []

    def read(self) -> bool:
        """Read the content as a pickle and, if joblib's wrapper is met, as joblib would; say which."""
        plain = self._all(self.log, joblib=False)
        if not self.log.wrapper:
            self._keep(plain)
            return False
        # Read again as joblib does. What only plain unpickling would reach stays in the log: the file's holder
        # chooses how it is loaded. Only names that nobody can have given are array bytes misread.
        first, self.log = self.log, Log(persistent=self.persistent)
        self._keep(self._all(self.log, joblib=True))
        for (module, name), stand_in in first.names.items():
            if judge_name(module, name)[0] == "dangerous" or _importable(module, name):
                self.log.names.setdefault((module, name), stand_in)
        self.log.oddities.update((what, None) for what in first.oddities if what.startswith(_TAMPERING))
        self.log.calls[:0] = first.calls
        return True

    def _keep(self, readings: list[Reading]) -> None:
        self.roots = [reading.root for reading in readings if not reading.error]
        self.error = next((reading.error for reading in readings if reading.error), "")

    def _all(self, log: Log, *, joblib: bool) -> list[Reading]:
        """Read pickle after pickle to the end of the content."""
        readings: list[Reading] = []
        position = 0
        while position < len(self.content):
            reading = read_one(self.content, position, log, joblib=joblib, max_memory=self.max_memory)
            if reading.error and readings:
                left = len(self.content) - position
                reading = Reading(
                    None, -1, f"{left} bytes follow its end that are no pickle ({reading.error})"
                )
            readings.append(reading)
            if reading.error:
                break
            if len(readings) >= _MAX_PICKLES:
                readings.append(Reading(None, -1, f"it holds more than {_MAX_PICKLES:,} pickles"))
                break
            position = reading.end
        return readings

    def judged(self) -> tuple[GlobalUse, ...]:
        """Judge every name once; several spellings of one name stay apart."""
        found = []
        losses = False
        for module, name in self.log.names:
            losses = losses or module.startswith("sklearn._loss")
            if (module, name) == ("persistent", "id"):
                continue
            status, reason = judge_name(module, name)
            if (module, name) == ("builtins", "getattr") and harmless_calls(
                [args for _, _, args in self.log.calls]
            ):
                status, reason = "known", "only fetches methods of the file's own objects"
            if module == "_loss" and status == "known" and not losses:
                status, reason = "unknown", _NO_LOSSES
            found.append(GlobalUse(printable(f"{module}.{name}"), status, printable(reason)))
        return tuple(found)

    def verdict(self, names: tuple[GlobalUse, ...]) -> tuple[FileVerdict, tuple[str, ...]]:
        dangerous = [f"reaches {use.name}: {use.reason}" for use in names if use.status == "dangerous"]
        unknown = [f"reaches {use.name}: {use.reason}" for use in names if use.status == "unknown"]
        odd = [printable(what) for what in self.log.oddities]
        tampering = [what for what in odd if what.startswith(_TAMPERING)]
        other = [what for what in odd if what not in tampering]
        error = [f"cannot be read to its end: {printable(self.error)}"] if self.error else []
        reasons = (*dangerous, *tampering, *error, *other, *unknown)
        if dangerous or tampering:
            return "malicious", reasons
        if error or any("outside the file (out-of-band" in what for what in other):
            return "unreadable", reasons
        if unknown or other:
            return "suspicious", reasons
        return "clean", reasons


def _importable(module: str, name: str) -> bool:
    """Say whether somebody can have given a module and a name these names."""
    return all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
