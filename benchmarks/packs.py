"""Packs: how many of an operator's accounts another provider recognises by one, and how many strangers match.

One operator's accounts are divided between two providers with populations of different seeds. The first scans, makes a pack of what it
finds, and the second looks for it: among so many of the operator's accounts as its own scan may name, and among ten, too few for a scan
to name. Then every pack is looked for in worlds where its operator is not: every account there that matches is a false match.

    python benchmarks/packs.py SCRATCH [--texts DIR] [--pairs 3] [--crowd 200000] [--page FILE]

What was measured is kept in SCRATCH and not measured again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import beta

from stillhunt.campaigns import Settings, hunt
from stillhunt.campaigns.declared import declarations
from stillhunt.campaigns.recognised import recognise
from stillhunt.campaigns.view import Sight, open_view
from stillhunt.cases.material import material_of
from stillhunt.cases.share.packing import behaviour, gather
from stillhunt.channels.template import CHANNEL
from stillhunt.errors import InputError
from stillhunt.lake import Lake, packs
from stillhunt.range.ladder import worlds
from stillhunt.range.ladder.steps import steps
from stillhunt.range.ladder.worlds import Conditions, Part
from stillhunt.range.world import WorldSpec, make
from stillhunt.records.packs import KeptPack, Pack

STEPS = ("L0", "L1", "L2", "L3", "L3-free", "L4", "L5", "sprint")
FEW = 10
FIRST_SEED = 7_500
ZERO = "0" * 32


def main() -> None:
    """Measure what is not measured yet, print it, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--texts", type=Path, help="a folder of texts; left out: those that come with Stillhunt")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of providers")
    parser.add_argument("--accounts", type=int, default=4_000, help="unrelated accounts of each provider")
    parser.add_argument("--hidden", type=int, default=400, help="the operator's accounts, at both providers together")
    parser.add_argument("--crowd", type=int, default=0, help="accounts of a world of fingerprints that all packs are looked for in")
    parser.add_argument(
        "--only-people", action="store_true", help="the first provider has no innocent twins: nothing that it could leave out"
    )
    parser.add_argument("--page", type=Path, help="write the page of all that is kept in SCRATCH")
    asked = parser.parse_args()
    asked.scratch.mkdir(parents=True, exist_ok=True)
    for number in range(asked.pairs):
        for step in STEPS:
            _once(asked.scratch / f"{_tag(asked)}-{number}-{step}.json", lambda n=number, s=step: pair(asked, n, s))
    _once(asked.scratch / f"false-{_tag(asked)}.json", lambda: strangers(asked))
    if asked.crowd:
        _once(asked.scratch / f"false-{_tag(asked)}-crowd-{asked.crowd}.json", lambda: crowd(asked))
    text = page(asked.scratch)
    print(text)
    if asked.page is not None:
        asked.page.write_text(text)


def _tag(asked: argparse.Namespace) -> str:
    return ("real" if asked.texts else "bank") + ("-people" if asked.only_people else "")


def _conditions(asked: argparse.Namespace, *, sender: bool = False) -> Conditions:
    return Conditions(
        accounts=asked.accounts,
        calls=20 * asked.accounts,
        hidden=asked.hidden,
        days=14,
        texts=asked.texts,
        format="canonical",
        workers=1,
        populations="people" if sender and asked.only_people else "all",
    )


def _once(path: Path, measure: Any) -> None:
    if not path.exists():
        begun = time.monotonic()
        found = measure()
        path.write_text(json.dumps(found))
        print(path.name, f"{time.monotonic() - begun:.0f} s", {key: value for key, value in found.items() if key != "pack"}, flush=True)


# ---- two providers


