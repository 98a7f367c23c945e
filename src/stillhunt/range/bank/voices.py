"""Composes what people type and what models answer, from the written patterns: the engine of the bank."""

from __future__ import annotations

import random
from functools import cached_property

from stillhunt.range.bank import code, people
from stillhunt.range.bank.grammar import Corpus, Grammar, Node, Slots, draw, length, pick
from stillhunt.range.bank.languages import LANGUAGES
from stillhunt.range.bank.topics import TOPICS
from stillhunt.range.texts import Conversation, Exchange

_SHORTEST = 48  # shorter messages would be typed by two people now and then


def misspell(text: str, rng: random.Random) -> str:
    """Swap, drop or double one letter somewhere inside."""
    if len(text) < 12:
        return text
    at = 1 + int(rng.random() * (len(text) - 3))
    return pick(rng, (text[:at] + text[at + 1] + text[at] + text[at + 2 :], text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:]))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


class Voices:
    """Messages and answers. Compiled once (some 50 ms), corpora are built when first needed."""

    def __init__(self) -> None:
        english = Grammar(people.VOCABULARY, people.LATE)
        self._openings = english.compile_all(people.OPENINGS)
        self._requests = english.compile_all(people.REQUESTS)
        self._details = english.compile_all(people.DETAILS)
        self._closings = english.compile_all(people.CLOSINGS)
        self._follow_ups = english.compile_all(people.FOLLOW_UPS)
        self._statements = english.compile_all(people.STATEMENTS)
        coding = Grammar(code.VOCABULARY)
        self._snippets = coding.compile_all(code.SNIPPETS)
        self._code_requests = coding.compile_all(code.REQUESTS)
        self._code_follow_ups = coding.compile_all(code.FOLLOW_UPS)
        self._code_statements = coding.compile_all(code.STATEMENTS)
        self._foreign: dict[str, tuple[tuple[Node, ...], ...]] = {}
        for name, language in LANGUAGES.items():
            grammar = Grammar(language.vocabulary)
            self._foreign[name] = tuple(
                grammar.compile_all(patterns) for patterns in (language.requests, language.details, language.statements)
            )
        self._late: list[Slots] = [(topic.things, topic.actions, topic.qualities, topic.people, (topic.name,)) for topic in TOPICS]
        self._tongues = list(LANGUAGES)
        self._tongue_shares = [language.share for language in LANGUAGES.values()]
        self._corpora: dict[str, Corpus] = {}

    @cached_property
    def _english(self) -> Corpus:
        rng = random.Random("corpus/en")
        sentences = [draw(pick(rng, self._statements), rng, self._topic(rng)) for _ in range(14_000)]
        return Corpus([sentence + "\n" if rng.random() < 0.12 else sentence for sentence in sentences])

    @cached_property
    def _code(self) -> Corpus:
        rng = random.Random("corpus/code")
        blocks = []
        for _ in range(4_000):
            if rng.random() < 0.3:
                blocks.append(f"\n```\n{draw(pick(rng, self._snippets), rng)}\n```\n")
            else:
                blocks.append(draw(pick(rng, self._code_statements), rng))
        return Corpus(blocks, "\n")

    def _corpus(self, language: str) -> Corpus:
        if language == "en":
            return self._english
        if language == "code":
            return self._code
        if language not in self._corpora:
            rng = random.Random(f"corpus/{language}")
            statements = self._foreign[language][2]
            self._corpora[language] = Corpus([draw(pick(rng, statements), rng) for _ in range(2_500)], LANGUAGES[language].joint)
        return self._corpora[language]

    def prose(self, rng: random.Random, chars: int, language: str = "en") -> str:
        """Cut running text of about `chars` characters ("code" is a language here)."""
        return self._corpus(language).cut(rng, chars)

    def _topic(self, rng: random.Random) -> Slots:
        return pick(rng, self._late)

    def snippet(self, rng: random.Random) -> str:
        """Compose a few lines of code."""
        return draw(pick(rng, self._snippets), rng)

    def request(self, rng: random.Random) -> str:
        """Compose one bare English request or question."""
        return _capitalised(draw(pick(rng, self._requests), rng, self._topic(rng)))

    def statement(self, rng: random.Random) -> str:
        """Compose one English sentence of an answer."""
        return draw(pick(rng, self._statements), rng, self._topic(rng))

    def _english_message(self, rng: random.Random, late: Slots, *, follow_up: bool) -> str:
        uniform = rng.random
        parts = [draw(pick(rng, self._follow_ups if follow_up else self._requests), rng, late)]
        more = 0
        while uniform() < (0.25 if follow_up else 0.48) and more < 9:
            more += 1
        for _ in range(more):
            detail = draw(pick(rng, self._details), rng, late)
            parts.insert(int(uniform() * (len(parts) + 1)), detail)
        if uniform() < (0.1 if follow_up else 0.25):
            parts.insert(0, draw(pick(rng, self._openings), rng, late))
        if uniform() < (0.1 if follow_up else 0.22):
            parts.append(draw(pick(rng, self._closings), rng, late))
        while sum(map(len, parts)) < _SHORTEST:
            parts.append(draw(pick(rng, self._details), rng, late))
        manner = uniform()
        if manner < 0.5:
            parts = [_capitalised(part) for part in parts]
        elif manner < 0.62:
            parts = [part.rstrip(".?!").replace("'", "") for part in parts]
        elif manner < 0.66:
            parts = [part.replace(" you ", " u ").replace("please", "plz").replace(" are ", " r ") for part in parts]
        text = pick(rng, (" ", " ", " ", "\n", ". ", ", ")).join(parts)
        if uniform() < 0.25:
            text = misspell(text, rng)
        if not follow_up and uniform() < 0.07:
            text = f"{text}\n\n{self._english.cut(rng, length(rng, 900, 0.8, 200, 9_000))}"
        return text

    def message(self, rng: random.Random, language: str = "en", late: Slots | None = None, *, follow_up: bool = False) -> str:
        """Compose what a person types: a request with whatever they put around it, in their own order and spelling."""
        if language == "en":
            return self._english_message(rng, late or self._topic(rng), follow_up=follow_up)
        requests, details, _ = self._foreign[language]
        parts = [draw(pick(rng, requests), rng)]
        floor = 16 if LANGUAGES[language].joint == "" else _SHORTEST
        while rng.random() < 0.5 or sum(map(len, parts)) < floor or len(parts) < 3:
            parts.insert(int(rng.random() * (len(parts) + 1)), draw(pick(rng, details if rng.random() < 0.7 else requests), rng))
        return LANGUAGES[language].joint.join(parts)

    def code_message(self, rng: random.Random, *, follow_up: bool = False) -> str:
        """Compose what a person types in a coding session."""
        patterns = self._code_follow_ups if follow_up else self._code_requests
        text = draw(pick(rng, patterns), rng)
        if rng.random() < 0.4:
            text = f"{text}. {draw(pick(rng, self._code_requests), rng)}" if rng.random() < 0.5 else misspell(text, rng)
        if rng.random() < (0.3 if follow_up else 0.75) or len(text) < _SHORTEST:
            fence = "```" if rng.random() < 0.5 else ""
            pasted = "\n\n".join(self.snippet(rng) for _ in range(1 + int(3 * rng.random() ** 2)))
            text = f"{text}\n{fence}\n{pasted}\n{fence}" if fence else f"{text}\n\n{pasted}"
        return text

    def language(self, rng: random.Random, english: float = 0.8) -> str:
        """Draw the language a person writes in."""
        return "en" if rng.random() < english else rng.choices(self._tongues, self._tongue_shares)[0]

    def conversation(self, rng: random.Random) -> Conversation:
        """Compose a chat on one topic: most have a turn or two, some dozens."""
        language = self.language(rng)
        late = self._topic(rng)
        turns: Conversation = []
        more = True
        while more and len(turns) < 40:
            text = self.message(rng, language, late, follow_up=bool(turns))
            turns.append((text, self.prose(rng, length(rng, 700 if language == "en" else 350, 0.9, 40), language)))
            more = rng.random() < 0.66
        return turns

    def question(self, rng: random.Random) -> Exchange:
        """Compose a single question and its answer."""
        language = self.language(rng)
        chars = length(rng, 800 if language == "en" else 380, 0.9, 30)
        return Exchange(None, self.message(rng, language), self.prose(rng, chars, language))

    def coding(self, rng: random.Random) -> Conversation:
        """Compose a coding session."""
        turns: Conversation = []
        more = True
        while more and len(turns) < 30:
            turns.append((self.code_message(rng, follow_up=bool(turns)), self.prose(rng, length(rng, 900, 0.8, 60), "code")))
            more = rng.random() < 0.72
        return turns
