"""Compiled loops: the one way in which Python functions become machine code, and where that code is kept.

In: Python functions. Out: numba's dispatchers, whose code comes from the package's own folder (`shipped`, made when Stillhunt is
built), else from the user's cache, else from the compiler. `recipe` says what a loop's code depends on, `target` for which processors it
is, `store` where it is found and kept, `building` makes what is shipped (``python -m stillhunt.compiled build``), `instructions` are what
numba lacks. May import: nothing of stillhunt, but for the build, which runs the command line. Importing compiles nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from stillhunt.compiled.store import Store

_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T", bound=np.generic)
_njit: Any = njit  # with the option that switches numba's own runtime off, which its types do not know


def compiled(function: _F) -> _F:
    """A compiled function that runs without the GIL; its code is kept."""
    return _kept(function)


def uncounted(function: _F) -> _F:
    """A compiled function that neither makes nor gives back arrays, and so need not count who refers to them: its caller does.

    Counting is an atomic instruction for each array that is handed on; where two threads work on the same arrays it is most of the time.
    What it calls must be uncounted, too.
    """
    return _kept(function, _nrt=False)


def merged(function: _F) -> _F:
    """An `uncounted` function that is copied to where it is called: seventy arrays of seven words need not be handed on each time."""
    return cast("_F", _njit(nogil=True, forceinline=True, _nrt=False)(function))


def inlined(function: _F) -> _F:
    """A compiled function that is copied to where it is called: a call with an array costs as much as reading thirty bytes."""
    return cast("_F", njit(nogil=True, forceinline=True)(function))


def pasted(function: _F) -> _F:
    """A function whose statements are put in the place of its call, before anything is compiled."""
    return cast("_F", _njit(inline="always")(function))


def frozen(array: npt.NDArray[_T]) -> npt.NDArray[_T]:
    """A view of `array` that cannot be written to, as Arrow's own arrays are.

    To the compiler, arrays that can be written to are of another kind than those that cannot: a loop that reads twenty columns, some of
    which are Arrow's in one log and made up in the next, is compiled once for each combination, unless it is handed only frozen ones.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def _kept(function: _F, **options: bool) -> _F:
    dispatcher = _njit(nogil=True, **options)(function)
    dispatcher._cache = Store(dispatcher)  # instead of numba's own, whose keys are paths and times of files, unknown before installation
    return cast("_F", dispatcher)
