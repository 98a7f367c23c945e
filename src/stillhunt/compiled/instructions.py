"""The few machine instructions that numba lacks.

In: typed values inside compiled loops. Out: LLVM instructions in their place. May import: nothing of stillhunt. The shipped code knows
of every edit here: a loop's key covers what it calls (`compiled.recipe`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


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


_WIDE = 32  # bytes looked at at once: one register of most machines, two of the others


def _wide(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Where 32 bytes of a uint8 array begin."""
    made = context.make_array(array_type)(context, builder, array)
    return builder.bitcast(builder.gep(made.data, [index]), ir.VectorType(ir.IntType(8), _WIDE).as_pointer())


def _bits(builder: Any, flags: Any) -> Any:
    return builder.zext(builder.bitcast(flags, ir.IntType(_WIDE)), ir.IntType(64))


def _all(value: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(8), _WIDE), [value] * _WIDE)


def _special(builder: Any, found: Any) -> Any:
    """Quotes, backslashes and control characters: what text in JSON stops at."""
    quote = builder.icmp_unsigned("==", found, _all(0x22))
    escape = builder.icmp_unsigned("==", found, _all(0x5C))
    control = builder.icmp_unsigned("<", found, _all(0x20))
    return builder.or_(builder.or_(quote, escape), control)


@_instruction
def specials_at(typing_context: Any, data: Any, index: Any) -> Any:  # noqa: ARG001
    """Which of 32 bytes from `index` on are quotes, backslashes or control characters, as bits. The caller checks bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = builder.load(_wide(context, builder, signature.args[0], *arguments), align=1)
        return _bits(builder, _special(builder, found))

    return types.uint64(data, types.int64), generate


@_instruction
def newlines_at(typing_context: Any, data: Any, index: Any) -> Any:  # noqa: ARG001
    """Which of 32 bytes from `index` on are newlines, as bits. The caller checks bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = builder.load(_wide(context, builder, signature.args[0], *arguments), align=1)
        return _bits(builder, builder.icmp_unsigned("==", found, _all(0x0A)))

    return types.uint64(data, types.int64), generate


@_instruction
def differences_at(typing_context: Any, data: Any, index: Any, other: Any) -> Any:  # noqa: ARG001
    """Which of 32 bytes from `index` on are not those from `other` on, as bits. The caller checks bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, other = arguments
        one, two = (builder.load(_wide(context, builder, signature.args[0], array, at), align=1) for at in (index, other))
        return _bits(builder, builder.icmp_unsigned("!=", one, two))

    return types.uint64(data, types.int64, types.int64), generate


@_instruction
def copy_wide(typing_context: Any, out: Any, at: Any, data: Any, index: Any) -> Any:  # noqa: ARG001
    """Copy 32 bytes of `data` from `index` on to `out` at `at`. The caller checks bounds of both."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        found = builder.load(_wide(context, builder, signature.args[2], *arguments[2:]), align=1)
        builder.store(found, _wide(context, builder, signature.args[0], *arguments[:2]), align=1)
        return context.get_dummy_value()

    return types.void(out, types.int64, data, types.int64), generate


@_instruction
def pairs_at(typing_context: Any, data: Any, index: Any, first: Any, second: Any) -> Any:  # noqa: ARG001
    """Which of 32 bytes from `index` on are `first` with `second` behind them, as bits. The caller checks bounds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, index, *wanted = arguments
        kind, lane = ir.VectorType(ir.IntType(8), _WIDE), ir.IntType(32)
        found = []
        for step, byte in enumerate(wanted):
            one = builder.insert_element(ir.Constant(kind, ir.Undefined), byte, lane(0))
            every = builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(lane, _WIDE), [0] * _WIDE))
            place = builder.add(index, ir.Constant(ir.IntType(64), step))
            there = builder.load(_wide(context, builder, signature.args[0], array, place), align=1)
            found.append(builder.icmp_unsigned("==", there, every))
        return _bits(builder, builder.and_(*found))

    return types.uint64(data, types.int64, types.uint8, types.uint8), generate
