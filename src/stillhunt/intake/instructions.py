"""The few machine instructions that numba lacks, and the way in which intake compiles its loops.

In: Python functions. Out: compiled ones. May import: nothing of stillhunt. numba's cache on disk does not see that a loop's
instructions changed here: whoever edits this file deletes the `__pycache__` beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F) -> _F:
    """The njit of numba without the GIL, cached on disk where a place for it can be written, in memory otherwise."""
    try:
        return cast("_F", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # "no locator available": a read-only install without a home
        return cast("_F", njit(nogil=True)(function))


def _instruction(generator: Callable[..., Any]) -> Any:
    """An intrinsic of numba: a function made of LLVM instructions, called without its first parameter."""
    return intrinsic(generator)


@_instruction
def mum(typing_context: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    """Both halves of the 128-bit product, xored: one instruction that mixes 64 bits (as in wyhash)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        high = builder.lshr(product, ir.Constant(wide, 64))
        return builder.trunc(builder.xor(product, high), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), generate


@_instruction
def word_at(typing_context: Any, data: Any, index: Any) -> Any:  # noqa: ARG001
    """Eight bytes of a uint8 array from `index` on, little-endian, wherever they are aligned. The caller checks bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return types.uint64(data, types.int64), generate


@_instruction
def zeros_below(typing_context: Any, value: Any) -> Any:  # noqa: ARG001
    """The number of zero bits below the lowest one; 64 for zero."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@_instruction
def prefetch(typing_context: Any, data: Any, row: Any) -> Any:  # noqa: ARG001
    """Fetch the first 128 bytes of a row of a two-dimensional C array into the cache, without waiting for them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        stride = builder.extract_value(array.strides, 0)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        call = builder.module.declare_intrinsic("llvm.prefetch.p0", fnty=kind)
        start = builder.gep(builder.bitcast(array.data, byte), [builder.mul(arguments[1], stride)])
        for line in (0, 64):
            place = builder.gep(start, [ir.Constant(ir.IntType(64), line)])
            builder.call(call, [place, flag(1), flag(3), flag(1)])  # to be written, wanted soon, data
        return context.get_dummy_value()

    return types.void(data, types.uint64), generate
