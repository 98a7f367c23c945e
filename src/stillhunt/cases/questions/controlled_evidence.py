"""What observations weigh for each hypothesis of the first question: the whole table of weights, in bits, with its reasons.

Bits are log2 P(observation | hypothesis) / P(observation | strangers). Where the scan measured them they are its own: the evidence of a
family of channels, visible causes granted (`Campaign.concealment`). Where nobody can measure them they are small whole numbers that stand
here, to be argued with: one bit "somewhat likelier", two "several times likelier", three "hardly otherwise".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stillhunt.cases.questions.blocks import SPLIT, Blocks, Crossing
from stillhunt.cases.questions.customers import Carried
from stillhunt.cases.questions.likelihood import MOST_BITS, Evidence, bits_of_p
from stillhunt.cases.wording import by_chance, speaks_for

ONE = "one operator"
SEVERAL = "several operators"
RESOLD = "a reseller's customers"
UNRELATED = "unrelated people who share a cause"
HANDS: dict[str, float] = {ONE: 0.25, SEVERAL: 0.25, RESOLD: 0.25, UNRELATED: 0.25}
"""Prior probabilities: even."""

ITSELF = "an operator for itself"
INTERNAL = "an internal team of one customer"
CONTRACTOR = "a contractor or data vendor"
ROLES: dict[str, float] = {ITSELF: 1 / 3, INTERNAL: 1 / 3, CONTRACTOR: 1 / 3}

BY_RESELLING = frozenset({"payer", "identity", "place", "software", "occasion"})
"""What a reseller's accounts have in common whatever its customers do: it opens, pays and runs them. Conduct and work are the customers'
own."""

WORDS = {
    "payer": "who pays",
    "identity": "who they say they are",
    "place": "where they call from",
    "software": "what they run",
    "occasion": "when and how they came",
    "conduct": "how they behave",
    "work": "what they work on",
}

UNDECIDED = 0.05
"""p of a test for blocks up to which it does not speak against them, found or not."""

MANY_END_USERS = 3.0
MOSTLY = 0.9
MIXED = 0.5
FEW_HANDED = 5.0
"""So many requests must be expected across blocks before their absence says anything."""


@dataclass(frozen=True)
class Records:
    """What is on record of the members.

    Attributes:
        accounts: how many there are.
        organized: accounts that declare the organization that most declare.
        scopes: of entitlements that members or their organizations hold.
        distinct: column of the accounts table -> (distinct values, accounts with one).
        weekend: share of calls on Saturday and Sunday; nan where not to be said.
        declaring: whether anybody at all declares an organization in these logs: else nobody could, and that none of these do says nothing.
    """

    accounts: int
    organized: int
    scopes: tuple[str, ...]
    distinct: Mapping[str, tuple[int, int]]
    weekend: float
    declaring: bool = True


def evidence_of_control(parts: Mapping[str, float]) -> list[Evidence]:
    """The scan's own evidence, family by family, visible causes granted.

    Operators predict every family. A reseller predicts what it does itself (`BY_RESELLING`) and neither how nor on what its customers work.

    Args:
        parts: family -> log10 evidence, as `Campaign.concealment` has them.
    """
    found = []
    for family, value in sorted(parts.items(), key=lambda item: -item[1]):
        bits = max(-MOST_BITS, min(MOST_BITS, value * math.log2(10.0)))
        weights = {ONE: bits, SEVERAL: bits, RESOLD: bits if family in BY_RESELLING else 0.0}
        what = WORDS.get(family, family)
        text = (
            f"They are alike in {what}: {by_chance(value)} by chance, visible causes granted."
            if speaks_for(value)
            else f"They are no more alike in {what} than strangers are ({by_chance(value)}), visible causes granted."
        )
        found.append(Evidence(family, text, weights, f"concealment: {family}"))
    return found


def evidence_of_blocks(split: Blocks, crossing: Crossing | None, apart: float | None, tied: float) -> list[Evidence]:
    """Whether the members fall apart.

    Two operators would be alike across families of respects by chance only, so a test that finds nothing speaks against them: one bit for
    each family beyond the first, two at most. Blocks speak for them by two bits at most, because one operator that buys and sets up by the
    batch makes blocks, too. What decides is whether work goes from block to block (p of so few, as an e-value; or three bits if it goes as
    one queue would send it), and whether blocks have anything rare in common.
    """
    found: list[Evidence] = []
    sizes = split.sizes
    if split.p is not None and split.p > UNDECIDED:
        lost = -min(2.0, len(split.tested) - 1.0)
        text = f"No blocks: what an account has in one respect ({', '.join(split.tested)}) says little of the others (p = {split.p:.3f})."
        found.append(Evidence("blocks", text, {SEVERAL: lost}, "estimates: block_test"))
    elif split.p is not None and len(sizes) >= 2:
        shown = ", ".join(f"{size:,}" for size in sizes[:6])
        text = f"The accounts form {len(sizes)} blocks ({shown}), each alike in several respects (p = {split.p:.3f})."
        found.append(Evidence("blocks", text, {SEVERAL: min(2.0, max(0.0, bits_of_p(split.p)))}, "tables: blocks"))
    if apart is not None:
        if apart >= MOSTLY:
            text = f"{apart:.0%} of the accounts in blocks have nothing rare in common with any account of another block."
            found.append(Evidence("blocks", text, {SEVERAL: 4.0}, "tables: blocks"))
        elif apart <= 1 - MOSTLY:
            text = "Nearly all accounts in blocks have something rare in common with accounts of other blocks."
            found.append(Evidence("blocks", text, {ONE: 1.0}, "tables: blocks"))
    if tied >= MOSTLY:
        text = f"Refused requests that are handed on tie {tied:.0%} of the accounts into one, directly or in a chain."
        found.append(Evidence("handing on", text, {SEVERAL: -3.0}))
    if crossing is not None and crossing.expected >= FEW_HANDED:
        text = (
            f"Of {crossing.handed:,} refused requests that were handed on between blocks' accounts, {crossing.across:,} went across "
            "blocks; "
            f"one queue would send about {crossing.expected:,.0f} across"
        )
        if crossing.p <= SPLIT:
            found.append(Evidence("handing on", f"{text} (p = {crossing.p:.3f}).", {SEVERAL: bits_of_p(crossing.p), ONE: -2.0}))
        elif crossing.across > 0:
            found.append(Evidence("handing on", f"{text}.", {ONE: 3.0, SEVERAL: -3.0}))
    return found


def evidence_of_customers(carried: Carried, records: Records) -> list[Evidence]:
    """Whether accounts look like a reseller's."""
    found = []
    if "resale" in records.scopes:
        found.append(Evidence("record", "An entitlement to resell is on record for some of them.", {RESOLD: 3.0}))
    if carried.end_users >= MANY_END_USERS:
        text = f"A typical account serves {carried.end_users:,.0f} end users."
        found.append(Evidence("customers", text, {RESOLD: 2.0}, "estimates: end_users_per_account"))
    if carried.instructed >= MOSTLY:
        text = (
            f"The pool's instruction stands in {carried.instructed:.0%} of a typical account's calls: "
            "nearly no room for anybody else's traffic."
        )
        found.append(Evidence("customers", text, {RESOLD: -3.0}, "estimates: instructed"))
    elif carried.instructed <= MIXED:
        text = (
            f"Only {carried.instructed:.0%} of a typical account's calls carry an instruction of the pool: the rest is cover, or "
            "somebody else's."
        )
        found.append(Evidence("customers", text, {RESOLD: 1.0}, "estimates: instructed"))
        if carried.purposes >= MANY_END_USERS:
            text = (
                f"Beside the instruction a typical account is used for {carried.purposes:.1f} purposes, as where several "
                "customers share it."
            )
            found.append(Evidence("customers", text, {RESOLD: 3.0}, "estimates: purposes_beside"))
    return found


