"""What a case's report says, block after block: for people who decide, and for a court.

In: a case, what it has frozen, answers. Out: `Document`. The same input gives the same document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.cases import wording
from stillhunt.cases.case_answers import answered
from stillhunt.cases.case_document import Block, Document, Facts, Heading, Items, Picture, Quote, Table, Text, shown
from stillhunt.cases.case_history import events, exhibits
from stillhunt.cases.case_pictures import MOST_MEMBERS, MOST_ROWS, heat_map, link_graph
from stillhunt.cases.case_timeline import Timeline
from stillhunt.cases.hubs import Hub, hubs, letters
from stillhunt.cases.report_campaign import kinds
from stillhunt.cases.wording import amount, by_chance, count, moment, probability
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import LIKELIHOOD_RANGES, Answer, Case

MOST_ACCOUNTS = 50
MOST_EXPLANATIONS = 10
MOST_INSTRUCTIONS = 6
BESIDE_WORDS = "Beside words"
"""How the explanation begins that says what `Campaign.content` says, too."""


@dataclass(frozen=True)
class Position:
    """Where the ledger stood after the case's newest entry: its name, how many entries, and their root hash in hex."""

    origin: str
    size: int
    root: str


@dataclass(frozen=True)
class About:
    """What a report is made of.

    Attributes:
        case: as it stands.
        findings: of the scan that the case rests on.
        campaign: the case's accounts in it.
        answers: to the four questions, as far as they were asked.
        timeline: None where the case's calls were given up.
        position: None where the case's events are in no ledger.
    """

    case: Case
    findings: Findings
    campaign: Campaign
    answers: Sequence[Answer]
    timeline: Timeline | None
    position: Position | None


def told(about: About) -> Document:
    """The whole report."""
    case, campaign = about.case, about.campaign
    blocks: list[Block] = [*_summary(about)]
    for at, answer in enumerate(about.answers):
        blocks += answered(answer, about.answers[:at])
    blocks += [*_when(about), *_tied(about), *_weighed(about), *_common(about), *_accounts(about)]
    blocks += [*events(case), *exhibits(case), *_ledger(about), *_sight(about), *_limits()]
    newest = case.events[-1].at if case.events else case.opened_at
    return Document(
        title=shown(case.title, 160),
        brand="Stillhunt case report",
        lead=f"{count(len(campaign.accounts), 'account')}, {amount(campaign.calls)} calls, {amount(campaign.output_tokens)} output tokens, "
        f"{moment(campaign.first_seen)} to {moment(campaign.last_seen)}.",
        day=newest[:10],
        footer=f"{shown(case.case_id)} as of {moment(newest)}. This report names accounts. It contains no prompts, no answers, no scripts "
        "and no references to anything outside itself.",
        blocks=blocks,
    )


def _summary(about: About) -> list[Block]:
    case = about.case
    result = case.result.value.replace("_", " ") if case.result is not None else "none yet"
    rows = [
        ("Case", shown(case.case_id)),
        ("Campaign", shown(case.campaign) + (f" ({shown(case.campaign_id)})" if case.campaign != case.campaign_id else "")),
        ("Status", case.status.value),
        ("Result", result),
        ("Reason", shown(case.reason or "none given", 1_000)),
        ("Opened", f"{moment(case.opened_at)} by {shown(case.opened_by)}"),
    ]
    closed = next((one for one in reversed(case.events) if one.kind == "closed"), None)
    if closed is not None and case.status.value == "closed":
        rows.append(("Closed", f"{moment(closed.at)} by {shown(closed.actor)}"))
    rows += [(name, shown(of)) for name, of in (("Part of", case.merged_into), ("Split from", case.split_from)) if of]
    blocks: list[Block] = [Facts(rows), Heading("Summary")]
    if about.answers:
        blocks.append(Facts([(shown(answer.title, 120), shown(answer.summary, 2_000)) for answer in about.answers]))
    else:
        blocks.append(Text("The four questions were not asked yet (`stillhunt case answer`)."))
    blocks.append(Text(f"{wording.error_rate(about.findings)} {wording.BY_CHANCE}", small=True))
    return blocks


def _when(about: About) -> list[Block]:
    blocks: list[Block] = [Heading("When the accounts called")]
    line = about.timeline
    if line is None or not line.names:
        return [*blocks, Text("The case's calls were given up or are not there, so when each account called cannot be shown any more.")]
    drawn = min(len(line.names), MOST_ROWS)
    some = (
        f"{drawn} of {len(line.names):,} accounts, evenly chosen from all by their first call"
        if drawn < len(line.names)
        else "All accounts"
    )
    words = f"{some}, one row each, in the order of their first call; one column is {line.span} (UTC), darker with more calls."
    alt = f"Heat map of the calls of {drawn} accounts from {line.moment(0):%Y-%m-%d}, one column for {line.span}, and their total rate."
    return [*blocks, Picture("Calls by account and time", words, heat_map(line), alt)]


