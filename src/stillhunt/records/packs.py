"""Indicator packs as messages: what one provider tells another of a campaign, to recognise it without reading anybody's prompts.

A pack has numbers of word runs (`intake.sketch`: unkeyed, the same at every provider), how many of the campaign's accounts show them,
and, if both sides hold an exchange key, keyed identifiers. It has no text, no account, no address and no name of a person.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FORMAT = "stillhunt-pack-1"
GRAMS = "stillhunt-grams-2"
"""How grams are numbered: that of lakes of layout 2. Numbers of another scheme name other words."""

LEAST_GRAMS = 4
"""An account that shows fewer distinct grams of a pack is never said to match: one common phrase has up to three."""

MOST_GRAMS, MOST_TEMPLATES, MOST_IDENTIFIERS = 256, 64, 100_000

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Label = Annotated[str, Field(min_length=1, max_length=300)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")]
Kind = Literal["email", "phone", "payment"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Template(_Message):
    """Grams that stand and fall together. An account shows the template if it shows at least half of its grams."""

    grams: Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1, max_length=MOST_GRAMS)]
    """Ascending."""
    share: Share
    """Of the campaign's accounts, those that show it."""


class Identifiers(_Message):
    """Keyed identifiers: HMAC-SHA256, cut to 16 bytes, under a key that HKDF-SHA256 derives from the exchange key and `salt`."""

    salt: Hex32
    values: dict[Kind, Annotated[list[Hex32], Field(max_length=MOST_IDENTIFIERS)]]
    """Kind -> values, ascending."""


class Behaviour(_Message):
    """What helps a person to look closer. It matches nobody by itself."""

    clients: Annotated[list[Annotated[int, Field(ge=-(2**63), lt=2**63)]], Field(max_length=16)] = Field(default_factory=list)
    """Shapes of clients (`client_shape`: header order, SDK, TLS) that most of the calls came with."""
    models: Annotated[list[Label], Field(max_length=16)] = Field(default_factory=list)
    hours: Annotated[list[Share], Field(max_length=24)] = Field(default_factory=list)
    """Share of the calls in each hour of the day (UTC)."""


class Pack(_Message):
    """One campaign, as another provider is told of it."""

    format: Literal["stillhunt-pack-1"] = "stillhunt-pack-1"
    grams: Literal["stillhunt-grams-2"] = "stillhunt-grams-2"
    pack_id: Hex32
    sequence: Annotated[int, Field(ge=1, lt=2**53)]
    """Counts the sender's packs, upwards."""
    revokes: Annotated[list[Hex32], Field(max_length=1_000)] = Field(default_factory=list)
    """Earlier packs of the sender that are not to be looked for any more."""
    issuer: Label
    """Origin of the ledger whose keys sign."""
    signers: Annotated[list[Label], Field(min_length=1, max_length=16)]
    """keyids of all signatures on the envelope, ascending: none can be taken away unnoticed."""
    recipient: Label
    tlp: Literal["clear", "green", "amber", "amber+strict", "red"]
    issued_at: Moment
    expires_at: Moment
    campaign: Hex32
    """A name that means nothing to anybody but the sender."""
    accounts: Annotated[int, Field(ge=1)]
    """Of the campaign, rounded to one digit."""
    first_day: Day
    last_day: Day
    least: Annotated[int, Field(ge=LEAST_GRAMS, le=MOST_GRAMS)]
    """Distinct grams that an account must show to match."""
    matched: Share
    """Of the campaign's accounts at the sender, those that show so many."""
    templates: Annotated[list[Template], Field(max_length=MOST_TEMPLATES)]
    identifiers: Identifiers | None = None
    behaviour: Behaviour = Field(default_factory=Behaviour)

    @model_validator(mode="after")
    def _in_order(self) -> Pack:
        numbers = [gram for template in self.templates for gram in template.grams]
        if len(set(numbers)) != len(numbers) or len(numbers) > MOST_GRAMS:
            raise ValueError("a gram comes twice, or there are too many")
        keyed = list(self.identifiers.values.values()) if self.identifiers is not None else []
        words = [self.signers, self.revokes, *keyed]
        if any(one != sorted(set(one)) for one in words) or any(one.grams != sorted(one.grams) for one in self.templates):
            raise ValueError("a list is not sorted, or has doubles")
        if not self.issued_at < self.expires_at or self.first_day > self.last_day:
            raise ValueError("times are not in order")
        if not self.revokes and not numbers and self.identifiers is None:
            raise ValueError("nothing is in it")
        return self


class KeptPack(_Message):
    """A pack as it is kept beside a lake once its signatures were found right, with what only this lake knows of it."""

    pack: Pack
    imported_at: Moment
    envelope_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    identified: dict[str, list[Kind]] = Field(default_factory=dict)
    """The lake's accounts whose identifiers are in the pack -> which."""
