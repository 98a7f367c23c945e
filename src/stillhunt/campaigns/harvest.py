"""Is the traffic of a pool a training set? The pool's distribution against the population's accounts.

A training set is asked for in requests that stand alone, carry one fixed instruction, never repeat, and get long
answers. Each can be innocent alone: together they are rare. Four quantities, for a pool as one whole and for every account
outside it with at least `LEAST_CALLS` answered calls:

Accounts do other things beside: an operator hides its work among ordinary questions, a reseller among its customers'. Quantities are
therefore taken from a *slice* of an account's calls: those in which its most recurrent gram stands, if one recurs (see
`channels.template`), else all. The slice of a pool with a characteristic instruction are the calls that carry it.

* fresh: distinct requests as a share of answered calls (over the whole pool, so that two accounts that work off one public
  list do not look fresh);
* single: share of the calls that are one-shot (one message beside the system's, no conversation with other calls);
* instructed: share of the requests in which the account's most recurrent gram stands (the pool's median);
* answered: median output tokens of an answer (the pool's median).

Null hypothesis: the pool is an ordinary account of this population. p = (1 + weight of accounts that are at least
as fresh, single, instructed and answered as the pool) / (1 + weight of all accounts): the permutation p-value of the
joint order, which needs no assumption on how the four depend on one another. E-value: 1 / (2 sqrt(p)). A joint order is
extreme, too, where one quantity is extreme and another plainly ordinary, which is no harvest: if the pool is
lower in freshness, instruction or answers than a share `ORDINARY` of all accounts, p is 1. (Calls that do not stand alone are no
excuse by themselves: sessions of agents are harvested, too.)
Quantities that the logs do not carry are left out, and said to be.
Reference: V. Vovk and R. Wang, Ann. Statist. 49 (2021), the calibrator kappa p^(kappa-1) at kappa = 1/2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.lake.engine import Engine
from stillhunt.pools.population import Floats, Index, Population

LEAST_CALLS = 20
MOST_GRAMS = 8
"""So many of a pool's grams, the most common first, tell the calls that carry its instruction."""

TOLERANCE = 0.03
"""An account counts as at least as fresh (single, instructed) as the pool if it is within this of it."""

ORDINARY = 0.7
TELLING = ("fresh", "instructed", "answered")
"""Quantities in which a harvest cannot be ordinary. Standing alone is not among them: sessions of agents are harvested, too."""

QUANTITIES = ("fresh", "single", "instructed", "answered")


@dataclass(frozen=True)
class Traits:
    """The quantities for every account, nan where the logs do not carry them; shape (accounts,) each."""

    calls: Floats
    tokens: Floats
    fresh: Floats
    single: Floats
    instructed: Floats
    answered: Floats
    days: Floats
    collided: Floats  # share of the account's calls that other entities sent word for word
    began: Floats  # first call of any kind, days since 1970
    ended: Floats  # last call of any kind, days since 1970
    until: float  # end of the view, days since 1970


@dataclass(frozen=True)
class Harvest:
    """The judgement on one pool: log10 of the e-value, the pool's quantities, and the share of accounts that are as extreme."""

    log10_evidence: float
    quantities: dict[str, float]
    as_extreme: float
    ordinary: tuple[str, ...]  # quantities in which the pool is lower than most accounts
    visible: bool


