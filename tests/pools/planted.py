"""Populations drawn straight as observations, for tests of the pools engine: no logs, no texts, no range."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from stillhunt.channels import Aspect, Channel
from stillhunt.pools.population import Population, survey
from stillhunt.records import OBSERVATIONS


class Fixed:
    """A channel of one aspect, for tables that come from elsewhere than SQL."""

    def __init__(self, name: str, kind: str, family: str) -> None:
        self.name = self.title = name
        self.family = family
        self.aspects = (Aspect(name, kind, name),)

    def observe(self, dialect, view):
        return ()

    def describe(self, aspect: str, value: str) -> str:
        return f"{aspect} {value}"


CHANNELS: list[Channel] = [
    Fixed("card", "category", "payer"),
    Fixed("net", "category", "place"),
    Fixed("client", "category", "software"),
    Fixed("gram", "set", "software"),
    Fixed("created", "measure", "occasion"),
    Fixed("pace", "measure", "conduct"),
    Fixed("handoff", "tie", "work"),
]


def rows(channel: str, pairs: list[tuple[str, object]], share: float = 1.0) -> pa.Table:
    moment = np.datetime64("2030-01-01T00:00:00", "us")
    return pa.table(
        {
            "account_id": [account for account, _ in pairs],
            "channel": [channel] * len(pairs),
            "value": [str(value) for _, value in pairs],
            "first_at": [moment] * len(pairs),
            "last_at": [moment] * len(pairs),
            "occurrences": [5] * len(pairs),
            "share": [share] * len(pairs),
        }
    ).cast(OBSERVATIONS)


def strangers(rng: np.random.Generator, count: int, prefix: str = "s") -> dict[str, dict[str, object]]:
    """Accounts without anything in common: heavy-tailed nets, clients and paces, sign-ups over two years."""
    return {
        f"{prefix}{at:05d}": {
            "card": f"card{prefix}{at}",
            "net": f"net{int(rng.zipf(1.3)) % 3000}",
            "client": f"client{int(rng.zipf(1.6)) % 200}",
            "gram": [f"own{prefix}{at}-{number}" for number in range(3)]
            + [f"framework-{number}" for number in range(4) if rng.random() < 0.1],
            "created": rng.uniform(0, 17520),
            "pace": rng.normal(2.0, 1.6),
        }
        for at in range(count)
    }


def population(people: dict[str, dict[str, object]], declared: dict[str, str] | None = None) -> Population:
    parts = []
    for channel in CHANNELS:
        pairs = [
            (account, value)
            for account, own in people.items()
            if channel.name in own
            for value in (own[channel.name] if isinstance(own[channel.name], list) else [own[channel.name]])
        ]
        parts.append(rows(channel.name, pairs))
    return survey(pa.concat_tables(parts), CHANNELS, declared or {}, sorted(people))


def plant(rng: np.random.Generator, people: dict[str, dict[str, object]], count: int, **traits) -> list[str]:
    """Replace nobody, add `count` accounts that are strangers but for `traits` (values or callables of rng and number)."""
    added = strangers(rng, count, prefix=f"z{len(people)}-")
    for number, own in enumerate(added.values()):
        for name, value in traits.items():
            own[name] = value(rng, number) if callable(value) else value
    people.update(added)
    return sorted(added)
