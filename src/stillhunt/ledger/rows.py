"""Rows of `records.INTERACTIONS` to the leaves of a batch's tree, as `stillhunt.verifier` defines them, in compiled loops.

A row's leaf commits to three groups of columns, each behind a salt of its own, so that whoever is shown one group learns nothing of the
others, and of other rows nothing at all: a salt is AES-256, under the batch's secret, of the number 3 * position + group (16 bytes,
big-endian). AES under an unknown key is taken to be a random permutation (FIPS 197), so that shown salts say nothing of others.

The encoding is written for some thousands of rows at once, column by column, into one buffer; `stillhunt.verifier` has the same row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stillhunt import records
from stillhunt.compiled import compiled
from stillhunt.ledger.hashing import HASH_BYTES, hash_fixed, hash_pieces
from stillhunt.verifier import ROW_COLUMNS, ROW_GROUPS, SALT_SIZE

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

SECRET_BYTES = 32
GROUPS = tuple(ROW_GROUPS)
_GROUP_OF = np.array([GROUPS.index(next(group for group in GROUPS if name in ROW_GROUPS[group])) for name in ROW_COLUMNS])
_PIECE = 2_048
"""Rows encoded at once: what they take stays in the processor's cache until it is hashed."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def leaf_hashes(rows: pa.Table, positions: Places, secret: bytes) -> Bytes:
    """The leaf hash of each row.

    Args:
        rows: the columns of `records.INTERACTIONS`.
        positions: of each row in its batch's tree.
        secret: the batch's, `SECRET_BYTES` long.

    Returns:
        (rows, 32) bytes, in the order of `rows`.
    """
    return leaf_hashes_under(rows, salts(positions, secret))


def leaf_hashes_under(rows: pa.Table, own_salts: Bytes) -> Bytes:
    """The leaf hash of each row under its own salts, (rows, 3, 16) bytes."""
    hashes = np.empty((rows.num_rows, HASH_BYTES), np.uint8)
    at = 0
    for piece in rows.select(list(ROW_COLUMNS)).to_batches(max_chunksize=_PIECE):
        end = at + piece.num_rows
        hashes[at:end] = _hashed(piece, own_salts[at:end])
        at = end
    return hashes


def salts(positions: Places, secret: bytes) -> Bytes:
    """The salts of the rows at `positions`: (rows, 3, 16) bytes, in the order of `GROUPS`."""
    blocks = np.zeros((positions.size, len(GROUPS), 2), ">u8")
    blocks[:, :, 1] = positions[:, None] * len(GROUPS) + np.arange(len(GROUPS))
    # One block a salt and no block twice: the mode adds nothing here.
    made = Cipher(algorithms.AES(secret), modes.ECB()).encryptor().update(blocks.tobytes())  # noqa: S305
    return np.frombuffer(made, np.uint8).reshape(positions.size, len(GROUPS), SALT_SIZE)


def shown(row: Mapping[str, Any], position: int, secret: bytes) -> dict[str, dict[str, Any]]:
    """One row with its salts, for `verifier.row_leaf`: group -> {"salt": hex, "values": {column: JSON value}}.

    Args:
        row: column -> value as Python has it; times are aware.
        position: in its batch's tree.
        secret: the batch's.
    """
    own = salts(np.array([position]), secret)[0]
    return {
        group: {
            "salt": own[number].tobytes().hex(),
            "values": {name: _json(row[name]) for name in ROW_GROUPS[group] if row.get(name) is not None},
        }
        for number, group in enumerate(GROUPS)
    }


def _json(value: Any) -> Any:
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value


def _hashed(piece: pa.RecordBatch, own_salts: Bytes) -> Bytes:
    count = piece.num_rows
    columns = [_Column(piece.column(name), records.INTERACTIONS.field(name).type) for name in ROW_COLUMNS]
    sizes = np.full((count, len(GROUPS)), SALT_SIZE, np.int64)
    for column, group in zip(columns, _GROUP_OF, strict=True):
        sizes[:, group] += column.sizes()
    edges = np.zeros(count * len(GROUPS) + 1, np.int64)
    np.cumsum(sizes.ravel(), out=edges[1:])
    encoded = np.empty(int(edges[-1]), np.uint8)
    cursors = edges[:-1].reshape(count, len(GROUPS)).T.copy()  # never a view: edges are needed again
    for group in range(len(GROUPS)):
        _put_salts(encoded, cursors[group], own_salts, group)
    for number, (column, group) in enumerate(zip(columns, _GROUP_OF, strict=True)):
        column.put(encoded, cursors[group], number)
    commitments = hash_pieces(encoded, edges)
    leaves = np.zeros((count, 1 + len(GROUPS) * HASH_BYTES), np.uint8)  # RFC 6962: a leaf begins with a zero
    leaves[:, 1:] = commitments.reshape(count, -1)
    return hash_fixed(leaves)


