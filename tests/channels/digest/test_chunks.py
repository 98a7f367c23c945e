"""What a chunk knows is what its rows say, however their columns are encoded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from folded import DAY0, PEOPLE, drawn_calls, told

from stillhunt.channels.digest.chunks import STRINGS, Names, chunk_of
from stillhunt.channels.digest.taking import digest_of


def encoded(table):
    """The same calls, strings as dictionaries of the whole table, as Parquet files give them."""
    for name in STRINGS:
        at = table.column_names.index(name)
        table = table.set_column(at, name, pc.dictionary_encode(table[name]))
    return table


@pytest.mark.parametrize("seed", range(3))
def test_dictionaries_say_what_plain_strings_say(seed):
    table = drawn_calls(seed)
    assert told(digest_of([encoded(table)], PEOPLE)) == told(digest_of([table], PEOPLE))


def test_who_called_only_later_is_not_in_view_however_columns_are_encoded():
    table = drawn_calls(4, accounts=60, days=9.0)
    late = pc.if_else(pc.greater(table["started_at"].cast(pa.int64()), DAY0 + 5 * 86_400_000_000), "late", table["account_id"])
    table = table.set_column(table.column_names.index("account_id"), "account_id", late)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=DAY0, days=3)
    seen = digest_of([encoded(table)], PEOPLE, as_of=moment)
    assert "late" not in seen.accounts
    assert seen.calls.min() > 0
    assert seen.span.first >= DAY0
    assert told(seen) == told(digest_of([table], PEOPLE, as_of=moment))


def test_a_name_that_no_row_has_is_not_known():
    table = encoded(drawn_calls(5))
    names = Names()
    chunk = chunk_of(table.slice(0, 1), names)
    assert names.accounts.strings.to_pylist() == table["account_id"].slice(0, 1).to_pylist()
    assert chunk.account.tolist() == [0]
