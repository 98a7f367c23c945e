"""Material with other calls, accounts or entitlements than the frozen world's: what a test says, on a campaign that was really found."""

from dataclasses import dataclass, fields

import pyarrow as pa

from stillhunt.cases.material import Material
from stillhunt.records import ENTITLEMENTS, INTERACTIONS


class _Lake:
    def __init__(self, lake, tables):
        self._lake, self._tables = lake, tables

    def table(self, name):
        return _Table(self._tables[name]) if name in self._tables else self._lake.table(name)


class _Table:
    def __init__(self, rows):
        self._rows = rows

    def to_arrow(self):
        return self._rows


@dataclass(frozen=True)
class Altered(Material):
    table: pa.Table | None = None
    people: pa.Table | None = None

    def calls(self, columns):
        return (super().calls(INTERACTIONS.names) if self.table is None else self.table).select(list(columns))

    def accounts(self):
        return super().accounts() if self.people is None else self.people


def altered(material, *, table=None, people=None, campaign=None, members=None, **tables):
    """`material` with another table of calls, other accounts, or other tables of the lake (entitlements, phrases)."""
    parts = {field.name: getattr(material, field.name) for field in fields(Material)}
    if tables:
        parts["lake"] = _Lake(material.lake, tables)
    if members is not None:
        parts["members"] = members
    if campaign is not None:
        parts["campaign"] = campaign
    return Altered(**parts, table=table, people=people)


def with_column(table, name, values):
    """`table` with other values in one column."""
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.chunked_array([pa.array(values, table.schema.field(at).type)]))


def in_order(table):
    return table.sort_by([("started_at", "ascending"), ("interaction_id", "ascending")])


def entitlements(*rows):
    return pa.Table.from_pylist([dict.fromkeys(ENTITLEMENTS.names) | row for row in rows], ENTITLEMENTS)
