"""Malicious model files, generated: every trick that is known to us, in every format that a loader reads.

    python benchmarks/corpus.py FOLDER            # write them and a list, corpus.json
    python benchmarks/corpus_check.py FOLDER      # load each for real and record which of them ran

Payloads are harmless: they touch a file called `ran` in the working folder. Each file has an id, the trick, the
advisory or class that it belongs to, and the plain loader that reaches it (none where a program would have to
look for it, or where it only fills memory). The parts: `corpus_gadgets` and `corpus_inventions` (what is called), `corpus_streams` (with
which opcodes), `corpus_containers` (in which files; `corpus_zips`, `corpus_arrays`, `corpus_formats`), `corpus_check` (whether it runs).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from corpus_containers import cases
from corpus_gadgets import COMPANIONS, DOTTED, GADGETS
from corpus_inventions import INVENTIONS
from corpus_streams import Form, stream


@dataclass(frozen=True)
class Item:
    """One file of the corpus.

    Attributes
    ----------
    id : str
        Number and kind.
    trick, advisory : str
        What it does, and who reported it or which class it belongs to.
    loader : str
        Key of `corpus_check.LOADERS`; empty if no plain loader reaches the payload.
    file : str
        Path in the corpus folder; its suffix may lie.
    data : bytes
        Its content.
    """

    id: str
    trick: str
    advisory: str
    loader: str
    file: str
    data: bytes = dataclasses.field(repr=False)


def generate() -> list[Item]:
    """Return the corpus; the same every time, no two files alike."""
    found: list[tuple[str, str, str, str, bytes]] = []
    for trick, advisory, payload in (*GADGETS, *INVENTIONS):
        for form in (Form(4, "stack"), Form(4, "global")):
            found.append((f"{trick} ({form.names})", advisory, "pickle", "model.pkl", stream(payload, form)))
    for trick, advisory, payload in DOTTED:
        for form in (Form(4, "stack"), Form(4, "memo"), Form(5, "global")):
            found.append((f"{trick} ({form.names})", advisory, "pickle", "model.pkl", stream(payload, form)))
    found.extend(cases())
    items: list[Item] = []
    seen: set[str] = set()
    for trick, advisory, loader, name, data in found:
        digest = hashlib.sha256(name.encode() + data).hexdigest()
        if digest not in seen:
            seen.add(digest)
            number = f"{len(items):03d}"
            items.append(Item(number, trick, advisory, loader, f"{number}/{name}", data))
    return items


def write(folder: Path) -> list[Item]:
    """Write the corpus to a folder, each file in a folder of its own, with its companions and a list."""
    items = generate()
    for item in items:
        path = folder / "files" / item.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    rows = [
        {"id": i.id, "trick": i.trick, "advisory": i.advisory, "loader": i.loader, "file": f"files/{i.file}"}
        for i in items
    ]
    (folder / "corpus.json").write_text(json.dumps(rows, indent=1))
    return items


__all__ = ["COMPANIONS", "Item", "generate", "write"]

if __name__ == "__main__":
    print(len(write(Path(sys.argv[1]))), "files")
