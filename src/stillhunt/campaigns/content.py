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
import pyarrow as pa

from stillhunt.campaigns.habits import LEAST_VOTES, SCRIPTS, TOP, Board, Calls, Habit, read
from stillhunt.lake.engine import Engine

__all__ = ["DRAWS", "ENOUGH", "LEAST_VOTES", "MOST_UNITS", "TOP", "Calls", "Content", "Habit", "ask", "compare", "read"]

DRAWS = 999
ENOUGH = 20
CALLS_EACH, MOST_STRANGERS, SCAN_DRAWS = 20, 4_000, 199
"""What a scan takes: so many calls of each account, so many accounts beside the pool, and so many choices."""

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


def ask(engine: Engine, accounts: list[str], population: int) -> Content:
    """Judge the pool `accounts` from the relation ``calls``, which has `population` accounts in all: a sample of calls, drawn by hash."""
    engine.attach("of_pool", pa.table({"account_id": pa.array(accounts, pa.string())}))
    dialect = engine.dialect
    parts = max(1, population // MOST_STRANGERS)
    rows = engine.fetch(f"""
        WITH sampled AS (
          SELECT c.account_id, c.prompt_shape, c.message_count, COALESCE(c.output_tokens, c.response_chars / 4) AS answer,
                 CASE WHEN p.account_id IS NULL THEN 0 ELSE 1 END AS inside,
                 ROW_NUMBER() OVER (PARTITION BY c.account_id ORDER BY {dialect.hash64("c.interaction_id")}, c.interaction_id) AS place
          FROM calls c LEFT JOIN of_pool p ON c.account_id = p.account_id
          WHERE c.prompt_shape IS NOT NULL AND (c.http_status IS NULL OR c.http_status < 400)
            AND (p.account_id IS NOT NULL OR {dialect.bucket("c.account_id", parts)} = 0))
        SELECT account_id, CAST(prompt_shape AS BIGINT) AS shape, CAST(COALESCE(message_count, -1) AS BIGINT) AS messages,
               CAST(COALESCE(answer, -1) AS BIGINT) AS answer, CAST(inside AS BIGINT) AS inside
        FROM sampled WHERE place <= {CALLS_EACH} ORDER BY account_id, place""")
    unit = np.unique(rows["account_id"].to_numpy(zero_copy_only=False).astype(str), return_inverse=True)[1]
    shape, messages, answer, inside = (rows[name].to_numpy().astype(np.int64) for name in ("shape", "messages", "answer", "inside"))
    sides = [read(shape[side], unit[side], messages=messages[side], answer=answer[side]) for side in (inside == 1, inside == 0)]
    return compare(*sides, draws=SCAN_DRAWS)


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
