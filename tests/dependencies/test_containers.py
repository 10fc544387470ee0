"""Container files: planted flaws beside honest twins, real layouts that raise nothing, and text that makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from containers_cases import BASE, DIGEST, HONEST, TOKEN, TWINS
from modelward.cli._deps import deps
from modelward.dependencies import ContainerRead, read_containers
from modelward.dependencies.containers._context import Ignored
from modelward.dependencies.containers._dockerfile import Unreadable, read_dockerfile


def read(folder: Path, text: str, name: str = "Dockerfile") -> ContainerRead:
    (folder / name).write_text(text)
    return read_containers(folder)


def rules(found: ContainerRead) -> set[str]:
    assert not found.problems
    return {flaw.rule for flaw in found.flaws}


@pytest.mark.parametrize(("rule", "bad", "good"), TWINS, ids=[f"{i}-{t[0]}" for i, t in enumerate(TWINS)])
def test_each_flaw_is_found_and_its_honest_twin_is_not(
    rule: str, bad: str, good: str, tmp_path: Path
) -> None:
    assert rule in rules(read(tmp_path, bad + "\n"))
    assert rule not in rules(read(tmp_path, good + "\n"))


def service(text: str) -> str:
    return "services:\n  a:\n" + "".join(f"    {line}\n" for line in text.splitlines())


COMPOSE = [
    ("unpinned-image", "image: redis", f"image: redis:7{DIGEST}"),
    ("unpinned-image", "image: redis:${TAG:-latest}", "image: app:latest\nbuild: ."),
    ("image-by-tag", "image: redis:7", f"image: ${{IMAGE:-redis:7{DIGEST}}}"),
    ("privileged", "privileged: true", "privileged: false"),
    ("host-socket", "volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']", "volumes: ['data:/data', './x:/x:ro']"),
    ("host-folder", "volumes:\n  - type: bind\n    source: /\n    target: /host", "volumes: ['/srv/model:/m:ro']"),
    ("host-folder", "volumes: ['~/.aws:/root/.aws']", "volumes: ['./aws:/aws']"),
    ("host-namespace", "network_mode: host", "network_mode: bridge"),
    ("capabilities", "cap_add: [SYS_ADMIN]", "cap_add: [NET_BIND_SERVICE]\ncap_drop: [ALL]"),
    ("unconfined", "security_opt: ['seccomp:unconfined']", "security_opt: ['no-new-privileges:true']"),
    ("root", "user: '0:0'", "user: '1000'"),
    ("secret-in-compose", "environment:\n  DB_PASSWORD: swordfish", "environment:\n  DB_PASSWORD: ${DB_PASSWORD:?}"),
    ("secret-in-compose", "environment: ['TOKEN=geheim']", "environment: [TOKEN, 'TOKEN_FILE=/run/secrets/t']"),
    ("secret-in-compose", "environment: {PASSWORD: '${PASSWORD:-hunter2}'}", "environment: {TOKENIZERS_PARALLELISM: 'false'}"),
    ("secret-in-compose", f"environment: {{X: {TOKEN}}}", "environment: {X: plain}"),
    ("secret-in-argument", "build:\n  context: .\n  args: [NPM_TOKEN]", "build:\n  context: .\n  args: [VERSION]"),
    ("open-port", "ports: ['5432:5432']", "ports: ['127.0.0.1:5432:5432', '8080:8080']"),
    ("open-port", "ports:\n  - target: 6379\n    published: 6379", "ports: ['6379']"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "bad", "good"), COMPOSE, ids=[f"{i}-{t[0]}" for i, t in enumerate(COMPOSE)])
def test_each_flaw_of_a_service_is_found_and_its_honest_twin_is_not(
    rule: str, bad: str, good: str, tmp_path: Path
) -> None:
    assert rule in rules(read(tmp_path, service(bad), "compose.yaml"))
    assert rule not in rules(read(tmp_path, service(good), "compose.yaml"))


def test_honest_files_raise_nothing(tmp_path: Path) -> None:
    for name, text in HONEST.items():
        (tmp_path / name).write_text(text)
    found = read_containers(tmp_path)
    assert not found.flaws
    assert not found.problems
    assert set(found.files) == set(HONEST) - {".dockerignore"}


def test_dockerignore_is_asked_what_it_leaves_out(tmp_path: Path) -> None:
    text = BASE + "COPY . /app\nUSER a\n"
    (tmp_path / ".dockerignore").write_text(".git\n")
    assert "does not leave out .env" in read(tmp_path, text).flaws[0].text
    (tmp_path / ".dockerignore").write_text("**/.git\n.env*\n")
    assert not read(tmp_path, text).flaws
    (tmp_path / "service-account.json").write_text("{}")
    assert "service-account.json" in read(tmp_path, text).flaws[0].text
    # The context is another one where a compose file says so.
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / ".dockerignore").write_text("*\n")
    (tmp_path / "compose.yml").write_text(
        "services:\n  a:\n    build: {context: app, dockerfile: ../Dockerfile}\n"
    )
    assert not read(tmp_path, text).flaws


@pytest.mark.parametrize(
    ("text", "path", "out"),
    [
        ("*.pem", "a.pem", True), ("*.pem", "x/a.pem", False), ("**/*.pem", "x/y/a.pem", True), ("/.git/", ".git", True),
        (".git", ".git/config", True), ("*\n!a", "a", False), ("*\n!a\na/b", "a/b", True), ("# .git", ".git", False),
        ("a?c", "abc", True), ("id_[rd]sa", "id_rsa", True), ("*" * 50 + "a", "a", False), ("[", "[", True),
    ],
)  # fmt: skip
def test_patterns_of_dockerignore(text: str, path: str, out: bool) -> None:
    assert Ignored(text).leaves_out(path) is out


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Dockerfile", "RUN x\n", 1),
        ("Dockerfile", "# nothing\n", 0),
        ("Dockerfile", "FROM a\nRUN x &&\n  y\n", 3),
        ("Dockerfile", "FROM a\nRUN <<EOF\nx\n", 2),
        ("Dockerfile", "FROM a b\n", 1),
        ("compose.yml", "services:\n  a: [\n", 3),
        ("compose.yml", "a: 1\n", 1),
        ("compose.yml", "services:\n  a: 1\n", 2),
        ("compose.yml", "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*{'b' + str(i - 1) if i else 'a'}, x]\n" for i in range(3)), 1),
        ("compose.yml", "[" * 2_000, 0),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_with_its_line(name: str, text: str, line: int, tmp_path: Path) -> None:
    (problem,) = read(tmp_path, text, name).problems
    assert (problem.path, problem.line) == (name, line)


def test_aliases_are_read_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    found = read(
        tmp_path, "\n".join([*lines, "services: {a: {image: redis, cap_add: *a39}}\n"]), "compose.yml"
    )
    assert rules(found) == {"unpinned-image"}


def test_comments_of_hadolint_are_followed_and_counted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# hadolint ignore=DL3006\nFROM python\n# hadolint ignore=root, DL3002\nUSER root\nRUN sudo x\n",
    )
    assert (rules(found), found.silenced) == ({"sudo"}, 2)
    found = read(tmp_path, "# hadolint global ignore=DL3004\nFROM python\nRUN sudo x\nUSER a\n")
    assert (rules(found), found.silenced) == ({"unpinned-base"}, 1)


def test_deps_reports_them_and_no_secret_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1 --hash=sha256:00\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "Dockerfile").write_text(
        BASE + f"USER a\nRUN login --token {TOKEN}\nENV PASSWORD=swordfish\n"
    )
    done = CliRunner().invoke(deps, [str(tmp_path), "--format", "json"], catch_exceptions=False)
    result = json.loads(done.output)
    found = [f for f in result["findings"] if f["code"] == "MW114"]
    assert [(f["location"], f["severity"], f["verdict"]) for f in found] == [
        ("build/Dockerfile:3", "high", "fail"), ("build/Dockerfile:4", "high", "fail"),
    ]  # fmt: skip
    assert done.exit_code == 1
    assert TOKEN not in done.output and "swordfish" not in done.output
    (tmp_path / "build" / "Dockerfile").write_text("BUILD x\n")
    done = CliRunner().invoke(deps, [str(tmp_path), "--format", "json"], catch_exceptions=False)
    assert (done.exit_code, json.loads(done.output)["complete"]) == (3, False)


def test_links_out_large_files_and_odd_bytes_are_told(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (tmp_path / "outside").write_text("FROM a\n")
    (project / "Dockerfile").symlink_to(tmp_path / "outside")
    (project / "Dockerfile.big").write_text("#\n" * 600_000)
    (project / "Dockerfile.odd").write_bytes(b"FROM \xff\n")
    (project / "Dockerfile.dir").mkdir()
    assert [p.path for p in read_containers(project).problems] == [
        "Dockerfile",
        "Dockerfile.big",
        "Dockerfile.odd",
    ]


NOISE = st.sampled_from(["", "   ", "# a comment", "  # RUN x", "\t"])
PARTS = st.sampled_from(
    ["apt-get install -y gcc", "curl https://x.example/a | sh", "pip install a", "echo 'a b'", "true"]
)


@given(
    st.lists(st.tuples(PARTS, st.lists(NOISE, max_size=3)), min_size=1, max_size=5),
    st.lists(NOISE, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_how_a_line_is_broken_does_not_matter(parts: list[tuple[str, list[str]]], before: list[str]) -> None:
    plain = read_dockerfile(BASE + "RUN " + " && ".join(p for p, _ in parts) + "\n")
    lines = ["RUN \\"]
    for i, (part, noise) in enumerate(parts):
        lines += [
            f"  {part} &&\\" if i < len(parts) - 1 else f"  {part}",
            *(noise if i < len(parts) - 1 else []),
        ]
    broken = read_dockerfile("\r\n".join([*before, BASE.strip(), *lines]))
    words = ["".join("".join(i.value.split()) for i in f.stages[0].instructions) for f in (plain, broken)]
    assert words[0] == words[1]
    assert broken.stages[0].instructions[0].line == len(before) + 2


FRAGMENTS = st.sampled_from(
    ["FROM a:1", "FROM $X AS b", "RUN ", "COPY --from=b . .", "<<EOF", "EOF", "\\", "ENV A=", "ENV", "ARG T", '["', "'", '"', "$(", "`", "|",
     "curl", "sh -c", "USER", "ONBUILD RUN x", "# escape=`", "\n", " ", "=", "services:", "\n  ", "a:", "&a", "*a", "<<:", "- ", "[", "{", "image: ",
     "build:", "ports:", "volumes:", "\x00", "\ud7ff", "é", "${A:-", "}"]
)  # fmt: skip


@given(
    st.lists(FRAGMENTS | st.text(max_size=6), max_size=30).map("".join),
    st.sampled_from(["Dockerfile", "compose.yml"]),
)
@settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_told(tmp_path: Path, text: str, name: str) -> None:
    for other in tmp_path.iterdir():
        other.unlink()
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    found = read_containers(tmp_path)
    total = text.count("\n") + 2
    assert all(0 <= one.line <= total for one in (*found.flaws, *found.problems))


def test_a_stage_takes_over_what_its_parent_set() -> None:
    with pytest.raises(Unreadable):
        read_dockerfile("FROM\n")
    file = read_dockerfile("FROM a AS x\nUSER u\nFROM x\nFROM b\n")
    assert [s.parent and s.parent.number for s in file.stages] == [None, 0, None]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ENV PIP_EXTRA_INDEX_URL=https://in.corp/simple", True),
        ("ENV A=1 UV_EXTRA_INDEX_URL=https://in.corp/simple", True),
        ("ENV PIP_INDEX_URL=https://in.corp/simple", False),
    ],
)
def test_an_extra_index_for_every_installation(line: str, told: bool, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.12.1-slim\n{line}\nUSER a\n")
    found = [f for f in read_containers(tmp_path).flaws if f.rule == "extra-index"]
    assert [f.line for f in found] == [2] * told