class _Column:
    """One column of a piece as arrays: which rows have a value, and the bytes of the values."""

    def __init__(self, values: pa.Array[Any], kind: pa.DataType) -> None:
        count, offset = len(values), values.offset
        self._valid: npt.NDArray[np.bool_] | None = None if not values.null_count else values.is_valid().to_numpy(zero_copy_only=False)
        self._absent = values.null_count == count
        if self._absent:
            return
        self._starts: Places | None = None
        if pa.types.is_boolean(kind):
            self._data: Bytes = values.fill_null(False).to_numpy(zero_copy_only=False).view(np.uint8).reshape(count, 1)
        elif pa.types.is_string(kind):
            buffers = values.buffers()
            self._starts = _array(buffers[1], np.int32)[offset : offset + count + 1].astype(np.int64)
            self._data = _array(buffers[2], np.uint8)
        elif pa.types.is_list(kind):
            within: Any = values.values  # type: ignore[attr-defined]
            self._starts = _array(values.buffers()[1], np.int32)[offset : offset + count + 1].astype(np.int64) * 4
            data = _array(within.buffers()[1], np.int32)[within.offset :] if len(within) else np.empty(0, np.int32)
            self._data = data.view(np.uint8)
        else:
            width = np.int32 if pa.types.is_int32(kind) else np.int64
            numbers = _array(values.buffers()[1], width)[offset : offset + count].astype("<i8")
            self._data = numbers.view(np.uint8).reshape(count, 8)

    def sizes(self) -> Places | int:
        """Bytes that the column takes in each row: number and length, and the value."""
        if self._absent:
            return 0
        sizes: Any = 5 + (self._data.shape[1] if self._starts is None else np.diff(self._starts))
        return sizes if self._valid is None else np.where(self._valid, sizes, 0)

    def put(self, out: Bytes, cursor: Places, number: int) -> None:
        """Write the column where `cursor` stands in each row, and move it on."""
        if self._absent:
            return
        valid = np.ones(cursor.size, np.bool_) if self._valid is None else self._valid
        if self._starts is None:
            _put_fixed(out, cursor, number, self._data, valid)
        else:
            _put_variable(out, cursor, number, self._data, self._starts, valid)


def _array(buffer: Any, kind: Any) -> npt.NDArray[Any]:
    return np.empty(0, kind) if buffer is None or not buffer.size else np.frombuffer(memoryview(buffer), kind)


@compiled
def _put_salts(out: Any, cursor: Any, own_salts: Any, group: int) -> None:
    for row in range(cursor.size):
        at = cursor[row]
        for byte in range(16):
            out[at + byte] = own_salts[row, group, byte]
        cursor[row] = at + 16


@compiled
def _put_fixed(out: Any, cursor: Any, number: int, data: Any, valid: Any) -> None:
    width = data.shape[1]
    for row in range(cursor.size):
        if valid[row]:
            at = cursor[row]
            out[at] = number
            out[at + 1] = width
            out[at + 2] = out[at + 3] = out[at + 4] = 0
            for byte in range(width):
                out[at + 5 + byte] = data[row, byte]
            cursor[row] = at + 5 + width


@compiled
def _put_variable(out: Any, cursor: Any, number: int, data: Any, starts: Any, valid: Any) -> None:
    for row in range(cursor.size):
        if valid[row]:
            at, start, length = cursor[row], starts[row], starts[row + 1] - starts[row]
            out[at] = number
            for byte in range(4):
                out[at + 1 + byte] = (length >> (8 * byte)) & 255
            for byte in range(length):
                out[at + 5 + byte] = data[start + byte]
            cursor[row] = at + 5 + length
