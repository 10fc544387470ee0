"""Profiles as JSON: written so that equal profiles are equal texts, read as if somebody had tampered with them."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.profiles import _sums
from modelward.profiles._document import read_head
from modelward.profiles._images import ImageProfile
from modelward.profiles._kernels import COUNTERS, LIMBS, REGISTERS, REPEATS
from modelward.profiles._layout import Layout
from modelward.profiles._profile import Profile
from modelward.profiles._text import TextProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = 2
MAX_PROFILE_BYTES = 64_000_000


def to_json(profile: Profile) -> str:
    """Return a profile as JSON; equal profiles give equal texts."""
    layout, held = profile.layout, profile.arrays()
    packed = base64.b64encode(zlib.compress(held["registers"].tobytes(), 9)).decode()
    sizes = [len(p) + 2 for p in layout.points]
    out: dict[str, Any] = {
        "format": "modelward profile",
        "version": VERSION,
        "digest": layout.digest,
        "layout": layout.to_dict(),
        "rows": profile.rows,
        "counts": [held["counts"][j, :s].tolist() for j, s in enumerate(sizes)],
        "counters": held["counters"].tolist(),
        "sums": [[_sums.to_text(s) for s in pair] for pair in held["sums"]],
        "registers": packed,
        "repeats": base64.b64encode(zlib.compress(_planes(held["repeats"]), 9)).decode(),
    }
    if profile.texts:
        out["texts"] = {name: text.to_dict() for name, text in profile.texts.items()}
    return json.dumps(out, separators=(",", ":"))


def from_json(text: str) -> Profile:
    """Return the profile that `to_json` wrote.

    Raises
    ------
    InputError
        If it is no profile, of another version, or contradicts itself.
    """
    raw = read_head(text, "modelward profile", VERSION, what="profile", maker="`modelward profile`")
    layout = Layout.from_dict(raw.get("layout"))
    if raw.get("digest") != layout.digest:
        raise InputError("its layout is not the one that it was written with")
    try:
        held = _held(layout, raw)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, binascii.Error, zlib.error):
        raise InputError("its figures are damaged: make it anew") from None
    return Profile.from_arrays(layout, held)


def _held(layout: Layout, raw: dict[str, Any]) -> dict[str, Any]:
    d = len(layout.points)
    if len(raw["counts"]) != d or len(raw["sums"]) != d:
        raise ValueError
    counts = np.zeros_like(Profile(layout).counts)
    for j, held in enumerate(raw["counts"]):
        counts[j, : len(layout.points[j]) + 2] = np.array(held, dtype=np.int64)
    sums = np.zeros((d, 2, LIMBS), dtype=np.int64)
    for j, pair in enumerate(raw["sums"]):
        for k in (0, 1):
            sums[j, k] = _sums.from_text(pair[k])
    data = _unpacked(raw["registers"], d * REGISTERS)
    planes = np.frombuffer(_unpacked(raw["repeats"], 8 * d * REPEATS), dtype=np.uint8)
    out: dict[str, Any] = {
        "rows": int(raw["rows"]),
        "counts": counts,
        "counters": np.array(raw["counters"], dtype=np.int64).reshape(d, COUNTERS),
        "sums": sums,
        "registers": np.frombuffer(data, dtype=np.uint8).reshape(d, REGISTERS),
        "repeats": np.ascontiguousarray(planes.reshape(8, -1).T).view("<i8").reshape(d, REPEATS),
    }
    for k, (name, text) in enumerate(layout.texts.items()):
        own = TextProfile.from_dict(text, raw["texts"][name]).arrays()
        out |= {f"text{k}/{what}": array for what, array in own.items()}
    return out


def _planes(counts: NDArray[np.int64]) -> bytes:
    """Return the first bytes of all counts, then the second ones, and so on: so they pack to a third."""
    return counts.astype("<i8").reshape(-1, 1).view(np.uint8).T.tobytes()


def _unpacked(text: str, size: int) -> bytes:
    """Return what was packed, never more than is expected of it."""
    return zlib.decompressobj().decompress(base64.b64decode(text, validate=True), size)


def read_profile(path: str | Path) -> Profile:
    """Read a profile file.

    Raises
    ------
    InputError
        If it is not there, larger than 64 MB, or no profile of this version.
    """
    try:
        return Profile.from_json(_content(path))
    except InputError as error:
        raise InputError(f"profile {path}: {error}") from None


def read_image_profile(path: str | Path) -> ImageProfile:
    """Read a profile file of pictures.

    Raises
    ------
    InputError
        As `read_profile`.
    """
    try:
        return ImageProfile.from_json(_content(path))
    except InputError as error:
        raise InputError(f"profile {path}: {error}") from None


def _content(path: str | Path) -> str:
    try:
        with Path(path).open("rb") as opened:
            content = opened.read(MAX_PROFILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_PROFILE_BYTES:
        raise InputError(f"it is larger than {MAX_PROFILE_BYTES // 10**6} MB: is it a profile?")
    return content.decode("utf-8", "replace")
