"""Rules on what is copied from the build context: all of it, or rows of training data."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from modelward.dependencies.containers._context import ignored_for, lets_in, rows_file, whole
from modelward.dependencies.containers._flaws import flaw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelward.dependencies.containers._flaws import Flaw
    from modelward.dependencies.containers._layers import Layer


def copied_flaws(found: list[Layer], path: Path, root: Path, context: Path | None) -> Iterator[Flaw]:
    """Yield the flaws of COPY and ADD.

    Parameters
    ----------
    found : list of Layer
    path, root : Path
        The Dockerfile, and the project.
    context : Path or None
        The build context, where a compose file names it.
    """
    for layer in found:
        if layer.one.word not in ("COPY", "ADD") or layer.one.flag("from") is not None:
            continue
        sources, target = layer.files()
        if not (layer.shipped or _goes_on(layer, target, found)):
            continue
        if any(map(whole, sources)) and not layer.one.flag("exclude"):
            yield from _whole(layer, path, root, context)
        rows = [s for s in sources if rows_file(s)]
        if rows:
            yield flaw("rows-copied", layer.one, f"{rows[0]} is data by its name, and comes into the image")


def _whole(layer: Layer, path: Path, root: Path, context: Path | None) -> Iterator[Flaw]:
    folder = context or (path.parent if (path.parent / ".dockerignore").is_file() else root)
    ignored = ignored_for(path, context or root)
    if ignored is None:
        yield flaw(
            "whole-context",
            layer.one,
            "the whole build context is copied, with its history and its .env, and there is no .dockerignore",
        )
        return
    let_in = lets_in(ignored, folder)
    if let_in:
        yield flaw(
            "whole-context",
            layer.one,
            f"the whole build context is copied, and .dockerignore does not leave out {', '.join(let_in[:4])}",
        )


def _goes_on(layer: Layer, target: str, found: list[Layer]) -> bool:
    """Say whether a shipped stage copies the folder that a stage which is not shipped copied to."""
    here = posixpath.normpath(posixpath.join(layer.folder, target))
    names = {layer.stage.name, str(layer.stage.number)} - {""}
    for other in found:
        if other.shipped and other.one.word == "COPY" and (other.one.flag("from") or "").lower() in names:
            for source in other.files()[0]:
                over = posixpath.normpath("/" + source.lstrip("/"))
                if over == "/" or here == over or here.startswith(over.rstrip("/") + "/"):
                    return True
    return False
