"""A Dockerfile with its values filled in: the instructions of each stage, and what is known where they stand."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelward.dependencies.containers._dockerfile import Dockerfile, Instruction, Stage, expand, pairs
from modelward.dependencies.containers._shell import Command, commands

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Layer:
    """An instruction, and what is known where it stands.

    Parameters
    ----------
    one : Instruction
    value : str
        With variables filled in where they are known.
    known : bool
        Whether all were.
    shipped : bool
        Whether its layer is part of the final image.
    environment : dict
        What ENV and ARG say at this place; None for what is given from outside.
    folder : str
        The working folder.
    runs : tuple of Command
        Of RUN, with its here-documents.
    """

    one: Instruction
    stage: Stage
    value: str
    known: bool
    shipped: bool
    environment: dict[str, str | None] = field(default_factory=dict)
    folder: str = "/"
    runs: tuple[Command, ...] = ()

    @property
    def text(self) -> str:
        """The value and the here-documents."""
        return "\n".join((self.one.value, *self.one.documents))

    def mounts(self, target: str) -> bool:
        """Say whether a cache is mounted over a folder, which then is in no layer."""
        return any(
            flag == "mount" and "type=cache" in value and f"{target}" in value
            for flag, value in self.one.flags
        )

    def files(self) -> tuple[list[str], str]:
        """Return the sources and the destination of COPY or ADD."""
        words = self.one.listed() or [w for w in self.value.split() if not w.startswith("<<")]
        if self.one.documents and len(words) == 1:
            return [], words[0]
        return (words[:-1], words[-1]) if len(words) > 1 else (words, "")


def layers(file: Dockerfile) -> list[Layer]:
    """Return every instruction of every stage."""
    shipped = {stage.number for stage in file.final}
    left: dict[int, tuple[dict[str, str | None], str]] = {}
    found: list[Layer] = []
    for stage in file.stages:
        environment, folder = left.get(stage.parent.number, ({}, "/")) if stage.parent else ({}, "/")
        environment = dict(environment)
        for one in stage.instructions:
            value, known = expand(one.value, environment)
            layer = Layer(
                one,
                stage,
                value,
                known,
                stage.number in shipped,
                dict(environment),
                folder,
                tuple(_runs(one)),
            )
            found.append(layer)
            if one.word == "WORKDIR":
                folder = posixpath.normpath(posixpath.join(folder, value.strip("\"'")))
            elif one.word == "ENV":
                environment.update({k: expand(v or "", environment)[0] for k, v in pairs(one.value).items()})
            elif one.word == "ARG":
                _declare(environment, pairs(one.value), file.arguments)
        left[stage.number] = (environment, folder)
    return found


def _declare(
    environment: dict[str, str | None], said: dict[str, str | None], above: dict[str, str | None]
) -> None:
    for name, value in said.items():
        given = above.get(name) if value is None else expand(value, environment)[0]
        if given is not None or name not in environment:
            environment[name] = given


def _runs(one: Instruction) -> Iterator[Command]:
    if one.word != "RUN":
        return
    words = one.listed()
    if words:
        yield Command(tuple(words))
        if len(words) > 2 and words[1].startswith("-") and words[1].endswith("c"):
            yield from commands(words[2])
        return
    if not (one.documents and one.value.lstrip().startswith("<<")):
        yield from commands(one.value)
    for document in one.documents:
        yield from commands(document)


def user(file: Dockerfile, found: list[Layer]) -> tuple[str, Layer | None]:
    """Return the user that the final image runs as, and where it is set; empty where no instruction sets one."""
    final = {stage.number for stage in file.final}
    for layer in reversed(found):
        if layer.stage.number in final and layer.one.word == "USER":
            return layer.value.split(":")[0].strip().strip("\"'"), layer
    return "", None
