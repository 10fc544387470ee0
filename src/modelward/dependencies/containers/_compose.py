"""Compose files: images without a version, containers that own the host, secrets in plain sight.

Sources: Compose specification (services); Docker, "Docker security".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modelward.dependencies._extra import need
from modelward.dependencies._packages import Problem
from modelward.dependencies.code import Hazard
from modelward.dependencies.code._secrets import secrets_in
from modelward.dependencies.containers._flaws import RULES
from modelward.dependencies.containers._images import Image
from modelward.dependencies.containers._secrets import secret_name, secret_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelward.findings import Severity

_STRONG = {"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "DAC_READ_SEARCH", "NET_ADMIN", "BPF"}
_STORES = {"22": "ssh", "3306": "MySQL", "5432": "PostgreSQL", "6379": "Redis", "9200": "Elasticsearch",
           "27017": "MongoDB",
           "8888": "Jupyter", "5000": "MLflow or a registry", "2375": "Docker", "9000": "an object store"}  # fmt: skip
_MAX_NODES = 100_000


@dataclass
class Compose:
    """What a compose file says: flaws, what makes no sense, and the context of each Dockerfile that it builds."""

    flaws: list[Hazard] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    contexts: dict[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A value and its line; of a mapping, nodes by name, and of a list, nodes."""

    value: Any
    line: int

    @property
    def text(self) -> str:
        """The value if it is no list and no mapping: those may hold themselves a million times."""
        return self.value if isinstance(self.value, str) else ""

    def items(self) -> list[tuple[str, Node]]:
        """Return the entries of a mapping."""
        return list(self.value.items()) if isinstance(self.value, dict) else []

    def get(self, name: str) -> Node:
        """Return an entry; one without a value if it is absent."""
        return self.value.get(name, Node(None, 0)) if isinstance(self.value, dict) else Node(None, 0)

    def entries(self) -> list[Node]:
        """Return the parts of a list."""
        return self.value if isinstance(self.value, list) else []

    def pairs(self) -> list[tuple[str, str | None, int]]:
        """Return names, values and lines of a mapping, or of a list of ``NAME=value``."""
        named = [
            (name, node.value, node.line)
            for name, node in self.items()
            if not isinstance(node.value, dict | list)
        ]
        for node in self.entries():
            name, equals, value = node.text.partition("=")
            named.append((name, value if equals else None, node.line))
        return named


def read_compose(text: str, file: Path, path: str) -> Compose:
    """Read a compose file, which lies at `path` in the project."""
    yaml = need("yaml", "PyYAML")
    out = Compose()
    try:
        document = _node(yaml.compose(text, Loader=yaml.SafeLoader), {}, [0])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        out.problems.append(Problem(path, mark.line + 1 if mark else 0, "is not valid YAML"))
        return out
    except (RecursionError, ValueError):
        out.problems.append(Problem(path, 0, "is nested or repeated more than a compose file is"))
        return out
    services = document.get("services")
    if not isinstance(services.value, dict):
        if document.get("include").value is None:
            out.problems.append(Problem(path, services.line or 1, "has no services"))
        return out
    for name, service in services.items():
        if not isinstance(service.value, dict):
            out.problems.append(
                Problem(path, service.line, f"has a service {name[:40]!r} that is no mapping")
            )
            continue
        out.flaws += [_flaw(path, *said) for said in _service(name[:60], service)]
        _builds(service.get("build"), file, out)
    return out


def _flaw(path: str, rule: str, line: int, text: str, level: Severity | None = None) -> Hazard:
    weight, remedy, also = RULES[rule]
    return Hazard(rule, path, line, text, remedy, level or weight, also=also)


def _node(node: Any, known: dict[int, Node], count: list[int]) -> Node:
    """Return a node of YAML with its line; what is repeated by an alias is read once."""
    if node is None:
        return Node(None, 0)
    if id(node) in known:
        return known[id(node)]
    count[0] += 1
    if count[0] > _MAX_NODES:
        raise ValueError("too many nodes")
    line = node.start_mark.line + 1
    if node.id == "scalar":
        made = Node(None if node.tag.endswith(":null") else node.value, line)
    elif node.id == "sequence":
        made = Node([_node(one, known, count) for one in node.value], line)
    else:
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for key, value in node.value:
            inner = _node(value, known, count)
            if key.tag.endswith(":merge"):
                for source in inner.entries() or [inner]:
                    merged = {**dict(source.items()), **merged}
            else:
                text = str(getattr(key, "value", ""))
                own[text] = Node(inner.value, key.start_mark.line + 1)
        made = Node({**merged, **own}, line)
    known[id(node)] = made
    return made


def _plain(text: str) -> tuple[str, bool]:
    """Put defaults in the place of ``${NAME:-default}``, and say whether all values were known."""
    out = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", text)
    return out, re.search(r"(?<!\$)\$[\w{]", out) is None


