"""Machine code of our own kernels, kept between processes and loaded without the compiler that made it.

numba takes a second to start, even where all is compiled already, and a scan of one file is over by then. So its
machine code is kept beside the sources (or in the user's cache folder), and llvmlite alone links it into a
process in a tenth of that. What is kept is named after all that it depends on: the sources, the compiler and the
processor. A file that is damaged, or that somebody else may write, is made again and not run.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelward.artifacts._effort import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYMBOL = "kernel"
_DIGEST = 32
_OPTIONS = {"opt": 3, "jit": True, "reloc": "default", "codemodel": "jitdefault"}
_KEPT: list[Any] = []  # machine code lives as long as the engine that linked it


def native(
    name: str, sources: tuple[str, ...], make: Callable[[], bytes], arguments: str
) -> Callable[..., int]:
    """Return a function of machine code, made now if it was never made before.

    Parameters
    ----------
    name : str
        Of the kernel.
    sources : tuple of str
        All files beside this one of which it is made; other sources make it anew.
    make : callable
        Compiles it, and returns an object file that defines `SYMBOL`.
    arguments : str
        A letter each: ``p`` for an address, ``i`` for a number.

    Returns
    -------
    callable
        Takes addresses and numbers and returns a number.

    Raises
    ------
    Exception
        Whatever is wrong with a compiler, or with the folders in which its work could be kept.
    """
    import llvmlite
    import llvmlite.binding as llvm

    with contextlib.suppress(RuntimeError):  # releases that do so by themselves say so
        llvm.initialize()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    traits = "\n".join(
        (str(stamp(*sources)), llvmlite.__version__, llvm.get_process_triple(), llvm.get_host_cpu_name(),
         llvm.get_host_cpu_features().flatten(), arguments)
    )  # fmt: skip
    file = f"modelward-{name}-{hashlib.sha256(traits.encode()).hexdigest()[:24]}.o"
    for folder in _folders():
        code = _read(folder / file)
        if code:
            return _linked(llvm, code, arguments)
    code = make()
    _keep(file, code)
    return _linked(llvm, code, arguments)


def machine(llvm: Any) -> Any:
    """Return llvmlite's idea of this machine."""
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, **_OPTIONS)


def _linked(llvm: Any, code: bytes, arguments: str) -> Callable[..., int]:
    """Link an object file into this process."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine(llvm))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(SYMBOL)
    if not address:
        raise RuntimeError("what was compiled cannot be linked")
    _KEPT.append(engine)
    kinds = [ctypes.c_void_p if letter == "p" else ctypes.c_int64 for letter in arguments]
    # numba's convention: where to put the result, where to put an exception, then the arguments.
    found = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)(address)
    result, raised = ctypes.c_int64(), ctypes.c_void_p()
    first, second = ctypes.addressof(result), ctypes.addressof(raised)

    def call(*values: int) -> int:
        if found(first, second, *values):
            raise RuntimeError("what was compiled has failed")
        return result.value

    return call


def _folders() -> Iterator[Path]:
    """Yield where machine code may be kept."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        yield Path(chosen)
        return
    yield Path(__file__).with_name("__pycache__")
    with contextlib.suppress(RuntimeError):
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "modelward"


def _read(path: Path) -> bytes:
    """Return what was kept; nothing if it is damaged, or if others than its owner and root may write it."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if hasattr(os, "geteuid") and found.st_uid not in (0, os.geteuid()):
                return b""
            if os.name == "posix" and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return b""
            data = file.read()
    except OSError:
        return b""
    code = data[_DIGEST:]
    return code if hashlib.sha256(code).digest() == data[:_DIGEST] else b""


def _keep(name: str, code: bytes) -> None:
    """Keep machine code in the first folder that can be written."""
    for folder in _folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, made = tempfile.mkstemp(dir=folder)
        except OSError:
            continue
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            Path(made).replace(folder / name)
        except OSError:
            Path(made).unlink(missing_ok=True)
            continue
        return
    raise RuntimeError("there is no folder to keep what was compiled")


def address_of(data: Any) -> int:
    """Return where bytes begin in memory; whoever asks keeps them."""
    if isinstance(data, bytes):
        return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
    return ctypes.addressof(ctypes.c_ubyte.from_buffer(data))


def numbers(count: int, fill: int = 0) -> Any:
    """Return an array of int64 of zeros, or of -1."""
    out = (ctypes.c_int64 * count)()
    if fill:
        ctypes.memset(out, 0xFF, 8 * count)
    return out


def grown(values: Any, count: int) -> Any:
    """Return a longer array of int64 with the same beginning; what is new is -1."""
    out = numbers(count, -1)
    ctypes.memmove(out, values, ctypes.sizeof(values))
    return out
