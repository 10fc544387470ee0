"""What dependencies weigh, in words, as JSON and as tables and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelward.findings import Series, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelward.dependencies import Load, Weight

_LINES, _BARS = 5, 16


def size(number: int) -> str:
    """Return bytes for people."""
    for unit, least in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if number >= least:
            return f"{number / least:,.1f} {unit}"
    return f"{number} bytes"


def lines_of(load: Load, took: Mapping[str, float | None]) -> list[str]:
    """Return lines for a terminal: the sum, the heaviest, and what could go."""
    if not load.weights:
        return []
    some = f", {load.unknown} of them not installed here" if load.unknown else ""
    tools = f" · development tools: {load.tools} packages, {size(load.tools_total)}" if load.tools else ""
    lines = [f"weight: {load.packages} packages, {size(load.total)} installed{some}{tools}"]
    lines += [f"{'':13} {one.name}: {words(one, took)}" for one in load.weights[:_LINES]]
    return lines + [f"{'':13} → {advice(w)}" for w in load.weights if advice(w)]


def words(one: Weight, took: Mapping[str, float | None]) -> str:
    """Say what one dependency weighs."""
    own = size(one.own) if one.own is not None else "size not known"
    goes = (
        f"{len(one.alone)} and {size(one.freed)} go with it"
        if one.along or one.freed
        else "nothing goes with it"
    )
    seconds = took.get(one.name)
    slow = f", {seconds:.2f} s to import" if seconds is not None else ""
    return f"{own}, brings {len(one.along)} package{'s' * (len(one.along) != 1)}; {goes}{slow}"


def advice(one: Weight) -> str:
    """Say what could be done about one dependency; empty if nothing is known."""
    if one.smaller is not None:
        could = "could go" if one.smaller.instead == "nothing" else f"may give way to {one.smaller.instead}"
        return f"{one.name} {could}: {one.smaller.why}"
    if one.wrapper:
        return (
            f"{one.name} is a thin wrapper ({size(one.own or 0)}) that alone brings {len(one.alone)} packages, "
            f"{size(one.freed)}: ask for what you use of them"
        )
    return ""


def as_json(load: Load, took: Mapping[str, float | None]) -> dict[str, Any]:
    """Return the JSON."""
    from dataclasses import asdict

    return {
        "packages": load.packages, "bytes": load.total, "unknown": load.unknown,
        "development": {"packages": load.tools, "bytes": load.tools_total},
        "dependencies": [
            {**asdict(w), "wrapper": w.wrapper, "import_seconds": took.get(w.name)} for w in load.weights
        ],
    }  # fmt: skip


def pictures(load: Load) -> tuple[Series, ...]:
    """Return bars: what goes with each dependency, and what others need as well."""
    shown = [w for w in load.weights if w.total][:_BARS]
    if not shown:
        return ()
    names: tuple[float | str, ...] = tuple(w.name for w in shown)
    title = "Megabytes of each dependency with all that it drags in"
    alone, shared = tuple(w.freed / 1e6 for w in shown), tuple((w.total - w.freed) / 1e6 for w in shown)
    return (
        Series("goes with it", names, alone, y_label="MB installed", kind="bar", group=title),
        Series("others need it as well", names, shared, y_label="MB installed", kind="bar", group=title),
    )


def tables(load: Load, took: Mapping[str, float | None]) -> tuple[Table, ...]:
    """Return the table of weights, and that of what could go."""
    if not load.weights:
        return ()
    timed = any(v is not None for v in took.values())
    columns = ("dependency", "own", "brings", "with all of it", "goes with it", "packages that go")
    rows = []
    for w in load.weights:
        own = size(w.own) if w.own is not None else "not installed here"
        row: tuple[str | float | int, ...] = (
            w.name, own, len(w.along), size(w.total), size(w.freed), len(w.alone),
        )  # fmt: skip
        seconds = took.get(w.name)
        rows.append((*row, f"{seconds:.2f} s" if seconds is not None else "–") if timed else row)
    found = [Table("Weight", (*columns, "to import") if timed else columns, tuple(rows))]
    could = [(w.name, w.smaller.instead, w.smaller.why) for w in load.weights if w.smaller]
    could += [
        (w.name, "what you use of it", advice(w).partition(" is ")[2])
        for w in load.weights
        if w.wrapper and not w.smaller
    ]
    if could:
        found.append(Table("What could go", ("dependency", "instead", "why"), tuple(could)))
    return tuple(found)
