"""Files: the format by suffix, whole or not at all; Markdown and JSON."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.errors import InputError, UsageError
from modelward.reports import SUFFIXES, check_suffix, render_html, render_json, render_markdown, write_report
from modelward.reports._markdown import escape

SARIF = Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json"


def test_suffix_picks_the_format(gallery, tmp_path):
    report = gallery.realistic()
    rendered = {".html": render_html, ".json": render_json, ".md": render_markdown}
    assert {*rendered, ".sarif"} == set(SUFFIXES)
    for suffix, render in rendered.items():
        for name in (f"report{suffix}", f"REPORT{suffix.upper()}"):
            write_report(report, tmp_path / name)
            assert (tmp_path / name).read_text(encoding="utf-8") == render(report)
    assert render_json(report) == report.to_json()


def test_sarif_is_valid_and_leaves_out_what_passed_or_is_ignored(gallery, tmp_path):
    report = gallery.realistic()
    write_report(report, tmp_path / "report.sarif")
    log = json.loads((tmp_path / "report.sarif").read_text(encoding="utf-8"))
    jsonschema.validate(log, json.loads(SARIF.read_text(encoding="utf-8")))
    told = [f for f in report.findings if f.ignored is None and f.verdict in ("fail", "warn", "inconclusive")]
    results = log["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == [f.code for f in told]
    assert len({r["partialFingerprints"]["modelward/v1"] for r in results}) == len(results)
    assert all(
        not r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].startswith("/") for r in results
    )


def test_unknown_suffix_names_those_known(gallery, tmp_path):
    for name in ("report.pdf", "report", "report.html.gz"):
        with pytest.raises(UsageError, match=r"\.html, \.json, \.md") as error:
            write_report(gallery.nothing(), tmp_path / name)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError):
        check_suffix(tmp_path / "x.xml")


def test_nothing_is_written_half(gallery, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="no space left on device") as error:
        write_report(gallery.realistic(), path)
    assert "\n" not in str(error.value)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_what_cannot_be_written_is_one_line(gallery, tmp_path):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("")
    for path in (
        tmp_path / "absent" / "r.html",
        tmp_path / "folder.html",
        tmp_path / "file" / "r.md",
        tmp_path / ("n" * 300 + ".md"),
    ):
        with pytest.raises(InputError, match="cannot write") as error:
            write_report(gallery.nothing(), path)
        assert "\n" not in str(error.value)


def test_replaces_through_a_link_and_keeps_the_usual_permissions(gallery, tmp_path):
    target = tmp_path / "real.json"
    target.write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    write_report(gallery.realistic(), link)
    assert link.is_symlink() and json.loads(target.read_text(encoding="utf-8"))["schema_version"] == 1
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_names_that_are_no_utf8_survive_in_json(gallery, tmp_path):
    report = gallery.make_report((), {}, subject={"name": "bad\udcff.pkl"})
    for suffix in SUFFIXES:
        write_report(report, tmp_path / f"r{suffix}")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["subject"]["name"] == "bad\udcff.pkl"


def test_markdown_has_seventeen_rows_of_five_cells(report):
    text = render_markdown(report)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 17
    for line in table:
        assert len(re.findall(r"(?<!\\)\|", line)) == 6
    assert report.headline in text
    assert len(text) < 20_000


def test_markdown_says_what_counts(gallery):
    text = render_markdown(gallery.realistic()).replace("\u00a0", " ")
    assert (
        "| ✖ fail | 4 | Membership inference | high | **7.3 % [6.4 – 8.3]** TPR at 1 % FPR ".replace(
            "[", r"\["
        ).replace("]", r"\]")
        in text
    )
    assert "- Backdoor ML: Reject AGE outside 18" in text


@given(st.text(max_size=60))
def test_escaped_text_holds_no_markup(text):
    shown = escape(text)
    assert "\n" not in shown and "\r" not in shown
    bare = re.sub(r"\\[\\`*_\[\]<>#|~:@&$!.]", "", shown)
    assert not re.search(r"[`*_\[\]<>#|~:@&$!\\]", bare)
