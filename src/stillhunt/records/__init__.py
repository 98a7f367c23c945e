"""The nouns as schemas: Arrow for tables, pydantic for messages. Nothing else defines a field.

Three families of tables:

* what a provider hands over (`CANONICAL_*`): the names everybody agrees on, text included;
* what one format module hands to the rest of intake (`INTAKE_*`): canonical, with the text flattened;
* what the lake keeps (`INTERACTIONS`, `ACCOUNTS`, ...): text replaced by fingerprints, identifiers by pseudonyms.

Times are UTC in microseconds. Hashes are 64 bit, stored as signed integers because Iceberg has no unsigned ones.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

TIMESTAMP: pa.DataType = pa.timestamp("us", tz="UTC")

# --------------------------------------------------------------------------------------------------------------------
# What a provider hands over: the canonical tables of the design.

_CALL: list[tuple[str, pa.DataType]] = [
    ("interaction_id", pa.string()),
    ("started_at", TIMESTAMP),
    ("ended_at", TIMESTAMP),
    ("account_id", pa.string()),
    ("organization_id", pa.string()),
    ("key_id", pa.string()),
    ("end_user_id", pa.string()),
    ("surface", pa.string()),
    ("operation", pa.string()),
    ("request_model", pa.string()),
    ("response_model", pa.string()),
    ("input_tokens", pa.int64()),
    ("output_tokens", pa.int64()),
    ("reasoning_tokens", pa.int64()),
    ("cached_tokens", pa.int64()),
    ("http_status", pa.int32()),
    ("finish_reason", pa.string()),
    ("error_type", pa.string()),
    ("conversation_id", pa.string()),
]
_CLIENT: list[tuple[str, pa.DataType]] = [
    ("request_parameters", pa.string()),
    ("client_ip", pa.string()),
    ("user_agent", pa.string()),
    ("client_headers", pa.string()),
    ("tls_ja4", pa.string()),
]

CANONICAL_INTERACTIONS = pa.schema(
    _CALL
    + _CLIENT
    + [("system", pa.string()), ("messages", pa.string()), ("tools", pa.string()), ("response", pa.string()), ("reasoning", pa.string())]
)
"""Interactions as a provider hands them over. `messages` is JSON: a list of {role, parts:[{type, content}]};
`request_parameters` and `client_headers` are JSON objects, the latter in the order in which they were sent."""

CANONICAL_ACCOUNTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("created_at", TIMESTAMP),
        ("organization_id", pa.string()),
        ("email", pa.string()),
        ("phone", pa.string()),
        ("payment_fingerprint", pa.string()),
        ("signup_ip", pa.string()),
        ("signup_user_agent", pa.string()),
        ("signup_ja4", pa.string()),
        ("country", pa.string()),
        ("plan", pa.string()),
        ("verification", pa.string()),
        ("referral", pa.string()),
        ("status", pa.string()),
        ("closed_at", TIMESTAMP),
        ("closed_reason", pa.string()),
    ]
)

ENTITLEMENTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("organization_id", pa.string()),
        ("scope", pa.string()),
        ("granted_at", TIMESTAMP),
        ("expires_at", TIMESTAMP),
        ("reference", pa.string()),
    ]
)
ENTITLEMENT_SCOPES = ("distillation", "evaluation", "fleet", "research", "resale")

REQUIRED = {
    "interactions": ("interaction_id", "started_at", "account_id"),
    "accounts": ("account_id",),
    "entitlements": ("scope",),
}
"""The only columns that must be there. An entitlement also needs an account or an organization."""

# --------------------------------------------------------------------------------------------------------------------
# What a format module hands to the rest of intake.

INTAKE_INTERACTIONS = pa.schema(
    _CALL
    + _CLIENT
    + [
        ("system", pa.large_string()),
        ("transcript", pa.large_string()),
        ("tools", pa.large_string()),
        ("response", pa.large_string()),
        ("reasoning", pa.large_string()),
        ("tool_count", pa.int32()),
        ("truncated", pa.bool_()),
        ("messages", pa.large_string()),
    ]
)
"""Interactions inside intake. `transcript` is all messages but the system's in order, each as the separator U+001E,
one role letter (u user, a assistant, t tool, o other) and its text, so that compiled loops can tell who speaks.
`messages` is filled only when text is to be kept."""

TURN = "\x1e"
ROLE_LETTERS = {"user": "u", "assistant": "a", "model": "a", "tool": "t", "function": "t"}

# --------------------------------------------------------------------------------------------------------------------
# What the lake keeps.

INTERACTIONS = pa.schema(
    [
        *_CALL,
        ("client_ip", pa.string()),  # keyed pseudonym
        ("client_prefix", pa.string()),  # /24 or /48, as given
        ("user_agent", pa.string()),
        ("tls_ja4", pa.string()),
        ("client_shape", pa.int64()),  # header order, SDK headers, names of request parameters, TLS
        ("client_label", pa.string()),  # the same for people: "openai-python 1.51 CPython/3.11 Linux, 9 headers"
        ("parameters_hash", pa.int64()),
        ("prompt_hash", pa.int64()),
        ("system_hash", pa.int64()),
        ("tools_hash", pa.int64()),
        ("response_hash", pa.int64()),
        ("prompt_topic", pa.int64()),  # SimHash of the words of the user's last message: few bits differ where words are shared
        ("response_topic", pa.int64()),  # the same of the response
        ("prompt_shape", pa.int64()),  # how the user's last message is written: `SHAPE_FIELDS`
        ("sketch", pa.list_(pa.int32())),  # numbers of grams, not negative, ascending: `intake.sketch`
        ("system_chars", pa.int32()),
        ("prompt_chars", pa.int32()),
        ("response_chars", pa.int32()),
        ("reasoning_chars", pa.int32()),
        ("message_count", pa.int32()),
        ("user_turns", pa.int32()),
        ("tool_count", pa.int32()),
        ("truncated", pa.bool_()),
        ("source", pa.string()),  # the name of the format it came through
    ]
)


class ShapeField(NamedTuple):
    """Where a field lies in `prompt_shape`: `bits` bits from `at` on."""

    name: str
    at: int
    bits: int


def _fields(**bits: int) -> tuple[ShapeField, ...]:
    found, at = [], 0
    for name, width in bits.items():
        found.append(ShapeField(name, at, width))
        at += width
    assert at <= 63, "the sign is left alone"
    return tuple(found)


SHAPE_FIELDS = _fields(
    length=4,  # bytes of the message
    lines=2,  # one, several, with an empty line between, four or more
    start=3,  # upper case, lower case, digit, quote, Han, other, kana, another script of three bytes a letter
    end=4,  # . ? ! : ) } " letter or digit, 。 ？ three-byte script, other
    digits=2,
    signs=2,  # brackets, slashes, operators: what code and markup are full of
    quotes=2,
    first_person=2,  # I, my, me, we, our, us as a share of words (English)
    second_person=1,
    please=1,
    lower_i=1,
    lower_start=1,  # a sentence that begins with a small letter
    tight=1,  # a comma or stop without a space behind it
    double_space=1,
    loose=1,  # a space before a comma or stop
    capitals=2,  # words that begin with one, the first left out
    commas=2,
    word_length=3,
    foreign=2,  # bytes beyond ASCII
    listed=1,  # lines that begin with a dash or a number
    markdown=1,
    address=1,  # http
    short_words=2,
    sentences=3,
    question=1,
    first_word=8,
    first_two=9,
)
"""How a message is written (`intake.shape`): the fields of `prompt_shape` in order, from the lowest bit on."""

ACCOUNTS = pa.schema(
    [
        ("account_id", pa.string()),
        ("created_at", TIMESTAMP),
        ("organization_id", pa.string()),
        ("email", pa.string()),  # keyed pseudonym
        ("email_domain", pa.string()),
        ("email_shape", pa.string()),  # "a1.a5d2": runs of letters, digits and signs of the local part
        ("phone", pa.string()),  # keyed pseudonym
        ("payment_fingerprint", pa.string()),  # keyed pseudonym
        ("signup_ip", pa.string()),  # keyed pseudonym
        ("signup_prefix", pa.string()),
        ("signup_user_agent", pa.string()),
        ("signup_ja4", pa.string()),
        ("country", pa.string()),
        ("plan", pa.string()),
        ("verification", pa.string()),
        ("referral", pa.string()),
        ("status", pa.string()),
        ("closed_at", TIMESTAMP),
        ("closed_reason", pa.string()),
        ("source", pa.string()),
    ]
)

ACCOUNT_UPDATED_AT = pa.field("updated_at", TIMESTAMP)
"""May stand beside the columns of `ACCOUNTS` when accounts are handed to the lake: when the record was true.
Without it a record counts as new as the newest time in it."""

ACCOUNT_STAMPS = pa.field("stamps", pa.list_(pa.int64()))
"""Kept by the lake beside `ACCOUNTS`, never shown: for each column but the first, in order, how new its value is (microseconds
since 1970), so that the newest value wins whatever the order in which records arrive."""

_PHRASE: list[tuple[str, pa.DataType]] = [("gram", pa.int64()), ("words", pa.string())]
PHRASES = pa.schema(_PHRASE)
"""The k-anonymous dictionary: the words behind a sampled k-gram, kept only once ten accounts have sent it. `gram` is the number
that sketches have."""

TEXTS = pa.schema(
    [
        ("interaction_id", pa.string()),
        ("started_at", TIMESTAMP),
        ("system", pa.large_string()),
        ("messages", pa.large_string()),
        ("tools", pa.large_string()),
        ("response", pa.large_string()),
        ("reasoning", pa.large_string()),
    ]
)
"""Filled only with --keep-text, beside the interactions, so that dropping it leaves everything else as it is."""

OBSERVATIONS = pa.schema(
    [
        ("account_id", pa.string()),
        ("channel", pa.string()),
        ("value", pa.string()),
        ("first_at", TIMESTAMP),
        ("last_at", TIMESTAMP),
        ("occurrences", pa.int64()),  # how many of the account's calls (or records) show it
        ("share", pa.float64()),  # ... as a share of those that could have
    ]
)
"""The one shape that all evidence for coordination takes: who, through which channel, what, when, how often."""

TABLES: dict[str, pa.Schema] = {
    "interactions": INTERACTIONS,
    "accounts": ACCOUNTS,
    "entitlements": ENTITLEMENTS,
    "phrases": PHRASES,
    "texts": TEXTS,
    "observations": OBSERVATIONS,
}

# --------------------------------------------------------------------------------------------------------------------
# findings.json: a contract. Extend, never break.


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Scanned(_Message):
    """How much was looked at: calls and accounts in view, the span of the calls, and what of the logs could not be read."""

    interactions: int
    accounts: int
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    refused: int = Field(default=0, exclude_if=lambda found: not found)
    """Records of these logs that were not taken in: unreadable ones, and those of which it is not known what they are."""
    reasons: dict[str, int] = Field(default_factory=dict, exclude_if=lambda found: not found)
    """Why they were not, in words, to how many."""

    @property
    def refused_share(self) -> float:
        """Share of all records that were not taken in, 0 to 1."""
        return self.refused / ((self.refused + self.interactions) or 1)

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Visibility(_Message):
    """What one channel could see: `accounts` had its columns filled; `reason` says what is missing when it saw nothing."""

    channel: str
    visible: bool
    accounts: int
    reason: str | None = None


class Evidence(_Message):
    """One axis. Negative evidence speaks against it."""

    log10_evidence: float
    parts: dict[str, float] = Field(default_factory=dict)
    """log10 evidence by channel (coordination, concealment) or by question (harvest); sums to the whole."""


class Likeness(_Message):
    """The content test: whether a pool's calls are written and answered like a random part of the population's."""

    p: float
    """Share of random choices of as many accounts that stand out as much; the smallest that can be shown is one in 200."""
    accounts: int
    calls: int
    habits: list[str]
    """What stands out, in words, with how many accounts' worth of calls show it and how many were expected."""


