"""The page in a real browser: it is drawn, at both widths, in both colour schemes, and complains of nothing."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from modelward.reports import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: the page was not looked at")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
]


def shoot(page: Path, tmp_path: Path, width: int, scheme: int) -> tuple[int, list[bytes], str]:
    """Return width in pixels, decoded rows of RGB(A) bytes, and what the browser logged."""
    picture = tmp_path / f"{width}-{scheme}.png"
    command = [
        str(BROWSER), *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}",
        f"--window-size={width},1400", f"--blink-settings=preferredColorScheme={scheme}", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert picture.exists(), done.stderr[-2_000:]
    wide, rows = decode(picture.read_bytes())
    return wide, rows, done.stderr


def decode(png: bytes) -> tuple[int, list[bytes]]:
    """Decode an 8-bit RGB or RGBA picture that is not interlaced."""
    at, data = 8, b""
    width = channels = 0
    while at < len(png):
        (size,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colour in (2, 6) and not interlaced
            channels = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            data += body
        at += 12 + size
    raw, stride = zlib.decompress(data), width * channels
    # Filters are left as they are: whether a picture is blank shows in filtered bytes as well.
    return width, [raw[i + 1 : i + 1 + stride] for i in range(0, len(raw), stride + 1)]


@pytest.mark.parametrize(("width", "scheme"), [(1400, 1), (420, 0)])
def test_is_drawn_without_complaint(gallery, tmp_path, width, scheme):
    page = tmp_path / "report.html"
    write_report(gallery.realistic(), page)
    wide, rows, log = shoot(page, tmp_path, width, scheme)
    assert wide == width
    busy = sum(len(set(row)) > 8 for row in rows)
    assert busy > len(rows) / 3, "the page is blank"
    complaints = [line for line in log.splitlines() if "CONSOLE" in line]
    assert complaints == []


def test_a_complaint_would_be_heard(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"><script>1</script>"
    )
    _, _, log = shoot(page, tmp_path, 420, 1)
    assert any("CONSOLE" in line for line in log.splitlines())


def test_nothing_sticks_out_on_a_telephone(gallery, tmp_path):
    """The body is not wider than the screen: measured by the browser itself, in a page that frames the report."""
    page = tmp_path / "report.html"
    write_report(gallery.strange(), page)
    # The report allows no script, so a copy without its policy carries one line that writes down its width.
    source = page.read_text(encoding="utf-8")
    start = source.index('<meta http-equiv="Content-Security-Policy"')
    source = source[:start] + source[source.index(">", start) + 1 :]
    probe = "<script>document.title='WIDTH='+document.documentElement.scrollWidth</script></body>"
    copy = tmp_path / "copy.html"
    copy.write_text(source.replace("</body>", probe), encoding="utf-8")
    done = subprocess.run(
        [str(BROWSER), *OPTIONS, f"--user-data-dir={tmp_path / 'p'}", "--window-size=500,900", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "<title>WIDTH=500</title>" in done.stdout