def traits(engine: Engine, population: Population) -> Traits:
    """Read the quantities from ``calls``; `instructed` and `collided` come from the population's sets."""
    instructed, own = _most_recurrent(population)
    engine.attach("own_gram", own)
    carries = f"COALESCE({engine.dialect.list_contains('c.sketch', 'o.gram')}, FALSE)"
    engine.materialise(
        "answered",
        f"""SELECT c.account_id, c.interaction_id, c.conversation_id, c.prompt_hash, COALESCE(c.system_hash, 0) AS system_hash,
                   c.message_count, c.output_tokens, c.response_chars, {engine.dialect.day_utc("c.started_at")} AS day,
                   CASE WHEN o.gram IS NULL THEN TRUE ELSE {carries} END AS sliced
            FROM calls c LEFT JOIN own_gram o ON c.account_id = o.account_id WHERE c.http_status IS NULL OR c.http_status < 400""",
    )
    half = engine.dialect.quantile("CAST(COALESCE(output_tokens, response_chars / 4) AS DOUBLE)", 0.5)
    rows = engine.fetch(f"""
        WITH talks AS (
          SELECT account_id, conversation_id, COUNT(*) AS calls FROM answered WHERE conversation_id IS NOT NULL
          GROUP BY account_id, conversation_id),
        requests AS (
          SELECT account_id, COUNT(*) AS times FROM answered WHERE prompt_hash IS NOT NULL AND sliced
          GROUP BY account_id, prompt_hash, system_hash),
        distinct_requests AS (SELECT account_id, COUNT(*) AS fresh, SUM(times) AS seen FROM requests GROUP BY account_id),
        plain AS (
          SELECT a.account_id, COUNT(*) AS calls, COUNT(DISTINCT a.day) AS days, SUM(COALESCE(a.output_tokens, 0)) AS tokens,
                 {half} AS answered,
                 SUM(CASE WHEN COALESCE(a.message_count, 1) <= 1 AND COALESCE(t.calls, 1) <= 1 THEN 1 ELSE 0 END) AS single
          FROM answered a LEFT JOIN talks t ON t.account_id = a.account_id AND t.conversation_id = a.conversation_id
          WHERE a.sliced GROUP BY a.account_id)
        SELECT p.account_id, CAST(p.calls AS DOUBLE) AS calls, CAST(p.days AS DOUBLE) AS days, CAST(p.tokens AS DOUBLE) AS tokens,
               p.answered,
               CAST(p.single AS DOUBLE) / CAST(p.calls AS DOUBLE) AS single,
               CAST(d.fresh AS DOUBLE) / CAST(d.seen AS DOUBLE) AS fresh
        FROM plain p LEFT JOIN distinct_requests d ON d.account_id = p.account_id""")
    micros = engine.dialect.epoch_us("started_at")
    lives = engine.fetch(f"""
        SELECT account_id, CAST(MIN({micros}) AS DOUBLE) / 8.64e10 AS began, CAST(MAX({micros}) AS DOUBLE) / 8.64e10 AS ended
        FROM calls GROUP BY account_id""")
    ended = _spread(lives, "ended", population, np.nan)
    return Traits(
        calls=_spread(rows, "calls", population, 0.0),
        tokens=_spread(rows, "tokens", population, 0.0),
        fresh=_spread(rows, "fresh", population, np.nan),
        single=_spread(rows, "single", population, np.nan),
        instructed=instructed,
        answered=_spread(rows, "answered", population, np.nan),
        days=_spread(rows, "days", population, 0.0),
        collided=_collided(population),
        began=_spread(lives, "began", population, np.nan),
        ended=ended,
        until=float(np.nanmax(ended)),
    )


NOT_ASKED = Harvest(float(np.log10(0.5)), {}, 1.0, (), False)
"""The harvest axis of a pool that has not been asked."""


def judge(
    engine: Engine, population: Population, members: Index, traits: Traits, grams: Sequence[str] = (), weights: Floats | None = None
) -> Harvest:
    """The harvest axis for one pool.

    Args:
        engine: holds ``calls`` and what `traits` made of them.
        population: the pool's.
        members: positions of the pool's accounts.
        traits: of all accounts.
        grams: the instruction that is characteristic of the pool, whose calls are then looked at.
        weights: how much each account counts in the population, shape (accounts,); the entities' weights if not given.
    """
    inside = np.zeros(population.size, dtype=bool)
    inside[members] = True
    reference = ~inside & (traits.calls >= LEAST_CALLS)
    pool = _pool(engine, population, members, grams[:MOST_GRAMS])
    if np.isfinite(traits.instructed[members]).any():
        pool["instructed"] = float(np.nanmedian(traits.instructed[members]))
    visible = bool(np.isfinite(pool["fresh"]))
    weight = population.weights if weights is None else weights
    total = 1.0 + float(weight[reference].sum())
    extreme, ordinary = reference.copy(), []
    for name in QUANTITIES:
        if np.isfinite(pool[name]):
            values = getattr(traits, name)
            near = TOLERANCE if name != "answered" else 0.0
            extreme &= values >= pool[name] - near
            if name in TELLING and float(weight[reference & (values > pool[name] + near)].sum()) > ORDINARY * total:
                ordinary.append(name)
    share = 1.0 if ordinary else (1.0 + float(weight[extreme].sum())) / total
    evidence = float(np.log10(0.5 / np.sqrt(share)))
    return Harvest(evidence, {name: value for name, value in pool.items() if np.isfinite(value)}, share, tuple(ordinary), visible)


