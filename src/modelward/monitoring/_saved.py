"""A monitor as bytes: what it learned, and where it is. Nothing in them is run when they are read."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.monitoring._clock import Gate
from modelward.monitoring._declared import Proxy, Tolerance
from modelward.monitoring._events import Calendar, Event
from modelward.monitoring._hours import Hours
from modelward.monitoring._learned import Learned
from modelward.monitoring._novelty import Novelty
from modelward.monitoring._occurrences import Past
from modelward.monitoring._performance import calibration_of
from modelward.monitoring._watch import Watch
from modelward.profiles import Layout, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

VERSION = 5
_META = "meta"
_DAMAGED = "what the store holds of the monitor is damaged: fit it anew into another file"


def pack(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return JSON and arrays as one npz file."""
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    held: dict[str, Any] = {_META: text, **arrays}
    np.savez(out, **held)
    return out.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what `pack` was given.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        meta = json.loads(arrays.pop(_META).tobytes())
    # RuntimeError: members that damage made look encrypted, or packed in a way that nobody knows.
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError):
        raise InputError(_DAMAGED) from None
    if not isinstance(meta, dict) or meta.get("version") != VERSION:
        raise InputError("the store holds a monitor of another release: fit it anew into another file")
    return meta, arrays


def pack_learned(hours: Hours) -> bytes:
    """Return what does not change while the monitor runs."""
    learned, cal = hours.learned, hours.learned.calibration
    watch, arrays = hours.watch.learned()
    meta = {
        "version": VERSION, "layout": learned.layout.to_dict(), "inputs": learned.inputs,
        "kpis": list(learned.kpis), "first": learned.first, "hours": learned.hours, "rows": learned.rows,
        "lateness": hours.gate.lateness, "watch": watch, "plain_alarms": learned.plain_alarms,
        "events": [asdict(e) for e in learned.calendar.events], "past": list(learned.calendar.past),
        "rare": list(learned.calendar.rare),
        "tolerances": [asdict(t) for t in learned.tolerances],
        "proxies": [asdict(p) for p in learned.proxies], "intended": list(learned.intended),
        "together": learned.together,
        "calibration": None if cal is None else {"column": cal.column, "score": cal.score},
    }  # fmt: skip
    own = {
        "dense": learned.dense,
        "used": learned.used,
        "plain": learned.plain,
    } | hours.novelty.learned()
    if learned.ratio is not None:
        own["ratio"] = learned.ratio
    if cal is not None:
        own |= {"calibration/right": cal.right, "calibration/rows": cal.rows}
    for k, past in enumerate(learned.calendar.past.values()):
        own |= {f"past/{k}/effect": past.effect.astype(np.float32), f"past/{k}/limit": past.limit}
    own |= {f"rare/{k}": most for k, most in enumerate(learned.calendar.rare.values())}
    return pack(meta, own | {f"watch/{name}": array for name, array in arrays.items()})


def state_of(hours: Hours) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return copies of where the monitor is, open windows included, for `pack`."""
    gate, novelty = hours.gate, hours.novelty
    meta = {
        "version": VERSION, "newest": gate.newest, "closed": gate.closed, "dropped": dict(gate.dropped),
        "count": hours.count, "open": list(hours.open), "batches": dict(hours.batches),
        "performance": hours.ledger.held(), "together": len(hours.together.held()),
        "figures": [[h, k, *pair] for h, held in hours.figures.items() for k, pair in held.items()],
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = dict(novelty.state())
    arrays |= {f"watch/{name}": array for name, array in hours.watch.state().items()}
    for hour, profile in hours.open.items():
        arrays |= {f"open/{hour}/{name}": array for name, array in profile.arrays().items()}
    for k, profile in enumerate(hours.together.held()):
        arrays |= {f"together/{k}/{name}": array for name, array in profile.arrays().items()}
    return meta, arrays


def unpack_hours(learned: bytes, state: bytes, *, keep: int = 0) -> Hours:
    """Return the windows of the monitor that was packed.

    Raises
    ------
    InputError
        If it is damaged, or of another release.
    """
    meta, arrays = unpack(learned)
    try:
        layout = Layout.from_dict(meta["layout"])
        own = Learned(
            layout, int(meta["inputs"]), tuple(map(str, meta["kpis"])), arrays["dense"].astype(bool),
            arrays["used"].astype(np.int64), int(meta["first"]), int(meta["hours"]), int(meta["rows"]),
            Calendar((), ()), arrays["plain"], float(meta["plain_alarms"]),
            tuple(Tolerance(**t) for t in meta["tolerances"]),
            tuple(Proxy(**p) for p in meta.get("proxies", ())), tuple(map(str, meta.get("intended", ()))),
            calibration_of(meta.get("calibration"), arrays), int(meta.get("together", 1)),
            arrays["ratio"].astype(np.float64).reshape(len(layout.points)) if "ratio" in arrays else None,
        )  # fmt: skip
        events = [Event(**e | {"columns": tuple(e["columns"])}) for e in meta["events"]]
        calendar = Calendar(events, own.columns)
        s = len(own.names)
        calendar.past = {
            str(name): Past(
                arrays[f"past/{k}/effect"].astype(np.float64).reshape(-1, s),
                arrays[f"past/{k}/limit"].astype(np.float64).reshape(2, s),
            )
            for k, name in enumerate(meta["past"])
        }
        calendar.rare = {str(name): arrays[f"rare/{k}"].reshape(-1) for k, name in enumerate(meta["rare"])}
        own = replace(own, calendar=calendar)
        watch = Watch.from_learned(meta["watch"], _below(arrays, "watch/"))
        if watch.names != own.names:
            raise ValueError
        now, held = unpack(state)
        novelty = Novelty.restored(arrays, held)
        out = Hours(own, watch, novelty, Gate(int(meta["lateness"])), keep=keep)
        _go_on(out, now, held)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError):
        raise InputError(_DAMAGED) from None
    return out


def _go_on(hours: Hours, now: Mapping[str, Any], held: Mapping[str, NDArray[Any]]) -> None:
    hours.watch.restore(_below(held, "watch/"))
    hours.gate.newest, hours.gate.closed, hours.count = (
        int(now["newest"]),
        int(now["closed"]),
        int(now["count"]),
    )
    hours.gate.dropped.update({str(k): int(n) for k, n in now["dropped"].items()})
    for hour, name, total, n in now["figures"]:
        hours.figures.setdefault(int(hour), {})[str(name)] = [float(total), float(n)]
    hours.ledger.restore(now.get("performance", ()))
    hours.batches = {str(key): int(hour) for key, hour in now["batches"].items()}
    layout = hours.learned.layout
    hours.together.restore(
        Profile.from_arrays(layout, _below(held, f"together/{k}/"))
        for k in range(int(now.get("together", 0)))
    )
    for hour in now["open"]:
        hours.open[int(hour)] = Profile.from_arrays(hours.learned.layout, _below(held, f"open/{hour}/"))


def _below(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
