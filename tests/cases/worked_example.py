"""Findings as a real scan shapes them, with every kind of thing that a page or a terminal must survive."""

import random
from datetime import date, timedelta

from stillhunt.records import Campaign, Evidence, Findings, Member, Pool, Scanned, SharedObservation, Visibility

HOSTILE = (
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;owned\x07acct",
    "acct-\u202egnp.exe",
    "x" * 4_000,
    "[bold red]not markup[/]",
    '"><img src=http://192.0.2.1/x>',
    "zero\u200bwidth",
    "{{ 7 * 7 }}",
)


def observations(rng: random.Random) -> list[SharedObservation]:
    """What ties one account to the letter-shaped campaign."""
    return [
        SharedObservation(
            channel="template.gram",
            value="8121931",
            bits=round(rng.uniform(17, 24), 2),
            shared_with=150,
            expected=0.02,
            description="the words “rewrite the draft as a chain of checked steps”",
        ),
        SharedObservation(
            channel="client.shape",
            value="-77120",
            bits=round(rng.uniform(4, 7), 2),
            shared_with=161,
            expected=3.1,
            description="openai-python 1.51.0, CPython 3.11, Linux; 9 headers",
        ),
        SharedObservation(
            channel="payment.card",
            value="card:5f2c9d0e",
            bits=round(rng.uniform(8, 11), 2),
            shared_with=12,
            expected=0.01,
            description="payment card card:5f2c9d0e…",
        ),
        SharedObservation(
            channel="subnet.prefix",
            value="198.51.100.0/24",
            bits=round(rng.uniform(2, 6), 2),
            shared_with=38,
            expected=1.4,
            description="the network 198.51.100.0/24",
        ),
        SharedObservation(channel="rhythm.hours", value="flat", bits=-0.8, description="active in all 24 hours"),
    ]


def campaign(name: str, accounts: int, seed: int, ids: list[str] | None = None) -> Campaign:
    """A campaign of `accounts` accounts over 14 days, one of them a weekend of outage."""
    rng = random.Random(seed)
    names = (ids or []) + [f"acct_{rng.getrandbits(64):016x}" for _ in range(accounts - len(ids or []))]
    days = {}
    for n in range(14):
        if n != 8:
            days[str(date(2026, 5, 4) + timedelta(n))] = int(accounts * 25.6 * rng.uniform(0.96, 1.03))
    members = [
        Member(
            account_id=account,
            membership=round(1 - 10 ** rng.uniform(-7, -0.7), 6),
            observations=observations(rng),
            calls=rng.randint(280, 390),
            first_seen="2026-05-04T00:03:11Z",
            last_seen="2026-05-17T23:58:40Z",
        )
        for account in names
    ]
    return Campaign(
        campaign_id=name,
        first_seen="2026-05-04T00:00:12Z",
        last_seen="2026-05-17T23:59:48Z",
        calls=sum(days.values()),
        output_tokens=sum(days.values()) * 912,
        coordination=Evidence(
            log10_evidence=41.7,
            parts={
                "template": 22.4,
                "payment": 9.1,
                "client": 5.6,
                "handoff": 4.4,
                "subnet": 2.9,
                "signup": 1.6,
                "rhythm": -0.9,
                "email": -3.4,
            },
        ),
        concealment=Evidence(log10_evidence=6.2, parts={"organizations declared": 3.1, "e-mail domains": 1.9, "payers": 1.2}),
        harvest=Evidence(
            log10_evidence=9.4, parts={"never repeats itself": 4.8, "one-shot calls": 2.7, "long answers": 1.5, "even coverage": 0.4}
        ),
        accounts=members,
        explanations=[
            "All accounts send one instruction whose wording no other account uses.",
            "147 of 150 were created within 31 hours, by e-mail addresses of one shape on four free-mail domains.",
            "A request that one account was refused reappears from another within 8 seconds in 91 % of 412 cases.",
        ],
        instructions=["you are given a finished answer … rewrite the draft as a chain of checked steps … and end with {topic} only"],
        calls_by_day=days,
    )


def worked_example() -> Findings:
    """Two campaigns (one small, with hostile account ids), 24 pools cleared for five reasons, two blind channels."""
    rng = random.Random(5)
    reasons = [
        ("declared one organization", 9),
        ("entitlement on record: resale", 1),
        ("explained by one referral code and one venue (a hackathon): what remains is what strangers share", 2),
        ("not a training set: the same prompts again every night, with short answers", 8),
        ("does not act as one beyond a common client", 4),
    ]
    pools = [
        Pool(
            pool_id=f"pool-{rng.getrandbits(32):08x}",
            accounts=[f"acct_{rng.getrandbits(64):016x}" for _ in range(int(2 + rng.paretovariate(0.7)) % 900)],
            why_not_a_campaign=why,
        )
        for why, times in reasons
        for _ in range(times)
    ]
    return Findings(
        stillhunt="0.1.0",
        lake_snapshot="4f1c2a90-7d1e",
        scanned=Scanned(interactions=412_903, accounts=10_150, from_="2026-05-04T00:00:00Z", to="2026-05-17T23:59:59Z"),
        visibility=[
            Visibility(channel="payment", visible=False, accounts=0, reason="the logs do not carry accounts.payment_fingerprint"),
            Visibility(channel="email", visible=False, accounts=0, reason="the logs do not carry accounts.email_shape"),
            Visibility(channel="template", visible=True, accounts=9_811),
            Visibility(channel="client", visible=True, accounts=10_150, reason="partly: the logs do not carry interactions.tls_ja4"),
            Visibility(channel="handoff", visible=True, accounts=1_204),
            Visibility(channel="rhythm", visible=True, accounts=6_390),
        ],
        false_discovery_rate=0.001,
        campaigns=[campaign("c-7f3a91", 150, 1), campaign("c-0b22e4", 12, 2, list(HOSTILE))],
        pools=pools,
        notes=["Payment and e-mail were not visible: hand over the accounts table to weigh them."],
    )


def nothing_found() -> Findings:
    """The same scan where nobody hides."""
    return worked_example().model_copy(update={"campaigns": []})
