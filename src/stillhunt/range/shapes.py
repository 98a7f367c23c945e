"""What operators are like: their parameters, the shapes that have been reported (`PRESETS`) and the steps of effort (`LADDER`).

Every parameter stands alone, so that anything can be combined. A step of the ladder keeps what the step below it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stillhunt.errors import InputError

CHOICES: dict[str, tuple[str | None, ...]] = {
    "machinery": ("shared", "separate"),
    "addresses": (None, "farm", "hosters", "proxies", "residential"),
    "cards": (None, "few", "own"),
    "identity": ("scripted", "person"),
    "client": ("one", "few", "common"),
    "wording": ("fixed", "mild", "free"),
    "rhythm": ("constant", "working", "local"),
}
"""What the parameters that are words may say."""


@dataclass(frozen=True)
class OperatorSpec:
    """One operator's parameters."""

    name: str = "operator-1"
    accounts: int = 150
    calls_per_account_day: float = 25.6
    days: float | None = None  # None: to the window's end
    start_day: float = 0.0
    machinery: str = "shared"  # "shared": few cards, few hosting subnets; "separate": all cards and addresses differ
    jobs: tuple[str, ...] = ("reasoning", "code", "agent")  # kinds of harvest (texts.HARVEST_KINDS)
    wording: str = "fixed"  # "fixed": one instruction a job; "mild" / "free": each account has its own paraphrase
    clients: int = 1
    rhythm: str = "constant"  # "constant" | "working": nights and weekends off | "local": each account's own day and night
    failover: float = 1.0  # share of refused requests that are handed to another account, the rest is tried again
    refused: float = 0.012  # share of requests that meet a rate limit
    signup_days: float = 12.0  # sign-ups happen in bursts over so many days before the start
    bursts: int = 4
    banned: float = 0.05  # share of accounts that the provider closes on the way
    pivot: float = 0.0  # share of traffic that moves to the new model within a day of its release
    replaced_day: float | None = None  # so many days after the start all accounts are closed, and as many new ones take over
    accounts_per_card: int = 12
    accounts_per_site: int = 40
    campaign: str | None = None
    addresses: str | None = None  # None: as `machinery` says | "farm" | "hosters": rotating | "proxies" | "residential": like everybody's
    cards: str | None = None  # None: as `machinery` says | "few" | "own": every account another one
    identity: str = "scripted"  # "scripted": e-mails after one scheme | "person": like anybody's
    client: str = "one"  # "one": `clients` shapes of its own | "few": a handful of ordinary ones | "common": like a random developer's
    focus: int | None = None  # it draws so many of `jobs`; None: all of them
    cover: float = 0.0  # share of calls that are ordinary questions and conversations
    signup_spread: float = 0.0  # days over which sign-ups are spread one by one; 0: in bursts
    aged: bool = False  # signed up when other people did, some used a little since
    reseller: bool = False  # every account carries customers' traffic beside
    rewords: bool = False  # a request that is handed over takes the other account's wording, instead of staying as it was
    probes: float = 0.0  # requests an account, each another technique over the same few tasks, before the work starts
    probe_days: float = 4.0  # how long probing takes; the best techniques go to work a day after
    marketplace: float = 0.0  # share of accounts on a marketplace, where the provider sees neither payer nor address

    def calls(self, days: float) -> int:
        """About how many calls it makes in a window of `days` days, cover included, a reseller's customers not."""
        length = self.length(days)
        if self.probes <= 0:
            return round(self.accounts * self.calls_per_account_day * length)
        probing = min(1.0, length / self.probe_days)
        return round(self.accounts * (self.probes * probing + self.calls_per_account_day * max(0.0, length - self.probe_days - 1)))

    def length(self, days: float) -> float:
        """Days that it runs in a window of `days` days."""
        left = max(0.0, days - self.start_day)
        return left if self.days is None else min(left, self.days)

    def place(self) -> str:
        """Where its accounts call from: `addresses`, or what `machinery` implies."""
        return self.addresses or ("farm" if self.machinery == "shared" else "proxies")

    def shares_cards(self) -> bool:
        """Whether several accounts pay with one card."""
        return self.cards == "few" or (self.cards is None and self.machinery == "shared")

    def check(self) -> None:
        """Refuse words that mean nothing.

        Raises:
            InputError: which parameter, and what it may say.
        """
        for field, known in CHOICES.items():
            if getattr(self, field) not in known:
                words = ", ".join(word for word in known if word)
                raise InputError(f"operators: {self.name}'s {field} is {getattr(self, field)!r}; choose one of {words}")
        for field in ("cover", "marketplace", "failover", "refused", "banned", "pivot"):
            share = getattr(self, field)
            if not 0 <= share <= 1:
                raise InputError(f"operators: {self.name}'s {field} is {share:g}; choose a share from 0 to 1")
        if self.probes > 0 and self.replaced_day is not None:
            raise InputError(f"operators: {self.name} probes and is replaced; choose one of the two")