class SharedObservation(_Message):
    """What one account shares with the others: `bits` for membership, with how many, and how many strangers would."""

    channel: str
    value: str
    bits: float
    shared_with: int | None = None
    expected: float | None = None
    description: str | None = None


class Member(_Message):
    """An account that is named; `membership` is the probability that it belongs to the operator."""

    account_id: str
    membership: float
    observations: list[SharedObservation]
    calls: int | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    calls_by_span: list[int] = Field(default_factory=list, exclude_if=lambda found: not found)
    """Calls in each span of `Campaign.span_hours` hours; the first begins at midnight UTC of the campaign's first day."""


class Campaign(_Message):
    """A pool that conceals that it is one and harvests."""

    campaign_id: str
    first_seen: str
    last_seen: str
    calls: int
    output_tokens: int
    coordination: Evidence
    concealment: Evidence
    harvest: Evidence
    accounts: list[Member]
    explanations: list[str]
    instructions: list[str] = Field(default_factory=list)
    """What the accounts have in common to say, slots blank, from the k-anonymous dictionary."""
    calls_by_day: dict[str, int] = Field(default_factory=dict)
    span_hours: int | None = Field(default=None, exclude_if=lambda found: found is None)
    """Length of the spans that its members' calls are counted in (`Member.calls_by_span`)."""
    content: Likeness | None = None
    """What the requests have in common beside words; none where intake could not see them. It describes, and decides nothing."""


