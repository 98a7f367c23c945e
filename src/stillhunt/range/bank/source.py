"""The embedded source of texts: everything written for the project, behind the range's one door."""

from __future__ import annotations

import random
from functools import cached_property

from stillhunt.range.bank.grammar import pick
from stillhunt.range.bank.products import Products
from stillhunt.range.bank.voices import Voices
from stillhunt.range.bank.work import Work
from stillhunt.range.texts import Application, Assignment, Conversation, Evaluation, Exchange, Framework, HarvestJob


class BankTexts:
    """`Texts` without any folder. See the protocol for what each method promises."""

    def __init__(self) -> None:
        self.missing: list[str] = []
        self.voices = Voices()
        self._products = Products(self.voices)
        self._work = Work(self.voices)

    @cached_property
    def _evaluations(self) -> list[Evaluation]:
        return self._products.evaluations()

    @cached_property
    def _frameworks(self) -> list[Framework]:
        return self._products.frameworks()

    def conversation(self, rng: random.Random) -> Conversation:
        """Compose a person's chat."""
        return self.voices.conversation(rng)

    def question(self, rng: random.Random) -> Exchange:
        """Compose a person's single question."""
        return self.voices.question(rng)

    def coding(self, rng: random.Random) -> Conversation:
        """Compose a person's coding session."""
        return self.voices.coding(rng)

    def prose(self, rng: random.Random, chars: int) -> str:
        """Cut running text of about `chars` characters."""
        return self.voices.prose(rng, chars)

    def probe(self, rng: random.Random) -> Exchange:
        """Draw a health check."""
        return self._products.probe(rng)

    def application(self, rng: random.Random, purpose: str | None = None) -> Application:
        """Draw an application with a template of its own."""
        return self._products.application(rng, purpose)

    def applications(self) -> list[Application]:
        """Return the published applications."""
        return self._products.applications()

    def evaluation(self, rng: random.Random) -> Evaluation:
        """Draw a public benchmark."""
        return pick(rng, self._evaluations)

    def framework(self, rng: random.Random) -> Framework:
        """Draw an agent framework."""
        return pick(rng, self._frameworks)

    def popular_prompts(self) -> list[str]:
        """Return the prompts that everybody has seen."""
        return self._products.popular_prompts()

    def assignment(self, rng: random.Random) -> Assignment:
        """Draw a class assignment."""
        return self._products.assignment(rng)

    def harvest(self, rng: random.Random, kind: str | None = None, paraphrase: str | None = None) -> HarvestJob:
        """Draw an operator's job."""
        return self._work.job(rng, kind, self.paraphrases(paraphrase) if paraphrase else ())

    def paraphrase_sets(self, manner: str, kind: str | None = None) -> list[str]:
        """Return the names of the sets of one manner."""
        return self._work.paraphrase_sets(manner, kind)

    def paraphrases(self, name: str) -> list[str]:
        """Return the wordings of one instruction."""
        return self._work.paraphrases(name)
