"""The two rows that the range makes: an account and a call, before any log format is chosen.

A call knows its account, its text and its outcome; what a log shows of it is the writers' business.
Times are microseconds since 1970 UTC.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Message = dict[str, str]
"""One turn as a request carries it: role and content."""


@dataclass(slots=True, eq=False)
class Account:
    """One simulated account: the provider's record of it, and the truth about it."""

    account_id: str
    population: str
    created_at: int
    email: str | None
    country: str
    zone: float  # hours east of UTC, for the owner's day and night
    signup_ip: str | None
    signup_user_agent: str | None
    signup_ja4: str | None
    plan: str
    phone: str | None = None
    payment_fingerprint: str | None = None
    organization_id: str | None = None
    verification: str | None = None
    referral: str | None = None
    status: str = "active"
    closed_at: int | None = None
    closed_reason: str | None = None
    operator: str | None = None
    campaign: str | None = None
    calls: int = 0  # counted while writing
    first_call: int | None = None
    spent: float = 0.0  # list price so far, in dollars, as gateways log it

    def key_id(self, index: int = 0) -> str:
        """The SHA-256 of the account's `index`-th key, 64 hex digits, as gateways log keys."""
        return hashlib.sha256(f"{self.account_id}/{index}".encode()).hexdigest()


@dataclass(slots=True, eq=False)
class Call:
    """One model call with its outcome. `messages` leaves the system's out; `response` is empty when the call failed."""

    at: int
    ended: int
    account: Account
    user_agent: str
    headers: tuple[tuple[str, str], ...]  # as sent, in order
    ja4: str | None
    ip: str | None
    model: str
    parameters: dict[str, Any]
    messages: list[Message]
    response: str
    system: str | None = None
    tools: str | None = None  # JSON
    reasoning: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    status: int = 200
    finish_reason: str | None = "stop"
    error_type: str | None = None
    conversation_id: str | None = None
    end_user_id: str | None = None
    key: int = 0
    surface: str = "api"
    memo: dict[str, Any] = field(default_factory=dict)
    """Shared by all calls of one actor: where a writer keeps what is the same in each of them."""
