"""How much, when and how long: heavy tails over people, days and weeks by time zone, lengths as in service traces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

STYLES = ("person", "office", "service", "batch", "steady")
"""Rhythms that `Rates.moments` knows."""

_DAY = 86_400.0
_WAKING = np.array([2, 1, 0.6, 0.4, 0.4, 0.7, 1.5, 3, 5, 7, 8, 8, 7, 7, 8, 8, 8, 7, 6, 6, 7, 7, 6, 4], dtype=np.float64)
_OFFICE = np.array([0, 0, 0, 0, 0, 0, 0.3, 2, 7, 10, 10, 9, 5, 8, 10, 10, 8, 5, 2, 0.8, 0.4, 0.3, 0.1, 0], dtype=np.float64)
_WEEK_PERSON = np.array([1.0, 1.05, 1.05, 1.0, 0.9, 0.7, 0.75])
_WEEK_OFFICE = np.array([1.0, 1.1, 1.1, 1.05, 0.9, 0.06, 0.05])

_TRACES = {"chat": ("azure2023_conv", 1_020.0, 1.1, 129.0, 1.0), "code": ("azure2023_code", 1_500.0, 0.9, 13.0, 1.0)}
"""Service -> (table under traces/, then medians and spreads of input and output tokens for when it is absent)."""


class Rates:
    """Rates, moments and lengths. With a folder of traces the tail and the lengths come from there."""

    def __init__(self, folder: Path | None = None) -> None:
        self.missing: list[str] = []
        self._tail = self._heavy(folder)
        self._lengths = {service: self._trace(folder, name) for service, (name, *_) in _TRACES.items()}

    def _heavy(self, folder: Path | None) -> NDArray[np.float64]:
        """Rates of a service's heavy customers relative to their median; log-normal with spread 2 without traces."""
        if folder is not None:
            try:
                table = pq.read_table(folder / "traces" / "servegen_m-small_rates.parquet", columns=["client", "rate"])
                clients = np.asarray(table["client"].to_numpy(), dtype=np.int64)
                sums = np.bincount(clients, weights=np.nan_to_num(np.asarray(table["rate"].to_numpy(), dtype=np.float64)))
                sums = sums[sums > 0]
                return np.asarray(sums / np.median(sums), dtype=np.float64)
            except (OSError, KeyError, ValueError, IndexError):
                self.missing.append("traces/servegen_m-small_rates.parquet")
        return np.exp(2.0 * np.random.default_rng(1).standard_normal(256))

    def _trace(self, folder: Path | None, name: str) -> NDArray[np.int64] | None:
        if folder is None:
            return None
        try:
            table = pq.read_table(folder / "traces" / f"{name}.parquet", columns=["input_tokens", "output_tokens"])
            return np.stack([np.asarray(table[column].to_numpy(), dtype=np.int64) for column in table.column_names])
        except (OSError, KeyError, ValueError):
            self.missing.append(f"traces/{name}.parquet")
            return None

    def calls(self, rng: np.random.Generator, accounts: int, total: int) -> NDArray[np.int64]:
        """Draw the calls of each of `accounts` people: at least 1 each, `total` together, most a few and a few thousands.

        Weights are log-normal (spread 1.6); one person in fifty is a heavy customer with a weight from the traces' tail.
        Nobody takes more than 2 % of the total (or twice an even share, if that is more).
        Raises ValueError when there are fewer calls than people.
        """
        if total < accounts:
            raise ValueError(f"{total} calls cannot give each of {accounts} accounts one; ask for more calls or fewer accounts")
        weights = np.exp(1.6 * rng.standard_normal(accounts))
        heavy = rng.random(accounts) < 0.02
        weights[heavy] *= np.clip(8.0 * rng.choice(self._tail, int(heavy.sum())), 1.0, 2_000.0)
        shares = weights / weights.sum()
        for _ in range(8):
            shares = np.minimum(shares, max(0.02, 2.0 / accounts))
            shares = shares / shares.sum()
        return 1 + rng.multinomial(total - accounts, shares).astype(np.int64)

    def moments(
        self, rng: np.random.Generator, calls: int, start: float, days: float, utc_offset: float, style: str = "person"
    ) -> NDArray[np.float64]:
        """Draw sorted epoch seconds of `calls` calls in [start, start + days).

        style: "person" (sessions in waking hours, on days of one's own), "office" (working hours, weekdays), "service" (all
        day, with the swing and the bursts of its users), "batch" (a few dense runs), "steady" (a Poisson process without
        pause). `utc_offset` in hours. Raises ValueError for an unknown style.
        """
        span = days * _DAY
        if style == "steady":
            return np.sort(start + span * rng.random(calls))
        if style == "batch":
            at = _runs(rng, calls, span)
        elif style == "service":
            at = self._by_clock(rng, calls, start, days, utc_offset, 4.0 + _WAKING, np.ones(7))
            busy = rng.random(calls) < 0.25
            at[busy] = rng.choice(at, int(busy.sum())) + rng.exponential(20.0, int(busy.sum()))
        elif style in ("person", "office"):
            sessions = max(1, min(calls, int(rng.poisson(calls / (4.0 if calls < 100 else 12.0))) or 1))
            clock, week = (_WAKING, _WEEK_PERSON) if style == "person" else (_OFFICE, _WEEK_OFFICE)
            own = np.roll(clock, int(rng.integers(-2, 3)) if style == "person" else 0) * rng.gamma(3.0, 1.0, 24)
            begins = self._by_clock(rng, sessions, start, days, utc_offset, own, week * rng.gamma(2.0, 1.0, 7))
            which = np.sort(rng.integers(0, sessions, calls))
            gaps = np.exp(4.2 + 1.0 * rng.standard_normal(calls))
            total = np.cumsum(gaps)
            first = np.searchsorted(which, which)
            at = begins[which] + (total - total[first])
        else:
            raise ValueError(f"unknown style {style!r}; one of {', '.join(STYLES)}")
        return np.sort(start + np.mod(at, span))

    @staticmethod
    def _by_clock(
        rng: np.random.Generator,
        count: int,
        start: float,
        days: float,
        utc_offset: float,
        clock: NDArray[np.float64],
        week: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Draw seconds after `start` whose local hour and weekday follow `clock` (24) and `week` (7, Monday first)."""
        hours = np.arange(max(1, int(np.ceil(days * 24))))
        local = (start + 3_600.0 * (hours + utc_offset)) / 3_600.0
        weights = clock[(local % 24).astype(np.int64)] * week[((local // 24 + 3) % 7).astype(np.int64)]
        cumulated = np.cumsum(weights)
        if cumulated[-1] <= 0:  # a window without a single hour of theirs
            return np.asarray(rng.random(count) * days * _DAY, dtype=np.float64)
        chosen = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right")
        return np.asarray(3_600.0 * (chosen + rng.random(count)), dtype=np.float64)

    def lengths(self, rng: np.random.Generator, count: int, service: str = "chat") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw input and output tokens of `count` calls of a "chat" or "code" service, both at least 1.

        Raises KeyError for another service.
        """
        _, in_median, in_spread, out_median, out_spread = _TRACES[service]
        trace = self._lengths[service]
        if trace is not None and trace.shape[1]:
            chosen = rng.integers(0, trace.shape[1], count)
            return np.maximum(1, trace[0][chosen]), np.maximum(1, trace[1][chosen])
        inputs = in_median * np.exp(in_spread * rng.standard_normal(count))
        outputs = out_median * np.exp(out_spread * rng.standard_normal(count))
        return np.clip(inputs, 1, 100_000).astype(np.int64), np.clip(outputs, 1, 8_000).astype(np.int64)

    def latency(self, rng: np.random.Generator, output_tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        """Draw seconds from request to last token: a first token after half a second or so, then some 60 tokens a second."""
        count = len(output_tokens)
        first = np.exp(-0.6 + 0.45 * rng.standard_normal(count))
        return np.asarray(first + output_tokens / (60.0 * np.exp(0.3 * rng.standard_normal(count))), dtype=np.float64)


def _runs(rng: np.random.Generator, calls: int, span: float) -> NDArray[np.float64]:
    """Seconds of calls in a few dense runs, a call every second or so."""
    runs = 1 + int(rng.poisson(calls / 400.0))
    begins = np.sort(rng.random(runs) * span)
    which = np.sort(rng.integers(0, runs, calls))
    total = np.cumsum(rng.gamma(2.0, rng.uniform(0.2, 1.5), calls))
    first = np.searchsorted(which, which)
    return np.asarray(begins[which] + (total - total[first]), dtype=np.float64)