def _tied(about: About) -> list[Block]:
    campaign, found = about.campaign, hubs(about.campaign)
    blocks: list[Block] = [Heading("What ties them")]
    if not found:
        return [*blocks, Text("No two of the case's accounts share an observation that is listed in the findings.")]
    there = len(campaign.accounts)
    some = f"{MOST_MEMBERS} of {there:,} accounts, evenly chosen" if there > MOST_MEMBERS else "All accounts"
    words = (
        f"{some} (dots), and the {len(found)} weightiest observations that they share (circles, larger with more accounts). A thicker tie "
        "weighs more. Accounts with the same profile lie together; places mean nothing else."
    )
    picture = Picture("Links", words, link_graph(campaign), f"Graph of accounts and {len(found)} shared observations.")
    return [*blocks, picture, _hub_table(found, there)]


def _hub_table(found: Sequence[Hub], there: int) -> Table:
    rows = [
        [letter, shown(hub.words, 160), f"{hub.accounts:,} of {there:,}", _expected(hub), by_chance(hub.bits * wording.LOG10_OF_BIT)]
        for letter, hub in zip(letters(len(found)), found, strict=True)
    ]
    return Table(
        ["", "Shared observation", "Accounts", "Strangers expected", "By chance, typically"],
        ["text", "text", "number", "number", "number"],
        [0.04, 0.56, 0.13, 0.12, 0.15],
        rows,
    )


def _expected(hub: Hub) -> str:
    return "" if hub.expected is None else "< 0.01" if hub.expected < 0.01 else f"{hub.expected:,.2f}"


def _weighed(about: About) -> list[Block]:
    """The three questions and what their answers add up from, in one table."""
    campaign = about.campaign
    asked = [(axis.name.capitalize(), f"{by_chance(axis.evidence.log10_evidence)}: {axis.question}") for axis in wording.axes(campaign)]
    rows = [[kind.words, kind.together.words, kind.hidden] for kind in kinds(campaign.coordination, campaign.concealment)]
    blocks: list[Block] = [Heading("The weight of the evidence"), Facts(asked)]
    if rows:
        widths = [0.4, 0.3, 0.3]
        blocks.append(Table(["Alike in", "By chance", "Left after visible causes"], ["text", "text", "text"], widths, rows))
    said = [shown(one, 1_000) for one in campaign.explanations if campaign.content is None or not one.startswith(BESIDE_WORDS)]
    if said:
        blocks += [Heading("In words", 3), Items(said[:MOST_EXPLANATIONS])]
    if len(said) > MOST_EXPLANATIONS:
        blocks.append(Text(f"And {len(said) - MOST_EXPLANATIONS} more, in the findings.", small=True))
    return blocks


def _common(about: About) -> list[Block]:
    told = about.campaign.instructions
    if not told:
        return []
    lines = [wording.instruction_parts(one) for one in told[:MOST_INSTRUCTIONS]]
    words = "Words that at least ten accounts sent; blanks differ from call to call. Nobody’s own text is shown."
    blocks: list[Block] = [Heading("The template, with its slots"), Text(words, small=True), Quote(lines)]
    if len(told) > MOST_INSTRUCTIONS:
        blocks.append(Text(f"And {len(told) - MOST_INSTRUCTIONS} more, in the findings.", small=True))
    if about.campaign.content is not None:
        likeness = about.campaign.content
        blocks.append(Text(f"Beside words, the requests stand out (p = {likeness.p:g}, {count(likeness.calls, 'call')} looked at) by:"))
        blocks.append(Items([shown(habit, 300) for habit in likeness.habits]))
    return blocks


def _accounts(about: About) -> list[Block]:
    there = about.campaign.accounts
    blocks: list[Block] = [Heading("Accounts")]
    if len(there) > MOST_ACCOUNTS:
        text = f"The {MOST_ACCOUNTS} surest of {len(there):,}. All are in the case's findings, and in campaign.json of an evidence bundle."
        blocks.append(Text(text, small=True))
    found = hubs(about.campaign)
    if found:
        blocks.append(Text("Letters stand for the shared observations above.", small=True))
    rows = []
    for member in wording.strongest(there, MOST_ACCOUNTS):
        seen = " to ".join(moment(at[:10]) for at in (member.first_seen, member.last_seen) if at)
        has = {(one.channel, one.value) for one in member.observations}
        ties = " ".join(letter for letter, hub in zip(letters(len(found)), found, strict=True) if (hub.channel, hub.value) in has)
        weight = by_chance(sum(one.bits for one in member.observations) * wording.LOG10_OF_BIT)
        calls = f"{member.calls:,}" if member.calls is not None else ""
        rows.append([shown(member.account_id, 64), probability(member.membership), calls, seen, weight, ties])
    columns = ["Account", "Membership", "Calls", "Seen", "By chance", "Shares"]
    return [*blocks, Table(columns, ["id", "number", "number", "text", "number", "text"], [0.27, 0.11, 0.07, 0.22, 0.13, 0.2], rows)]


