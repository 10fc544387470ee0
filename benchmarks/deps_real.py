"""Lock files of public projects: known holes by modelward beside the matching of `osv_server.py`.

`python benchmarks/deps_real.py`, without pip-audit: the server's matching is the OSV specification taken literally and
shares no code with modelward. `deps.py` asks pip-audit for the same files.
"""

from __future__ import annotations

import datetime
import json
import platform
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deps import DATABASE, real_locks
from modelward.dependencies import audit, read_database, take_inventory
from osv_server import _hit, _name


def records() -> dict[str, dict[str, Any]]:
    """Return the advisories that were not withdrawn, by package and identifier."""
    found: dict[str, dict[str, Any]] = {}
    with zipfile.ZipFile(DATABASE) as archive:
        for member in archive.namelist():
            record = json.loads(archive.read(member))
            if not record.get("withdrawn"):
                for affected in record.get("affected", []):
                    found.setdefault(_name(affected["package"]["name"]), {})[record["id"]] = record
    return found


def main() -> None:
    """Print the table."""
    known, locks = records(), real_locks()
    names = {_name(pin.partition("==")[0]) for _, pins in locks for pin in pins}
    database = read_database(DATABASE, today=datetime.datetime.now(tz=datetime.UTC).date(), wanted=names)
    print("# Known holes in lock files of public projects\n")
    made = f"`python benchmarks/deps_real.py`, Python {platform.python_version()}, packaging {version('packaging')}"
    print(f"{made}, PyPA advisories of 2024-10-10, matched by modelward and by the algorithm of the OSV specification "
          "(osv_server.py); pip-audit is not part of this run.\n")  # fmt: skip
    print("| file | commit | licence | packages | holes | disagreements |\n|---|---|---|---|---|---|")
    for name, pins in locks:
        split = [(_name(pin.partition("==")[0]), pin.partition("==")[2]) for pin in pins]
        wanted = {(n, r["id"]) for n, v in split for r in known.get(n, {}).values() if _hit(r, n, v)}
        with tempfile.TemporaryDirectory() as folder:
            lock = Path(folder) / "requirements.txt"
            lock.write_text("".join(f"{pin} --hash=sha256:{'0' * 64}\n" for pin in pins))
            ours = audit(take_inventory(lock).packages, database)
        told = {(hole.package.name, one) for hole in ours for one in hole.ids}
        apart = len(wanted - told) + sum(not {(h.package.name, i) for i in h.ids} & wanted for h in ours)
        repository, path, commit, licence = name.split()
        print(f"| {repository} {path} | {commit} | {licence} | {len(pins)} | {len(ours)} | {apart} |")


if __name__ == "__main__":
    main()
