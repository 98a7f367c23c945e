"""What has been worked out of accounts' records: kept beside them, so that it need not be worked out again of those who have not called.

In: `kernels.Rows` by row. Out: arrays by row. May import: kernels' types. All of it is a function of one account's record, so that an
array that was kept holds for every account but those that were folded since, and those that are new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from stillhunt.channels.digest.kernels import Array

Index = npt.NDArray[np.int64]


class Derived:
    """Arrays by row of a state's accounts, by name.

    Attributes:
        kept: what was worked out when the state was kept; each array has one entry an account then, if its user says nothing else.
        accounts: how many accounts there were then.
        made: what was worked out since, of all accounts.
    """

    def __init__(self, kept: Mapping[str, Array] | None = None, accounts: int = 0) -> None:
        self.kept = dict(kept or {})
        self.accounts = accounts
        self.made: dict[str, Array] = {}
        self._touched: list[Array] = []

    def touch(self, rows: Array) -> None:
        """Accounts are folded on: what is known of them is known no more."""
        if self.kept:
            self._touched.append(np.unique(rows))
        self.made = {}

    def unknown(self, name: str, size: int) -> npt.NDArray[np.bool_]:
        """Of `size` accounts those of whom the array `name` was not kept, or holds no more."""
        unknown = np.ones(size, np.bool_)
        if name in self.kept:
            unknown[: self.accounts] = False
            for rows in self._touched:
                unknown[rows] = True
        return unknown

    def of(self, name: str, size: int, work: Callable[[Index], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Arrays of `size` accounts that `work` gives for some rows, in their order; worked out only of those of whom they are not known.

        Args:
            name: what it is; the same name always means the same work.
            size: number of accounts.
            work: gives one entry a row in each array, from that row's record alone.
        """
        rows = np.flatnonzero(self.unknown(f"{name}.0", size))
        found = work(rows)
        if f"{name}.0" not in self.kept:
            self.made |= {f"{name}.{at}": one for at, one in enumerate(found)}
            return found
        whole = []
        for at, fresh in enumerate(found):
            one = np.empty((size, *fresh.shape[1:]), fresh.dtype)
            one[: self.accounts] = self.kept[f"{name}.{at}"]
            one[rows] = fresh
            whole.append(one)
        return tuple(whole)
