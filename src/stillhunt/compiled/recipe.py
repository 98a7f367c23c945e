"""What a compiled loop depends on, as a hash: its instructions, the constants it names, the loops and intrinsics it calls.

In: dispatchers and the types of their arguments. Out: bytes that are equal where the machine code is. May import: nothing of stillhunt.
Neither paths nor times of files count, so that code made on one machine is found on another; neither do comments, so that only an edit
that changes something makes it be compiled again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba.core import types
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic

_OWN = "stillhunt"


class UnknownIngredientError(Exception):
    """Something that a loop depends on cannot be told by its content: such a loop is not kept."""


def recipe(dispatcher: Any) -> bytes:
    """The hash of everything that a loop's code depends on, but for the types of its arguments. 32 bytes.

    Raises:
        UnknownIngredientError: it depends on an object of a kind that is not known here.
    """
    digest = hashlib.sha256()
    for piece in _value(dispatcher, {}):
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.digest()


def spelled(signature: Iterable[Any]) -> str:
    """The types of a call's arguments in words, fields of named tuples included.

    Raises:
        UnknownIngredientError: a type's name holds an address, which is another in each process.
    """
    return ", ".join(_type(one) for one in signature)


def _type(kind: Any) -> str:
    known: Any = types
    if isinstance(kind, known.BaseNamedTuple):
        home = kind.instance_class
        fields = ", ".join(f"{name}: {_type(one)}" for name, one in zip(kind.fields, kind, strict=True))
        return f"{home.__module__}.{home.__qualname__}({fields})"
    if isinstance(kind, known.BaseTuple):
        return f"({', '.join(_type(one) for one in kind)})"
    return _steady(str(kind))


def _steady(text: str) -> str:
    if " at 0x" in text:
        raise UnknownIngredientError(text)
    return text


def _value(value: Any, seen: dict[int, int]) -> Iterator[bytes]:
    """The pieces that `value` comes to. `seen` numbers functions, so that loops that call one another come to an end."""
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))):
        yield f"{type(value).__name__} {value!r}".encode()
    elif isinstance(value, np.generic):
        yield f"{value.dtype.str} ".encode() + value.tobytes()
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise UnknownIngredientError("an array of objects")
        yield f"{value.dtype.str} {value.shape} ".encode() + value.tobytes()
    elif isinstance(value, np.dtype):
        yield repr(value).encode()
    elif isinstance(value, (tuple, list)):
        yield f"{type(value).__qualname__} {len(value)} {getattr(value, '_fields', '')}".encode()
        for one in value:
            yield from _value(one, seen)
    elif isinstance(value, (set, frozenset)):
        yield f"{type(value).__name__} {sorted(map(repr, value))}".encode()
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}".encode()
        for key, one in value.items():
            yield from _value(key, seen)
            yield from _value(one, seen)
    elif isinstance(value, CodeType):
        yield from _code(value, seen)
    elif isinstance(value, Dispatcher):
        yield _steady(repr(sorted(value.targetoptions.items()))).encode()
        yield from _function(value.py_func, seen)
    elif isinstance(value, _Intrinsic):
        yield b"intrinsic"
        yield from _function(value._defn, seen)
    elif isinstance(value, FunctionType):
        if value.__module__.partition(".")[0] == _OWN or value.__closure__ is not None:
            yield from _function(value, seen)
        else:
            yield f"{value.__module__}.{value.__qualname__}".encode()  # another package's: its version is in the key
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__} {getattr(value, '_fields', '')}".encode()
    elif isinstance(value, (ModuleType, BuiltinFunctionType, np.ufunc)):
        yield value.__name__.encode()
    elif type(value).__module__.partition(".")[0] in {"numba", "llvmlite", "typing", "types", "numpy", "builtins"}:
        yield _steady(repr(value)).encode()
    else:
        raise UnknownIngredientError(f"{type(value).__module__}.{type(value).__qualname__}")


def _function(function: Any, seen: dict[int, int]) -> Iterator[bytes]:
    number = seen.get(id(function))
    if number is not None:
        yield f"function {number}".encode()
        return
    seen[id(function)] = len(seen)
    yield function.__qualname__.encode()
    yield from _value(function.__defaults__, seen)
    yield from _value(function.__kwdefaults__, seen)
    yield from _code(function.__code__, seen)
    for cell in function.__closure__ or ():
        yield from _value(cell.cell_contents, seen)
    named = sorted(_names(function.__code__))
    for name in named:
        if name in function.__globals__:
            found = function.__globals__[name]
            yield name.encode()
            yield from _value(found, seen)
            if isinstance(found, ModuleType) and found.__name__.partition(".")[0] == _OWN:
                for inner in named:  # which of them is asked of the module is not told apart: rather one too many
                    if inner in vars(found):
                        yield inner.encode()
                        yield from _value(vars(found)[inner], seen)


def _code(code: CodeType, seen: dict[int, int]) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_argcount, code.co_flags)).encode()
    for constant in code.co_consts:
        yield from _value(constant, seen)


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found