Verdict = Literal["cleared", "not judged", "too few", "part of a campaign"]
"""What is said of a pool that is no campaign. Not judged: it acts as one, and what decides could not be seen."""

Unseen = Literal["text", "output tokens", "payment", "e-mail"]
"""What logs may lack without which a pool cannot be judged."""

_OLD_REASONS: tuple[tuple[str, Verdict], ...] = (
    ("the logs carry no content", "not judged"),
    ("no account belongs to it surely", "not judged"),
    ("only ", "too few"),
    ("its accounts are part of a campaign", "part of a campaign"),
)


class Pool(_Message):
    """Accounts that act as one and are no campaign, with the reason."""

    pool_id: str
    accounts: list[str]
    why_not_a_campaign: str
    verdict: Verdict = "cleared"
    not_visible: list[str] = Field(default_factory=list)
    """Of a pool that is not judged: what the logs do not show and what would decide (`Unseen`)."""
    would_decide: list[str] = Field(default_factory=list)
    """Of a pool that is not judged: what to turn on or to hand over, one sentence each."""
    coordination: Evidence | None = None
    concealment: Evidence | None = None
    harvest: Evidence | None = None
    explanations: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _of_old_findings(cls, given: Any) -> Any:
        """Findings from before there were verdicts say in their reason which it was: none is read as cleared that was not."""
        if not isinstance(given, dict) or "verdict" in given:
            return given
        why = str(given.get("why_not_a_campaign", ""))
        verdict = next((kind for start, kind in _OLD_REASONS if why.startswith(start)), "cleared")
        unseen = {"not_visible": ["text"]} if why.startswith("the logs carry no content") else {}
        return {**given, "verdict": verdict, **unseen}