def evidence_of_roles(records: Records, parts: Mapping[str, float]) -> list[Evidence]:
    """In whose service: what is declared, and what is hidden though it need not be."""
    found = []
    share = records.organized / max(records.accounts, 1)
    if share >= 0.6:
        found.append(Evidence("record", f"{share:.0%} of them declare one organization.", {INTERNAL: 3.0}, "tables: identities"))
    elif share < 0.1 and records.declaring:
        found.append(
            Evidence(
                "record",
                "Hardly any declare an organization in common, as a customer's own team would.",
                {INTERNAL: -1.0},
                "tables: identities",
            )
        )
    people = max((records.distinct.get(column, (0, 0))[0] for column in ("email_domain", "phone", "country")), default=0)
    if people >= 2 and max((parts.get(family, 0.0) for family in ("payer", "identity", "conduct", "work")), default=0.0) >= 1.0:
        text = (
            "They claim to be different people and act as one: a customer's own team has nothing to hide from the provider "
            "that bills that customer, unless what it does is forbidden to it."
        )
        found.append(Evidence("concealment", text, {INTERNAL: -2.0}, "tables: identities"))
    if records.weekend < 0.1:
        text = f"{records.weekend:.0%} of the calls fall on weekends (UTC), as where people are paid by the week."
        found.append(Evidence("conduct", text, {INTERNAL: 0.5, CONTRACTOR: 0.5}))
    return found