def pair(asked: argparse.Namespace, number: int, step: str) -> dict[str, Any]:
    """One operator at two providers."""
    first, second = FIRST_SEED + 2 * number, FIRST_SEED + 2 * number + 1
    sender, recipient = _conditions(asked, sender=True), _conditions(asked)
    operators = [replace(one, accounts=asked.hidden) for one in steps()[step].operators]
    theirs, _ = worlds.operation(sender, first, operators, asked.scratch)
    called = pc.unique(theirs.tables["interactions"]["account_id"])
    hidden = [
        row["account_id"] for row in theirs.truth.to_pylist() if row["operator"] and pc.is_in(pa.scalar(row["account_id"]), called).as_py()
    ]
    np.random.default_rng(first).shuffle(hidden)
    here, there = set(hidden[: len(hidden) // 2]), set(hidden[len(hidden) // 2 :])
    beside = {str(account) for account in theirs.truth["account_id"].to_pylist()} - set(hidden)
    result: dict[str, Any] = {"step": step, "seeds": [first, second], "here": len(here), "there": len(there), "pack": None}
    with _lake(asked, first, [worlds.base(sender, first, asked.scratch), _cut(theirs, here | beside)]) as lake:
        findings = hunt(lake)
        best = max(findings.campaigns, key=lambda one: sum(member.account_id in here for member in one.accounts), default=None)
        own = sum(member.account_id in here for member in best.accounts) if best else 0
        result["named_here"] = own
        if best is None or not own:
            return result | {"why": "not named"}
        material = material_of(lake, findings, best.campaign_id)
        try:
            gathered = gather(material)
        except InputError as error:
            return result | {"why": str(error)}
        text = _packed(gathered, behaviour(material), len(best.accounts))
    result |= {"pack": text, "grams": sum(len(one.grams) for one in gathered.templates), "least": gathered.least}
    everybody = worlds.base(recipient, second, asked.scratch)
    with _lake(asked, second, [everybody, _cut(theirs, there)]) as lake:
        findings = hunt(lake, settings=Settings(packs=(text,)))
        named = {member.account_id for campaign in findings.campaigns for member in campaign.accounts}
        found = {account.account_id for account in findings.recognised[0].accounts}
        result |= {"named_there": len(named & there), "found": len(found & there), "false": len(found - there - beside)}
    few = set(sorted(there)[:FEW])
    with _lake(asked, second, [everybody, _cut(theirs, few)]) as lake:
        found, _ = looked_for(open_view(lake, None), text)
        result |= {"few": len(few), "few_found": len(found & few), "few_false": len(found - few)}
    return result


def _packed(gathered: Any, helps: Any, accounts: int) -> str:
    pack = Pack(
        pack_id=ZERO,
        sequence=1,
        issuer="range",
        signers=["range"],
        recipient="range",
        tlp="amber",
        issued_at="2026-01-01T00:00:00Z",
        expires_at="2036-01-01T00:00:00Z",
        campaign=ZERO,
        accounts=accounts,
        first_day="2026-01-01",
        last_day="2026-12-31",
        least=gathered.least,
        matched=gathered.matched,
        templates=gathered.templates,
        behaviour=helps,
    )
    return packs.encode(KeptPack(pack=pack, imported_at="2026-01-01T00:00:00Z", envelope_sha256="0" * 64))


def looked_for(sight: Sight, text: str) -> tuple[set[str], bool]:
    """Accounts that match a pack where no scan has named anybody, and whether others that do were counted only, or its words are common."""
    declared = declarations(sight.digest.people, sight.granted)
    observed = next(iter(CHANNEL.observe(sight.digest)))
    (one,) = recognise(sight.digest, observed, declared, {}, packs.decode([text]), sight.last)
    return {account.account_id for account in one.accounts}, one.reason is not None


@contextmanager
def _lake(asked: argparse.Namespace, seed: int, parts: list[Part]) -> Iterator[Lake]:
    place = asked.scratch / f"lake-{time.time_ns()}"
    try:
        with worlds.put_together(place, worlds.key(seed), parts) as lake:
            yield lake
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _cut(part: Part, accounts: set[str]) -> Part:
    wanted = pa.array(sorted(accounts), pa.string())
    kept = {name: table.filter(pc.is_in(table["account_id"], value_set=wanted)) for name, table in part.tables.items() if name[0] in "ia"}
    return Part(part.tables | kept, part.truth)


# ---- strangers


def _packs(scratch: Path) -> list[str]:
    results = [json.loads(path.read_text()) for path in sorted(scratch.glob("[br]*-L*.json")) + sorted(scratch.glob("[br]*-sprint.json"))]
    return [one["pack"] for one in results if one.get("pack")]


def strangers(asked: argparse.Namespace) -> dict[str, Any]:
    """Every pack in the worlds of all providers, where none of the operators is."""
    texts, accounts, seen = _packs(asked.scratch), 0, list[tuple[set[str], bool]]()
    for seed in range(FIRST_SEED, FIRST_SEED + 2 * asked.pairs):
        conditions = replace(_conditions(asked), populations="all")
        with _lake(asked, seed, [worlds.base(conditions, seed, asked.scratch)]) as lake:
            sight = open_view(lake, None)
            accounts += len(sight.digest.accounts)
            seen += [looked_for(sight, text) for text in texts]
    return {"world": f"{_tag(asked)}, {2 * asked.pairs} worlds", "packs": len(texts), "accounts": accounts} | _told(seen)


def crowd(asked: argparse.Namespace) -> dict[str, Any]:
    """Every pack in one large world of fingerprints."""
    texts, place = _packs(asked.scratch), asked.scratch / f"crowd-{time.time_ns()}"
    spec = WorldSpec(seed=FIRST_SEED + 99, days=10, accounts=asked.crowd, calls=15 * asked.crowd, texts=asked.texts, format="fingerprints")
    try:
        make(spec, place)
        with Lake.open(place / "lake") as lake:
            sight = open_view(lake, None)
            seen = [looked_for(sight, text) for text in texts]
            return {"world": f"{_tag(asked)}, fingerprints", "packs": len(texts), "accounts": len(sight.digest.accounts)} | _told(seen)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _told(seen: list[tuple[set[str], bool]]) -> dict[str, int]:
    return {"false": sum(len(found) for found, _ in seen), "counted": sum(counted for _, counted in seen)}


# ---- what is told


def page(scratch: Path) -> str:
    """What is kept in a folder, as Markdown."""
    lines = [
        "# Packs: recognised, and not mistaken",
        "",
        "Measured by `python benchmarks/packs.py SCRATCH --crowd 200000 --page docs/benchmarks/packs.md`, which says how. One",
        "operator's accounts are divided between two providers of 4,000 unrelated accounts each, people and innocent twins,",
        "over 14 days. Recognised: of the operator's accounts at the second. Intervals are Clopper and Pearson's, 95 %, with",
        "accounts taken as independent, which those of one operator are not; neither are pairs of one pack, or packs of one",
        "range: the bounds below hold for worlds like these, and not for traffic with frameworks or habits that the range has",
        "not.",
        "",
        "Packs brought into SCRATCH as `brought-*.json`, from other seeds, are looked for among strangers, too, and not counted here.",
        "",
        "*people*: the first provider has no innocent twins, so that it can leave nothing out for their sake. Only a number is",
        "told where many match, or who matches is open about it (declared organizations, entitlements).",
        "",
        "| texts | step | packs of operators | named by the second's own scan | recognised | of ten, none named | false |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for tag in ("bank", "real", "bank-people", "real-people"):
        for step in STEPS:
            results = [json.loads(path.read_text()) for path in sorted(scratch.glob(f"{tag}-[0-9]*-{step}.json"))]
            made = [one for one in results if one["pack"]]
            if not results:
                continue
            cells = [tag, step, f"{len(made)} of {len(results)}"]
            if made:
                there, few = sum(one["there"] for one in made), sum(one["few"] for one in made)
                cells += [f"{sum(one['named_there'] for one in made) / there:.1%}"]
                cells += [share(sum(one["found"] for one in made), there), share(sum(one["few_found"] for one in made), few)]
                cells += [str(sum(one["false"] + one["few_false"] for one in made))]
            lines.append("| " + " | ".join([*cells, "", "", "", ""][:7]) + " |")
    lines += [
        "",
        "| strangers of | packs | accounts | pairs | only a number told of | false matches | upper bound, 95 % |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    pairs = false = 0
    for path in sorted(scratch.glob("false-*.json")):
        one = json.loads(path.read_text())
        here = one["packs"] * one["accounts"]
        pairs, false = pairs + here, false + one["false"]
        cells = [one["world"], str(one["packs"]), f"{one['accounts']:,}", f"{here:,}", str(one["counted"]), str(one["false"])]
        lines.append(f"| {' | '.join(cells)} | {bound(one['false'], here):.1e} |")
    if pairs:
        lines.append(f"| **all** | | | {pairs:,} | | {false} | {bound(false, pairs):.1e} |")
    return "\n".join(lines) + "\n"


def share(found: int, of: int) -> str:
    """A share with its interval."""
    low = float(beta.ppf(0.025, found, of - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, of - found)) if found < of else 1.0
    return f"{found / of:.1%} ({low:.1%} to {high:.1%} of {of})"


def bound(false: int, pairs: int) -> float:
    """Upper end of the one-sided 95 % interval of a rate; three over the number of pairs where none was seen (the rule of three)."""
    return float(beta.ppf(0.95, false + 1, pairs - false)) if pairs else 1.0


if __name__ == "__main__":
    main()
