"""Populations drawn straight as observations, for tests of the pools engine: no logs, no texts, no range."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from stillhunt.channels import Aspect, Channel, Observed
from stillhunt.pools.population import Population, survey


class Fixed:
    """A channel of one aspect, for observations that come from elsewhere."""

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


def observed(aspect: str, kind: str, accounts: list[str], pairs: list[tuple[str, object]], share: float = 1.0) -> Observed:
    """What (account, value) pairs of one aspect are, as a channel would hand them over."""
    position = {account: at for at, account in enumerate(accounts)}
    pairs = sorted(pairs, key=lambda pair: position[pair[0]])
    values = [value for _, value in pairs]
    if kind == "measure":
        shown = np.array(values, dtype=np.float64)
    elif kind == "category":
        shown = pa.array([str(value) for value in values], pa.string()).dictionary_encode()
    else:
        numbers: dict[object, int] = {}
        shown = np.array([numbers.setdefault(value, 1000 + 7 * len(numbers)) for value in values], dtype=np.int64)
    moment = np.full(len(pairs), int(np.datetime64("2030-01-01T00:00:00", "us").astype(np.int64)))
    at = np.array([position[account] for account, _ in pairs], dtype=np.int64)
    return Observed(aspect, at, shown, moment, moment, np.full(len(pairs), 5), np.full(len(pairs), share))


def owners(accounts: list[str], declared: dict[str, str]) -> np.ndarray:
    """Numbers of the organizations that accounts declare, -1 for none."""
    numbers = {name: at for at, name in enumerate(sorted(set(declared.values())))}
    return np.array([numbers[declared[account]] if account in declared else -1 for account in accounts], dtype=np.int64)


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
    accounts = sorted(people)
    parts = []
    for channel in CHANNELS:
        pairs = [
            (account, value)
            for account, own in people.items()
            if channel.name in own
            for value in (own[channel.name] if isinstance(own[channel.name], list) else [own[channel.name]])
        ]
        parts.append(observed(channel.name, channel.aspects[0].kind, accounts, pairs))
    return survey(parts, CHANNELS, owners(accounts, declared or {}), accounts)


def plant(rng: np.random.Generator, people: dict[str, dict[str, object]], count: int, **traits) -> list[str]:
    """Replace nobody, add `count` accounts that are strangers but for `traits` (values or callables of rng and number)."""
    added = strangers(rng, count, prefix=f"z{len(people)}-")
    for number, own in enumerate(added.values()):
        for name, value in traits.items():
            own[name] = value(rng, number) if callable(value) else value
    people.update(added)
    return sorted(added)