class RecognisedAccount(_Message):
    """An account that matches a pack."""

    account_id: str
    bits: float
    """Weight of evidence (log2 of a likelihood ratio) against a stranger of this lake; 0 where identifiers alone match."""
    grams: int
    """Distinct grams of the pack that recur in its requests."""
    requests: float
    """Share of its requests that have two of them or more."""
    same_client: bool = False
    """Whether most of its calls came with a client that the pack names."""
    identifiers: list[str] = Field(default_factory=list)
    """Kinds of its identifiers that are in the pack."""
    campaign_id: str | None = None
    """The campaign of these findings that it is named in, if any."""


class Recognised(_Message):
    """What a scan saw of the campaign in an imported pack. It describes: nobody is accused for matching."""

    pack_id: str
    issuer: str
    campaign: str
    """The sender's name for it, which means nothing to anybody else."""
    grams: int
    """Grams of the pack that were looked for."""
    accounts: list[RecognisedAccount] = Field(default_factory=list)
    reason: str | None = None
    """Why nothing is said of some or all of it, in words."""


class Findings(_Message):
    """One scan's result."""

    stillhunt: str
    lake_snapshot: str
    scanned: Scanned
    visibility: list[Visibility]
    false_discovery_rate: float
    campaigns: list[Campaign]
    pools: list[Pool]
    as_of: str | None = None
    notes: list[str] = Field(default_factory=list)
    """What could not be seen and what to do next, one sentence each."""
    recognised: list[Recognised] = Field(default_factory=list, exclude_if=lambda found: not found)
    """One for each imported pack that was looked for; left out where there is none."""

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object, with `from` spelled as the contract does."""
        return self.model_dump(mode="json", by_alias=True)
