"""Who they say they are: e-mail addresses made by one scheme.

Null hypothesis: the chance of an account having a given domain, or a given shape of local part, is the share of other
entities that have it: popular mail services and common shapes cancel themselves. Shapes are compared without the
lengths of their letter runs, because a scheme such as "word.word99" keeps its joints and digits while words vary.
Source: similar registration details, as for sign-up rings (Ianus, SybilRank's successors).
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import on_account

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest


class Email:
    """Domain and shape of the sign-up address."""

    name = "email"
    title = "E-mail address"
    family: Family = "identity"
    aspects = (
        Aspect("email.domain", "category", "the e-mail domain", {"accounts": ("email_domain",)}),
        Aspect("email.shape", "category", "the way their e-mail addresses are made", {"accounts": ("email_shape",)}),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """The shape "a6.a5d2" becomes "a.ad2"."""
        yield on_account(digest, "email.domain", "email_domain")
        yield on_account(digest, "email.shape", "email_shape", pattern="a[0-9]+", replacement="a")

    def describe(self, aspect: str, value: str) -> str:
        """Shapes are shown as a pattern: letters as "word", digits as that many nines."""
        if aspect == "email.domain":
            return f"the e-mail domain {value}"
        pattern = ""
        at = 0
        while at < len(value):
            if value[at] == "d":
                end = at + 1
                while end < len(value) and value[end].isdigit():
                    end += 1
                pattern += "9" * min(int(value[at + 1 : end] or "1"), 12)
                at = end
            else:
                pattern += "word" if value[at] == "a" else value[at]
                at += 1
        return f"e-mail addresses of the form {pattern}@…"


CHANNEL = Email()
