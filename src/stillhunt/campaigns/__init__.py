"""Campaigns: which pools conceal that they are one and harvest, and how sure that is.

In: a lake (through an engine), what channels observed, what pools were found. Out: `records.Findings`; from scan to scan, what has become
of each campaign (`chronicle`).
May import: records, errors, lake, channels, pools. Nothing here acts on an account (response) or argues about who (cases).
"""

from stillhunt.campaigns.hunt import hunt
from stillhunt.campaigns.judging import Settings

__all__ = ["Settings", "hunt"]
