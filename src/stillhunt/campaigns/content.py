"""Is a part of a pool's calls one kind of work? How its calls are written and answered, against the population's.

A harvest is a mixture: some share of the pool's calls comes from a program's list of prompts, the rest may be anybody's. Prompts of
one list are alike in ways that are dull one by one (their length, how they begin and end, whether there is an "I" in them, how long
the answers are) and together are not common among people. Nothing is fitted to any harvest: the population at hand is all that a
pool is compared with.

Every call has some 25 *fields* (`records.SHAPE_FIELDS`; with structure also how far into a conversation it stands, and how long its
answer is). A *habit* is a value of a field or a pair of values of two fields, among all calls, among those written with care (no
first person, no small letter or missing space where there should be none), among those that stand alone, or both. Units (accounts,
or conversations) have one vote each, spread over their calls. For a habit with k votes where e are expected,

    s = sqrt(2 (k ln(k / e) - (k - e)))  where k > e and k >= `LEAST_VOTES`, else 0     (signed root of the Poisson deviance)
    e = sum over scripts z of n_z (K_z + 1/2) / (N_z + 1)                               (K of N votes in the population)

and the statistic is the sum of the `TOP` largest s, which finds a sub-group by whatever it has most in common. Expecting habits within
scripts (Latin letters, Han, kana, ...) means that a pool that writes Chinese is compared with those who do.

Null hypothesis: the pool's units are a random choice, within scripts, of the pool's and the population's. The p-value is that of the
permutation test: choices of as many units in each script from both together are compared with the rest in the same way, and
p = (1 + those with a statistic at least as large) / (1 + choices). It is exact whatever fields depend on one another and however
calls cluster in units, and, stopped as soon as `enough` choices are as large, p = as large / choices. E-value: 1 / (2 sqrt(p)).
It says that the pool is not like a random part of the population, not why: an application with one template, a benchmark and a class are
not either. Coordination, concealment and the other quantities of the harvest axis have to say the rest.
References: J. Besag and P. Clifford, Biometrika 78 (1991), for stopping; V. Vovk and R. Wang, Ann. Statist. 49 (2021), for the calibrator;
D. Donoho and J. Jin, Ann. Statist. 32 (2004), for why a sparse mixture shows in the largest of many deviations before it shows in means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stillhunt.campaigns.habits import LEAST_VOTES, SCRIPTS, TOP, Board, Calls, Habit, read
from stillhunt.channels.digest import Digest
from stillhunt.pools.population import Index

__all__ = ["DRAWS", "ENOUGH", "LEAST_VOTES", "MOST_UNITS", "TOP", "Calls", "Content", "Habit", "ask", "compare", "read"]

DRAWS = 999
ENOUGH = 20
CALLS_EACH, MOST_STRANGERS, SCAN_DRAWS = 20, 4_000, 199
"""What a scan takes: so many calls of each account, so many accounts beside the pool, and so many choices."""

MOST_MEMBERS = 1_000
"""Of a larger pool so many are enough: with twenty calls of each the test lacks no power, and every choice of strangers costs as much."""

MOST_UNITS = 20_000
"""Of a larger population so many units are enough: expectations are sharp, and memory stays small."""


@dataclass(frozen=True)
class Content:
    """The judgement: p-value and log10 of the e-value, the statistic, units and calls that could be judged, and the strongest habits."""

    p: float
    log10_evidence: float
    statistic: float
    units: int
    calls: int
    habits: tuple[Habit, ...]


def ask(digest: Digest, members: Index) -> Content:
    """Judge the pool `members` (positions) from the digest's units: first calls of requests, drawn by hash."""
    rng = np.random.default_rng(0)
    if members.size > MOST_MEMBERS:
        members = np.sort(rng.choice(members, MOST_MEMBERS, replace=False))
    outside = np.ones(len(digest.ids), dtype=np.bool_)
    outside[members] = False
    drawn = np.where(outside, digest.drawn, np.iinfo(np.uint64).max)
    strangers = np.sort(np.argsort(drawn, kind="stable")[: min(MOST_STRANGERS, int(outside.sum()))]).astype(np.int64)
    return compare(*(_calls(digest, side) for side in (members, strangers)), draws=SCAN_DRAWS)


def _calls(digest: Digest, accounts: Index) -> Calls:
    """Up to `CALLS_EACH` calls of each account: those whose units have the smallest hashes."""
    units = digest.units_of(accounts)
    order = np.lexsort((units.key, units.of))
    of = units.of[order]
    place = np.arange(of.size) - np.searchsorted(of, of)
    taken = order[place < CALLS_EACH]
    answer = np.floor(units.output[taken]).astype(np.int64)
    return read(units.shape[taken], units.of[taken], messages=units.messages[taken], answer=answer)


def compare(
    pool: Calls, population: Calls, *, seed: int = 0, draws: int = DRAWS, enough: int = ENOUGH, most_units: int = MOST_UNITS
) -> Content:
    """Judge the calls of a pool against those of accounts outside it.

    Args:
        pool: the pool's calls.
        population: the others'; nobody's may be in both.
        seed: of the random choices, so that a scan can be repeated.
        draws: how many choices at most; the smallest p-value is 1 / (draws + 1).
        enough: stop after so many choices that are as extreme as the pool.
        most_units: of a larger population so many units are drawn at random.

    Returns:
        p = 1 where nothing could be judged. Of units in a script that fewer write outside the pool than in it, only as many are looked at
        as there are outside, because there is nobody to compare the others with.
    """
    rng = np.random.default_rng(seed)
    if population.units > most_units:
        population = population.take(np.sort(rng.choice(population.units, most_units, replace=False)))
    here, there = (np.bincount(side.dominant, minlength=len(SCRIPTS)) for side in (pool, population))
    if (here > there).any():
        shuffled = rng.permutation(pool.units)
        kept = [shuffled[pool.dominant[shuffled] == z][: there[z]] for z in range(len(SCRIPTS))]
        pool = pool.take(np.sort(np.concatenate(kept)))
    if not pool.units:
        return Content(1.0, float(np.log10(0.5)), 0.0, 0, 0, ())
    both = pool + population
    board = Board(both, np.unique(pool.script))
    mine = np.arange(pool.units)
    observed, habits = board.statistic(mine), board.habits(mine)
    groups = [np.flatnonzero(both.dominant == z) for z in range(len(SCRIPTS))]
    wanted = np.bincount(pool.dominant, minlength=len(SCRIPTS))
    larger = 0
    drawn = 0
    while drawn < draws and larger < enough:
        chosen = np.concatenate(
            [rng.choice(group, want, replace=False) for group, want in zip(groups, wanted.tolist(), strict=True) if want]
        )
        larger += board.statistic(chosen) >= observed - 1e-9
        drawn += 1
    p = larger / drawn if larger >= enough else (1 + larger) / (1 + drawn)
    return Content(p, float(np.log10(0.5 / np.sqrt(p))), observed, pool.units, len(pool.script), habits)
