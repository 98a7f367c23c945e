"""Interactions and accounts as a format read them -> as the lake keeps them.

In: batches in `records.INTAKE_INTERACTIONS` and `records.CANONICAL_ACCOUNTS`. Out: `records.INTERACTIONS`, `records.ACCOUNTS`
and the k-anonymous `records.PHRASES`. May import: records, errors and its neighbours in intake.
Text goes no further than this module, and personal values leave it as pseudonyms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt import records
from stillhunt.intake import privacy, sketch
from stillhunt.intake.client_shape import client_columns
from stillhunt.intake.phrases import PhraseBook
from stillhunt.intake.shape import shapes
from stillhunt.intake.topic import topics
from stillhunt.intake.unicode_table import table as fold_table

BATCH_ROWS = 65_536
"""Rows at a time, so that offsets into sketches stay below 2**31 and intermediate arrays in the cache's reach."""

Columns: TypeAlias = "dict[str, pa.Array[Any]]"


class Fingerprinter:
    """Replaces texts by fingerprints and personal values by pseudonyms. One per process; not for several threads at once.

    Args:
        key: the provider's secret for pseudonyms, 16 bytes or more (`privacy.new_key()`).
        k_anonymity: how many distinct accounts must have sent a sampled gram before its words are kept.

    Raises:
        StillhuntError: the key is too short.
        ValueError: `k_anonymity` is not between 2 and 100.
    """

    def __init__(self, key: bytes, *, k_anonymity: int = 10) -> None:
        self._pseudonyms = privacy.Pseudonyms(key)
        self._book = PhraseBook(k_anonymity)

    def interactions(self, table: pa.Table, source: str) -> pa.Table:
        """`records.INTAKE_INTERACTIONS` -> `records.INTERACTIONS`, row by row in the same order.

        Columns that are missing count as not visible. A hash is null where its text is null or empty; a size and the sketch
        are null only where the text is null.

        Args:
            table: the rows; text columns may be sliced, chunked and have nulls.
            source: the name of the format that they came through.
        """
        batches = _normal(table, records.INTAKE_INTERACTIONS).to_batches(max_chunksize=BATCH_ROWS)
        return pa.Table.from_batches([self._interactions(b, source) for b in batches if b.num_rows], records.INTERACTIONS)

    def accounts(self, table: pa.Table, source: str) -> pa.Table:
        """`records.CANONICAL_ACCOUNTS` -> `records.ACCOUNTS`, row by row in the same order."""
        rows = _normal(table, records.CANONICAL_ACCOUNTS).combine_chunks()
        columns: Columns = {name: rows[name].combine_chunks() for name in rows.column_names}
        email, address = columns["email"], columns["signup_ip"]
        columns |= {
            "email": self._pseudonyms.emails(email),
            "email_domain": privacy.over_unique(email, privacy.email_domain),
            "email_shape": privacy.over_unique(email, privacy.email_shape),
            "phone": self._pseudonyms.phones(columns["phone"]),
            "payment_fingerprint": self._pseudonyms.cards(columns["payment_fingerprint"]),
            "signup_ip": self._pseudonyms.addresses(address),
            "signup_prefix": privacy.over_unique(address, privacy.prefix),
            "signup_user_agent": privacy.over_unique(columns["signup_user_agent"], privacy.user_agent),
        }
        return pa.Table.from_batches([_record_batch(columns, records.ACCOUNTS, source, rows.num_rows)])

    def phrases(self) -> pa.Table:
        """The phrases (`records.PHRASES`) that became k-anonymous since the last call.

        Call it with every few batches: at most 16,384 are held back, and learning waits while nobody takes them.
        """
        return self._book.take()

    def _interactions(self, batch: pa.RecordBatch, source: str) -> pa.RecordBatch:
        columns: Columns = {name: batch.column(name) for name in batch.schema.names}
        client = client_columns(*(columns[n] for n in ("user_agent", "client_headers", "request_parameters", "tls_ja4")))
        address = columns["client_ip"]
        columns |= {
            "end_user_id": self._pseudonyms.users(columns["end_user_id"]),
            "client_ip": self._pseudonyms.addresses(address),
            "client_prefix": privacy.over_unique(address, privacy.prefix),
            "user_agent": privacy.over_unique(columns["user_agent"], privacy.user_agent),
            "client_shape": client.shape,
            "client_label": client.label,
            "parameters_hash": client.parameters,
        }
        columns |= self.text_columns(columns)
        return _record_batch(columns, records.INTERACTIONS, source, batch.num_rows)

    def text_columns(self, columns: Mapping[str, pa.Array[Any]]) -> Columns:
        """All that is computed from text: hashes, topics, shapes, sizes and the sketch. Learns phrases on the way.

        Args:
            columns: `account_id` and the large_string columns system, transcript, tools, response and reasoning.
        """
        system, transcript = columns["system"], columns["transcript"]
        exact = {name: sketch.exact(columns[name]) for name in ("system", "transcript", "tools", "response", "reasoning")}
        said = exact["transcript"]
        offsets, hashes = sketch.sketches(system, transcript)
        self._learn(columns["account_id"], system, transcript, offsets, hashes)
        nothing = pc.and_(system.is_null(), transcript.is_null())
        framing = 2 * said.messages
        return {
            "prompt_hash": _hashes(said.hashes),
            "system_hash": _hashes(exact["system"].hashes),
            "tools_hash": _hashes(exact["tools"].hashes),
            "response_hash": _hashes(exact["response"].hashes),
            "prompt_topic": topics(transcript, last_turn=True),
            "response_topic": topics(columns["response"]),
            "prompt_shape": shapes(transcript),
            "sketch": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(sketch.grams(hashes), pa.int32()), mask=nothing),
            "system_chars": _sizes(exact["system"].chars, system),
            "prompt_chars": _sizes(said.chars - framing, transcript),
            "response_chars": _sizes(exact["response"].chars, columns["response"]),
            "reasoning_chars": _sizes(exact["reasoning"].chars, columns["reasoning"]),
            "message_count": _sizes(said.messages, transcript),
            "user_turns": _sizes(said.user_turns, transcript),
        }

    def _learn(self, account: pa.Array[Any], system: pa.Array[Any], transcript: pa.Array[Any], offsets: Any, hashes: Any) -> None:
        accounts = sketch.exact(account.cast(pa.large_string())).hashes.view(np.uint64)
        rows, ripe = self._book.learn(accounts, offsets, hashes)
        tokens = fold_table().tokens
        for row in np.unique(rows).tolist():
            found = sketch.origins(system, transcript, row)
            for gram in ripe[rows == row].tolist():
                self._book.keep(gram, tokens(found[gram]), found[gram])


def _normal(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns and types of `schema`; absent ones null."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type) for field in schema
    ]
    return pa.table(columns, schema=schema)


def _record_batch(columns: Columns, schema: pa.Schema, source: str, rows: int) -> pa.RecordBatch:
    columns["source"] = pa.repeat(pa.scalar(source, pa.string()), rows)
    return pa.RecordBatch.from_arrays([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _hashes(hashes: Any) -> pa.Array[Any]:
    return pa.array(hashes, pa.int64(), mask=hashes == 0)


def _sizes(sizes: Any, texts: pa.Array[Any]) -> pa.Array[Any]:
    return pa.array(sizes.astype(np.int32), pa.int32(), mask=texts.is_null().to_numpy(zero_copy_only=False))
