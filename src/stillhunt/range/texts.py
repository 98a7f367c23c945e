"""What simulated callers say and what the model answers: the nouns of the range's texts, and the one door to them.

Two sources stand behind `Texts`: the embedded bank (`bank.BankTexts`, needs nothing) and a folder of real texts
(`shared_texts.SharedTexts`, which falls back to the bank for whatever the folder lacks). `shared_texts.open_texts(folder)`
gives either. Nobody calls a model: answers are prose cut from a corpus, of the length that such an answer has.

All draws take a `random.Random` (scalar draws from it are some twenty times cheaper than from numpy's generators);
the same generator state gives the same text.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Conversation = list[tuple[str, str]]
"""Turns in order, each (what the user typed, what the model answered). No system prompt."""

HARVEST_KINDS = ("task_generation", "reasoning", "rubric", "code", "tool_use", "math", "chinese", "agent", "dialogue", "rewriting")
"""What an operator may be after; `Texts.harvest(kind=...)` takes these."""

PURPOSES = ("translate", "support", "summarise", "extract", "classify", "rag", "moderate", "rewrite", "describe", "audit", "judge", "tutor")
"""What an honest application may be for; `Texts.application(purpose=...)` takes these."""


class Exchange(NamedTuple):
    """One call's text."""

    system: str | None
    prompt: str
    response: str


class Step(NamedTuple):
    """One call of an agent session: the messages sent so far (system excluded), and what the model answered."""

    messages: list[dict[str, str]]  # {"role": "user" | "assistant" | "tool", "content": text}, oldest first
    response: str


@dataclass(frozen=True)
class Application:
    """An honest application: one fixed template around ever fresh input.

    `template` holds the marker `SLOT` once where the input goes; when `system` is set the template may be the bare slot.
    """

    SLOT = "\x00"

    name: str
    purpose: str
    system: str | None
    template: str
    payload: Callable[[random.Random], str]
    answer: Callable[[random.Random], str]

    def render(self, rng: random.Random) -> Exchange:
        """One call with fresh input."""
        return self.fill(self.payload(rng), rng)

    def fill(self, payload: str, rng: random.Random) -> Exchange:
        """One call with the given input: tests of an application repeat theirs."""
        return Exchange(self.system, self.template.replace(self.SLOT, payload), self.answer(rng))


@dataclass(frozen=True)
class Evaluation:
    """A public benchmark: the same items for everybody who runs it. `prefix` already stands at the head of each prompt."""

    name: str
    prefix: str
    items: list[Exchange]


@dataclass(frozen=True)
class Framework:
    """An agent framework: a long fixed system prompt and tool list that all its users send; only the tasks differ."""

    name: str
    system: str
    tools: str  # JSON array of function definitions, as sent
    run: Callable[[random.Random], list[Step]]

    def session(self, rng: random.Random) -> list[Step]:
        """One task from its first call to its last: each call repeats the transcript so far and adds to it."""
        return self.run(rng)


@dataclass(frozen=True)
class Assignment:
    """A class assignment: `text` is pasted by every student, the question around it is the student's own."""

    name: str
    text: str
    wrap: Callable[[random.Random], tuple[str, str, str]]  # words before, words after, the answer

    def ask(self, rng: random.Random) -> Exchange:
        """One student's call: the pasted assignment with own words around it."""
        before, after, answer = self.wrap(rng)
        return Exchange(None, "\n\n".join(part for part in (before, self.text, after) if part), answer)


class Task(NamedTuple):
    """One entry of an operator's work queue."""

    payload: str
    response: str


@dataclass(frozen=True)
class HarvestJob:
    """An operator's job: a fixed instruction and a queue of work that never repeats itself.

    `wordings[0]` is `instruction`; further wordings are paraphrases of it, for operators that give each account its own.
    A wording holds `Application.SLOT` where the task goes; without one, the task follows after a blank line.
    `queue` starts the same queue from its beginning each time it is called.
    """

    kind: str
    instruction: str
    in_system: bool
    queue: Callable[[], Iterator[Task]]
    wordings: tuple[str, ...] = field(default=())

    def tasks(self) -> Iterator[Task]:
        """The work queue, endless for every practical purpose; no payload occurs twice."""
        return self.queue()

    def render(self, task: Task, wording: int = 0) -> Exchange:
        """The call that carries `task` under wording number `wording` (modulo how many there are)."""
        words = self.wordings[wording % len(self.wordings)] if self.wordings else self.instruction
        if self.in_system:
            return Exchange(words.replace(Application.SLOT, "").strip(), task.payload, task.response)
        if Application.SLOT in words:
            return Exchange(None, words.replace(Application.SLOT, task.payload), task.response)
        return Exchange(None, f"{words}\n\n{task.payload}", task.response)

    def items(self) -> Iterator[Exchange]:
        """The work queue as calls under the first wording."""
        return (self.render(task) for task in self.tasks())


class Texts(Protocol):
    """Where a world's words come from."""

    missing: list[str]
    """Sets that were not there and for which the bank stands in; empty for the bank itself."""

    def conversation(self, rng: random.Random) -> Conversation:
        """A person's chat: one to some dozens of turns. No two people type the same words."""
        ...

    def question(self, rng: random.Random) -> Exchange:
        """A person's single question."""
        ...

    def coding(self, rng: random.Random) -> Conversation:
        """A person's coding session: snippets, errors, follow-ups."""
        ...

    def prose(self, rng: random.Random, chars: int) -> str:
        """Running text of about `chars` characters: an answer, a document. Costs a few microseconds."""
        ...

    def probe(self, rng: random.Random) -> Exchange:
        """A health check: a tiny fixed prompt and a tiny answer. Draw once and repeat it."""
        ...

    def application(self, rng: random.Random, purpose: str | None = None) -> Application:
        """An application of one's own, with a template that no other draw has; of `purpose` (one of `PURPOSES`) if given."""
        ...

    def applications(self) -> list[Application]:
        """Published applications: each of these has many users who all send its template."""
        ...

    def evaluation(self, rng: random.Random) -> Evaluation:
        """A public benchmark."""
        ...

    def framework(self, rng: random.Random) -> Framework:
        """An agent framework."""
        ...

    def popular_prompts(self) -> list[str]:
        """Prompts from social media and prompt libraries, which many unrelated people paste verbatim."""
        ...

    def assignment(self, rng: random.Random) -> Assignment:
        """A class assignment."""
        ...

    def harvest(self, rng: random.Random, kind: str | None = None, paraphrase: str | None = None) -> HarvestJob:
        """An operator's job, of `kind` (one of `HARVEST_KINDS`) if given.

        `paraphrase` names a set of `paraphrases` to use as wordings: "mild" (common phrases remain), "free" (none do), or
        a set's own name. Raises ValueError for an unknown name.
        """
        ...

    def paraphrase_sets(self, manner: str, kind: str | None = None) -> list[str]:
        """Names of the sets of "mild" or "free" paraphrases, fit for `kind` if given: an operator draws one of them."""
        ...

    def paraphrases(self, name: str) -> list[str]:
        """Wordings of one instruction, the base first: "mild", "free" or a set's own name."""
        ...
