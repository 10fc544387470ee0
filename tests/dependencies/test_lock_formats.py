"""Locks of pipenv and PDM: every package with its line, version, hash and use; what is careless in them; unknown versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelward.dependencies import Package, take_inventory
from modelward.dependencies._packages import Read
from modelward.dependencies.sources import read_source

PIPFILE = """{
    "_meta": {
        "hash": {"sha256": "00"},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.11"},
        "sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": true}]
    },
    "default": {
        "Jinja2": {
            "hashes": ["sha256:00"],
            "index": "pypi",
            "markers": "python_version >= '3.7'",
            "version": "==3.1.2"
        },
        "forked": {
            "git": "https://me:secret@github.com/x/forked.git",
            "ref": "0123456789abcdef"
        },
        "loose": {
            "extras": ["s.q"],
            "version": "==1.0"
        }
    },
    "develop": {
        "pytest": {
            "hashes": ["sha256:00"],
            "version": "==8.0.0"
        }
    }
}
"""
PDM = """[metadata]
groups = ["default", "test"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
content_hash = "sha256:00"

[[package]]
name = "requests"
version = "2.31.0"
groups = ["default"]
dependencies = [
    "certifi>=2017.4.17",
]
files = [
    {file = "requests-2.31.0-py3-none-any.whl", hash = "sha256:00"},
]

[[package]]
name = "requests"
version = "2.31.0"
extras = ["socks"]
groups = ["default"]
dependencies = ["PySocks!=1.5.7", "requests==2.31.0"]
files = [{file = "requests-2.31.0-py3-none-any.whl", hash = "sha256:00"}]

[[package]]
name = "iniconfig"
version = "2.0.0"
groups = ["test"]
files = []

[[package]]
name = "forked"
version = "1"
git = "https://github.com/x/forked.git"
revision = "0123"
"""


def read(folder: Path, name: str, text: str) -> Read:
    (folder / name).write_text(text)
    return read_source(folder / name, folder)


def by_name(found: Read) -> dict[str, Package]:
    assert len({p.name for p in found.packages}) == len(found.packages)
    return {p.name: p for p in found.packages}


def test_pipenv(tmp_path: Path) -> None:
    found = read(tmp_path, "Pipfile.lock", PIPFILE)
    packages = by_name(found)
    assert not found.problems and not found.doubts
    assert {name: (p.version, p.line, p.dev, p.hashed, p.kind) for name, p in packages.items()} == {
        "jinja2": ("3.1.2", 9, False, True, "index"),
        "forked": ("", 15, False, True, "vcs"),
        "loose": ("1.0", 19, False, False, "index"),
        "pytest": ("8.0.0", 25, True, True, "index"),
    }
    assert all(p.locked for p in found.packages)
    assert "secret" not in str(found)
    assert packages["loose"].extras == ("s-q",)
    assert [d.rule for d in take_inventory(tmp_path).doubts] == ["unhashed"]


def test_pdm(tmp_path: Path) -> None:
    found = read(tmp_path, "pdm.lock", PDM)
    packages = by_name(found)
    assert not found.problems
    assert {name: (p.version, p.line, p.dev, p.hashed, p.kind) for name, p in packages.items()} == {
        "requests": ("2.31.0", 7, False, True, "index"),
        "iniconfig": ("2.0.0", 26, True, False, "index"),
        "forked": ("1", 32, False, True, "vcs"),
    }
    assert packages["requests"].needs == ("certifi", "pysocks")


def test_hashes_of_an_older_pdm_stand_at_its_end(tmp_path: Path) -> None:
    text = '[metadata]\nlock_version = "4.2"\n[metadata.files]\n"a 1.0" = [{file = "a", hash = "sha256:0"}]\n'
    text += '[[package]]\nname = "a"\nversion = "1.0"\n[[package]]\nname = "b"\nversion = "1.0"\n'
    assert [p.hashed for p in read(tmp_path, "pdm.lock", text).packages] == [True, False]


@pytest.mark.parametrize(
    ("name", "text", "line", "told"),
    [
        ("Pipfile.lock", '{"_meta": {"pipfile-spec": 7}, "default": {}}', 1, "specification 7"),
        ("Pipfile.lock", '{"default": {}}', 1, "specification None"),
        ("Pipfile.lock", '{"_meta":\n {"pipfile-spec": 6,}}', 2, "not valid JSON"),
        ("Pipfile.lock", '{"_meta": {"pipfile-spec": 6}, "default": {\n"a": {"version": ">=1"}}}', 2, "no exact version of a"),
        ("Pipfile.lock", '{"_meta": {"pipfile-spec": 6},\n"default": {\n"a": {}}}', 3, "no exact version of a"),
        ("Pipfile.lock", '{"_meta": {"pipfile-spec": 6},\n"default": 3}', 2, "no table"),
        ("pdm.lock", '[metadata]\nlock_version = "5.0"\n', 1, "version '5.0'; known is 4"),
        ("pdm.lock", "", 1, "version ''"),
        ("pdm.lock", '[metadata]\nlock_version = "4.5"\n[[package]]\nname = "a"\n', 3, "without a version"),
        ("pdm.lock", "[metadata\n", 1, "not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_broken_or_of_an_unknown_version_is_named_with_its_line(
    name: str, text: str, line: int, told: str, tmp_path: Path
) -> None:
    (problem,) = read(tmp_path, name, text).problems
    assert (problem.path, problem.line) == (name, line)
    assert told in problem.text


def test_careless_sources_of_pipenv(tmp_path: Path) -> None:
    text = PIPFILE.replace("https://pypi.org", "http://u:p@pypi.org").replace(
        '"verify_ssl": true', '"verify_ssl": false'
    )
    doubts = read(tmp_path, "Pipfile.lock", text).doubts
    assert [(d.rule, d.line, d.severe) for d in doubts] == [
        ("plain-http", 6, True),
        ("trusted-host", 6, True),
    ]
    assert "u:p" not in str(doubts)
