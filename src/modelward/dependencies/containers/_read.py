"""All container files of a project, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelward.dependencies._packages import Problem
from modelward.dependencies._walk import walk
from modelward.dependencies.containers._base import base_flaws
from modelward.dependencies.containers._compose import read_compose
from modelward.dependencies.containers._copied import copied_flaws
from modelward.dependencies.containers._dockerfile import Unreadable, read_dockerfile
from modelward.dependencies.containers._fetch import fetch_flaws
from modelward.dependencies.containers._install import install_flaws
from modelward.dependencies.containers._layers import layers
from modelward.dependencies.containers._secrets import secret_flaws

if TYPE_CHECKING:
    from pathlib import Path

    from modelward.dependencies.containers._flaws import Flaw

MAX_FILE = 1_000_000
_DOCKERFILE = re.compile(
    r"(dockerfile|containerfile)([.-][\w.-]+)?|[\w.-]+\.(dockerfile|containerfile)", re.IGNORECASE
)
_COMPOSE = re.compile(r"(docker-|podman-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_NOT = (
    ".dockerignore",
    ".md",
    ".rst",
    ".py",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".tpl",
    ".orig",
    ".bak",
    ".swp",
    ".txt",
    ".json",
)


@dataclass(frozen=True, slots=True)
class ContainerRead:
    """What was found in a project's container files, and what could not be read.

    `silenced` counts what a comment ``# hadolint ignore=`` says to ignore.
    """

    flaws: tuple[Flaw, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    silenced: int = 0


def read_containers(project: Path) -> ContainerRead:
    """Look through the Dockerfiles and compose files of a project; nothing is built or run.

    Parameters
    ----------
    project : Path
        A folder.

    Returns
    -------
    ContainerRead
    """
    files, unread = walk(project, _wanted, built=True)
    flaws: list[Flaw] = []
    problems = list(unread)
    contexts: dict[Path, Path] = {}
    texts: list[tuple[Path, str, str]] = []
    for file in files:
        path = file.relative_to(project).as_posix()
        text = _text(file, path, project, problems)
        if text is None:
            continue
        texts.append((file, path, text))
        if _COMPOSE.fullmatch(file.name):
            compose = read_compose(text, file, path)
            flaws += compose.flaws
            problems += compose.problems
            contexts.update(compose.contexts)
    silenced = 0
    for file, path, text in texts:
        if _COMPOSE.fullmatch(file.name):
            continue
        try:
            found, quiet = _dockerfile(text, file, project, contexts.get(file.resolve()))
        except Unreadable as error:
            problems.append(Problem(path, error.line, str(error)))
            continue
        silenced += quiet
        flaws += [replace(one, path=path) for one in found]
    return ContainerRead(
        tuple(sorted(dict.fromkeys(flaws), key=lambda f: (f.path, f.line, f.rule))), tuple(problems),
        tuple(path for _, path, _ in texts), silenced,
    )  # fmt: skip


def _wanted(name: str) -> bool:
    if name.lower().endswith(_NOT):
        return False
    return _DOCKERFILE.fullmatch(name) is not None or _COMPOSE.fullmatch(name) is not None


def _text(file: Path, path: str, root: Path, problems: list[Problem]) -> str | None:
    try:
        if not file.resolve().is_relative_to(root.resolve()):
            problems.append(Problem(path, 0, "is a link to a file outside the project, which is not read"))
        elif not file.is_file():
            problems.append(Problem(path, 0, "is no file"))
        elif file.stat().st_size > MAX_FILE:
            problems.append(Problem(path, 0, f"has over {MAX_FILE:,} bytes and is not read"))
        else:
            return file.read_bytes().decode("utf-8")
    except OSError as error:
        problems.append(Problem(path, 0, f"cannot be read: {(error.strerror or '').lower()}"))
    except UnicodeDecodeError as error:
        problems.append(Problem(path, 0, f"is not UTF-8 (byte {error.start:,})"))
    return None


def _dockerfile(text: str, file: Path, root: Path, context: Path | None) -> tuple[list[Flaw], int]:
    parsed = read_dockerfile(text)
    found = layers(parsed)
    flaws = [
        *base_flaws(parsed, found), *secret_flaws(found), *fetch_flaws(found), *install_flaws(found),
        *copied_flaws(found, file, root, context),
    ]  # fmt: skip
    quiet = {one.one.line: one.one.quiet for one in found} | {
        s.base.line: s.base.quiet for s in parsed.stages
    }
    kept = [f for f in flaws if not {f.rule, *f.also} & (parsed.quiet | quiet.get(f.line, frozenset()))]
    return kept, len(flaws) - len(kept)
