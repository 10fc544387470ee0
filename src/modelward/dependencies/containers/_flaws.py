"""The rules of container files as data: how much each weighs, what to do, and hadolint's code for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelward.dependencies.code import Hazard

if TYPE_CHECKING:
    from modelward.dependencies.containers._dockerfile import Instruction
    from modelward.findings import Severity

Flaw = Hazard

RULES: dict[str, tuple[Severity, str, tuple[str, ...]]] = {
    "unpinned-base": ("medium", "Name a version and its digest: IMAGE:TAG@sha256:…", ("DL3006", "DL3007")),
    "base-by-tag": (
        "low",
        "Add the digest: IMAGE:TAG@sha256:… (docker buildx imagetools inspect shows it)",
        (),
    ),
    "base-from-outside": ("low", "Give the argument a default with a digest", ("DL3006",)),
    "root": ("medium", "Make a user in the Dockerfile and end it with USER and that name", ("DL3002",)),
    "whole-context": (
        "medium",
        "Copy the folders that are needed, or leave out the rest in .dockerignore",
        (),
    ),
    "rows-copied": ("low", "Leave training data out of the image: whoever can pull it has the rows", ()),
    "secret-in-layer": (
        "high",
        "Use RUN --mount=type=secret, or give it when the container starts; and revoke this one",
        ("DL3064",),
    ),
    "secret-in-argument": (
        "medium",
        "Use RUN --mount=type=secret: arguments stay in the image's history",
        ("DL3064",),
    ),
    "secret-file-copied": (
        "high",
        "Use RUN --mount=type=secret, or mount it when the container starts; removing it later keeps the layer",
        (),
    ),
    "piped-to-shell": ("high", "Fetch it, compare its hash, then run it; or install it from a package", ()),
    "fetched-unchecked": (
        "medium",
        "Compare its hash: ADD --checksum=sha256:…, or sha256sum -c in the same RUN",
        (),
    ),
    "unchecked-transport": ("high", "Leave the check on, and add the certificate of the server instead", ()),
    "extra-index": (
        "medium",
        "Use --index-url alone: of two indexes the one with the higher version wins, and anybody can put one there",
        (),
    ),
    "unpinned-install": (
        "medium",
        "Install from a lock file with hashes (pip install --require-hashes -r)",
        ("DL3013",),
    ),
    "compilers-left": ("low", "Build in a stage of its own, and COPY --from it what was built", ()),
    "large-base": ("low", "Take {}", ()),
    "apt-lists": ("low", "End the same RUN with rm -rf /var/lib/apt/lists/*", ("DL3009",)),
    "apt-recommends": ("low", "Add --no-install-recommends", ("DL3015",)),
    "download-cache": (
        "low",
        "{}, or mount a cache: RUN --mount=type=cache",
        ("DL3042", "DL3060", "DL3040", "DL3032", "DL3019"),
    ),
    "gpu-libraries": (
        "low",
        "Install it from the index for processors: --index-url https://download.pytorch.org/whl/cpu",
        (),
    ),
    "development-tools": ("low", "Leave it to a development image", ()),
    "sudo": ("low", "Switch with USER instead", ("DL3004",)),
    "add-for-copy": ("low", "Use COPY: ADD also fetches and unpacks", ("DL3020",)),
    "privileged": ("high", "Take it away, and add the one capability that is needed", ()),
    "host-socket": ("high", "Take it away: whoever reaches it is root on the host", ()),
    "host-folder": ("high", "Mount the one folder that is needed, read-only", ()),
    "host-namespace": ("medium", "Take it away, and publish the ports that are needed", ()),
    "capabilities": ("medium", "Name the one capability that is needed", ()),
    "unconfined": ("medium", "Take it away: the default profile is there for a reason", ()),
    "unpinned-image": ("medium", "Name a version and its digest: IMAGE:TAG@sha256:…", ()),
    "image-by-tag": ("low", "Add the digest: IMAGE:TAG@sha256:…", ()),
    "secret-in-compose": ("medium", "Give it as a secret, or from the environment: ${NAME:?}", ()),
    "open-port": ("medium", "Bind it to 127.0.0.1, or leave it within the network of the services", ()),
}


def flaw(rule: str, one: Instruction, text: str, fill: str = "", level: Severity | None = None) -> Flaw:
    """Return a flaw at an instruction."""
    weight, remedy, also = RULES[rule]
    return Hazard(
        rule,
        "",
        one.line,
        text,
        (remedy.format(fill) if "{}" in remedy else fill or remedy),
        level or weight,
        also=also,
    )
