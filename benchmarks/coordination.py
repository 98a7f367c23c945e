"""Pools on labelled real sets that nobody here made, against other ways on the same rows; writes docs/benchmarks/coordination.md.

Labels only score. One setting for all sets: the defaults of `stillhunt.pools.gathering.gather`; what differs is what a table's channels
are and, for the posts, the window that the reference was run with. A set that is not there is skipped with a message.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import io
import os
import sqlite3
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
from baselines import at_least, fraudar, synchrotrap
from coordination_page import PAGE, page
from real_sets import Airdrop, Reviews, Shares, airdrop, reviews, shares
from rows import SEEDS, SHARED_TEXTS, Options, Row, numbers, say, scratch_folder, verdict, write_rows
from run import facts
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillhunt.pools import bursts, gathering
from stillhunt.pools.coaction import coactions
from stillhunt.pools.gathering import Gathered, gather

FOLDER = SHARED_TEXTS / "coordination"
TOOLKIT = "coordination_network_toolkit"
PRECISION, RECALL, REVIEWED = 0.985, 0.75, 0.6
RUNS = 5
RECALLS = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]


def measure(options: Options) -> list[Row]:
    """All sets that are there."""
    if not FOLDER.is_dir():
        say("skipped: no folder ../shared/data/coordination beside the checkout")
        return []
    rows: list[Row] = []
    for read, measured, name in (
        (airdrop, airdrop_rows, "hop_accounts.parquet"),
        (reviews, review_rows, "yelpchi_edges.parquet"),
        (shares, share_rows, "russian_coord_tweets.parquet"),
    ):
        if (FOLDER / name).exists():
            rows += measured(read(FOLDER), options)  # type: ignore[operator]  # each reader has its measurer beside it
        else:
            say(f"skipped: no {name} in ../shared/data/coordination")
    return rows


# --------------------------------------------------------------------------------------------------------------------
# Airdrop: who was judged to be one of many


def airdrop_rows(drop: Airdrop, options: Options) -> list[Row]:
    """Ours, how much the setting matters, and three other ways."""
    begin = time.perf_counter()
    found = gather(drop.observations, drop.kinds)
    seconds = {"ours": round(time.perf_counter() - begin, 1)}
    named = _named(found, drop.accounts)
    precision, recall, reviewed = _scored(drop, named)
    judged, reports = int(drop.judged.sum()), int(drop.reviewed.sum())
    under = f"airdrop: {drop.accounts.size:,} accounts, {judged:,} judged Sybils, {reports:,} of them in reviewed reports"
    by_kind = Counter(found.members["because"].to_pylist())
    rows = [
        Row("airdrop, ours: precision", f">= {PRECISION:.1%}", f"{precision:.2%}", precision >= PRECISION, under),
        Row("airdrop, ours: recall", f">= {RECALL:.0%}", f"{recall:.2%}", recall >= RECALL, under),
        Row("airdrop, ours: recall of the reviewed reports", f">= {REVIEWED:.0%}", f"{reviewed:.2%}", reviewed >= REVIEWED, under),
    ]
    each = [
        f"pools of {kind}: {_said(drop, _named(found, drop.accounts, kind))}, {by_kind[kind]:,} accounts" for kind in ("links", "burst")
    ]
    each += [f"{what}: {_said(drop, mask)}" for what, mask in _others(drop).items()]
    each += _ranked(drop, precision, recall)
    if not options.quick:
        each += _settings(drop)
    each += [_company(drop, found), _out_of_reach(drop)]
    rows[0] = replace(rows[0], each=tuple(each), seconds=seconds)
    return rows


def _named(found: Gathered, accounts: Numbers, because: str | None = None) -> Numbers:
    members = found.members.to_pylist()
    inside = {int(member["account"]) for member in members if because in {None, member["because"]}}
    return np.isin(accounts, list(inside))


def _scored(drop: Airdrop, named: Numbers) -> tuple[float, float, float]:
    hits = int((named & drop.judged).sum())
    return hits / max(int(named.sum()), 1), hits / int(drop.judged.sum()), int((named & drop.reviewed).sum()) / int(drop.reviewed.sum())


def _said(drop: Airdrop, named: Numbers) -> str:
    precision, recall, reviewed = _scored(drop, named)
    return f"precision {precision:.3f}, recall {recall:.3f}, of the reviewed {reviewed:.3f}"


def _others(drop: Airdrop) -> dict[str, Numbers]:
    size = int(max(drop.ends.max(), drop.accounts.max())) + 1
    graph = coo_array((np.ones(drop.ends.shape[1]), (drop.ends[0], drop.ends[1])), shape=(size, size))
    component = connected_components(graph, directed=False)[1][drop.accounts]
    account, value, moment, people = _coded(drop)
    ways = {"components of the transfer graph with 10 accounts or more (the baseline)": at_least(component, 10)}
    for similar in (0.5, 0.2):
        joined, _ = synchrotrap(account, value, moment, people, 3600.0, similar)
        ways[f"SynchroTrap-style, Jaccard >= {similar}, beginnings within an hour, components of 10 or more"] = at_least(joined, 10)
    return ways


def _coded(drop: Airdrop) -> tuple[Numbers, Numbers, Numbers, int]:
    """Ties as actions at no particular time, and beginning as an action of everybody on one value, for ways that know nothing else."""
    place = {str(account): at for at, account in enumerate(drop.accounts)}
    table = drop.observations.to_pylist()
    ties = [(place[row["account_id"]], f"{row['channel']} {row['value']}") for row in table if row["channel"] != "volume"]
    began = [(place[row["account_id"]], row["first_at"].timestamp()) for row in table if row["channel"] == "volume"]
    _, value = np.unique([value for _, value in ties], return_inverse=True)
    account = np.array([at for at, _ in ties] + [at for at, _ in began])
    day = np.array([moment // 3600 for _, moment in began]).astype(np.int64)
    _, hour = np.unique(day, return_inverse=True)
    moment = np.array([0.0] * len(ties) + [moment for _, moment in began])
    return account, np.concatenate([value, hour + int(value.max()) + 1]), moment, drop.accounts.size


def _ranked(drop: Airdrop, precision: float, recall: float) -> list[str]:
    account, value, _, people = _coded(drop)
    score = fraudar(account, value, people, int(value.max()) + 1, blocks=20)
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(drop.judged[order])
    shown = hits / np.arange(1, people + 1)
    reach = np.flatnonzero(shown >= min(precision, PRECISION))
    deep = int(np.searchsorted(hits, recall * hits[-1]))
    most = hits[reach[-1]] / hits[-1] if reach.size else 0.0
    return [
        f"FRAUDAR-style, 20 blocks: recall {most:.3f} at precision {PRECISION}; precision {shown[min(deep, people - 1)]:.3f} at our recall"
    ]


def _settings(drop: Airdrop) -> list[str]:
    """What becomes of the figures when one number of the setting is another."""
    said = []
    tried: tuple[tuple[str, Any, str, Any], ...] = (
        ("burst excess 0.3 bits", bursts, "EXCESS", 0.3),
        ("burst excess 0.5 bits", bursts, "EXCESS", 0.5),
        ("pools of links from 6 accounts on", gathering, "LEAST_LINKED", 6),
        ("pools of links from 10 accounts on", gathering, "LEAST_LINKED", 10),
        ("pools of links need no likeness", gathering, "LIKE", 0.0),
        ("pools of bursts from 8 accounts on", gathering, "LEAST_BURST", 8),
    )
    for what, module, name, value in tried:
        with patch.object(module, name, value):
            said.append(f"another setting, {what}: {_said(drop, _named(gather(drop.observations, drop.kinds), drop.accounts))}")
    return said


def _company(drop: Airdrop, found: Gathered) -> str:
    """Where the accounts are that bursts name and nobody judged."""
    judged = dict(zip(drop.accounts.tolist(), drop.judged.tolist(), strict=True))
    pools: dict[str, list[bool]] = {}
    for member in found.members.to_pylist():
        if member["because"] == "burst":
            pools.setdefault(member["pool"], []).append(judged[int(member["account"])])
    wrong = sum(accounts.count(False) for accounts in pools.values())
    among = sum(accounts.count(False) for accounts in pools.values() if sum(accounts) > len(accounts) / 2)
    return (
        f"of {wrong} accounts in {len(pools)} pools of bursts that were not judged, {among} are in pools whose other accounts mostly were"
    )


def _out_of_reach(drop: Airdrop) -> str:
    touched = np.isin(drop.accounts, drop.ends)
    bare = drop.judged & ~touched
    reports = f"{(bare & drop.reviewed).sum():,} of {drop.reviewed.sum():,} in reviewed reports"
    return (
        f"{bare.sum():,} of {drop.judged.sum():,} judged Sybils and {reports} have no transfer in the table: only when they began "
        "and their volume can show them"
    )


# --------------------------------------------------------------------------------------------------------------------
# Reviews: who wrote what the site filtered


def review_rows(site: Reviews, options: Options) -> list[Row]:
    """Precision at every recall, ours against a dense-block ranking."""
    begin = time.perf_counter()
    found = gather(site.observations)
    seconds = {"ours": round(time.perf_counter() - begin, 1)}
    bits = np.array([-np.inf if bit is None else bit for bit in found.accounts["crowd_bits"].to_pylist()])
    order = np.argsort([int(account) for account in found.accounts["account"].to_pylist()])
    begin = time.perf_counter()
    blocks = fraudar(site.user, site.product, site.users, site.products, blocks=5 if options.quick else 10)
    seconds["FRAUDAR-style"] = round(time.perf_counter() - begin, 1)
    ours = np.array([_curve(bits[order], site.spammer, seed) for seed in range(RUNS)])
    theirs = _curve(blocks, site.spammer, 0)
    worst = ours.min(axis=0)
    ahead = float((worst > theirs).mean())
    base = float(site.spammer.mean())
    joined, _ = synchrotrap(site.user, site.product, None, site.users, 0.0, most=200)
    group = at_least(joined, 8)
    found_share = float((group & site.spammer).sum() / site.spammer.sum())
    here = float(ours.mean(axis=0)[max(int(found_share * theirs.size) - 1, 0)])
    each = [
        f"recall {recall:.0%}: ours {_at(ours.mean(axis=0), recall):.3f}, FRAUDAR-style {_at(theirs, recall):.3f}, at random {base:.3f}"
        for recall in RECALLS
    ]
    each.append(f"mean precision over recall: ours {ours.mean():.3f}, FRAUDAR-style {theirs.mean():.3f}, at random {base:.3f}")
    each.append(
        f"SynchroTrap-style, Jaccard >= 0.5, products with 200 reviews at most, components of 8 or more: precision "
        f"{site.spammer[group].mean():.3f} at recall {found_share:.3f}; ours at that recall {here:.3f}"
    )
    each.append(f"links between reviewers that stand at a false discovery rate of {gathering.RATE:.0%}: {found.links.num_rows}")
    each += [f"not looked at: {note}" for note in found.notes]
    return [
        Row(
            "reviews: precision ahead of a FRAUDAR-style ranking, share of all recalls",
            "100%",
            f"{ahead:.1%} (in the worst of {RUNS} random orders of equals, smallest lead {float((worst - theirs).min()):.4f})",
            ahead == 1.0,
            f"reviews: {site.users:,} users, {site.user.size:,} reviews of {site.products} products, {base:.1%} of users with one filtered",
            each=tuple(each),
            seconds=seconds,
        )
    ]


def _curve(score: Numbers, right: Numbers, seed: int) -> Numbers:
    """Precision at the rank of the first, second ... right one; equals in a random order."""
    order = np.lexsort((np.random.default_rng(seed).random(score.size), -score))
    ranks = np.flatnonzero(right[order]) + 1
    return np.arange(1, ranks.size + 1) / ranks


def _at(curve: Numbers, recall: float) -> float:
    return float(curve[max(int(recall * curve.size) - 1, 0)])


# --------------------------------------------------------------------------------------------------------------------
# Posts: pairs that the reference implementation finds


def share_rows(posts: Shares, options: Options) -> list[Row]:
    """Every pair of the reference, why ours has more, other ways, and how fast."""
    rows, each = [], []
    missing = unexplained = 0
    settings = sorted(set(zip(posts.pairs["time_window"].to_pylist(), posts.pairs["min_participation"].to_pylist(), strict=True)))
    for window, least in settings:
        lacking, extra, said = _against_reference(posts, window, least)
        missing, unexplained = missing + lacking, unexplained + extra
        each.append(f"within {window} s, {least} posts or more: {said}")
    each += _other_ways(posts, *settings[-1])
    under = f"posts: {posts.post.size:,} posts of {np.unique(posts.account).size:,} accounts on {int(posts.object.max()) + 1:,} objects"
    rows.append(
        Row(
            "posts: pairs of the reference that ours lacks",
            "0",
            f"{missing} of {posts.pairs.num_rows:,}",
            missing == 0,
            under,
            each=tuple(each),
        )
    )
    rows.append(Row("posts: pairs that only ours has, without a reason", "0", str(unexplained), unexplained == 0, under))
    rows.append(_speed(posts, options, under))
    return rows


def _against_reference(posts: Shares, window: int, least: int) -> tuple[int, int, str]:
    """Pairs lacking, pairs beyond the reference without a reason, and the sums in words."""
    found = coactions(posts.account, posts.object, posts.moment, window)
    one, two = found.first, found.second
    mine = {frozenset(pair) for pair in zip(posts.post[one].tolist(), posts.post[two].tolist(), strict=True)}
    chosen = posts.pairs.filter((posts.pairs["time_window"].to_numpy() == window) & (posts.pairs["min_participation"].to_numpy() == least))
    theirs = {frozenset(pair) for pair in zip(chosen["content_id"].to_pylist(), chosen["content_id_y"].to_pylist(), strict=True)}
    wrote = np.bincount(posts.account)[posts.account] >= least
    few = ~(wrote[one] & wrote[two])
    coacting = np.isin(posts.post, np.r_[posts.post[one[~few]], posts.post[two[~few]]]) & wrote
    often = np.bincount(posts.account[coacting], minlength=int(posts.account.max()) + 1)[posts.account] >= least
    kept = np.unique(posts.post[coacting & often])
    rare = ~few & ~(np.isin(posts.post[one], kept) | np.isin(posts.post[two], kept))
    reasons = Counter[str]()
    for at in range(one.size):
        if frozenset((int(posts.post[one[at]]), int(posts.post[two[at]]))) in theirs:
            continue
        reasons["few" if few[at] else "rare" if rare[at] else "none"] += 1
    said = (
        f"reference {len(theirs):,} pairs, ours {len(mine):,}, lacking {len(theirs - mine)}; of ours beyond it, {reasons['few']:,} have an "
        f"account with fewer than {least} posts in all, {reasons['rare']:,} have no account with {least} posts that coincide with others', "
        f"{reasons['none']} no reason"
    )
    return len(theirs - mine), reasons["none"], said


def _other_ways(posts: Shares, window: int, least: int) -> list[str]:
    chosen = posts.pairs.filter((posts.pairs["time_window"].to_numpy() == window) & (posts.pairs["min_participation"].to_numpy() == least))
    truth = np.unique(np.r_[chosen["account_id"].to_numpy(), chosen["account_id_y"].to_numpy()])
    size = int(posts.account.max()) + 1
    named = np.zeros(size, dtype=bool)
    named[truth] = True
    joined, pairs = synchrotrap(posts.account, posts.object, posts.moment.astype(float), size, float(window))
    group = at_least(joined, 2)
    score = fraudar(posts.account, posts.object, size, int(posts.object.max()) + 1)
    top = np.argsort(-score, kind="stable")[: truth.size]
    linked = gather(posts.observations, within=float(window)).links.num_rows
    joining = f"SynchroTrap-style joins {pairs:,} pairs of accounts and has {int((group & named).sum())} of them among {int(group.sum()):,}"
    ranking = f"of the {truth.size} that a FRAUDAR-style ranking puts first, {int(named[top].sum())} are"
    return [
        f"of {truth.size} accounts in the reference's pairs (within {window} s, {least} posts): {joining} accounts; {ranking}",
        f"pairs of accounts that coincide more than chance explains, at a false discovery rate of {gathering.RATE:.0%}: {linked}",
    ]


def _speed(posts: Shares, options: Options, under: str) -> Row:
    """Alternating runs in one process: our network of co-acting accounts and theirs, from the same rows in memory."""
    what = "posts: time of coordination-network-toolkit over ours, same rows, co-retweets within 60 s"
    if find_spec(TOOLKIT) is None:
        say(f"skipped: {TOOLKIT} cannot be imported; pip install --target DIR coordination-network-toolkit and PYTHONPATH=DIR")
        return Row(what, "> 1", "not measured: the toolkit is not installed", None, under)
    ours, computed, whole = [], [], []
    same = ""
    with TemporaryDirectory(dir=options.scratch) as folder:
        for run in range(2 if options.quick else RUNS):
            begin = time.perf_counter()
            mine = _network(posts, 60)
            ours.append(time.perf_counter() - begin)
            prepare, compute, theirs = _toolkit(posts, 60, Path(folder) / f"{run}.db")
            computed.append(compute)
            whole.append(prepare + compute)
            same = f"{len(mine):,} pairs of accounts by ours, {len(theirs):,} by theirs, {len(mine & theirs):,} in both"
    ratio = statistics.median(computed) / statistics.median(ours)
    all_ratio = statistics.median(whole) / statistics.median(ours)
    try:
        released = version("coordination-network-toolkit")
    except PackageNotFoundError:
        released = "of unknown version"
    return Row(
        what,
        "> 1",
        f"{ratio:,.0f} times (its computing alone), {all_ratio:,.0f} times with its reading; medians of {len(ours)} runs in turn",
        ratio > 1,
        under,
        each=(
            f"toolkit {released}, {os.cpu_count()} processes; {same}",
            f"seconds: ours {statistics.median(ours):.4f}, toolkit {statistics.median(computed):.2f} and {statistics.median(whole):.2f}",
        ),
    )


def _network(posts: Shares, window: int) -> set[tuple[int, int]]:
    found = coactions(posts.account, posts.object, posts.moment, window)
    ends = np.sort(np.stack([posts.account[found.first], posts.account[found.second]]), axis=0)
    pairs = np.unique(ends, axis=1)
    return set(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))


def _toolkit(posts: Shares, window: int, database: Path) -> tuple[float, float, set[tuple[int, int]]]:
    """Seconds to read, seconds to compute, and its pairs of accounts."""
    networks, preparing = import_module(f"{TOOLKIT}.compute_networks"), import_module(f"{TOOLKIT}.preprocess")
    columns = (posts.post.tolist(), posts.account.tolist(), posts.object.tolist(), posts.moment.tolist())
    messages = (
        (f"p{post}", str(account), "", f"o{thing}", "", "", moment, []) for post, account, thing, moment in zip(*columns, strict=True)
    )
    with contextlib.redirect_stdout(io.StringIO()):
        begin = time.perf_counter()
        preparing.preprocess_data(str(database), messages)
        prepare = time.perf_counter() - begin
        begin = time.perf_counter()
        networks.compute_co_retweet_parallel(str(database), window, n_threads=os.cpu_count() or 1)
        compute = time.perf_counter() - begin
    connection = sqlite3.connect(database)
    found = {
        (int(one), int(two)) for one, two in connection.execute("select user_1, user_2 from co_retweet_network") if int(one) < int(two)
    }
    connection.close()
    return prepare, compute, found


def main() -> int:
    """Measure, print, and write the page unless the run is quick or nothing was there."""
    parser = argparse.ArgumentParser(description="The pools engine on labelled real sets, against other ways.")
    parser.add_argument("--quick", action="store_true", help="fewer runs and no other settings; writes no page")
    parser.add_argument(
        "--seeds", type=numbers, default=SEEDS, help="taken for the sake of benchmarks/run.py; nothing here is drawn from them"
    )
    parser.add_argument("--scratch", type=Path, help="a folder for databases (default: bench-work in the checkout)")
    parser.add_argument("--rows", type=Path, help="write the rows to this file as JSON, too")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes")
    given = parser.parse_args()
    begun = dt.datetime.now(dt.UTC)
    options = Options(scratch_folder(given.scratch), given.quick, given.seeds)
    rows = measure(options)
    if given.rows:
        write_rows(given.rows, rows)
    show: Callable[[str], None] = print
    for row in rows:
        show(f"{verdict(row):6}  {row.what}: {row.figure}   bar: {row.bar or 'none'}")
        for one in row.each:
            show(f"          {one}")
    if rows and not given.quick:
        conditions = {name: words for name, words in facts(begun, "", "", quick=False).items() if name not in {"Seeds", "Texts"}}
        given.page.parent.mkdir(parents=True, exist_ok=True)
        given.page.write_text(page(rows, conditions))
        say(f"written: {given.page.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
