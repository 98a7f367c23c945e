"""What makes the calls: timers, shifts, and the hours of the day.

In: accounts' numbers and times of calls. Out: figures and tests. May import: numpy and scipy only.

* `phases`. **Null hypothesis**: an account's calls fall anywhere within a period (a minute, an hour). Of each period one call is taken,
drawn
  at random, so that a burst counts once. The test is Rayleigh's: with R the length of the mean of exp(2 pi i t / period) over n calls,
  p = exp(sqrt(1 + 4 n + 4 (n^2 - (n R)^2)) - (1 + 2 n)) (J. Zar, Biostatistical Analysis, ch. 27). Whether accounts that keep a phase keep
  *one* phase is the same test over their directions.
* `handovers`. A session ends where half an hour of silence begins. Counted are pairs (end of a session, start of another account's session
  within five minutes after it). **Null hypothesis**: accounts know nothing of one another. Every account's sessions are moved together by a
  random time of its own, up to half an hour either way and around the end of the view, which keeps its pace and, to the hour, its time of
  day; p = (1 + moves with as many) / (1 + moves) (S. Gruen, J. Neurophysiol. 101 (2009) 1126; the +1: B. Phipson and G. Smyth, Stat. Appl.
  Genet. Mol. Biol. 9 (2010) 39). Schedules that are sharp to the minute (a class that begins) break it.
* `quiet`. The six hours in a row with the fewest calls. People who sleep at night in one place have begun to be quiet between 22:00 and
  02:00 of their clock; which offsets from UTC fit that is said as a range, with the uncertainty of a bootstrap over accounts, and never as
  a country. Around the clock nothing fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SECOND_US = 1_000_000
PERIODS = {"minute": 60 * SECOND_US, "five minutes": 300 * SECOND_US, "quarter of an hour": 900 * SECOND_US, "hour": 3_600 * SECOND_US}
LEAST_PHASES = 12
KEEPS = 0.001

GAP = 1_800 * SECOND_US
WITHIN = 300 * SECOND_US
REACH = 1_800 * SECOND_US
MOVES = 99

NIGHT = 6
FELL_ASLEEP = (22, 26)
"""Hours of a local clock between which people's six quietest hours begin."""

CLOCKLESS = 0.5
"""Six hours with more than this part of the share that they would have around the clock (a quarter) are no night."""

LEAST_OFFSET, MOST_OFFSET = -12, 14
BOOTSTRAPS = 199


@dataclass(frozen=True)
class Phase:
    """One period of the clock, and who keeps to it.

    Attributes:
        period: in words.
        accounts: with calls enough.
        keep: of them, those that keep a phase.
        common: the chance of so common a phase; None where fewer than three keep one.
        at: where in the period it lies, 0 to 1.
    """

    period: str
    accounts: int
    keep: int
    common: float | None
    at: float | None


@dataclass(frozen=True)
class Handovers:
    """Sessions, pairs of an end and another account's start, how many by chance, and p of so many."""

    sessions: int
    pairs: int
    expected: float
    p: float


@dataclass(frozen=True)
class Quiet:
    """The six quietest hours.

    Attributes:
        begins: from which UTC hour.
        share: of the calls that fall into them.
        offsets: from UTC, whole hours, at which they would be a night; none around the clock.
    """

    begins: int
    share: float
    offsets: tuple[int, ...]


def phases(who: Index, micros: Index, seed: int = 0) -> list[Phase]:
    """Ask every period of `PERIODS`.

    Args:
        who: number of the account of each call.
        micros: when.
        seed: of the draw of one call a period.
    """
    rng = np.random.default_rng(seed)
    return [_phase(name, period, who, micros, rng) for name, period in PERIODS.items()]


