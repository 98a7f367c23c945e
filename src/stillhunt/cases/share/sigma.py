"""Sigma correlation rules (specification 2.1): the part of a campaign that a count can see, for log platforms.

What convicts is not a count: these rules fire on innocents (a class on one network, the users of one client), are marked experimental, and
say so. Each counts accounts over one thing that unrelated accounts seldom share. The threshold is what three of four such values of this
campaign reached, and at least twice what strangers would; where that cannot be had there is no rule.

Every document is JSON, which YAML 1.2 includes, between lines of three dashes. Text outside ASCII is escaped as both understand it, so
that a hostile user agent stays text in any reader.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from stillhunt.cases.share import Options, identifier, moment, standing
from stillhunt.cases.share.seen import COLUMNS, Observable
from stillhunt.errors import InputError
from stillhunt.records import Campaign, Findings
from stillhunt.records.cases import Answer, Case

COUNTED = {
    "payment.card": ("payment_fingerprint", "payment fingerprint"),
    "subnet.calls": ("client_prefix", "network"),
    "subnet.signup": ("signup_prefix", "network of sign-up"),
    "client.shape": ("client_shape", "client"),
    "signup.referral": ("referral", "referral code"),
}
"""Channel's aspect -> the field of calls (joined with accounts) that a rule groups by, and what it is in words."""

LEAST = 3
QUARTER = 0.25
OVER_STRANGERS = 2

TWINS = [
    "A company, a class or a hackathon on one network",
    "The users of one product, gateway or agent framework",
    "A reseller, or an organization that pays for its members",
    "Carrier-grade NAT and VPNs",
]
LOGSOURCE = {
    "category": "llm_api",
    "product": "stillhunt",
    "definition": "One event for each model call, with the columns of Stillhunt's canonical interactions and of its account's record.",
}