PRESETS: dict[str, OperatorSpec] = {
    "letter": OperatorSpec(),
    "few-and-heavy": OperatorSpec(accounts=12, calls_per_account_day=733, jobs=("rewriting", "reasoning"), refused=0.03),
    "low-and-slow": OperatorSpec(accounts=150, calls_per_account_day=13, jobs=("agent",), refused=0.005),
    "steady": OperatorSpec(accounts=150, calls_per_account_day=46, jobs=("dialogue", "reasoning", "code")),
    "peak": OperatorSpec(accounts=150, calls_per_account_day=857, days=1, start_day=5, refused=0.03, jobs=("reasoning",)),
    "pivot": OperatorSpec(accounts=150, calls_per_account_day=40, pivot=0.5),
    "two-pools": OperatorSpec(accounts=150, calls_per_account_day=328, jobs=("reasoning",), machinery="separate", replaced_day=5),
    "sprint": OperatorSpec(accounts=150, calls_per_account_day=60, jobs=("agent", "tool_use", "code")),
    "probing": OperatorSpec(accounts=150, probes=80, jobs=("reasoning",), refused=0.005),
    "proxy-network": OperatorSpec(
        accounts=150,
        calls_per_account_day=12,
        jobs=("reasoning", "code"),
        machinery="separate",
        addresses="hosters",
        client="few",
        wording="mild",
        rhythm="local",
        signup_spread=240,
        reseller=True,
    ),
    "two-surfaces": OperatorSpec(accounts=150, marketplace=0.5),
}
"""Reported shapes by name; `operator(...)` sets accounts and machinery."""


def _ladder() -> dict[str, OperatorSpec]:
    careless = OperatorSpec(accounts=250, start_day=3, focus=1, addresses="farm", accounts_per_site=1_000_000, cards="few")
    rotating = replace(careless, addresses="hosters", cards="own")
    residential = replace(rotating, addresses="residential", rhythm="local")
    paraphrased = replace(residential, wording="mild", client="common")
    free = replace(paraphrased, wording="free")
    covered = replace(paraphrased, cover=0.5, aged=True, signup_spread=540, identity="person")
    # customers' traffic is the cover there
    resold = replace(covered, cover=0.0, reseller=True, calls_per_account_day=5)
    return {
        "L0": careless,
        "L1": rotating,
        "L2": residential,
        "L3": paraphrased,
        "L3-free": free,
        "L3-free-reworded": replace(free, rewords=True),
        "L3-free-patient": replace(free, failover=0.0),
        "L4": covered,
        "L4-free": replace(covered, wording="free"),
        "L5": resold,
    }


def rivals(one: str, other: str, **changes: object) -> tuple[OperatorSpec, OperatorSpec]:
    """Two operators for one world, in the shapes `one` and `other`, with names and jobs of their own.

    The first is after `RIVAL_JOBS[0]`, the second after `RIVAL_JOBS[1]`; `changes` go to both.

    Raises:
        InputError: there is no such shape.
    """
    first = operator(one, name="operator-1", **{"jobs": RIVAL_JOBS[0], "focus": None, **changes})
    return first, operator(other, name="operator-2", **{"jobs": RIVAL_JOBS[1], "focus": None, **changes})


RIVAL_JOBS = (("reasoning", "dialogue"), ("code", "tool_use"))
"""What two operators in one world are after."""

LADDER: dict[str, OperatorSpec] = _ladder()
"""Steps of an adapting operator's effort, all in the letter's shape: 25.6 calls per account and day (L5: 5 beside customers')."""


def operator(shape: str, **changes: object) -> OperatorSpec:
    """The preset or step called `shape` with `changes` to it.

    Raises:
        InputError: there is no such shape.
    """
    known = {**PRESETS, **LADDER}
    if shape not in known:
        raise InputError(f"shape: {shape!r} is not one that the range knows; choose one of {', '.join(known)}")
    return replace(known[shape], **changes)  # type: ignore[arg-type]