def _phase(name: str, period: int, who: Index, micros: Index, rng: np.random.Generator) -> Phase:
    order = np.lexsort((rng.random(who.size), micros // period, who))
    account, when = who[order], micros[order]
    first = np.ones(account.size, np.bool_)
    first[1:] = (account[1:] != account[:-1]) | (when[1:] // period != when[:-1] // period)
    account, turn = account[first], np.exp(2j * np.pi * (when[first] % period) / period)
    width = int(account.max(initial=-1)) + 1
    count = np.bincount(account, minlength=width).astype(np.float64)
    real = np.bincount(account, weights=turn.real, minlength=width)
    imaginary = np.bincount(account, weights=turn.imag, minlength=width)
    enough = count >= LEAST_PHASES
    length = np.hypot(real, imaginary)[enough]
    keeps = rayleigh(count[enough], length) <= KEEPS / len(PERIODS)
    if int(keeps.sum()) < 3:
        return Phase(name, int(enough.sum()), int(keeps.sum()), None, None)
    directions = ((real + 1j * imaginary)[enough] / length)[keeps]
    mean = directions.sum()
    common = float(rayleigh(np.array([float(directions.size)]), np.array([abs(mean)]))[0])
    return Phase(name, int(enough.sum()), int(keeps.sum()), common, float(np.angle(mean) / (2 * np.pi) % 1.0))


def rayleigh(count: Floats, length: Floats) -> Floats:
    """Chance that so many directions, drawn uniformly, have a sum at least so long; shape of both."""
    spread = np.maximum(count**2 - length**2, 0.0)
    return np.asarray(np.clip(np.exp(np.sqrt(1.0 + 4.0 * count + 4.0 * spread) - (1.0 + 2.0 * count)), 0.0, 1.0))


def handovers(who: Index, micros: Index, moves: int = MOVES, seed: int = 0) -> Handovers | None:
    """Whether accounts take over from one another; None with fewer than ten sessions or two accounts."""
    order = np.lexsort((micros, who))
    account, when = who[order], micros[order]
    if account.size < 2 or account[0] == account[-1]:
        return None
    opens = np.ones(account.size, np.bool_)
    opens[1:] = (account[1:] != account[:-1]) | (when[1:] - when[:-1] > GAP)
    starts, ends = when[opens], when[np.append(opens[1:], True)]
    owner = account[opens]
    # what touches the edges of the view has begun before it or ends after it
    whole_start, whole_end = starts - when.min() > GAP, when.max() - ends > GAP
    if int(whole_end.sum()) < 10:
        return None
    number = int(account.max()) + 1
    rng = np.random.default_rng(seed)

    opening, span = when.min(), when.max() - when.min() + 1

    def pairs(move: Index) -> int:
        # around the end of the view to its beginning: whoever is moved out of it would be missed by the others
        begin = np.sort((starts + move[owner] - opening)[whole_start] % span)
        end = (ends + move[owner] - opening)[whole_end] % span
        return int((np.searchsorted(begin, end + WITHIN, "right") - np.searchsorted(begin, end, "right")).sum())

    own = pairs(np.zeros(number, np.int64))
    drawn = np.array([pairs(rng.integers(-REACH, REACH + 1, number)) for _ in range(moves)])
    return Handovers(int(owner.size), own, float(drawn.mean()), (1.0 + int((drawn >= own).sum())) / (1.0 + moves))


def quiet(hours: npt.NDArray[np.integer], seed: int = 0) -> Quiet | None:
    """The night of a group of accounts; None without calls.

    Args:
        hours: calls by hour of the day (UTC), shape (accounts, 24).
        seed: of the bootstrap over accounts.
    """
    counts = np.asarray(hours, np.float64)
    whole = counts.sum(axis=0)
    if whole.sum() <= 0:
        return None
    begins, share = _quietest(whole)
    if share > CLOCKLESS * NIGHT / 24:
        return Quiet(begins, share, ())
    rng = np.random.default_rng(seed)
    size = counts.shape[0]
    drawn = np.sort([(_quietest(counts[rng.integers(0, size, size)].sum(axis=0))[0] - begins + 12) % 24 - 12 for _ in range(BOOTSTRAPS)])
    low, high = begins + int(np.quantile(drawn, 0.025)), begins + int(np.quantile(drawn, 0.975))
    fits = {(offset + 12) % 24 for offset in range(FELL_ASLEEP[0] - high, FELL_ASLEEP[1] - low + 1)}
    return Quiet(begins, share, tuple(one for one in range(LEAST_OFFSET, MOST_OFFSET + 1) if (one + 12) % 24 in fits))


def _quietest(whole: Floats) -> tuple[int, float]:
    windows = np.array([np.roll(whole, -begin)[:NIGHT].sum() for begin in range(24)])
    begins = int(windows.argmin())
    return begins, float(windows[begins] / whole.sum())


def sectors(hours: npt.NDArray[np.integer]) -> Index:
    """The part of the day that each account calls in.

    Returns:
        One of six sectors of four hours around the account's mean hour, 6 around the clock, -1 with too few calls; shape (accounts,).
    """
    counts = np.asarray(hours, np.float64)
    whole = counts.sum(axis=1)
    mean = counts @ np.exp(2j * np.pi * (np.arange(24) + 0.5) / 24) / np.maximum(whole, 1.0)
    sector = (np.angle(mean) / (2 * np.pi) % 1.0 * 6).astype(np.int64) % 6
    return np.where(whole < LEAST_PHASES, -1, np.where(np.abs(mean) < 0.2, 6, sector))
