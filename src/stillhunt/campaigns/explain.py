"""Explanations that a person understands: what the accounts share, with how many, and how many one would expect."""

from __future__ import annotations

from collections.abc import Mapping

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
    for name, bits in pool.grown.account_bits.items():
        column = pool.grown.columns.get(name)
        if column is None:
            continue
        coding = column.middle
        counts, expected = group.counts(coding), group.outside(coding) * group.size
        channel = channels[column.channel]
        for at in pool.members:
            code = int(coding.codes[at])
            if bits[at] < TELLING_BITS or code == 0:
                continue
            value = _value(column, int(at), code)
            found[int(at)].append(
                SharedObservation(
                    channel=name,
                    value=value,
                    bits=round(float(bits[at]), 2),
                    shared_with=max(int(counts[code]) - 1, 0),
                    expected=round(float(expected[code]), 2),
                    description=channel.describe(name, value),
                )
            )
    for observations in found.values():
        observations.sort(key=lambda one: -one.bits)
    return found


def _value(column: Column, at: int, code: int) -> str:
    if column.numbers is not None:
        return f"{column.numbers[at]:.4f}"
    return column.names[code] if code < len(column.names) else str(code)


def what_they_share(population: Population, pool: Pool, channels: Mapping[str, Channel]) -> list[str]:
    """One sentence for each column that tells the pool from strangers, most telling first."""
    group = Group(population, pool.members)
    sentences = []
    for name, bits in sorted(pool.grown.bits.items(), key=lambda item: -item[1]):
        column = pool.grown.columns[name]
        if bits / max(group.size, 1) < TELLING_BITS:
            continue
        coding = column.middle
        counts = group.counts(coding)
        counts[0] = 0
        code = int(counts.argmax())
        if counts[code] < 2:
            continue
        share = group.outside(coding)
        at = int(pool.members[coding.codes[pool.members] == code][0])
        what = channels[column.channel].describe(name, _value(column, at, code))
        values = int((counts > 1).sum())
        if column.numbers is not None or values <= 1 or counts[code] >= 0.5 * group.size:
            held, strangers = int(counts[code]), float(share[code]) * group.size
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
