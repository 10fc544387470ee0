"""R files: `.rds` of saveRDS, `.rda`/`.RData` of save, versions 2 and 3; read, and never evaluated.

What R itself does when it reads such a file: it builds objects and loads the namespaces that the file names. Code runs
later: a promise when its variable is touched (an unbound promise even by the assignment of the result of readRDS,
CVE-2024-27322, repaired in R 4.4.0), a closure when it is called, as the link functions of every `glm` are by
`predict`. So closures are judged by the functions that they name, and promises by what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.artifacts._artifact import Artifact, FileVerdict, GlobalUse
from modelward.artifacts._container import printable
from modelward.artifacts._formats import Job, worst
from modelward.artifacts._inert import Inert
from modelward.artifacts.readers._r_names import CALLED, COMPUTED, DANGEROUS, FORMS, NAMESPACES
from modelward.artifacts.readers._r_objects import Objects
from modelward.artifacts.readers._r_stream import RError, open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(job: Job) -> Artifact:
    """Read an R file to its end, and judge what it would do."""
    objects: Objects | None = None
    root: Any = None
    error = writer = ""
    form = "R data"
    try:
        stream, workspace = open_stream(job.content)
        form = "R workspace" if workspace else "R object"
        version = stream.integer()
        if version not in (2, 3):
            raise RError(f"version {version} of R's format is not known")
        writer = _release(stream.integer())
        stream.integer()
        if version == 3:
            stream.text(stream.integer())
        objects = Objects(stream)
        root = objects.item()
        left = len(
            job.content[stream.position :].strip()
            if job.content[:1] == b"A"
            else job.content[stream.position :]
        )
        if left:
            objects.oddities[f"{left:,} bytes follow its end"] = None
    except (RError, RecursionError, ValueError) as problem:
        error = str(problem) if isinstance(problem, RError) else "its objects make no sense"
    if objects is None:
        return job.artifact(form, "unreadable", (f"cannot be read to its end: {error}",))
    return _judged(job, form, objects, None if error else root, error, writer)


def _release(number: int) -> str:
    """Return which R wrote the file: a byte each for version, patch level and sub-level."""
    parts = number >> 16, number >> 8 & 255, number & 255
    return f"R {'.'.join(map(str, parts))}" if 0 < parts[0] < 256 else ""


def _judged(job: Job, form: str, objects: Objects, root: Any, error: str, writer: str) -> Artifact:
    uses = dict.fromkeys(_uses(objects))
    reasons = [f"{use.name}: {use.reason}" for use in uses if use.status == "dangerous"]
    verdicts: list[FileVerdict] = ["malicious"] if reasons else []
    for promise, in_frame in objects.promises:
        what = _promise(promise, in_frame)
        if what:
            verdicts.append("malicious")
            reasons.append(what)
    if error:
        verdicts.append("unreadable")
        reasons.append(f"cannot be read to its end: {printable(error)}")
    reasons += [f"{use.name}: {use.reason}" for use in uses if use.status == "unknown"]
    reasons += list(objects.oddities)
    if objects.oddities or any(use.status == "unknown" for use in uses):
        verdicts.append("suspicious")
    said = tuple(dict.fromkeys(reasons))
    return job.artifact(form, worst(verdicts), said, root=root, names=tuple(uses), writer=writer)


def _promise(promise: Inert, in_frame: bool) -> str:
    """Say what is wrong with a promise; an empty string if R writes such ones itself."""
    state = promise.state
    value = state["value"]
    forced = not (isinstance(value, Inert) and type(value).name == "unbound")
    if forced:
        return ""
    if not isinstance(state["environment"], Inert):
        return "holds a promise that is bound to no environment; its code runs once touched (CVE-2024-27322)"
    if not in_frame:
        return "holds a promise where no variable is; its code runs once touched (CVE-2024-27322)"
    return ""


def _uses(objects: Objects) -> Iterator[GlobalUse]:
    for name in objects.namespaces:
        known = name in NAMESPACES
        why = "" if known else "reading the file loads this package of R, which is not known"
        yield GlobalUse(printable(f"R namespace {name}"), "known" if known else "unknown", why)
    for name in objects.alternatives:
        if name.startswith("base::mmap"):
            yield GlobalUse(printable(f"R form {name}"), "dangerous", "reading it opens a file that it names")
        elif name not in FORMS:
            yield GlobalUse(printable(f"R form {name}"), "unknown", "a package decides how it is read")
    roots = [*objects.code, *(promise.state["code"] for promise, _ in objects.promises)]
    for name, called in _words(roots):
        reason = DANGEROUS.get(name) or (CALLED.get(name) if called else None)
        if reason:
            what = f"code in the file names it; it {reason}"
            yield GlobalUse(printable(f"R function {name}"), "dangerous", what)
        elif called and name in COMPUTED:
            what = "code in the file calls it; it reaches functions by names that are computed"
            yield GlobalUse(printable(f"R function {name}"), "unknown", what)


def _words(roots: list[Any]) -> Iterator[tuple[str, bool]]:
    """Yield every symbol and text in code, and whether it stands where a function is called."""
    seen: set[int] = set()
    pending: list[tuple[Any, bool]] = [(root, False) for root in roots]
    while pending:
        value, called = pending.pop()
        if isinstance(value, str):
            yield value, called
            continue
        if id(value) in seen and not called:
            continue
        seen.add(id(value))
        pending.extend(_within(value, called))


def _within(value: Any, called: bool) -> list[tuple[Any, bool]]:
    if isinstance(value, dict):
        return [(item, False) for item in value.values()]
    if isinstance(value, list | tuple):
        return [(item, False) for item in value]
    if not isinstance(value, Inert):
        return []
    name = type(value).name
    if name == "name":
        return [(value.args[0], called)] if value.args else []
    if name in ("environment", "namespace"):
        return []  # data and other code; closures in it are judged by themselves
    state = value.state if isinstance(value.state, dict) else {}
    found = [(item, key == "head") for key, item in state.items() if key not in ("environment", "attributes")]
    if value.args and isinstance(value.args[0], tuple):
        cells = value.args[0]
        # A name that is written out is judged like any text: nothing is computed.
        literal = (
            len(cells) > 1 and isinstance(cells[1], list) and "parse" not in getattr(cells[0], "args", ())
        )
        found += [(item, i == 0 and not (literal and _is_computed(item))) for i, item in enumerate(cells)]
    return found


def _is_computed(head: Any) -> bool:
    return isinstance(head, Inert) and bool(head.args) and head.args[0] in COMPUTED
