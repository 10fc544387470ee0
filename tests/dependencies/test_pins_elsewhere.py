"""A version that the project does not run with is never looked up in place of the one that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.specifiers import SpecifierSet

from modelward.dependencies import Environment, take_inventory
from modelward.dependencies._environment import Installed
from modelward.dependencies._fits import fits

if TYPE_CHECKING:
    from pathlib import Path


def environment(**versions: str) -> Environment:
    return Environment(packages={name: Installed(version) for name, version in versions.items()})


def versions(folder: Path, here: Environment) -> dict[str, str]:
    found = take_inventory(folder, environment=here)
    return {p.name: p.version for p in (*found.packages, *found.unresolved)}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("deep", [True, False])
def test_a_constraint_holds_wherever_it_is_named(tmp_path: Path, *, first: bool, deep: bool) -> None:
    lines = ["jinja2", "-r more.txt"]
    constraint = "-c deeper.txt" if deep else "-c constraints.txt"
    (tmp_path / "requirements.txt").write_text(
        "\n".join([constraint, *lines] if first else [*lines, constraint])
    )
    (tmp_path / "deeper.txt").write_text("-c constraints.txt\n")
    (tmp_path / "constraints.txt").write_text("Jinja2==2.10\nflask==0.12\nnever-asked-for==1\ndjango<3\n")
    (tmp_path / "more.txt").write_text("Flask>=0.1\ndjango\n")
    found = versions(tmp_path, environment(jinja2="3.1.6", flask="3.0", django="5.0"))
    assert found == {"jinja2": "2.10", "flask": "0.12", "django": ""}


def test_constraints_of_an_environment_of_conda_hold_for_its_other_lines(tmp_path: Path) -> None:
    (tmp_path / "constraints.txt").write_text("aiohttp==3.8.0\n")
    (tmp_path / "environment.yml").write_text(
        "dependencies:\n  - pip:\n    - -c constraints.txt\n    - aiohttp\n"
        "    - --extra-index-url https://private.example/simple\n"
    )
    found = take_inventory(tmp_path, environment=environment(aiohttp="3.13"))
    (package,) = found.packages
    assert (package.version, package.place) == ("3.8.0", "environment.yml:4")
    assert [(d.rule, d.line) for d in found.doubts if d.rule == "extra-index"] == [("extra-index", 5)]


@pytest.mark.parametrize("asked", ["django==2.*", "django>=2,<3", "django~=2.0", "django!=5.0"])
def test_an_installed_version_that_is_not_asked_for_is_not_the_projects(tmp_path: Path, asked: str) -> None:
    (tmp_path / "requirements.txt").write_text(asked + "\n")
    assert versions(tmp_path, environment(django="5.0")) == {"django": ""}
    assert versions(tmp_path, environment(django="2.2")) == {"django": "2.2"}


@pytest.mark.parametrize(
    ("asked", "inside", "outside"),
    [
        ("^1.2.3", ["1.2.3", "1.9"], ["1.2.2", "2.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("^0.0", ["0.0.9"], ["0.1"]),
        ("^0", ["0.9"], ["1.0"]),
        ("1.4", ["1.4", "1.4.0"], ["1.8", "1.3"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1.2", ["1.2.9"], ["1.3"]),
        ("~1", ["1.9"], ["2.0"]),
        ("=1.2", ["1.2.9"], ["1.3", "1.20"]),
        ("=1.2=py38_0", ["1.2.9"], ["1.3", "1.20"]),
        ("=1.2.*", ["1.2.9"], ["1.3"]),
        (">=1 <2", ["1.5"], ["2.0"]),
        ("^1.0 || ^3.0", ["1.1", "3.2"], ["2.0"]),
        ("*", ["0.1", "9"], []),
        ("", ["1.0rc1"], []),
        ("what no tool writes", ["1"], []),
    ],
)
def test_ranges_of_poetry_and_conda_are_theirs(asked: str, inside: list[str], outside: list[str]) -> None:
    """The bounds of poetry's own documentation ("Dependency specification"), and conda's of one equals sign."""
    assert all(fits(asked, version) for version in inside)
    assert not any(fits(asked, version) for version in outside)


@pytest.mark.parametrize("asked", [">=1,<2", "==1.2", "==1.*", "~=1.4", "!=1.3", ">1", "<=2,!=1.5"])
def test_pips_own_ranges_are_read_as_packaging_reads_them(asked: str) -> None:
    for version in ("0.9", "1.0", "1.2", "1.3", "1.4", "1.5", "2.0", "2.1"):
        assert fits(asked, version) == (version in SpecifierSet(asked)), version


def test_what_is_no_version_fits_nothing() -> None:
    assert not fits(">=1", "of-today")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("-e git+https://github.com/x/y@main#egg=Proper_Name", "proper-name"),
        ("-e git+https://github.com/x/some-tool.git@v1", "some-tool"),
        ("git+ssh://git@github.com/x/some-tool.git", "some-tool"),
        ("https://files.example/some-1.0.whl", "some"),
    ],
)
def test_what_comes_from_an_address_has_its_name(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "requirements.txt").write_text(line + "\n")
    assert list(versions(tmp_path, environment())) == [name]


def test_uvs_own_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "own"\nversion = "1"\ndependencies = ["requests", "jinja2"]\n[tool.uv]\n'
        'dev-dependencies = ["urllib3==1.24"]\nconstraint-dependencies = ["jinja2==2.10"]\n'
        'override-dependencies = ["requests==2.19.0", "never-asked-for==1"]\n'
    )
    found = take_inventory(tmp_path, environment=environment(requests="2.32", jinja2="3.1"))
    assert [(p.name, p.version, p.dev, p.line) for p in found.packages] == [
        ("requests", "2.19.0", False, 4),
        ("jinja2", "2.10", False, 4),
        ("urllib3", "1.24", True, 6),
    ]


@pytest.mark.parametrize(
    ("more", "open_"),
    [
        ("", True),
        ('[tool.setuptools.dynamic]\ndependencies = {file = ["requirements.txt"]}\n', False),
        ('[tool.setuptools.dynamic]\ndependencies = {file = "what.lst"}\n', True),
        ('[tool.poetry.dependencies]\nflask = "==0.12"\n', False),
    ],
)
def test_dependencies_that_only_a_build_tells_are_open(tmp_path: Path, more: str, *, open_: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "own"\nversion = "1"\ndynamic = ["dependencies"]\n{more}'
    )
    (tmp_path / "requirements.txt").write_text("")
    found = take_inventory(tmp_path, environment=environment())
    assert any("dynamic" in p.text and p.line == 4 for p in found.problems) is open_


@pytest.mark.parametrize(
    ("asked", "version"),
    [("2.19.0", "2.19.0"), ("2.19", "2.19"), ("2", "2"), ("==2.19.0", "2.19.0"), ("= 2.19.0", "2.19.0"),
     ("1.0rc1", "1.0rc1"), ("^2.0", ""), ("~2.1", ""), ("2.*", ""), (">=2,<3", ""), ("*", "")],
)  # fmt: skip
def test_a_bare_number_is_exact_for_poetry(tmp_path: Path, asked: str, version: str) -> None:
    """As `poetry.core.constraints.version.parse_constraint` reads it: a version there, or a range."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.poetry.dependencies]\nrequests = "{asked}"\n')
    assert versions(tmp_path, environment()) == {"requests": version}
    if version:
        assert versions(tmp_path, environment(requests="2.99")) == {"requests": version}
