"""SHA-256 (FIPS 180-4) of very many short things.

Called once for each of some hundred bytes, `hashlib` spends most of its time on being called, and keeps other threads waiting
meanwhile. Where the processor has instructions for SHA-256 (Intel SHA extensions) a compiled loop uses them; elsewhere it is
`hashlib` that hashes. Both give the same; tests compare them.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir  # type: ignore[import-untyped]
from numba import types
from numba.core import config
from numba.extending import intrinsic

from stillhunt.compiled import compiled, target

Bytes = npt.NDArray[np.uint8]

HASH_BYTES = 32

_FIRST = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19],
    np.uint32,
)
_CONSTANTS = (
    "428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe "
    "9bdc06a7 c19bf174 e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d b00327c8 bf597fc7 "
    "c6e00bf3 d5a79147 06ca6351 14292967 27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1 a81a664b "
    "c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 "
    "748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2"
)


def has_instructions() -> bool:
    """Whether compiled loops run on a processor with instructions for SHA-256."""
    chosen = getattr(config, "CPU_NAME", None) or getattr(
        config, "CPU_FEATURES", None
    )  # somebody compiles for another processor than this one
    foreign = bool(chosen) and not target.building()
    return not foreign and bool(binding.get_host_cpu_features().get("sha")) and binding.get_process_triple().startswith("x86_64")


def hash_pieces(data: Bytes, edges: npt.NDArray[np.int64]) -> Bytes:
    """The hash of each piece of `data`: the pieces lie between one of `edges` and the next. Returns (pieces, 32) bytes."""
    if _INSTRUCTIONS:
        out = np.empty((edges.size - 1, HASH_BYTES), np.uint8)
        _hash_pieces(data, edges, _FIRST, out)
        return out
    view = memoryview(data.tobytes())
    digests = b"".join([sha256(view[start:end]).digest() for start, end in pairwise(edges.tolist())])
    return np.frombuffer(digests, np.uint8).reshape(-1, HASH_BYTES)


def hash_fixed(data: Bytes) -> Bytes:
    """The hash of each row of `data`. Returns (rows, 32) bytes."""
    count, width = data.shape
    return hash_pieces(np.ascontiguousarray(data).ravel(), np.arange(count + 1, dtype=np.int64) * width)


_INSTRUCTIONS = has_instructions()


def _compressing(typing_context: Any, state: Any, data: Any, index: Any) -> Any:  # noqa: ARG001
    """Take the 64 bytes of `data` from `index` on into `state`, whose words are in the order F E B A, H G D C."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # pragma: no cover - only where nothing is cached
        lane = ir.IntType(32)
        four = ir.VectorType(lane, 4)

        def called(name: str, *values: Any) -> Any:
            kind = ir.FunctionType(four, [four] * len(values))
            return builder.call(builder.module.declare_intrinsic(name, fnty=kind), values)

        def shuffled(one: Any, other: Any, order: list[int]) -> Any:
            return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(lane, 4), order))

        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        places = [builder.bitcast(builder.gep(array.data, [ir.Constant(ir.IntType(64), at)]), four.as_pointer()) for at in (0, 4)]
        before = [builder.load(place, align=1) for place in places]
        block = builder.gep(context.make_array(signature.args[1])(context, builder, arguments[1]).data, [arguments[2]])
        words = []
        for at in range(4):
            place = builder.bitcast(builder.gep(block, [ir.Constant(ir.IntType(64), 16 * at)]), four.as_pointer())
            words.append(called("llvm.bswap.v4i32", builder.load(place, align=1)))
        constants = [int(word, 16) for word in _CONSTANTS.split()]
        first, second = before
        for group in range(16):
            if group >= 4:
                late = shuffled(words[group - 2], words[group - 1], [1, 2, 3, 4])
                words.append(
                    called(
                        "llvm.x86.sha256msg2",
                        builder.add(called("llvm.x86.sha256msg1", words[group - 4], words[group - 3]), late),
                        words[-1],
                    )
                )
            added = builder.add(words[group], ir.Constant(four, constants[4 * group : 4 * group + 4]))
            second = called("llvm.x86.sha256rnds2", second, first, added)
            first = called("llvm.x86.sha256rnds2", first, second, shuffled(added, added, [2, 3, 2, 3]))
        for place, old, new in zip(places, before, (first, second), strict=True):
            builder.store(builder.add(old, new), place, align=1)
        return context.get_dummy_value()

    return types.void(state, data, types.int64), generate


_compress: Any = intrinsic(_compressing)


@compiled
def _hash_pieces(data: Any, edges: Any, first: Any, out: Any) -> None:
    state = np.empty(8, np.uint32)
    last = np.empty(128, np.uint8)
    order = (5, 4, 1, 0, 7, 6, 3, 2)
    for piece in range(edges.size - 1):
        at, end = edges[piece], edges[piece + 1]
        bits = (end - at) * 8
        for word in range(8):
            state[word] = first[order[word]]
        while end - at >= 64:
            _compress(state, data, at)
            at += 64
        left = end - at
        for byte in range(left):
            last[byte] = data[at + byte]
        last[left] = 0x80
        whole = 64 if left < 56 else 128
        for byte in range(left + 1, whole - 8):
            last[byte] = 0
        for byte in range(8):
            last[whole - 1 - byte] = (bits >> (8 * byte)) & 255
        _compress(state, last, 0)
        if whole == 128:
            _compress(state, last, 64)
        for word in range(8):
            value = state[word]
            for byte in range(4):
                out[piece, 4 * order[word] + byte] = (value >> np.uint32(24 - 8 * byte)) & np.uint32(255)
