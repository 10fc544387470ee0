"""The generated locks of `deps.py` again, without a process for each: pip-audit's own OSV service beside modelward.

`python benchmarks/deps_generated.py [LOCKS]`, where pip-audit is installed beside modelward. The service asks
`osv_server.py` on loopback about every pin of every lock, as `pip-audit -s osv` does; modelward reads the lock from its
file and the advisories from their zip.
"""

from __future__ import annotations

import datetime
import platform
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version
from pip_audit._service.interface import ResolvedDependency
from pip_audit._service.osv import OsvService

from deps import DATABASE, SEED, SIZE, Holes, _covered, known_versions, write_lock
from modelward.dependencies import audit, read_database, take_inventory

PORT = 18767


def main() -> None:
    """Print the table."""
    locks = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rng, known = random.Random(SEED), known_versions()  # noqa: S311
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("osv_server.py")), str(DATABASE), str(PORT)],
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    server.stdout.readline()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    database = read_database(DATABASE, today=today)
    named = twice = pins = 0
    apart: list[str] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            service = OsvService(cache_dir=Path(folder), osv_url=f"http://127.0.0.1:{PORT}/v1/query")
            lock = Path(folder) / "requirements.txt"
            for number in range(locks):
                write_lock(lock, SIZE, known, rng)
                packages = take_inventory(lock).packages
                own: Holes = {(v.package.name, frozenset(v.ids)) for v in audit(packages, database)}
                peer: Holes = set()
                for line in lock.read_text().splitlines():
                    name, _, rest = line.partition("==")
                    _, found = service.query(ResolvedDependency(name, Version(rest.split()[0])))
                    peer |= {(canonicalize_name(name), frozenset([v.id, *v.aliases])) for v in found}
                    pins += 1
                named += len(peer)
                missing = [hole for hole in peer if not _covered(hole, own)]
                again = [hole for hole in missing if _covered(hole, peer - {hole})]
                twice += len(again)
                apart += [f"lock {number}: {name} {', '.join(sorted(ids))}"
                          for name, ids in [*(h for h in missing if h not in again),
                                            *(h for h in own if not _covered(h, peer))]]  # fmt: skip
    finally:
        server.terminate()
        server.wait()
    print("# Generated locks, pip-audit as a library\n")
    print(
        f"`python benchmarks/deps_generated.py {locks}`, Python {platform.python_version()}, pip-audit "
        f"{version('pip-audit')}, packaging {version('packaging')}, PyPA advisories of 2024-10-10, seed {SEED}.\n"
    )
    print("| | |\n|---|---|")
    print(f"| locks, packages in each | {locks}, {SIZE} |")
    print(f"| pins that were asked about | {pins} |")
    print(f"| holes that pip-audit's service names | {named} |")
    print(f"| of these a second record of one hole, one finding here | {twice} |")
    print(f"| disagreements | {len(apart)} |")
    for text in apart:
        print(f"\ndisagreement: {text}")


if __name__ == "__main__":
    main()
