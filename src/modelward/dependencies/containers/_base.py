"""Rules on what an image is built on and runs as: bases without a version, and root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.dependencies.containers._dockerfile import expand
from modelward.dependencies.containers._images import Image
from modelward.dependencies.containers._layers import user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelward.dependencies.containers._dockerfile import Dockerfile, Stage
    from modelward.dependencies.containers._flaws import Flaw
    from modelward.dependencies.containers._layers import Layer

from modelward.dependencies.containers._flaws import flaw


def base_flaws(file: Dockerfile, found: list[Layer]) -> Iterator[Flaw]:
    """Yield the flaws of bases and of the user."""
    for stage in file.stages:
        if stage.parent is None and stage.image.lower() != "scratch":
            yield from _unpinned(stage, file)
    yield from _root(file, found)
    first = file.final[0]
    image = Image.of(first.image)
    if image.with_compilers:
        yield flaw("compilers-left", first.base, f"{first.image} ships compilers and headers to production")
    elif smaller := image.larger_than_needed:
        yield flaw(
            "large-base", first.base, f"{first.image} holds more than a model needs to be served", smaller
        )


def _unpinned(stage: Stage, file: Dockerfile) -> Iterator[Flaw]:
    _, known = expand(stage.base.value.split()[0], file.arguments)
    image = Image.of(stage.image)
    if not known:
        yield flaw(
            "base-from-outside",
            stage.base,
            f"{stage.image} is given from outside, so that nothing is known of it",
        )
    elif image.digest and not image.pinned:
        yield flaw("unpinned-base", stage.base, f"the digest of {image.name} is none")
    elif not image.digest and image.tag in ("", "latest"):
        what = "latest" if image.tag else "no tag, which is latest"
        yield flaw(
            "unpinned-base", stage.base, f"{image.name} has {what}: it is another image from day to day"
        )
    elif not image.digest:
        yield flaw("base-by-tag", stage.base, f"{stage.image} can be replaced under its tag")


def _root(file: Dockerfile, found: list[Layer]) -> Iterator[Flaw]:
    name, layer = user(file, found)
    if name.lower() in ("root", "0") and layer is not None:
        yield flaw("root", layer.one, "the container runs as root: who breaks out of the process owns it all")
    elif not name:
        first = file.final[0]
        if Image.of(first.image).unprivileged or _steps_down(found):
            return
        yield flaw("root", file.stages[-1].base, "no USER is set, so that the container runs as root")


def _steps_down(found: list[Layer]) -> bool:
    words = ("gosu", "su-exec", "setpriv", "runuser", "chroot --userspec")
    return any(
        one.shipped and one.one.word in ("ENTRYPOINT", "CMD") and any(word in one.value for word in words)
        for one in found
    )
