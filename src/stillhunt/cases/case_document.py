"""A document as blocks, which both HTML and PDF are made of: what one says, the other says, in the same order.

Every text in a block is plain and safe to show (`shown`): what comes out of logs has its control and reordering characters spelled out.
No block holds markup; whoever renders one treats all of it as text.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from stillhunt.cases.wording import visible

Kind = Literal["text", "named", "number", "id"]
"""How a column is set: as words, words with a name in the first line, right-aligned figures, or an identifier in a fixed width."""


@dataclass(frozen=True)
class Heading:
    """A heading; `level` 2 begins a section."""

    text: str
    level: Literal[2, 3] = 2
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Text:
    """A paragraph, of the usual size or small."""

    text: str
    small: bool = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Items:
    """A list of sentences; `mark` is what stands before each."""

    items: list[str]
    mark: Literal["•", "+", "−", "?"] = "•"
    kind: ClassVar[str] = "items"


@dataclass(frozen=True)
class Facts:
    """Terms and what they are."""

    rows: list[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; `widths` are shares of the page's width, all of it or less. A line break in a cell begins a line."""

    columns: list[str]
    kinds: list[Kind]
    widths: list[float]
    rows: list[list[str]]
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Picture:
    """An SVG with a title, a line about it, and words for those who cannot see it."""

    title: str
    about: str
    svg: str
    alt: str
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True)
class Quote:
    """Lines of (text, is a blank)."""

    lines: list[list[tuple[str, bool]]]
    kind: ClassVar[str] = "quote"


Block = Heading | Text | Items | Facts | Table | Picture | Quote


@dataclass(frozen=True)
class Document:
    """A title, a line above and one below it, the day that it is dated by (ISO 8601), and its blocks."""

    title: str
    brand: str
    lead: str
    day: str
    footer: str
    blocks: list[Block] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON values; each block with its `kind`."""
        return asdict(self) | {"blocks": [asdict(block) | {"kind": block.kind} for block in self.blocks]}


def shown(text: object, limit: int = 600) -> str:
    """`text` as it may stand in a block, at most about `limit` characters; line breaks in it are spelled out, too."""
    return visible(str(text), limit)
