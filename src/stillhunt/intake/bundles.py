"""Small sources put together into blocks: one file for each call, as gateways write them to object stores, would else cost a block each.

In: blocks of lines. Out: one block whose `members` say which of its lines are whose. What is counted, and which line of which file a
bad record is, does not depend on it (`rows.Share`).
"""

from __future__ import annotations

from stillhunt.intake.framing import Block, Member
from stillhunt.intake.opening import FIRST_LINES, Opened

SMALL_SOURCE = 256 << 10  # larger ones are worth a block of their own
BUNDLE_BYTES = 2 << 20  # small enough that two workers have something to do with a few thousand files


def fits(source: Opened, block: Block) -> bool:
    """Whether a block of a source may be read together with others.

    A container's log is read by itself: in it lines are put together, which must not reach over the end of a file. Whether a log is
    one is known of its first lines only.
    """
    size = block.length if block.data is None else len(block.data)
    if source.parts or block.framing != "lines" or size > SMALL_SOURCE:
        return False
    return block.data is None or block.data.count(b"\n") < FIRST_LINES


class Bundle:
    """Blocks of lines that become one."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._members: list[Member] = []
        self._size = 0
        self._lines = 0

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._members)

    def has_room(self, block: Block) -> bool:
        """Whether a block's bytes, which must be in memory, still go in."""
        return self._size + len(block.data or b"") <= BUNDLE_BYTES

    def add(self, source: int, base: str, block: Block) -> None:
        """Put in a block's bytes, which must be in memory."""
        data = block.data or b""
        if not data.endswith(b"\n"):
            data += b"\n"
        self._parts.append(data)
        self._size += len(data)
        self._lines += data.count(b"\n")
        self._members.append(Member(source, base, self._lines, block.length))

    def block(self) -> Block:
        """All of it."""
        data = b"".join(self._parts)
        return Block("", "lines", data, length=sum(member.length for member in self._members), members=tuple(self._members))
