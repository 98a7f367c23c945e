"""What is climbed: steps of rising effort with their bars, and other shapes without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from stillhunt.errors import InputError
from stillhunt.range.operators import LADDER, PRESETS, OperatorSpec, rivals

START_DAY = 3.0
"""Operators begin so many days after the logs do, so that a scan knows the population before they come."""

SHAPES_AT_MOST = 150
"""Hidden accounts of a shape, unless the shape itself has fewer."""


@dataclass(frozen=True)
class Bar:
    """What a step must reach.

    Attributes:
        recall: least share of hidden accounts named.
        false: greatest share of named accounts that are nobody's.
        calls: greatest median of calls per hidden account when first named; None asks for nothing.
    """

    recall: float
    false: float
    calls: int | None


@dataclass(frozen=True)
class Step:
    """One step: who operates, in words and as specifications, and what must be reached.

    Attributes:
        name: as `--steps` takes it.
        what: what the operator does.
        operators: see `cast` for how many accounts they get.
        bar: None for what is reported only.
        group: "ladder" climbs, "shape" varies.
    """

    name: str
    what: str
    operators: tuple[OperatorSpec, ...]
    bar: Bar | None
    group: Literal["ladder", "shape"]

    def cast(self, hidden: int) -> tuple[OperatorSpec, ...]:
        """The operators for a world: a step of the ladder has `hidden` accounts, a shape its own number and at most `hidden`."""
        return tuple(replace(one, accounts=hidden if self.group == "ladder" else min(one.accounts, hidden)) for one in self.operators)


_CLIMB: dict[str, tuple[str, Bar | None]] = {
    "L0": ("one hoster, few cards, one client, one template, no pause", Bar(0.999, 0.001, 4)),
    "L1": ("addresses rotate over hosters, every card different", Bar(0.999, 0.001, 6)),
    "L2": ("residential addresses spread like everybody's, day and night of the claimed country, jitter", Bar(0.995, 0.001, 12)),
    "L3": (
        "instruction paraphrased per account, common phrases remaining; client shape randomised among common ones",
        Bar(0.98, 0.001, 25),
    ),
    "L3-free": ("step L3 with free paraphrases, a tenth in other languages: no shared words are left", Bar(0.95, 0.001, 50)),
    "L3-free-reworded": ("step L3-free, and what is handed over is put into the other account's words: no request is ever repeated", None),
    "L3-free-patient": ("step L3-free, and a refused request is tried again on the same account: nothing is handed over", None),
    "L4": ("half of the calls are ordinary prompts and conversations, accounts aged, sign-ups spread over months", Bar(0.90, 0.001, 120)),
    "L4-free": ("step L4 with free paraphrases", None),
    "L5": ("inside a reseller: harvest mixed with real customers in each account, 5 harvest calls per account-day", Bar(0.50, 0.001, None)),
}
"""The ladder of the project's issue, with its bars, and steps beside it that have none."""

_SHAPES: dict[str, str] = {
    "few-and-heavy": "few accounts, 733 calls a day each",
    "low-and-slow": "13 calls per account-day",
    "steady": "46 calls per account-day",
    "peak": "857 calls per account, on one day",
    "pivot": "half of the traffic moves to a new model within 24 hours of its release",
    "two-pools": "328 calls per account-day; all accounts are banned on day 5, as many new ones take over",
    "sprint": "60 calls per account-day, requests of agents",
    "probing": "12,000 requests, each another technique; the winners are scaled up",
    "proxy-network": "harvest mixed with a reseller's unrelated customers, at scale",
    "two-surfaces": "half of the accounts on the API, half on a marketplace that passes on neither payer nor address",
}
_FEWER = {"two-pools": 60, "peak": 120}
"""Accounts of shapes whose calls would otherwise be most of the world's."""


def steps() -> dict[str, Step]:
    """All steps by name: the ladder in order of effort, then the shapes."""
    known: dict[str, Step] = {}
    for name, spec in LADDER.items():
        what, bar = _CLIMB.get(name, (name, None))
        known[name] = Step(name, what, (_timed(spec),), bar, "ladder")
    for name, spec in PRESETS.items():
        if name == "letter" or name in known:
            continue
        accounts = min(spec.accounts, _FEWER.get(name, SHAPES_AT_MOST))
        known[name] = Step(name, _SHAPES.get(name, name), (_timed(replace(spec, accounts=accounts)),), None, "shape")
    known |= {step.name: step for step in _composed()}
    return known


def _timed(spec: OperatorSpec) -> OperatorSpec:
    return replace(spec, start_day=max(START_DAY, spec.start_day))


def _composed() -> Sequence[Step]:
    """Shapes that take more than one specification, or a preset at another size."""
    one, two = (_timed(spec) for spec in rivals("L2", "L2", accounts=SHAPES_AT_MOST))
    heavy = _timed(replace(PRESETS["few-and-heavy"], accounts=60, days=5))
    replaced = _timed(replace(LADDER["L2"], accounts=SHAPES_AT_MOST, replaced_day=7.0))
    return (
        Step("few-and-heavy-60", "60 accounts for 5 days, 733 calls a day each", (heavy,), None, "shape"),
        Step("two-operators", "two operators of step L2 at once, with different jobs", (one, two), None, "shape"),
        Step(
            "replacement",
            "step L2; all accounts are banned on day 7, as many new ones take over",
            (replaced,),
            None,
            "shape",
        ),
    )


def chosen(asked: str, known: Mapping[str, Step] | None = None) -> list[Step]:
    """The steps that `asked` names, separated by commas: names, "ladder", "shapes" or "all".

    Raises:
        InputError: a name is no step's.
    """
    known = steps() if known is None else known
    groups = {
        "ladder": [step for step in known.values() if step.group == "ladder"],
        "shapes": [step for step in known.values() if step.group == "shape"],
        "all": list(known.values()),
    }
    found: dict[str, Step] = {}
    for name in (part.strip() for part in asked.split(",")):
        if name not in groups and name not in known:
            raise InputError(f"--steps: {name!r} is no step; choose ladder, shapes, all or some of {', '.join(known)}")
        found |= {step.name: step for step in groups.get(name, [known[name]] if name in known else [])}
    return list(found.values())
