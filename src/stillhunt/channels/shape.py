"""What they run: how an account's calls are built, whatever their words and language.

A fixed instruction says how long to think and in what form to answer, and a queue of one kind of work asks questions of one size.
Both leave their mark on lengths, which no paraphrase and no translation of the instruction takes away. Measures, each for accounts
with at least eight answered calls, over those calls:

* `shape.answer`: log2 of 1 + the median length of an answer, in tokens;
* `shape.spread`: log2 of 1 + the upper quartile of these lengths over 1 + the lower one;
* `shape.request`: log2 of 1 + the median length of a request, in characters, the system prompt left out;
* `shape.thought`: log2 of 1 + the median length of the reasoning, in tokens, over calls that had any.

Estimated: quantiles, from histograms in quarters of an octave, linear inside a bin: each is off by less than 0.25 (19 %), a spread by
less than 0.5. A group whose lengths are the same to the token cannot be told from one whose lengths agree within a bin.

Null hypothesis: the accounts' places in the population's own order of each measure are drawn independently. A product gives its users'
calls one build, too: the family is "software", which never speaks of control by itself, but gives groups whose pace does.
Innocent twins: the users of one application, of one benchmark.
Formula: p(bin) = (1 + entities outside the group in the bin) / (1 + entities outside it), bins of equal share at four
resolutions, within strata; weighed by the urn of `pools.evidence`.
Source: lengths and parameters are what people with a common cause have in common (the project's feasibility study); a
common build beside a common pace is what a scheduler adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import measured

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

LEAST_CALLS = 8


class Shape:
    """Four measures of how an account's calls are built."""

    name = "shape"
    title = "Build of the calls"
    family: Family = "software"
    aspects = (
        Aspect("shape.answer", "measure", "the length of the answers", {"interactions": ("output_tokens",)}),
        Aspect("shape.spread", "measure", "how much the answers' lengths vary", {"interactions": ("output_tokens",)}),
        Aspect("shape.request", "measure", "the length of the requests", {"interactions": ("prompt_chars",)}),
        Aspect("shape.thought", "measure", "the length of the reasoning", {"interactions": ("reasoning_tokens",)}),
    )

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Accounts without the column in enough of their calls have no observation."""
        for aspect, sizes in (("shape.answer", digest.answers), ("shape.request", digest.lengths), ("shape.thought", digest.thoughts)):
            yield measured(digest, aspect, sizes.quantile(0.5), sizes.entries >= LEAST_CALLS, sizes.entries)
        spread = digest.answers.quantile(0.75) - digest.answers.quantile(0.25)
        yield measured(digest, "shape.spread", spread, digest.answers.entries >= LEAST_CALLS, digest.answers.entries)

    def describe(self, aspect: str, value: str) -> str:
        """What is alike, with the number in its own unit."""
        number = 2 ** float(value)
        return {
            "shape.answer": f"the same length of answers, about {number - 1:.0f} tokens",
            "shape.spread": f"the same spread of the answers' lengths (the upper quartile is {number:.1f} times the lower one)",
            "shape.request": f"the same length of requests, about {number - 1:.0f} characters",
            "shape.thought": f"the same length of reasoning, about {number - 1:.0f} tokens",
        }[aspect]


CHANNEL = Shape()
