"""Explanations that a person understands: what the accounts share, with how many, and how many one would expect."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stillhunt.campaigns.harvest import Harvest
from stillhunt.channels import Channel
from stillhunt.pools.evidence import Group
from stillhunt.pools.find import Pool
from stillhunt.pools.population import Column, Population
from stillhunt.records import SharedObservation

TELLING_BITS = 1.0
"""Observations with fewer bits than this explain nothing and are not shown."""

MEMBER_WORDS = {
    "fresh": "{value:.1%} of the requests are asked only once",
    "single": "{value:.0%} stand alone, outside any conversation",
    "instructed": "one fixed instruction stands in {value:.0%} of a typical member's requests",
    "answered": "the typical answer is {value:,.0f} tokens long",
}


def shared(population: Population, pool: Pool, channels: Mapping[str, Channel]) -> dict[int, list[SharedObservation]]:
    """For each member what it shares with the others, most telling first."""
    found: dict[int, list[SharedObservation]] = {int(at): [] for at in pool.members}
    group = Group(population, pool.members)
    for name, bits in pool.account_bits.items():
        column = pool.grown.columns.get(name)
        if column is None:
            continue
        coding = column.middle
        present, counts, share = group.present(column, coding)
        codes = column.of(pool.members)
        which = np.searchsorted(present, coding.of(codes))
        numbers = column.numbers_of(pool.members)
        channel = channels[column.channel]
        words: dict[str, str] = {}
        for at in np.flatnonzero((bits >= TELLING_BITS) & (codes > 0)).tolist():
            value = _value(column, float(numbers[at]), int(codes[at]))
            if value not in words:
                words[value] = channel.describe(name, value)
            found[int(pool.members[at])].append(
                SharedObservation(
                    channel=name,
                    value=value,
                    bits=round(float(bits[at]), 2),
                    shared_with=max(int(counts[which[at]]) - 1, 0),
                    expected=round(float(share[which[at]]) * group.size, 2),
                    description=words[value],
                )
            )
    for observations in found.values():
        observations.sort(key=lambda one: -one.bits)
    return found


def _value(column: Column, number: float, code: int) -> str:
    return f"{number:.4f}" if column.numbers is not None else column.name(code)


def what_they_share(population: Population, pool: Pool, channels: Mapping[str, Channel]) -> list[str]:
    """One sentence for each column that tells the pool from strangers, most telling first."""
    group = Group(population, pool.members)
    sentences = []
    for name, bits in sorted(pool.grown.bits.items(), key=lambda item: -item[1]):
        column = pool.grown.columns[name]
        if bits / max(group.size, 1) < TELLING_BITS:
            continue
        coding = column.middle
        present, counts, share = group.present(column, coding)
        counts = np.where(present == 0, 0, counts)
        top = int(counts.argmax())
        if counts[top] < 2:
            continue
        codes = column.of(pool.members)
        at = int(np.flatnonzero(coding.of(codes) == present[top])[0])
        value = _value(column, float(column.numbers_of(pool.members[at : at + 1])[0]), int(codes[at]))
        what = channels[column.channel].describe(name, value)
        values = int((counts > 1).sum())
        if column.numbers is not None or values <= 1 or counts[top] >= 0.5 * group.size:
            held, strangers = int(counts[top]), float(share[top]) * group.size
            sentences.append(f"{_of(held, group.size)} share {what}; among {group.size} strangers {_about(strangers)} would")
        else:
            held = int(counts[counts > 1].sum())
            sentences.append(
                f"{_of(held, group.size)} share {column.aspect.title} with others among them: {values} values in all, such as {what}"
            )
    return sentences


def _of(held: int, size: int) -> str:
    return f"All {size}" if held == size else f"{held} of {size}"


def _about(strangers: float) -> str:
    if strangers < 0.05:
        return "nobody"
    return "fewer than one" if strangers < 1 else f"about {strangers:.0f}"


def what_they_harvest(harvest: Harvest) -> str:
    """One sentence on the traffic."""
    parts = [MEMBER_WORDS[name].format(value=value) for name, value in harvest.quantities.items() if name in MEMBER_WORDS]
    if not parts:
        return "The logs carry no content and no token counts: whether they harvest cannot be seen."
    return "Their traffic: " + "; ".join(parts) + f". {harvest.as_extreme:.1%} of comparable accounts are as extreme."


def instructions(grams: list[str], phrases: Mapping[int, str], limit: int = 6) -> list[str]:
    """The words behind the pool's characteristic grams, chained where they overlap, slots shown as an ellipsis."""
    words = [phrases[int(gram)].split() for gram in grams if int(gram) in phrases]
    chains = [chain for chain in words if chain]
    merged = True
    while merged:
        merged = False
        for i, one in enumerate(chains):
            for j, other in enumerate(chains):
                overlap = _overlap(one, other) if i != j else 0
                if overlap:
                    chains[i] = one + other[overlap:]
                    del chains[j]
                    merged = True
                    break
            if merged:
                break
    chains.sort(key=lambda chain: -len(chain))
    return ["… " + " ".join(chain) + " …" for chain in chains[:limit]]


def _overlap(one: list[str], other: list[str]) -> int:
    """Length of the longest end of `one` that begins `other`; 0 unless at least two words."""
    for length in range(min(len(one), len(other)), 1, -1):
        if one[-length:] == other[:length]:
            return length
    return 0
