"""What they run: how an account's calls are built, whatever their words and language.

A fixed instruction says how long to think and in what form to answer, and a queue of one kind of work asks questions of one size.
Both leave their mark on lengths, which no paraphrase and no translation of the instruction takes away. Measures, each for accounts
with at least eight answered calls, over those calls:

* `shape.answer`: log2 of the median length of an answer, in tokens;
* `shape.spread`: log2 of the upper quartile of these lengths over the lower one;
* `shape.request`: log2 of the median length of a request, in characters, the system prompt left out;
* `shape.thought`: log2 of the median length of the reasoning, in tokens, over calls that had any.

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

from stillhunt.channels import Aspect, Family, View
from stillhunt.lake.engine import Dialect

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

    def observe(self, dialect: Dialect, view: View) -> Iterable[str]:
        """One query for each measure; accounts without the column in enough of their calls have no observation."""
        lower, upper = dialect.quantile("size", 0.25), dialect.quantile("size", 0.75)
        middle = dialect.median("size")
        for aspect, size, value in (
            ("shape.answer", "output_tokens", f"LOG2(1.0 + {middle})"),
            ("shape.spread", "output_tokens", f"LOG2((1.0 + {upper}) / (1.0 + {lower}))"),
            ("shape.request", "prompt_chars", f"LOG2(1.0 + {middle})"),
            ("shape.thought", "NULLIF(reasoning_tokens, 0)", f"LOG2(1.0 + {middle})"),
        ):
            yield f"""
                WITH sizes AS (
                  SELECT account_id, started_at, CAST({size} AS DOUBLE) AS size FROM calls
                  WHERE ({size}) IS NOT NULL AND (http_status IS NULL OR http_status < 400))
                SELECT account_id, '{aspect}' AS channel, CAST({value} AS VARCHAR) AS value, MIN(started_at) AS first_at,
                       MAX(started_at) AS last_at, COUNT(*) AS occurrences, CAST(1.0 AS DOUBLE) AS share
                FROM sizes GROUP BY account_id HAVING COUNT(*) >= {LEAST_CALLS}"""

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
