"""Is the traffic of a pool a training set? The pool's distribution against the population's accounts.

A training set is asked for in requests that stand alone, carry one fixed instruction, never repeat, and get long
answers. Each can be innocent alone: together they are rare. Four quantities, for a pool as one whole and for every account
outside it with at least `LEAST_CALLS` answered calls:

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

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stillhunt.lake.engine import Engine
from stillhunt.pools.population import Floats, Index, Population

LEAST_CALLS = 20
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
    engine.materialise(
        "answered",
        f"""SELECT account_id, interaction_id, conversation_id, prompt_hash, COALESCE(system_hash, 0) AS system_hash,
                   message_count, output_tokens, response_chars, {engine.dialect.day_utc("started_at")} AS day
            FROM calls WHERE http_status IS NULL OR http_status < 400""",
    )
    half = engine.dialect.quantile("CAST(COALESCE(output_tokens, response_chars / 4) AS DOUBLE)", 0.5)
    rows = engine.fetch(f"""
        WITH talks AS (
          SELECT account_id, conversation_id, COUNT(*) AS calls FROM answered WHERE conversation_id IS NOT NULL
          GROUP BY account_id, conversation_id),
        requests AS (
          SELECT account_id, COUNT(*) AS times FROM answered WHERE prompt_hash IS NOT NULL
          GROUP BY account_id, prompt_hash, system_hash),
        distinct_requests AS (SELECT account_id, COUNT(*) AS fresh, SUM(times) AS seen FROM requests GROUP BY account_id),
        plain AS (
          SELECT a.account_id, COUNT(*) AS calls, COUNT(DISTINCT a.day) AS days, SUM(COALESCE(a.output_tokens, 0)) AS tokens,
                 {half} AS answered,
                 SUM(CASE WHEN COALESCE(a.message_count, 1) <= 1 AND COALESCE(t.calls, 1) <= 1 THEN 1 ELSE 0 END) AS single
          FROM answered a LEFT JOIN talks t ON t.account_id = a.account_id AND t.conversation_id = a.conversation_id
          GROUP BY a.account_id)
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
        instructed=_most_recurrent(population),
        answered=_spread(rows, "answered", population, np.nan),
        days=_spread(rows, "days", population, 0.0),
        collided=_collided(population),
        began=_spread(lives, "began", population, np.nan),
        ended=ended,
        until=float(np.nanmax(ended)),
    )


def judge(engine: Engine, population: Population, members: Index, traits: Traits) -> Harvest:
    """The harvest axis for one pool."""
    inside = np.zeros(population.size, dtype=bool)
    inside[members] = True
    reference = ~inside & (traits.calls >= LEAST_CALLS)
    pool = {
        "fresh": _fresh(engine, population, members),
        "single": _mean(traits.single[members], traits.calls[members]),
        "instructed": float(np.nanmedian(traits.instructed[members])) if np.isfinite(traits.instructed[members]).any() else np.nan,
        "answered": float(np.nanmedian(traits.answered[members])) if np.isfinite(traits.answered[members]).any() else np.nan,
    }
    visible = bool(np.isfinite(pool["fresh"]))
    weight = population.weights
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


def _mean(values: Floats, weights: Floats) -> float:
    known = np.isfinite(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else np.nan


def _fresh(engine: Engine, population: Population, members: Index) -> float:
    engine.attach("of_pool", pa.table({"account_id": [population.accounts[at] for at in members]}))
    row = engine.fetch("""
        WITH requests AS (
          SELECT prompt_hash, system_hash, COUNT(*) AS times FROM answered
          WHERE prompt_hash IS NOT NULL AND account_id IN (SELECT account_id FROM of_pool) GROUP BY prompt_hash, system_hash)
        SELECT CAST(COUNT(*) AS DOUBLE) AS distinct_ones, CAST(SUM(times) AS DOUBLE) AS total FROM requests""").to_pylist()[0]
    return row["distinct_ones"] / row["total"] if row["total"] else np.nan


def _spread(rows: pa.Table, column: str, population: Population, missing: float) -> Floats:
    values = np.full(population.size, missing)
    for account, value in zip(rows["account_id"].to_pylist(), rows[column].to_pylist(), strict=True):
        at = population.position.get(str(account))
        if at is not None and value is not None:
            values[at] = value
    return values


def _most_recurrent(population: Population) -> Floats:
    values = np.full(population.size, np.nan)
    for sets in population.sets:
        if sets.aspect.name == "template.gram":
            values = np.zeros(population.size)
            np.maximum.at(values, sets.accounts, sets.shares)
    return values


def _collided(population: Population) -> Floats:
    """Share of each account's calls that at least two other entities sent, too: a public list, a popular prompt, a probe."""
    values = np.zeros(population.size)
    for sets in population.sets:
        if sets.aspect.name == "identical.request":
            public = sets.holders[sets.values] >= 3
            np.add.at(values, sets.accounts[public], sets.shares[public])
    return values