class Sigma:
    """A file of base rules and correlations."""

    name = "sigma"
    suffix = ".sigma.yml"
    describe = "Sigma correlation rules: counts of accounts by network, client or payment, with thresholds from the findings"
    settings: Mapping[str, str] = {}

    def render(self, case: Case, findings: Findings, campaign: Campaign, answers: Sequence[Answer], options: Options) -> bytes:
        """YAML documents, each of them JSON.

        Raises:
            InputError: nothing that a count can see stands out.
        """
        made = list(self._rules(case, campaign, options))
        if not made:
            raise InputError(
                f"{campaign.campaign_id[:80]}: nothing that its accounts share stands out by number alone, so there is no threshold to put "
                "into a Sigma rule; share with --to stix"
            )
        return "".join(f"---\n{document(rule)}\n" for rule in made).encode()

    def _rules(self, case: Case, campaign: Campaign, options: Options) -> Iterator[dict[str, Any]]:
        days = max(1, math.ceil((moment(campaign.last_seen) - moment(campaign.first_seen)).total_seconds() / 86_400))
        head = {"status": "experimental", "date": f"{standing(case):%Y-%m-%d}", "references": [f"urn:stillhunt:case:{case.case_id}"]}
        if options.sender:
            head["author"] = options.sender
        tags = [f"tlp.{options.tlp.value.replace('+', '-')}"]
        for aspect, (field, words) in COUNTED.items():
            threshold = distinct_accounts(campaign, aspect)
            if threshold is None:
                continue
            name = f"stillhunt_calls_with_{field}"
            yield {
                "title": f"Model call with a {words}",
                "id": str(identifier("sigma", case.case_id, aspect, "base")),
                "name": name,
                **head,
                "description": "A base rule; it means nothing alone.",
                "tags": tags,
                "logsource": LOGSOURCE,
                "detection": {"call": {f"{field}|exists": True}, "condition": "call"},
                "level": "informational",
            }
            yield {
                "title": f"Many accounts share one {words}",
                "id": str(identifier("sigma", case.case_id, aspect, "accounts")),
                **head,
                "description": f"{threshold} accounts or more with one {words} within {days} days, as in campaign {campaign.campaign_id}. "
                "It asks for a look, and accuses nobody.",
                "tags": tags,
                "correlation": {
                    "type": "value_count",
                    "rules": [name],
                    "group-by": [field],
                    "timespan": f"{days}d",
                    "condition": {"field": "account_id", "gte": threshold},
                },
                "falsepositives": TWINS,
                "level": "medium",
            }
        yield from self._by_value(case, campaign, options, head, tags)

    def _by_value(
        self, case: Case, campaign: Campaign, options: Options, head: Mapping[str, Any], tags: Sequence[str]
    ) -> Iterator[dict[str, Any]]:
        """Calls with what tells this campaign from others, as many a day as it made."""
        for column, words in COLUMNS.items():
            own = [one for one in options.observables if one.column == column and one.distinctive and one.calls and one.days]
            own = [one for one in own if column != "client_prefix" or _is_network(one.value)]
            if not own:
                continue
            threshold = max(LEAST, calls_a_day(own))
            name = f"stillhunt_calls_of_{column}"
            field = f"{column}|cidr" if column == "client_prefix" else f"{column}|cased"
            values = [one.value if column == "client_prefix" else exactly(one.value) for one in own]
            yield {
                "title": f"Model call with a {words} of a known campaign",
                "id": str(identifier("sigma", case.case_id, column, "base")),
                "name": name,
                **head,
                "description": f"{words} that nine of ten accounts seen with it share with campaign {campaign.campaign_id}.",
                "tags": tags,
                "logsource": LOGSOURCE,
                "detection": {"call": {field: values}, "condition": "call"},
                "level": "low",
            }
            yield {
                "title": f"Campaign's pace from one {words}",
                "id": str(identifier("sigma", case.case_id, column, "calls")),
                **head,
                "description": f"{threshold} calls a day or more with one such {words}; half of those of campaign {campaign.campaign_id} "
                "made as many.",
                "tags": tags,
                "correlation": {
                    "type": "event_count",
                    "rules": [name],
                    "group-by": [column],
                    "timespan": "1d",
                    "condition": {"gte": threshold},
                },
                "falsepositives": TWINS,
                "level": "medium",
            }


def distinct_accounts(campaign: Campaign, aspect: str) -> int | None:
    """How many accounts with one value are worth an alert: the lower quartile over the campaign's values, by their accounts.

    None where a value has no three accounts, or where that is less than twice what strangers would be expected to be.
    """
    sizes: dict[str, int] = {}
    strangers = 0.0
    for member in campaign.accounts:
        for one in member.observations:
            if one.channel == aspect and one.bits > 0 and one.shared_with is not None and one.shared_with >= LEAST:
                sizes[one.value] = max(sizes.get(one.value, 0), one.shared_with)
                strangers = max(strangers, one.expected or 0.0)
    if not sizes:
        return None
    ordered = sorted(sizes.values())
    threshold = ordered[math.floor(QUARTER * (len(ordered) - 1))]
    return threshold if threshold >= OVER_STRANGERS * strangers else None


def calls_a_day(own: Sequence[Observable]) -> int:
    """The median over values of the calls on a day on which there were any."""
    rates = sorted((one.calls or 0) / (one.days or 1) for one in own)
    return math.floor(rates[(len(rates) - 1) // 2])


def exactly(text: str) -> str:
    """`text` as a value in which a star and a question mark are themselves, and no wildcards."""
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def document(rule: Mapping[str, Any]) -> str:
    """`rule` as JSON that every YAML reader reads alike.

    JSON writes what lies beyond the basic plane as two surrogates, which readers of YAML take for two characters: that stays as it is.
    """
    text = json.dumps(rule, indent=1, ensure_ascii=False)
    return "".join(c if " " <= c <= "~" or c == "\n" or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in text)


def _is_network(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


SHARE = Sigma()
