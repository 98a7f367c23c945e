"""Going through seeds and steps, in one go or in parts: what is in the results file is not measured again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stillhunt.range.ladder.measuring import measure
from stillhunt.range.ladder.results import FILE, Key, Result, append, read
from stillhunt.range.ladder.steps import Step
from stillhunt.range.ladder.worlds import Conditions

SEEDS = (21, 22, 23, 24, 25)

Report = Callable[[str, float, float], None]
"""Progress: what is measured, how many measurements are done (with the part of the running one), how many there are."""


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        steps: which.
        seeds: on which worlds.
        conditions: of the worlds.
        without: families of columns, each of which is taken away in turn; empty: everything is there, and the past is replayed.
    """

    steps: Sequence[Step]
    seeds: Sequence[int]
    conditions: Conditions
    without: Sequence[str] = ()

    def each(self) -> list[tuple[int, Step, str | None]]:
        """Every measurement; those of one seed together, since they share its base."""
        families: list[str | None] = list(self.without) or [None]
        return [(seed, step, family) for seed in self.seeds for step in self.steps for family in families]

    def key(self, seed: int, step: Step, family: str | None) -> Key:
        """As `Result.key`."""
        given = self.conditions
        return (seed, step.name, family, given.accounts, given.calls, given.hidden, given.words(), given.format)


def run(
    plan: Plan, folder: Path, *, keep: bool, report: Report | None = None, done: Callable[[Result], None] | None = None
) -> list[Result]:
    """Measure what `folder` has no result of yet. Returns all results there that hold under the plan's conditions.

    Args:
        plan: what is wanted.
        folder: of the results file.
        keep: whether bases stay in `folder`, so that a later run need not make them again.
        report: progress.
        done: called with each new result.

    Raises:
        InputError: a world cannot be made, or the folder cannot be used.
    """
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    known = {result.key for result in read(path)}
    left = [one for one in plan.each() if plan.key(*one) not in known]
    with tempfile.TemporaryDirectory(prefix="stillhunt-ladder-") as temporary:
        scratch = folder if keep else Path(temporary)
        before: int | None = None
        for number, (seed, step, family) in enumerate(left):
            if not keep and before not in {None, seed}:
                for base in scratch.glob(f"base-{before}-*"):
                    shutil.rmtree(base, ignore_errors=True)
            before = seed
            what = f"seed {seed}, {step.name}" + (f" without {family}" if family else "")

            def tell(said: str, part: float, whole: float, what: str = what, number: int = number) -> None:
                if report is not None:
                    report(f"{what}: {said}", number + min(part / whole if whole else 0.0, 1.0) / 2, len(left))

            result = measure(step, plan.conditions, seed, scratch, without=family, replay=family is None, tell=tell)
            append(path, result)
            if done is not None:
                done(result)
    wanted = plan.key(0, plan.steps[0], None)[3:] if plan.steps else ()
    return [result for result in read(path) if result.key[3:] == wanted]
