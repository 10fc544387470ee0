"""An OSV-compatible query endpoint on loopback over a zip of records, with a matching of its own.

`python benchmarks/osv_server.py ZIP PORT`. The algorithm is that of the OSV specification taken literally: of the
sorted events the last one at or below the version decides. It shares no code with modelward, so it is the oracle.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from packaging.version import InvalidVersion, Version

RECORDS: dict[str, dict[str, Any]] = {}


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _state(version: Version, events: list[dict[str, str]]) -> bool:
    marks = []
    for event in events:
        ((word, text),) = event.items()
        at = Version("0.dev0") if text == "0" else _version(text)
        if at is None:
            return False
        marks.append((at, word))
    open_ = False
    for at, word in sorted(marks, key=lambda mark: mark[0]):
        if word == "introduced" and version >= at:
            open_ = True
        elif (word == "fixed" and version >= at) or (word == "last_affected" and version > at):
            open_ = False
    return open_


def _hit(record: dict[str, Any], name: str, text: str) -> bool:
    version = _version(text)
    for entry in record["affected"]:
        if _name(entry["package"]["name"]) != name:
            continue
        ranges = [r["events"] for r in entry.get("ranges", []) if r["type"] == "ECOSYSTEM"]
        if text in entry.get("versions", []) or (
            version and any(_state(version, events) for events in ranges)
        ):
            return True
    return False


class Handler(BaseHTTPRequestHandler):
    """Answers a query for one package and version."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = _name(query["package"]["name"])
        found = [r for r in RECORDS.get(name, {}).values() if _hit(r, name, query["version"])]
        # pip-audit compares names without normalising those of the record.
        for record in found:
            for entry in record["affected"]:
                entry["package"]["name"] = _name(entry["package"]["name"])
        body = json.dumps({"vulns": found} if found else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


def load(path: str) -> None:
    """Read a zip of records."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            one = json.loads(archive.read(member))
            for affected in one.get("affected", []):
                RECORDS.setdefault(_name(affected["package"]["name"]), {})[one["id"]] = one


if __name__ == "__main__":
    load(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler)
    print("ready", flush=True)
    server.serve_forever()