def _ledger(about: About) -> list[Block]:
    case, position = about.case, about.position
    rows = [
        ("Findings, SHA-256", case.findings_sha256),
        ("Lake snapshot", shown(case.lake_snapshot, 120)),
        ("Made by", f"Stillhunt {shown(case.stillhunt, 40)}"),
    ]
    blocks: list[Block] = [Heading("Where it is recorded")]
    if position is None:
        return [*blocks, Text("No ledger has recorded this case's events."), Facts(rows)]
    rows += [
        ("Ledger", shown(position.origin, 200)),
        ("Entries, up to the case's newest", f"{position.size:,}"),
        ("Root hash", position.root),
    ]
    text = (
        "Every event of the case is committed to by an entry of an append-only log. Whoever has the log's public keys can check an "
        "evidence bundle of this case with `stillhunt verify`, without the lake and without a network."
    )
    return [*blocks, Text(text), Facts(rows)]


def _sight(about: About) -> list[Block]:
    findings = about.findings
    blocks: list[Block] = [
        Heading("What could be seen"),
        Text(f"Read: {wording.scanned(findings)}. No defence that watches queries can be complete: a channel whose columns are missing "
             "says “not visible”, not “nothing there”."),
    ]  # fmt: skip
    missing = dict(wording.unseen(findings.visibility))
    rows = []
    for channel in [*wording.seeing(findings.visibility), *wording.blind(findings.visibility)]:
        name = wording.visible(channel.channel, 40)
        saw = f"{channel.accounts:,}" if channel.visible else "not visible"
        rows.append([name, saw, missing.get(name, "")])
    if rows:
        blocks.append(
            Table(["Channel", "Accounts that it saw", "What it could not see"], ["text", "number", "text"], [0.18, 0.2, 0.62], rows)
        )
    return blocks


METHOD = (
    "Every call becomes one row; text becomes fingerprints at intake and is not kept unless the provider chose so.",
    "Channels turn rows into observations: what accounts share in payment, network, client, instruction, rhythm, hand-overs, sign-up.",
    "An observation weighs as much as it is rare among unrelated accounts; declared organizations count once, so that hubs weigh little.",
    "Accounts that share more than chance explains form pools. Visible common causes (a product, a course, an event) are granted first.",
    "A pool is asked three questions: does it act as one, does it hide that it is one, is its traffic a training set?",
    "Only a pool that is high on all three is a campaign; evidence is multiplied across families of channels that fail independently.",
    "Which accounts are named is decided so that the false discovery rate over named accounts stays below the rate that was set.",
    "The four questions are answered from the frozen calls by stated tests; priors are even, and weights that were judged say so.",
    "Likelihood, confidence in the analysis, reliability of the source and credibility of the information are four separate statements.",
    "The scan can be repeated from the case alone (`stillhunt case rerun`): the same calls and settings give the same bytes.",
)
"""How it is done, in ten lines."""


def _limits() -> list[Block]:
    proved: list[str] = [
        "That this case's events are these, in this order, and that none was changed, where an evidence bundle of the case verifies.",
        "That interactions which a bundle shows are rows that the provider recorded when they were read in, where their proofs verify.",
    ]
    claimed = [
        "That the provider's logs say what happened: a ledger proves that rows were not changed after they were recorded, not before.",
        "That accounts are what the provider's records say of them, and that its clocks are right.",
        "Likelihoods: they are judgements on the evidence that is listed, in the words and ranges of ICD 203, and no verdict on a person.",
    ]
    hidden = [
        "Who the operator is: no name of a person or a company follows from traffic. Names enter only as exhibits, with who brought them.",
        "What the answers were used for outside the provider's sight.",
    ]
    return [
        Heading("How this was found"),
        Items(list(METHOD)),
        Heading("What is proved, what is claimed, what is not shown"),
        Heading("Can be proved with an evidence bundle", 3),
        Items(proved),
        Heading("Is claimed by the provider", 3),
        Items(claimed),
        Heading("Is not shown", 3),
        Items(hidden),
        *_scale(),
    ]


SCALES = (
    (
        "Likelihood",
        "Words of ICD 203: "
        + ", ".join(f"{word.value} {100 * low:.0f} to {100 * high:.0f} %" for word, (low, high) in LIKELIHOOD_RANGES.items())
        + ".",
    ),
    ("Confidence", "How well founded the judgement is: low, moderate or high. It is no probability."),
    ("Source", "Reliability of the source: A reliable, B usually, C fairly, D not usually, E unreliable, F cannot be judged."),
    (
        "Information",
        "Credibility of what it says: 1 confirmed, 2 probably true, 3 possibly true, 4 doubtful, 5 improbable, 6 cannot be judged.",
    ),
)
"""What the words and numbers of a report mean."""


def _scale() -> list[Block]:
    return [Heading("Words and scales"), Facts(list(SCALES))]
