"""What the name of an image says: its registry, its tag, and whether its content can change."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """A reference to an image.

    Examples
    --------
    >>> Image.of("registry.example:5000/team/app@sha256:" + "0" * 64).pinned
    True
    >>> Image.of("python:3.12-slim").short, Image.of("python").tag
    ('python', '')
    """

    name: str
    tag: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Image:
        """Split a reference."""
        rest, _, digest = text.partition("@")
        folder, slash, last = rest.rpartition("/")
        last, _, tag = last.partition(":")
        return cls(folder + slash + last, tag, digest)

    @property
    def pinned(self) -> bool:
        """Whether it names its content."""
        return re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", self.digest) is not None

    @property
    def short(self) -> str:
        """The name without Docker's own registry."""
        return re.sub(r"^(?:docker\.io/)?(?:library/)?", "", self.name)

    @property
    def unprivileged(self) -> bool:
        """Whether it is known to set a user that is not root."""
        nonroot = (
            "nonroot" in self.tag or "unprivileged" in f"{self.name}:{self.tag}" or "rootless" in self.tag
        )
        return nonroot or self.short.startswith(
            ("cgr.dev/chainguard/", "bitnami/", "jupyter/", "quay.io/jupyter/",
            "registry.access.redhat.com/ubi8/python",
             "registry.access.redhat.com/ubi9/python", "apache/airflow", "apache/spark")
        )  # fmt: skip

    @property
    def with_compilers(self) -> bool:
        """Whether it is known to hold compilers."""
        if self.short in ("gcc", "rust", "golang", "buildpack-deps", "maven", "gradle"):
            return "slim" not in self.tag and "alpine" not in self.tag
        return re.search(r"(^|-)devel(-|$)", self.tag) is not None and "cud" in f"{self.name}{self.tag}"

    @property
    def larger_than_needed(self) -> str:
        """Return the smaller one in its place; empty if none is known."""
        full = not re.search(r"slim|alpine|windowsservercore|nanoserver", self.tag)
        if self.short == "python" and self.tag and full:
            version = re.match(r"\d+(\.\d+)*", self.tag)
            return f"python:{version[0] if version else self.tag}-slim"
        if re.fullmatch(r"(quay\.io/)?jupyter/[\w-]+", self.short):
            return "an image without notebooks, such as python:3.12-slim"
        if self.short in ("continuumio/anaconda3", "anaconda/anaconda3"):
            return "python:3.12-slim, or condaforge/miniforge3 with only what you name"
        return ""
