"""Logs that a person would write by hand to try the product: a ring of twenty among 170 accounts, and nobody's words.

The ring pays with four cards, signed up within two hours from one /24, and works one even pace all day and night. The gateways log what
they log unless told otherwise: who called, when, from where, which model, how many tokens, and no text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 5, 4, tzinfo=UTC)
RING, ACCOUNTS, DAYS = 20, 170, 10
ISO = "%Y-%m-%dT%H:%M:%S.%fZ"
CLIENTS = ("openai-python/1.51.0", "openai-python/1.40.2", "openai-node/4.52.1", "curl/8.7.1", "Mozilla/5.0", "python-requests/2.32.3")


@dataclass
class Ring:
    """Where the logs lie, and who is in the ring."""

    logs: Path
    members: list[str] = field(default_factory=list)


@dataclass
class _Call:
    number: int
    account: str
    at: datetime
    ip: str
    client: str
    model: str
    sent: int
    received: int


def write_ring(folder: Path, gateway: str, seed: int = 1, ring: int = RING, *, steady: bool = True) -> Ring:
    """Write a gateway's log (`litellm-spend`, `otel-genai` or `kong`) and an accounts file; with `ring` 0 nobody is in one.

    A `steady` ring works one pace all day and night; another calls as people do, so that only records tie it.
    """
    rng = random.Random(seed)
    names = [f"user-{number:05d}" for number in rng.sample(range(100_000), ACCOUNTS)]
    members = sorted(names[:ring])
    rng.shuffle(names)
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [_account(name, name in members, rng) for name in names]
    (folder / "accounts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in accounts))
    calls = sorted((call for one in accounts for call in _calls(one, one["account_id"] in members, steady, rng)), key=lambda call: call.at)
    for number, call in enumerate(calls):
        call.number = number
    write = {"litellm-spend": _spend, "otel-genai": _span, "kong": _kong}[gateway]
    (folder / f"{gateway}.jsonl").write_text("".join(json.dumps(write(call)) + "\n" for call in calls))
    return Ring(folder, members)


def _account(name: str, ringed: bool, rng: random.Random) -> dict[str, Any]:
    if ringed:
        created, address, card = (
            START - timedelta(hours=rng.uniform(24, 26)),
            f"203.0.113.{rng.randrange(1, 255)}",
            f"card-{rng.randrange(4)}",
        )
    else:
        created = START - timedelta(hours=rng.uniform(24, 8_000))
        address = f"198.{18 + rng.randrange(2)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        card = f"card-of-{name}"
    return {
        "account_id": name,
        "created_at": created.strftime(ISO),
        "email": f"{rng.choice('abcdefgh')}{rng.randrange(10**6)}@example.{rng.choice(('com', 'net', 'org'))}",
        "payment_fingerprint": card,
        "signup_ip": address,
        "country": rng.choice(("NO", "BR", "IN", "DE", "US")),
        "plan": rng.choice(("free", "pro")),
    }


def _calls(account: dict[str, Any], ringed: bool, steady: bool, rng: random.Random) -> Iterator[_Call]:
    alike = ringed and steady
    client, model = rng.choice(CLIENTS), rng.choice(("large-1", "small-2"))
    wakes, long = rng.uniform(5, 14), rng.lognormvariate(5, 0.6)
    for day in range(DAYS):
        for _ in range(rng.randrange(22, 30) if alike else min(int(rng.expovariate(1 / 12)), 60)):
            hours = rng.uniform(0, 24) if alike else (wakes + rng.triangular(0, 12, 4)) % 24
            yield _Call(
                0,
                account["account_id"],
                START + timedelta(days=day, hours=hours),
                f"203.0.113.{rng.randrange(1, 255)}" if ringed else account["signup_ip"],
                "openai-python/1.51.0" if alike else client,
                "large-1" if alike else model,
                max(int(rng.gauss(420, 60)), 1) if alike else int(rng.lognormvariate(5, 1)) + 1,
                max(int(rng.gauss(900, 150)), 1) if alike else int(rng.lognormvariate(0, 0.8) * long) + 1,
            )


def _spend(call: _Call) -> dict[str, Any]:
    return {
        "request_id": f"chatcmpl-{call.number:08d}",
        "call_type": "acompletion",
        "api_key": f"{hash_of(call.account):064x}",
        "spend": 0.001,
        "total_tokens": call.sent + call.received,
        "prompt_tokens": call.sent,
        "completion_tokens": call.received,
        "startTime": call.at.strftime(ISO),
        "endTime": (call.at + timedelta(seconds=2)).strftime(ISO),
        "model": f"openai/{call.model}",
        "model_group": call.model,
        "custom_llm_provider": "openai",
        "user": call.account,
        "metadata": {"status": "success", "user_agent": call.client, "requester_ip_address": call.ip},
        "cache_hit": "None",
        "request_tags": [],
        "end_user": "",
        "requester_ip_address": call.ip,
        "messages": {},
        "response": {},
        "proxy_server_request": {},
        "status": "success",
    }


def hash_of(name: str) -> int:
    """A number in the place of a key's hash."""
    return random.Random(name).getrandbits(256)


def _span(call: _Call) -> dict[str, Any]:
    began = int(call.at.timestamp() * 1e9)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": call.model,
        "gen_ai.response.id": f"resp-{call.number:08d}",
        "user.id": call.account,
        "client.address": call.ip,
        "user_agent.original": call.client,
    }
    numbers = {"gen_ai.usage.input_tokens": call.sent, "gen_ai.usage.output_tokens": call.received}
    span = {
        "traceId": f"{call.number + 1:032x}",
        "spanId": f"{call.number + 1:016x}",
        "name": f"chat {call.model}",
        "kind": 3,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + 2_000_000_000),
        "attributes": [
            *({"key": key, "value": {"stringValue": value}} for key, value in attributes.items()),
            *({"key": key, "value": {"intValue": str(value)}} for key, value in numbers.items()),
        ],
    }
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "genai"}, "spans": [span]}]}]}


def _kong(call: _Call) -> dict[str, Any]:
    return {
        "latencies": {"kong": 9, "proxy": 1800, "receive": 2, "request": 1811},
        "client_ip": call.ip,
        "request": {
            "id": f"{call.number:032x}",
            "method": "POST",
            "uri": "/openai/v1/chat/completions",
            "url": "https://gw.example.com/openai/v1/chat/completions",
            "headers": {"host": "gw.example.com", "user-agent": call.client, "authorization": "REDACTED"},
        },
        "response": {"status": 200, "headers": {"content-type": "application/json"}},
        "route": {"id": "r1", "name": "chat"},
        "service": {"id": "s1", "name": "llm"},
        "started_at": int(call.at.timestamp() * 1000),
        "upstream_uri": "/v1/chat/completions",
        "tries": [],
        "workspace": "w1",
        "consumer": {"id": call.account, "username": call.account},
        "ai": {
            "proxy": {
                "meta": {"provider_name": "openai", "request_model": call.model, "response_model": call.model},
                "usage": {"prompt_tokens": call.sent, "completion_tokens": call.received},
            }
        },
    }