Said = tuple[str, int, str] | tuple[str, int, str, "Severity | None"]


def _service(name: str, service: Node) -> Iterator[Said]:
    image = service.get("image")
    if isinstance(image.value, str) and not service.get("build").value:
        yield from _image(name, image)
    yield from _reach(name, service)
    for volume in service.get("volumes").entries():
        yield from _volume(name, volume)
    for key in ("environment", "build"):
        node = service.get(key)
        for variable, value, line in (node.get("args") if key == "build" else node).pairs():
            yield from _variable(name, variable, value, line, built=key == "build")
    user = service.get("user")
    if user.text.partition(":")[0] in ("root", "0"):
        yield "root", user.line, f"{name} runs as root"
    for port in service.get("ports").entries():
        yield from _port(name, port)


def _image(name: str, image: Node) -> Iterator[Said]:
    text, known = _plain(image.value)
    one = Image.of(text)
    if not known and "$" in one.name:
        return
    if not one.digest and (one.tag in ("", "latest")):
        yield "unpinned-image", image.line, f"{name} runs {one.name} in whatever version there is that day"
    elif not one.pinned:
        yield "image-by-tag", image.line, f"{name}: {text} can be replaced under its tag"


def _reach(name: str, service: Node) -> Iterator[Said]:
    privileged = service.get("privileged")
    if privileged.text.lower() in ("true", "yes", "on"):
        yield "privileged", privileged.line, f"{name} is privileged: it owns the host"
    for key in ("network_mode", "pid", "ipc", "userns_mode", "cgroup", "uts"):
        node = service.get(key)
        if node.value == "host":
            yield "host-namespace", node.line, f"{name} shares {key.removesuffix('_mode')} with the host"
    for node in service.get("cap_add").entries():
        if node.text.upper().removeprefix("CAP_") in _STRONG:
            yield "capabilities", node.line, f"{name} may do {node.value}"
    for node in service.get("security_opt").entries():
        if re.search(r"(seccomp|apparmor)[:=]unconfined|label[:=]disable", node.text):
            yield "unconfined", node.line, f"{name} runs without {node.text[:40]}"


def _volume(name: str, volume: Node) -> Iterator[Said]:
    source = volume.get("source").text if isinstance(volume.value, dict) else volume.text.split(":")[0]
    line = volume.line
    if re.search(r"(docker|containerd|podman)\.sock$", source):
        yield (
            "host-socket",
            line,
            f"{name} is given {source}: it can start any container, as root on the host",
        )
    elif source == "/" or re.match(r"/(etc|root|proc|sys|boot|dev|var|usr|home)/?$", source):
        yield "host-folder", line, f"{name} is given {source} of the host"
    elif re.search(r"(^|/)\.(aws|ssh|kube|gnupg)(/|$)", source):
        yield "host-folder", line, f"{name} is given {source}, keys of a person", "medium"


def _variable(name: str, variable: str, value: str | None, line: int, *, built: bool) -> Iterator[Said]:
    text, known = _plain(str(value)) if value is not None else ("", False)
    kinds = [kind for _, kind in secrets_in(text)] if text else []
    if kinds:
        yield "secret-in-compose", line, f"{name}: {variable[:60]} holds a secret ({kinds[0]})", "high"
    elif value is not None and known and secret_name(variable) and secret_value(variable, text):
        where = ", which docker history shows" if built else ""
        yield "secret-in-compose", line, f"{name}: {variable[:60]} is set to a secret{where}"
    elif built and secret_name(variable):
        yield (
            "secret-in-argument",
            line,
            f"{name}: the build argument {variable[:60]} holds a secret, and is seen by docker history",
        )


def _port(name: str, port: Node) -> Iterator[Said]:
    if isinstance(port.value, dict):
        host, inner = (port.get("host_ip").text or ""), (port.get("target").text or "")
        if port.get("published").value is None:
            return
    else:
        text, _ = _plain(port.text)
        parts = re.findall(r"\[[^]]*\]|[^:]+", text.partition("/")[0])
        host, inner = (parts[0] if len(parts) == 3 else ""), parts[-1] if parts else ""
        if len(parts) < 2:
            return
    if inner in _STORES and host in ("", "0.0.0.0", "[::]", "::"):  # noqa: S104 - it is looked for
        yield (
            "open-port",
            port.line,
            f"{name} publishes port {inner} ({_STORES[inner]}) on every address of the host, past its firewall",
        )


def _builds(build: Node, file: Path, out: Compose) -> None:
    if isinstance(build.value, str):
        context, dockerfile = build.value, "Dockerfile"
    elif isinstance(build.value, dict):
        context = build.get("context").text or "."
        dockerfile = build.get("dockerfile").text or "Dockerfile"
    else:
        return
    if "$" not in context + dockerfile and "://" not in context:
        folder = (file.parent / context).resolve()
        out.contexts[(folder / dockerfile).resolve()] = folder
