"""One of several writers. Usage: python -m lake.writing FOLDER SEED COUNT. Prints how many rows it accepted.

All writers append the same numbers 0 to COUNT - 1 in small overlapping batches, each in its own order.
"""

from __future__ import annotations

import random
import sys

from lake.invented import accounts, interactions
from stillhunt.lake import Lake


def main() -> None:
    folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    starts = list(range(0, count, 40))
    random.Random(seed).shuffle(starts)
    accepted = 0
    with Lake.open(folder, create=True) as lake:
        for start in starts:
            accepted += lake.append_interactions(interactions(range(max(0, start - 20), start + 40), days=1)).accepted
            lake.upsert_accounts(
                accounts({"account_id": f"account-{start}", "plan": "free"}, {"account_id": "account-all", "plan": str(seed)})
            )
    print(accepted)


if __name__ == "__main__":
    main()
