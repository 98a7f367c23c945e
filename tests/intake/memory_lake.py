"""A lake that keeps its rows in lists, with the promises of the real one: for tests that are not about the lake."""

from dataclasses import dataclass, field

import pyarrow as pa

from stillhunt.records import ACCOUNTS, ENTITLEMENTS, INTERACTIONS, PHRASES, TEXTS


@dataclass(frozen=True)
class Appended:
    accepted: int
    duplicates: int


@dataclass
class MemoryLake:
    key: bytes = bytes(range(32))
    interactions: dict[str, dict] = field(default_factory=dict)
    texts: dict[str, dict] = field(default_factory=dict)
    accounts: set[tuple] = field(default_factory=set)
    entitlements: set[tuple] = field(default_factory=set)
    appends: list[int] = field(default_factory=list)

    def append_interactions(self, rows: pa.Table, texts: pa.Table | None = None) -> Appended:
        assert rows.schema.equals(INTERACTIONS)
        before = len(self.interactions)
        for row in rows.to_pylist():
            self.interactions.setdefault(row["interaction_id"], row)
        if texts is not None:
            assert texts.schema.equals(TEXTS)
            for row in texts.to_pylist():
                self.texts.setdefault(row["interaction_id"], row)
        self.appends.append(rows.num_rows)
        accepted = len(self.interactions) - before
        return Appended(accepted, rows.num_rows - accepted)

    def upsert_accounts(self, rows: pa.Table) -> int:
        assert rows.schema.equals(ACCOUNTS)
        self.accounts.update(tuple(row.values()) for row in rows.to_pylist())
        return rows.num_rows

    def upsert_entitlements(self, rows: pa.Table) -> int:
        assert rows.schema.equals(ENTITLEMENTS)
        self.entitlements.update(tuple(row.values()) for row in rows.to_pylist())
        return rows.num_rows

    def add_phrases(self, rows: pa.Table) -> int:
        assert rows.schema.equals(PHRASES)
        return rows.num_rows
