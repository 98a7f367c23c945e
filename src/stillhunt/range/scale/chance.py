"""Chance by number: every draw is a function of what it is for, so that days can be made in any order, on any process.

A draw's number is `mix` of a key and a counter (splitmix64: Steele, Lea and Flood, OOPSLA 2014), which passes the usual batteries of
tests. Nothing here has a state: the same key and counter give the same draw.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from stillhunt.compiled import compiled

Keys = npt.NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_SCALE = 1.0 / (1 << 53)


@compiled
def mix(x: Any) -> Any:
    """A bijection of 64 bits whose output looks like noise."""
    x = (x ^ (x >> _30)) * _FIRST
    x = (x ^ (x >> _27)) * _SECOND
    return x ^ (x >> _31)


@compiled
def at(key: Any, counter: Any) -> Any:
    """The draw number `counter` of `key`."""
    return mix(key + np.uint64(counter) * GOLDEN)


@compiled
def unit(number: Any) -> Any:
    """A draw as a float64 in [0, 1)."""
    return np.float64(number >> _11) * _SCALE


@compiled
def exponential(number: Any) -> Any:
    """A draw from the exponential distribution of mean 1."""
    return -math.log(1.0 - unit(number))


@compiled
def normal(one: Any, two: Any) -> Any:
    """A draw from the standard normal distribution (Box and Muller 1958), from two draws."""
    return math.sqrt(-2.0 * math.log(1.0 - unit(one))) * math.cos(2.0 * math.pi * unit(two))


@compiled
def poisson(mean: float, key: Any) -> Any:
    """A draw from a Poisson distribution: by inversion below 30, rounded normal above."""
    if mean <= 0.0:
        return 0
    if mean > 30.0:
        return max(0, int(mean + math.sqrt(mean) * normal(at(key, 1), at(key, 2)) + 0.5))
    left = unit(at(key, 1))
    share = math.exp(-mean)
    count = 0
    while left > share and count < 200:
        left -= share
        count += 1
        share *= mean / count
    return count


@compiled
def _keys(seed: Any, first: int, found: Keys) -> None:
    for i in range(found.size):
        found[i] = at(seed, first + i)


def keys(seed: int | np.uint64, count: int, first: int = 0) -> Keys:
    """`count` draws of `seed`, from number `first` on."""
    found = np.empty(count, np.uint64)
    _keys(np.uint64(seed), first, found)
    return found


def key_of(*parts: int) -> np.uint64:
    """A key made of whole numbers."""
    found = 0x5EED
    bits = (1 << 64) - 1
    for part in parts:
        found = int(_py_mix((found * 0x100000001B3 + part) & bits))
    return np.uint64(found)


def _py_mix(x: int) -> int:
    bits = (1 << 64) - 1
    x = (x ^ x >> 30) * int(_FIRST) & bits
    x = (x ^ x >> 27) * int(_SECOND) & bits
    return x ^ x >> 31
