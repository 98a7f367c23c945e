"""An operator at full size: recruited as ever, with one queue of work that is dealt out by number.

`range.recruiting` opens the accounts, so that they have what that step of effort gives them; here they get lanes and their queue.
Shapes with customers behind a reseller, probing, a second pool or a marketplace are refused.
"""

from __future__ import annotations

import itertools
from typing import Any

from stillhunt.errors import InputError
from stillhunt.range.calls import DAY, HOUR
from stillhunt.range.operators import _ban, _crew
from stillhunt.range.recruiting import Recruiter, sign_ups
from stillhunt.range.scale.cast import QUEUE
from stillhunt.range.scale.chance import key_of
from stillhunt.range.scale.crowd import Supplies
from stillhunt.range.scale.voices import Draft
from stillhunt.range.shapes import OperatorSpec
from stillhunt.range.texts import Application, HarvestJob

_SHOWN = 400
"""Tasks of a job that are drawn to see how long they are."""


def check(spec: OperatorSpec) -> None:
    """Refuse what is not played at full size.

    Raises:
        InputError: which parameter.
    """
    spec.check()
    for name, wanted in (("reseller", spec.reseller), ("probes", spec.probes), ("marketplace", spec.marketplace)):
        if wanted:
            raise InputError(f"operators: {spec.name} has {name}, which --format fingerprints does not play; choose another shape")
    if spec.replaced_day is not None:
        raise InputError(
            f"operators: {spec.name} is replaced by a second pool, which --format fingerprints does not play; choose another shape"
        )


def cast(supplies: Supplies, spec: OperatorSpec) -> None:
    """Put one operator on stage."""
    check(spec)
    stage, register = supplies.stage, supplies.register
    rng = stage.rng("operator", spec.name)
    opening = stage.start + int(spec.start_day * DAY) + rng.randrange(0, 3 * HOUR)
    end = min(stage.end, opening + int(spec.length(stage.days) * DAY))
    if spec.accounts <= 0 or end <= opening:
        return
    recruiter = Recruiter(stage, rng, spec)
    actors = _crew(stage, recruiter, sign_ups(stage, rng, spec, opening))
    for actor in rng.sample(actors, int(spec.banned * len(actors))):
        _ban(actor, opening + int((0.15 + 0.8 * rng.random()) * (end - opening)))
    voice, voices = _voices(supplies, rng, spec)
    own_words = spec.wording != "fixed"
    number = len(register.queues) + 1
    register.flush()
    first = sum(part.size for part in register.lanes)
    local = spec.rhythm != "constant"
    for at, actor in enumerate(actors):
        register.play(
            actor,
            "person" if local else "steady",
            "once",
            # dealt turns need no moments of its own
            spec.calls_per_account_day * (1 - spec.cover) if local else 0.0,
            opening,
            end,
            voice + at % voices if own_words else voice,
            voices=1 if own_words else voices,
            size=12.0,
            queue=number,
        )
    register.flush()
    row = {
        "key": int(key_of(stage.seed, number, 0x0DE8)),
        "opening": opening,
        "end": end,
        "step": (end - opening) / max(1, round(spec.accounts * spec.calls_per_account_day * (end - opening) / DAY)),
        "lane": first,
        "lanes": len(actors),
        "failover": spec.failover,
        "voice": voice,
        "voices": voices,
        "own_words": own_words,
        "central": not local,
        "rewords": spec.rewords,
    }
    register.queues.append(tuple(row[name] for name in QUEUE.names or ()))
    for actor in actors:
        _beside(supplies, spec, actor, opening, end)
    register.flush()


def _voices(supplies: Supplies, rng: Any, spec: OperatorSpec) -> tuple[int, int]:
    """The voices of its jobs, or of one instruction's wordings: the first and how many."""
    texts = supplies.stage.texts
    kinds = spec.jobs if spec.focus is None else tuple(rng.sample(spec.jobs, min(spec.focus, len(spec.jobs))))
    paraphrase = None if spec.wording == "fixed" else rng.choice(texts.paraphrase_sets(spec.wording, kinds[0]))
    jobs = [texts.harvest(rng, kind, paraphrase) for kind in kinds]
    drafts = [_draft(job, wording) for job in jobs for wording in range(1 if paraphrase is None else max(1, len(job.wordings)))]
    numbers = [supplies.book.add(draft) for draft in drafts]
    return numbers[0], len(numbers)


def _draft(job: HarvestJob, wording: int) -> Draft:
    words = job.wordings[wording] if job.wordings else job.instruction
    shown = [job.render(task, wording) for task in itertools.islice(job.tasks(), _SHOWN)]
    calls = [(one.prompt, len(one.response)) for one in shown]
    if job.in_system:
        return Draft(shown[0].system, (), calls, known=True)
    parts = [part for part in words.split(Application.SLOT) if part.strip()]
    return Draft(None, parts, calls, known=True)


def _beside(supplies: Supplies, spec: OperatorSpec, actor: Any, opening: int, end: int) -> None:
    """What an account does that is not the work: cover while it works, a little use before."""
    stage = supplies.stage
    habit = stage.rng("scale", "habit", actor.account.account_id).choice(("conversation", "conversation", "coding", "question"))
    voice = {"conversation": supplies.conversation, "coding": supplies.coding, "question": supplies.question}[habit]
    content = "once" if habit == "question" else "talk"
    more = {"habit": 1 if habit == "coding" else 0, "size": 4.0}
    if spec.cover:
        supplies.register.play(actor, "person", content, spec.calls_per_account_day * spec.cover, opening, end, voice, **more)
    if spec.aged and stage.rng("scale", "aged", actor.account.account_id).random() < 0.4:
        begin = max(stage.start, actor.account.created_at)
        if opening - begin > HOUR:
            supplies.register.play(actor, "person", content, 1.0, begin, opening, voice, **more)