def _pool(engine: Engine, population: Population, members: Index, grams: Sequence[str]) -> dict[str, float]:
    """The quantities of a pool as one whole, but for `instructed`; nan where the logs do not carry them."""
    engine.attach("of_pool", pa.table({"account_id": [population.accounts[at] for at in members]}))
    inside = "account_id IN (SELECT account_id FROM of_pool)"
    slices = "sliced"
    if grams:
        carrying = " OR ".join(engine.dialect.list_contains("sketch", f"CAST({int(gram)} AS BIGINT)") for gram in grams)
        engine.materialise("carrying", f"SELECT interaction_id FROM calls WHERE {inside} AND ({carrying})")
        slices = "interaction_id IN (SELECT interaction_id FROM carrying)"
    answered = engine.dialect.median("CAST(COALESCE(output_tokens, response_chars / 4) AS DOUBLE)")
    row = engine.fetch(f"""
        WITH mine AS (SELECT * FROM answered WHERE {inside} AND {slices}),
        talks AS (
          SELECT account_id, conversation_id, COUNT(*) AS calls FROM answered WHERE {inside} AND conversation_id IS NOT NULL
          GROUP BY account_id, conversation_id),
        requests AS (
          SELECT prompt_hash, system_hash, COUNT(*) AS times FROM mine WHERE prompt_hash IS NOT NULL GROUP BY prompt_hash, system_hash),
        fresh AS (SELECT COUNT(*) AS distinct_ones, SUM(times) AS seen FROM requests),
        plain AS (
          SELECT COUNT(*) AS calls, {answered} AS answered,
                 SUM(CASE WHEN COALESCE(a.message_count, 1) <= 1 AND COALESCE(t.calls, 1) <= 1 THEN 1 ELSE 0 END) AS single
          FROM mine a LEFT JOIN talks t ON t.account_id = a.account_id AND t.conversation_id = a.conversation_id)
        SELECT CAST(f.distinct_ones AS DOUBLE) / CAST(f.seen AS DOUBLE) AS fresh,
               CAST(p.single AS DOUBLE) / CAST(p.calls AS DOUBLE) AS single, p.answered
        FROM plain p CROSS JOIN fresh f""").to_pylist()[0]
    return {"fresh": _or_nan(row["fresh"]), "single": _or_nan(row["single"]), "instructed": np.nan, "answered": _or_nan(row["answered"])}


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _spread(rows: pa.Table, column: str, population: Population, missing: float) -> Floats:
    values = np.full(population.size, missing)
    for account, value in zip(rows["account_id"].to_pylist(), rows[column].to_pylist(), strict=True):
        at = population.position.get(str(account))
        if at is not None and value is not None:
            values[at] = value
    return values


def _most_recurrent(population: Population) -> tuple[Floats, pa.Table]:
    """The share of each account's requests in which its most recurrent gram stands, and that gram (account_id, gram)."""
    values = np.full(population.size, np.nan)
    own = pa.table({"account_id": pa.array([], pa.string()), "gram": pa.array([], pa.int64())})
    for sets in population.sets:
        if sets.aspect.name == "template.gram":
            values = np.zeros(population.size)
            order = np.lexsort((sets.values, -sets.shares, sets.accounts))
            accounts, first = np.unique(sets.accounts[order], return_index=True)
            top = order[first]
            values[accounts] = sets.shares[top]
            grams = pc.cast(sets.names.take(pa.array(sets.values[top], pa.int64())), pa.int64())
            own = pa.table({"account_id": pa.array([population.accounts[at] for at in accounts], pa.string()), "gram": grams})
    return values, own


def _collided(population: Population) -> Floats:
    """Share of each account's calls that at least two other entities sent, too: a public list, a popular prompt, a probe."""
    values = np.zeros(population.size)
    for sets in population.sets:
        if sets.aspect.name == "identical.request":
            public = sets.holders[sets.values] >= 3
            np.add.at(values, sets.accounts[public], sets.shares[public])
    return values
