"""Labelled pictures for `modelward data`: a folder with one folder a label, or arrays in one file (.npz)."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modelward.errors import InputError, UsageError

if TYPE_CHECKING:
    from modelward.poisoning import DataComparison

_MOST_BYTES = 8 << 30


@dataclass(frozen=True)
class Pictures:
    """Pictures with their labels.

    Parameters
    ----------
    images : ndarray
    labels : ndarray or list of str
    names : list of str
        Of the files, in order; empty for arrays.
    notes : tuple of str
        What was left out.
    """

    images: Any
    labels: Any
    names: list[str]
    notes: tuple[str, ...] = ()


def holds_pictures(file: str) -> bool:
    """Say whether a path is one of labelled pictures."""
    return Path(file).is_dir() or file.lower().endswith((".npz", ".npy"))


def compare_pictures(
    file: str, reference: str | None, target: str | None
) -> tuple[DataComparison, list[str]]:
    """Return what was found, and the names of the files (none for arrays).

    Raises
    ------
    InputError
        If a file holds no labelled pictures.
    UsageError
        If labels are not named, or one file is a table.
    """
    from modelward.poisoning import compare_images

    if reference is not None and not holds_pictures(reference):
        raise UsageError(
            f"--reference {reference} is a table and FILE holds pictures: give pictures for both"
        )
    new = _read(file, target)
    old = None if reference is None else _read(reference, target)
    found = compare_images(
        new.images, new.labels, *((None, None) if old is None else (old.images, old.labels))
    )
    notes = (*new.notes, *(() if old is None else (f"reference: {n}" for n in old.notes)), *found.notes)
    return replace(found, notes=notes, complete=not notes), new.names


def _read(source: str, target: str | None) -> Pictures:
    if Path(source).is_dir():
        if target is not None:
            raise UsageError(
                "--target is for tables and arrays: in a folder of pictures each folder is a label"
            )
        return _folder(Path(source))
    if source.lower().endswith(".npy"):
        raise UsageError(
            f"{source} has no labels: write pictures and labels into one file with "
            "numpy.savez(FILE, images=…, labels=…)"
        )
    return _arrays(source, target or "labels")


def _folder(folder: Path) -> Pictures:
    from modelward.cli._profile_pictures import pictures_in

    notes: list[str] = []
    held: dict[tuple[int, ...], list[tuple[str, str, Any]]] = {}
    loose = 0
    for path, pixels in pictures_in(folder, notes):
        if len(path.parts) < 2:
            loose += 1
            continue
        held.setdefault(pixels.shape, []).append((path.as_posix(), path.parts[0], pixels))
    if not held:
        raise InputError(
            f"{folder} has no labelled pictures: put the pictures of each label into a folder of its own"
        )
    if loose:
        notes.append(f"{loose:,} pictures are in no label's folder")
    sizes = Counter({shape: len(each) for shape, each in held.items()})
    ((shape, count),) = sizes.most_common(1)
    if len(sizes) > 1:
        notes.append(
            f"{sum(sizes.values()) - count:,} pictures are not {shape[0]} × {shape[1]} pixels as most are: scale them "
            "to one size"
        )
    kept = held[shape]
    return Pictures(
        np.stack([p for _, _, p in kept]),
        [label for _, label, _ in kept],
        [name for name, _, _ in kept],
        tuple(notes),
    )


def _arrays(source: str, target: str) -> Pictures:
    try:
        with zipfile.ZipFile(source) as whole:
            size = sum(member.file_size for member in whole.infolist())
        if size > _MOST_BYTES:
            raise InputError(f"{source} holds {size / 2**30:.0f} GB of arrays: give a part of it")
        with np.load(source, allow_pickle=False) as held:
            names = list(held.files)
            if target not in names:
                raise InputError(
                    f"{source} has no array {target!r} for labels: it has {', '.join(sorted(names)[:8])}; name one "
                    "with --target"
                )
            labels = held[target]
            others = [name for name in names if name != target]
            images = {name: held[name] for name in others}
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror or 'it is no array file'}") from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile):
        raise InputError(
            f"{source} is a damaged array file, or holds objects: write it with numpy.savez"
        ) from None
    pictures = [name for name, array in images.items() if array.ndim in (3, 4)]
    if len(pictures) != 1:
        raise InputError(
            f"{source} has {len(pictures)} arrays of pictures: one of shape (n, h, w) or (n, h, w, 3) is needed"
        )
    return Pictures(images[pictures[0]], labels, [])
