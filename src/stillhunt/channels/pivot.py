"""How they behave: when an account that had been using other models turns to a model for the first time.

A value is the model and the six-hour interval of the first call to it, for accounts with earlier calls to another model.
Null hypothesis: the chance of an account turning to a given model in a given interval is the share of other entities
that did, so that a release day on which everybody tries the new model makes none of them surprising.
Source: pools that moved to a new model within a day (shape "pivot" of the reported campaigns).
Formula: p(v) = (1 + entities outside the group with v) / (1 + entities outside it), within strata; weighed by the urn of
`pools.evidence`.
Bounded: of an account that asks for more than eight models the first eight are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.channels import Aspect, Family, Observed
from stillhunt.channels.observing import coded

if TYPE_CHECKING:
    from stillhunt.channels.digest import Digest

INTERVAL_US = 6 * 3_600_000_000

LEAST_CALLS = 3
"""Fewer calls to a model are a trial."""

_NEVER = np.iinfo(np.int64).max


class Pivot:
    """The last model that an account turned to, and when."""

    name = "pivot"
    title = "Model pivot"
    family: Family = "conduct"
    aspects = (Aspect("pivot.model", "category", "the turn to a model", {"interactions": ("request_model",)}),)

    def observe(self, digest: Digest) -> Iterable[Observed]:
        """Only a turn that at least half of the account's later calls follow counts: trying a model is no pivot.

        Dated from the first call to the model to the account's last call.
        """
        models = digest.models
        began = np.where(models.model >= 0, models.first, _NEVER).min(axis=1)
        calls = models.calls.astype(np.int64)
        since = digest.calls[:, None] - models.before
        turned = (models.model >= 0) & (models.first > began[:, None]) & (calls >= LEAST_CALLS) & (2 * calls >= since)
        at = np.flatnonzero(turned.any(axis=1))
        if not at.size:
            return
        rank = np.empty(len(models.names), np.int64)
        rank[pc.sort_indices(models.names).to_numpy()] = np.arange(len(models.names))
        moment = np.where(turned[at], models.first[at], -_NEVER)
        latest = moment == moment.max(axis=1, keepdims=True)
        slot = np.where(latest, rank[models.model[at]], _NEVER).argmin(axis=1)
        model, first = models.model[at, slot].astype(np.int64), models.first[at, slot]
        many = len(models.names)
        turns, codes = np.unique(first // INTERVAL_US * many + model, return_inverse=True)
        names = models.names.take(pa.array(turns % many, pa.int64())).to_pylist()
        words = [f"{name}@{interval}" for name, interval in zip(names, (turns // many).tolist(), strict=True)]
        times = calls[at, slot]
        yield Observed(
            "pivot.model", at, coded(codes, pa.array(words, pa.string())), first, digest.last[at], times, times / since[at, slot]
        )

    def describe(self, aspect: str, value: str) -> str:
        """The model; the interval is for the timeline."""
        return f"a turn to the model {value.rsplit('@', 1)[0]} within the same six hours"


CHANNEL = Pivot()
