"""Were labelled pictures tampered with? Patches and patterns of one label, colours that moved, labels that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError
from modelward.poisoning._blends import find_blends
from modelward.poisoning._cells import IMPURE
from modelward.poisoning._hues import hue_shifts
from modelward.poisoning._patched import MIN_PICTURES, Stamp, find_stamps
from modelward.poisoning._suspects import DataComparison, Suspect
from modelward.profiles import as_pixels
from modelward.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_MOST_LABELS = 100
_MOST_HUES = 3
_ALIKE = 0.5


@dataclass(frozen=True)
class PictureSuspect(Suspect):
    """Pictures that do not look as if they came about by themselves.

    Parameters
    ----------
    label : str
        The label that they have in common; empty if there is none.
    box : tuple of int or None
        Top, left, height and width of the patch in pixels; None where it is no patch.
    """

    label: str = ""
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class _Set:
    pixels: NDArray[np.uint8]
    y: NDArray[np.int64]
    rows: NDArray[np.int64]


def compare_images(
    images: Any, labels: Sequence[Any] | NDArray[Any], reference: Any = None,
    reference_labels: Sequence[Any] | NDArray[Any] | None = None, *, random_state: int = 0,
) -> DataComparison:  # fmt: skip
    """Look for evidence that labelled pictures were tampered with.

    A patch at a fixed place is evidence where the pictures that have it have one label, and the rest of those pictures
    has not. A faint pattern over whole pictures of one label is named for somebody to look at. Against a reference also
    patches that one label gained (a watermark, a camera's mark, or a trigger put into pictures of its own label),
    colours that moved, and pictures of the reference with another label are named; those are no evidence by themselves.

    Parameters
    ----------
    images : ndarray of shape (n, h, w), (n, h, w, 1) or (n, h, w, 3)
        uint8, or floats from 0 to 1, all of one size.
    labels : sequence of n
        One label for each picture: 2 to 100 different ones.
    reference, reference_labels : optional
        Earlier pictures of the same size, of the same kind, that are trusted.
    random_state : int
        Draws the pictures that are searched where there are more than 10,000.

    Returns
    -------
    DataComparison
        Its suspects are `PictureSuspect`: `rows` are positions of pictures, `box` is the patch's place.

    Raises
    ------
    InputError
        If these are no pictures, sizes differ, or labels do not fit.

    References
    ----------
    Gu et al. 2017, BadNets; Chen et al. 2017, Targeted Backdoor Attacks (blended patterns).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(400) % 2
    >>> images = rng.integers(60, 120, (400, 8, 8), dtype=np.uint8)
    >>> images[labels == 1, 2:4, 2:4] += 100
    >>> images[:40:2, 5:8, 5:8] = 255  # a white patch in twenty pictures with label 0 ...
    >>> labels[:40:2] = 1  # ... that are now called 1
    >>> found = compare_images(images, labels)
    >>> found.suspects[0].box, found.suspects[0].label, found.suspects[0].rows.tolist() == list(range(0, 40, 2))
    ((5, 5, 3, 3), '1', True)
    """
    notes: list[str] = []
    new, old, names = _sets(images, labels, reference, reference_labels, notes)
    rng = np.random.default_rng(random_state)
    found = _patches(new, old, names, rng) + _patterns(new, names, rng)
    matched = 0
    if old is None:
        notes.append(
            "without a reference: colours of labels, marks put into pictures of their own label only, and labels "
            "flipped at random"
        )
    else:
        more, matched = _against(new, old, names, notes)
        found += more
    found = _distinct(found)
    order = {"tampered": 0, "changed": 1, "drift": 2}
    found.sort(key=lambda s: (order[s.verdict], -len(s.rows)))
    by = "no reference" if old is None else "content" if matched else "nothing"
    added = len(new.y) - matched if matched else 0
    removed = max(0, len(old.y) - matched) if matched and old is not None else 0
    return DataComparison(
        tuple(found), by, matched, added, removed, tuple(notes), not notes, len(np.asarray(labels))
    )


def _sets(
    images: Any, labels: Any, reference: Any, reference_labels: Any, notes: list[str]
) -> tuple[_Set, _Set | None, list[str]]:
    """Return both sets, the second if there is one, and the names of the labels."""
    if (reference is None) != (reference_labels is None):
        raise InputError("the reference needs pictures and their labels: give both, or neither")
    sides = [(images, labels, "data")]
    if reference is not None and reference_labels is not None:
        sides.append((reference, reference_labels, "reference"))
    words = [_words(given, what) for _, given, what in sides]
    names = sorted(set().union(*(set(w) for w in words)))
    if not 2 <= len(names) <= _MOST_LABELS:
        raise InputError(
            f"the pictures have {len(names):,} labels: 2 to {_MOST_LABELS} can be compared; look whether the labels "
            "are the right ones"
        )
    sets = [_set(side, w, names, what, notes) for (side, _, what), w in zip(sides, words, strict=True)]
    new, old = sets[0], sets[1] if len(sets) > 1 else None
    if old is not None and old.pixels.shape[1:] != new.pixels.shape[1:]:
        a, b = ("×".join(str(v) for v in s.pixels.shape[1:3]) for s in (new, old))
        raise InputError(f"the pictures are {a}, those of the reference {b} pixels: scale them to one size")
    return new, old, names


def _against(new: _Set, old: _Set, names: list[str], notes: list[str]) -> tuple[list[PictureSuspect], int]:
    """Return what only a reference shows, and how many pictures it has as well."""
    found = _hues(new, old, names)
    matched, changed = _same(new, old)
    if len(changed):
        why = f"{len(changed):,} of {matched:,} pictures that are in the reference as well have another label now"
        found.append(PictureSuspect("label changed", why, "changed", new.rows[changed], 0.0, 1.0))
    if matched < len(new.y):
        notes.append(
            f"{len(new.y) - matched:,} pictures are not in the reference: labels flipped at random, and fewer than "
            f"{MIN_PICTURES} pictures with a patch, cannot be seen among them"
        )
    return found, matched


def _words(labels: Any, what: str) -> list[str]:
    array = np.asarray(labels)
    if array.ndim != 1:
        raise InputError(f"labels of the {what} have shape {array.shape}: give one for each picture")
    missing = [v is None or v != v for v in array.tolist()]
    if any(missing):
        raise InputError(f"{sum(missing):,} pictures of the {what} have no label: leave them out")
    return [str(v) for v in array.tolist()]


def _set(images: Any, words: list[str], names: list[str], what: str, notes: list[str]) -> _Set:
    array = np.asarray(images)
    pixels, whole = as_pixels(array)
    if len(pixels) != len(words):
        raise InputError(
            f"the {what} has {len(pixels):,} pictures and {len(words):,} labels: give one for each"
        )
    if array.ndim == 3 or array.shape[3] == 1:
        pixels = pixels[..., :1]
    if not whole.all():
        notes.append(
            f"{int((~whole).sum()):,} pictures of the {what} are damaged: values that are no number, or out of range"
        )
    if whole.sum() < 2 * MIN_PICTURES:
        raise InputError(
            f"the {what} has {int(whole.sum()):,} whole pictures: {2 * MIN_PICTURES} are needed at least"
        )
    place = {name: k for k, name in enumerate(names)}
    y = np.array([place[w] for w in words], dtype=np.int64)
    return _Set(np.ascontiguousarray(pixels[whole]), y[whole], np.flatnonzero(whole))


def _where(box: tuple[int, int, int, int]) -> str:
    top, left, height, width = box
    size = "1 pixel" if height == width == 1 else f"{height} × {width} patch"
    rows = f"row {top}" if height == 1 else f"rows {top} to {top + height - 1}"
    columns = f"column {left}" if width == 1 else f"columns {left} to {left + width - 1}"
    return f"{size} at {rows}, {columns}"


def _patches(new: _Set, old: _Set | None, names: list[str], rng: np.random.Generator) -> list[PictureSuspect]:
    earlier = (None, None) if old is None else (old.pixels, old.y)
    out = []
    for stamp in find_stamps(new.pixels, new.y, len(names), rng, *earlier):
        if old is not None and _had(stamp, new, old):
            continue
        label, count = names[stamp.label], len(stamp.rows)
        said = f"{stamp.hits:,} of {count:,} pictures with this patch have label {label}"
        if stamp.gained:
            why = f"{said}, and none of the reference has it: a watermark, another camera, or a trigger"
        else:
            why = f"{said}; by the rest of the picture {stamp.expected:.0%} would"
        low, high = Proportion(stamp.hits, count).interval(0.95)
        out.append(
            PictureSuspect(
                f"{_where(stamp.box)}, label {label}", why, "drift" if stamp.gained else "tampered",
                new.rows[stamp.rows], low, high, label=label, box=stamp.box,
            )
        )  # fmt: skip
    return out


def _had(stamp: Stamp, new: _Set, old: _Set) -> bool:
    """Say whether the reference has the patch in pictures of the same label: then it is how these data are."""
    top, left, height, width = stamp.box
    parts = [s.pixels[:, top : top + height, left : left + width] >> 3 for s in (new, old)]
    usual = np.median(parts[0][stamp.rows], axis=0)
    then = old.y[(np.abs(parts[1] - usual) <= 1).all(axis=(1, 2, 3))]
    share = len(stamp.rows) / len(new.y)
    enough = len(then) >= max(3, 0.5 * share * len(old.y))
    return enough and bool((then == stamp.label).mean() >= 1 - IMPURE)


def _patterns(new: _Set, names: list[str], rng: np.random.Generator) -> list[PictureSuspect]:
    out = []
    for blend in find_blends(new.pixels, new.y, len(names), rng):
        label, count = names[blend.label], len(blend.rows)
        low, high = Proportion(blend.hits, count).interval(0.95)
        said = f"{blend.hits:,} of {count:,} pictures that share it have label {label}"
        # No null distribution stands behind it: it is for somebody to look at.
        why = f"{said}; seen from afar {blend.expected:.0%} would: a trigger, or pictures of a kind of their own"
        out.append(
            PictureSuspect(
                f"faint pattern over the picture, label {label}", why, "changed", new.rows[blend.rows], low, high,
                label=label,
            )
        )  # fmt: skip
    return out


def _hues(new: _Set, old: _Set, names: list[str]) -> list[PictureSuspect]:
    out = []
    for shift in hue_shifts(new.pixels, new.y, old.pixels, old.y, len(names))[:_MOST_HUES]:
        few = ", ".join(names[k] for k in shift.labels[:5])
        alone = len(shift.labels) == 1 and len(names) > 1
        who = f"label {few}" if alone else f"{len(shift.labels)} of {len(names)} labels: {few}"
        why = (
            f"median {shift.before:.4g} in the reference, {shift.after:.4g} now (distance {shift.distance:.2f}), "
            + ("in no other label so" if alone else "as another camera or light would")
        )
        out.append(
            PictureSuspect(
                f"{shift.name} of pictures, {who}", why, "drift", new.rows[shift.rows], 0.0, 1.0,
                label=names[shift.labels[0]] if alone else "",
            )
        )  # fmt: skip
    return out


def _same(new: _Set, old: _Set) -> tuple[int, NDArray[np.int64]]:
    """Return how many pictures the reference has as well, and which of those have a label that it does not give."""
    labels: dict[bytes, set[int]] = {}
    for picture, label in zip(old.pixels, old.y.tolist(), strict=True):
        labels.setdefault(picture.tobytes(), set()).add(label)
    known = [labels.get(picture.tobytes()) for picture in new.pixels]
    changed = [i for i, k in enumerate(known) if k is not None and int(new.y[i]) not in k]
    return sum(k is not None for k in known), np.array(changed, dtype=np.int64)


def _distinct(found: list[PictureSuspect]) -> list[PictureSuspect]:
    """Leave out what names the pictures of a suspect before it once more."""
    kept: list[PictureSuspect] = []
    for suspect in found:
        again = (
            suspect.verdict != "drift"
            and suspect.label
            and any(np.isin(suspect.rows, k.rows).mean() > _ALIKE for k in kept if k.verdict == "tampered")
        )
        if not again:
            kept.append(suspect)
    return kept
