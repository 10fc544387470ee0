"""From a function that numba compiles to an object file that needs neither numba nor Python."""

from __future__ import annotations

from typing import Any

from modelward.artifacts._native import SYMBOL, machine

_ELSEWHERE = ("llvm.", "mem")
"""What may be defined elsewhere: the processor's own operations, and memset and memcpy."""
_NO_OBJECTS = "define void @NRT_MemInfo_call_dtor({} %0) {{ ret void }}"
"""Arrays over addresses belong to nobody, so nothing is ever released."""


def object_file(function: Any, arguments: str) -> bytes:
    """Compile a function, and return the object file in which it is called `SYMBOL`.

    Parameters
    ----------
    function : callable
        What numba shall compile. It may not raise.
    arguments : str
        A letter each: ``b`` for the address of bytes, ``p`` for that of int64 numbers, ``i`` for a number.
    """
    import llvmlite.binding as llvm
    from numba import njit
    from numba import types as numba_types

    types: Any = numba_types
    kinds = {"b": types.CPointer(types.uint8), "p": types.CPointer(types.int64), "i": types.int64}
    signature = tuple(kinds[letter] for letter in arguments)
    compiled = njit(nogil=True)(function)
    compiled.compile(signature)
    made: Any = compiled.overloads[signature]
    module = llvm.parse_assembly(made.library.get_llvm_str())
    pointer = "i8*" if "i8* " in str(module) else "ptr"  # as older releases of LLVM write it
    module.link_in(llvm.parse_assembly(_NO_OBJECTS.format(pointer)))
    wanted = made.fndesc.llvm_func_name
    for one in module.functions:
        if one.name == wanted:
            one.name = SYMBOL
        elif not one.is_declaration:
            one.linkage = "internal"
    tuning, target = llvm.create_pipeline_tuning_options(), machine(llvm)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(target, tuning))
    left = [
        one.name for one in module.functions if one.is_declaration and not one.name.startswith(_ELSEWHERE)
    ]
    if left:
        # llvmlite ends the process if something cannot be found when it links.
        raise RuntimeError(f"what was compiled needs {left[0]}")
    code: bytes = target.emit_object(module)
    return code
