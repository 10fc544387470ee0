"""Write PyTorch's first format by hand: PyTorch reads it and no longer writes it. Run with torch: FILE EVIL_FILE."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import tarfile

import numpy as np
import torch


class Tensor:
    def __init__(self, key: int) -> None:
        self.key = key


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("true",)


class Pickler(pickle.Pickler):
    def persistent_id(self, value: object) -> str | None:
        return str(value.key) if isinstance(value, Tensor) else None


def write(path: str, model: object) -> None:
    main, storages, tensors, info = (io.BytesIO() for _ in range(4))
    Pickler(main, 2).dump(model)
    pickle.dump(2, storages, 2)
    for key, kind, values in (
        (11, torch.FloatStorage, np.arange(12, dtype="<f4")),
        (12, torch.LongStorage, np.arange(5)),
    ):
        pickle.dump((key, "cpu", kind), storages, 2)
        storages.write(struct.pack("<q", len(values)) + values.tobytes())
    pickle.dump([(13, 11, 4, 8)], storages, 2)
    pickle.dump(3, tensors, 2)
    for key, storage, size, stride, offset in (
        (1, 11, (3, 4), (4, 1), 0),
        (2, 12, (5,), (1,), 0),
        (3, 13, (2, 3), (1, 2), 1),
    ):
        pickle.dump((key, storage, torch.FloatTensor), tensors, 2)
        tensors.write(struct.pack("<ii", len(size), 0) + struct.pack(f"<{2 * len(size)}q", *size, *stride))
        tensors.write(struct.pack("<q", offset))
    pickle.dump({"protocol_version": 1000, "little_endian": True}, info, 2)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, part in (
            ("sys_info", info),
            ("pickle", main),
            ("storages", storages),
            ("tensors", tensors),
        ):
            member = tarfile.TarInfo(name)
            member.size = part.tell()
            part.seek(0)
            archive.addfile(member, part)


if __name__ == "__main__":
    write(sys.argv[1], {"w": Tensor(1), "n": Tensor(2), "v": Tensor(3)})
    write(sys.argv[2], {"w": Tensor(1), "e": Evil()})
    sys.stdout.write(f"{torch.load(sys.argv[1], weights_only=False)}\n")
