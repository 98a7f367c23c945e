"""What calls would have cost by the provider's own price list. The list is a file of the user's; there are no built-in prices.

In: a TOML file, and columns of calls. Out: an amount by model, and what could not be priced. `docs/policy.md` describes the file.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.errors import InputError

KINDS = ("input", "cached", "output", "reasoning")
_KEYS = {"model", "from", "until", *KINDS}
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Price:
    """Prices of one model in one span of time, in units of the currency for a million tokens.

    Attributes:
        model: its name as calls have it, or the beginning of it with a star behind; None: whatever has no price of its own.
        begins, ends: microseconds; the price holds from `begins` on and before `ends`.
        rates: by kind; `cached` is that of input if not given, `reasoning` 0 if not given (then it is part of the output).
    """

    model: str | None
    begins: int
    ends: int
    rates: dict[str, float]

    def fits(self, model: str) -> bool:
        """Whether it is meant for calls to `model`."""
        return self.model is None or self.model == model or (self.model.endswith("*") and model.startswith(self.model[:-1]))


@dataclass(frozen=True)
class Prices:
    """A price list: currency, and prices, those named first come first."""

    currency: str
    listed: tuple[Price, ...]
    where: str


@dataclass(frozen=True)
class Priced:
    """What a model's calls come to: `amount` is None where not one of them could be priced."""

    model: str
    calls: int
    priced: int
    amount: float | None


def read_prices(path: Path) -> Prices:
    """Read a price file.

    Raises:
        InputError: it cannot be read, or says something that means nothing; the message names the file and the key.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); name a price file (see docs/policy.md)") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML ({str(error)[:200]}); see docs/policy.md for an example") from error
    unknown = sorted(set(document) - {"currency", "price", "default"})
    if unknown:
        raise InputError(f"{path}: {unknown[0]} is not known here; a price file has currency, [[price]] and [default]")
    currency = document.get("currency")
    if not isinstance(currency, str) or not currency:
        raise InputError(f'{path}: currency is missing; write for instance currency = "USD"')
    entries, default = document.get("price", []), document.get("default")
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise InputError(f"{path}: price must be tables; write [[price]] above each")
    listed = [_price(one, f"{path}: price {number}", named=True) for number, one in enumerate(entries, 1)]
    if default is not None:
        if not isinstance(default, dict):
            raise InputError(f"{path}: default must be a table; write [default] above its keys")
        listed.append(_price(default, f"{path}: default", named=False))
    if not listed:
        raise InputError(f"{path}: holds no price; add a [[price]] for each model, or one [default]")
    return Prices(currency, tuple(listed), str(path))


def _price(entry: dict[str, Any], where: str, *, named: bool) -> Price:
    unknown = sorted(set(entry) - (_KEYS if named else _KEYS - {"model"}))
    if unknown:
        raise InputError(f"{where}: {unknown[0]} is not known here; use {', '.join(sorted(_KEYS))}")
    model = entry.get("model")
    if named and (not isinstance(model, str) or not model):
        raise InputError(f"{where}: model is missing; write it as the calls have it, or its beginning with a * behind")
    rates = {}
    for kind in KINDS:
        value = entry.get(kind)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise InputError(f"{where}: {kind} must be the price of a million tokens, a number that is not negative")
        rates[kind] = float(value)
    for kind in ("input", "output"):
        if kind not in rates:
            raise InputError(f"{where}: {kind} is missing; write the price of a million {kind} tokens")
    rates.setdefault("cached", rates["input"])
    rates.setdefault("reasoning", 0.0)
    begins, ends = _moment(entry.get("from"), f"{where}: from"), _moment(entry.get("until"), f"{where}: until")
    begins, ends = -(2**62) if begins is None else begins, 2**62 if ends is None else ends
    if begins >= ends:
        raise InputError(f"{where}: until must lie after from")
    return Price(model, begins, ends, rates)


def _moment(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise InputError(f"{where} must be a date without quotes, such as 2026-05-01")
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return elapsed.days * _DAY + elapsed.seconds * 1_000_000 + elapsed.microseconds


def priced(
    prices: Prices, models: pa.ChunkedArray[Any], micros: npt.NDArray[np.int64], tokens: dict[str, npt.NDArray[np.float64]]
) -> list[Priced]:
    """The amount of each model's calls, largest first.

    A call has the first price of the list that fits its model and its time; without one it is not priced.

    Args:
        prices: the list.
        models: name of each call's model, null for none.
        micros: when each call began, microseconds.
        tokens: for each of `KINDS`, tokens of each call, nan where not known. Cached tokens are taken as part of the input. A call
        without known
            input and output tokens is not priced.
    """
    names_or_none: Any = models.cast(pa.string())
    encoded = pc.fill_null(names_or_none, "").combine_chunks().dictionary_encode()
    names = [str(name) for name in encoded.dictionary.to_pylist()]
    of = encoded.indices.to_numpy(zero_copy_only=False)
    known = np.isfinite(tokens["input"]) & np.isfinite(tokens["output"])
    spent = {kind: np.nan_to_num(tokens[kind]) for kind in KINDS}
    cached = np.minimum(spent["cached"], spent["input"])
    found = []
    for number, name in enumerate(names):
        open_calls = known & (of == number)
        amount, calls = 0.0, 0
        for price in prices.listed:
            if not price.fits(name):
                continue
            mine = open_calls & (micros >= price.begins) & (micros < price.ends)
            rates = price.rates
            amount += float(
                (spent["input"][mine] - cached[mine]).sum() * rates["input"]
                + cached[mine].sum() * rates["cached"]
                + spent["output"][mine].sum() * rates["output"]
                + spent["reasoning"][mine].sum() * rates["reasoning"]
            )
            calls += int(mine.sum())
            open_calls &= ~mine
        found.append(Priced(name or "not named", int((of == number).sum()), calls, amount / 1e6 if calls else None))
    return sorted(found, key=lambda one: (-(one.amount or 0.0), one.model))
