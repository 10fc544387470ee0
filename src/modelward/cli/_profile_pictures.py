"""Pictures in a folder, or in an array, as a profile and as a page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward._version import __version__
from modelward.errors import InputError, MissingExtraError
from modelward.findings import Series
from modelward.profiles import ImageProfile
from modelward.reports import Page, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MOST_PIXELS = 100_000_000
_AT_ONCE = 256
_CHANNELS = ("red", "green", "blue", "saturation", "brightness")


def read_pictures(source: str) -> tuple[ImageProfile, tuple[str, ...]]:
    """Return the profile of a folder's pictures, or of an array's, and what was left out.

    Raises
    ------
    InputError
        If there are none, or the array is damaged.
    MissingExtraError
        If a folder is given and Pillow is not installed.
    """
    made = ImageProfile()
    if not Path(source).is_dir():
        for part in _array(source):
            made.update(part)
        notes = []
    else:
        notes = _folder(made, Path(source))
    if not made.images and not made.damaged:
        raise InputError(
            f"{source} has no pictures: give a folder of {', '.join(_FORMATS)} files, or an array (.npy)"
        )
    if made.damaged:
        notes.append(f"{made.damaged:,} pictures are damaged: values that are no number, or out of range")
    return made, tuple(notes)


def _array(source: str) -> Iterator[np.ndarray[Any, Any]]:
    try:
        held = np.load(source, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or 'it is no array'}") from None
    except (ValueError, EOFError):
        raise InputError(
            f"{source} is a damaged or truncated array, or holds objects: write it with numpy.save"
        ) from None
    for start in range(0, len(held) if held.ndim else 0, _AT_ONCE):
        yield held[start : start + _AT_ONCE]


def _folder(made: ImageProfile, folder: Path) -> list[str]:
    lost: list[str] = []
    for _, pixels in pictures_in(folder, lost):
        made.update(pixels[None])
    return lost


def pictures_in(folder: Path, lost: list[str]) -> Iterator[tuple[Path, np.ndarray[Any, Any]]]:
    """Yield each picture of a folder with its place in it; say in `lost` what could not be read.

    Links are not followed.

    Raises
    ------
    MissingExtraError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("pillow", "images") from None
    unread: list[str] = []
    others = 0
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            with Image.open(path, formats=_FORMATS) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    raise ValueError("too large")
                pixels = np.asarray(opened.convert("RGB"))
        except Exception:  # noqa: BLE001 - a decoder fails in as many ways as there are damaged files
            picture = path.suffix.lower().lstrip(".") in {"png", "jpg", "jpeg", "webp", "bmp"}
            unread += [str(path.relative_to(folder))] if picture else []
            others += not picture
        else:
            yield path.relative_to(folder), pixels
    if unread:
        lost.append(f"{len(unread):,} pictures cannot be read, such as {unread[0]}")
    if others:
        lost.append(f"{others:,} files are no pictures")


def page_of(made: ImageProfile, before: ImageProfile | None, name: str, notes: tuple[str, ...]) -> Page:
    """Return the page."""
    hue = made.hue()
    facts = [
        *((channel, f"{made.mean(channel):.1f} ± {made.deviation(channel):.1f}") for channel in _CHANNELS),
        ("colourful pixels", f"{hue.colourful:.1%}"),
        ("hue, mean direction", "–" if math.isnan(hue.mean) else f"{hue.mean:.0f}°, agreement {hue.resultant:.2f}"),
    ]  # fmt: skip
    sections = [Section("Colours", "Of 255, mean and standard deviation over all pixels.", tuple(facts))]
    if before is not None:
        sections.append(Section("What moved", "Beside the profile given.", _moved(made, before)))
    sections.append(Section("Histograms", series=_pictures(made, before), folded=True))
    return Page(
        f"Profile of {name}", f"{made.images:,} pictures, {made.pixels:,} pixels", "; ".join(notes), "",
        tuple(sections), (), 0, __version__, ("No picture can be made out of the profile.",), "profile",
    )  # fmt: skip


def _moved(made: ImageProfile, before: ImageProfile) -> tuple[tuple[str, str], ...]:
    turn = before.hue_shift(made)
    channels = ((c, f"{before.mean(c):.1f} → {made.mean(c):.1f}") for c in _CHANNELS)
    shares = (h.sum() for h in (before.hues, made.hues))
    a, b = (h / n if n else h * 0.0 for h, n in zip((before.hues, made.hues), shares, strict=True))
    return (
        ("hues turned by", "–" if math.isnan(turn) else f"{turn:+.0f}°"),
        ("distance between the hues", f"{np.abs(a - b).sum() / 2:.2f}"),
        *channels,
        ("colourful pixels", f"{before.hue().colourful:.1%} → {made.hue().colourful:.1%}"),
    )  # fmt: skip


def _pictures(made: ImageProfile, before: ImageProfile | None) -> tuple[Series, ...]:
    out = []
    for what, held in (("before", before), ("now", made)):
        if held is None:
            continue
        hues = held.hues.reshape(36, 10).sum(axis=1)
        shown = {"hue (degrees)": (hues, 10)} | {
            c: (held.shades[k].reshape(32, 8).sum(axis=1), 8) for k, c in enumerate(_CHANNELS)
        }
        for title, (counts, width) in shown.items():
            total = max(1, int(counts.sum()))
            x = tuple(float(width * k) for k in range(len(counts)))
            out.append(
                Series(what, x, tuple((counts / total).tolist()), y_label="share of pixels", group=title)
            )
    return tuple(out)
