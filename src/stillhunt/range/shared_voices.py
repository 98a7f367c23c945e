"""People's messages made from real ones: the same door as the bank's voices, with a folder's chats behind it.

The pool of real prompts is far smaller than a world needs, and two people never send the same text. So each draw takes a
real chat from some turn on, keeps its turns, its sentence order and its small words, and puts the content words of two
other real chats in place of its own, the same word for the same word throughout; now and then a sentence is left out or a
letter goes astray. Leaving a third of the words in place was tried: two draws of one chat then shared 11 % of their 4-grams.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import cycle

from stillhunt.range.bank.grammar import Corpus, Slots, length, pick
from stillhunt.range.bank.voices import Voices, misspell
from stillhunt.range.texts import Conversation, Exchange

_MARKS = r"\u0300-\u036f\u064b-\u065f\u0900-\u0dff"  # vowel signs, which are no word characters to `re`
_TOKENS = re.compile(rf"[\u3040-\u30ff\u3400-\u9fff]{{1,2}}|(?:[^\W\d_\u3040-\u30ff\u3400-\u9fff]|[{_MARKS}])+|\d+|[^\w{_MARKS}]+|_+")
_SENTENCE = re.compile(r"(?<=[.!?。！？\n])\s*")
_EASTERN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_LONGEST = 6_000  # characters of one message; longer pastes are cut
_CORPUS = 6_000_000  # characters kept to cut answers from


def eastern(text: str) -> bool:
    """Tell whether a text is mostly written in Chinese or Japanese."""
    return len(_EASTERN.findall(text[:200])) > 0.3 * len(text[:200])


class Chats:
    """Real chats as bases and donors. `chats` are lists of (typed, answered); chats of one turn are single questions."""

    def __init__(self, chats: Sequence[Conversation]) -> None:
        if not chats:
            raise ValueError("no chats")
        self._chats = [[(asked[:_LONGEST], answered) for asked, answered in chat] for chat in chats]
        counts = Counter(word for chat in self._chats for asked, _ in chat for word in set(_TOKENS.findall(asked[:600].lower())))
        turns = sum(map(len, self._chats))
        # The few words that hold every language together are no content: replacing them would leave no sentence.
        self._small = {word for word, count in counts.items() if count > max(12, 0.01 * turns) and not _EASTERN.match(word)}
        self._east = [number for number, chat in enumerate(self._chats) if eastern(chat[0][0])]
        self._west = [number for number, chat in enumerate(self._chats) if not eastern(chat[0][0])]
        self._content = lru_cache(maxsize=32_768)(self._content_words)
        self._pieces = lru_cache(maxsize=32_768)(self._tokens)
        self._words = lru_cache(maxsize=32_768)(lambda chat, turn: frozenset(self._pieces(chat, turn)))

    def __len__(self) -> int:
        return len(self._chats)

    def _tokens(self, chat: int, turn: int) -> list[str]:
        return _TOKENS.findall(self._chats[chat][turn][0])

    def _content_words(self, chat: int) -> list[str]:
        words: dict[str, None] = {}
        for turn in range(len(self._chats[chat])):
            for token in self._pieces(chat, turn):
                if (len(token) > 2 or not token.isascii()) and token[0].isalpha() and token.lower() not in self._small:
                    words[token] = None
            if len(words) > 400:
                break
        return list(words)

    def draw(self, rng: random.Random, most: int = 40) -> list[tuple[str, int, int]]:
        """Draw a varied chat: turn by turn what is typed, how long the real answer was, and how many words were put in place."""
        base = int(rng.random() * len(self._chats))
        chat = self._chats[base]
        first = int(rng.random() * len(chat)) if rng.random() < 0.4 else 0
        own, donors = self._content(base), self._east if eastern(chat[0][0]) else self._west
        swap: dict[str, str] = {}
        for half in (0, 1):
            donated = self._content(pick(rng, donors))
            if donated:
                start = int(rng.random() * len(donated))
                swap.update(zip(own[half::2], cycle(donated[start:] + donated[:start]), strict=False))
        turns = []
        for turn in range(first, min(len(chat), first + most)):
            pieces = self._pieces(base, turn)
            text = "".join([swap.get(token, token) for token in pieces])
            turns.append((self._vary(text, rng), len(chat[turn][1]), len(swap.keys() & self._words(base, turn))))
        return turns

    @staticmethod
    def _vary(text: str, rng: random.Random) -> str:
        sentences = _SENTENCE.split(text)
        if len(sentences) > 2:
            sentences = [sentence for sentence in sentences if rng.random() > 0.12] or sentences
            text = " ".join(sentences)
        return misspell(text, rng) if rng.random() < 0.3 else text


class SharedVoices(Voices):
    """The bank's voices with real chats in their place wherever the folder has some."""

    def __init__(self, chats: Sequence[Conversation]) -> None:
        super().__init__()
        coding = [chat for chat in chats if any("```" in asked or "```" in answered for asked, answered in chat)]
        others = [chat for chat in chats if not any("```" in answered for _, answered in chat)]
        self._chats = Chats(others or chats) if chats else None
        self._coding = Chats(coding) if len(coding) >= 50 else None
        self._answers: dict[str, list[str]] = {"en": [], "zh": [], "code": []}
        for kind, source in (("code", coding), ("en", others)):
            for chat in source:
                for _, answered in chat:
                    self._answers["zh" if eastern(answered) else kind].append(answered)

    @cached_property
    def _cuts(self) -> dict[str, Corpus]:
        cuts = {}
        for kind, answers in self._answers.items():
            rng, budget, sentences = random.Random(f"answers/{kind}"), _CORPUS, []
            for answer in rng.sample(answers, len(answers)):
                budget -= len(answer)
                sentences += [sentence for sentence in _SENTENCE.split(answer) if sentence]
                if budget < 0:
                    break
            if len(sentences) >= 500:
                cuts[kind] = Corpus(sentences, "" if kind == "zh" else " ")
        return cuts

    def prose(self, rng: random.Random, chars: int, language: str = "en") -> str:
        """Cut running text of about `chars` characters from real answers."""
        corpus = self._cuts.get(language)
        return corpus.cut(rng, chars) if corpus else super().prose(rng, chars, language)

    def message(self, rng: random.Random, language: str = "en", late: Slots | None = None, *, follow_up: bool = False) -> str:
        """Draw what a person types; languages that the chats do not have come from the bank."""
        if self._chats is None or language != "en":
            return super().message(rng, language, late, follow_up=follow_up)
        return self._enough(self._chats.draw(rng, 1)[0], rng)

    def _enough(self, turn: tuple[str, int, int], rng: random.Random) -> str:
        """Make a message one's own: what is short, or little changed, gets some words more."""
        text, _, changed = turn
        if changed >= 5 and (len(text) >= 60 or (eastern(text) and len(text) >= 24)):
            return text
        return f"{text} {super().message(rng, 'zh' if eastern(text) else 'en', follow_up=True)}"

    def request(self, rng: random.Random) -> str:
        """Draw one bare request."""
        return self.message(rng)[:400] if self._chats else super().request(rng)

    def _answer(self, rng: random.Random, turn: tuple[str, int, int], kind: str) -> str:
        chars = (turn[1] or length(rng, 800, 0.9, 30)) * rng.uniform(0.7, 1.3)
        return self.prose(rng, max(20, int(chars)), "zh" if eastern(turn[0]) else kind)

    def conversation(self, rng: random.Random) -> Conversation:
        """Draw a person's chat, its turns kept together."""
        if self._chats is None or rng.random() < 0.1:  # languages that the chats lack
            return super().conversation(rng)
        return [(self._enough(turn, rng), self._answer(rng, turn, "en")) for turn in self._chats.draw(rng)]

    def question(self, rng: random.Random) -> Exchange:
        """Draw a person's single question."""
        if self._chats is None or rng.random() < 0.1:
            return super().question(rng)
        turn = self._chats.draw(rng, 1)[0]
        return Exchange(None, self._enough(turn, rng), self._answer(rng, turn, "en"))

    def coding(self, rng: random.Random) -> Conversation:
        """Draw a person's coding session."""
        if self._coding is None:
            return super().coding(rng)
        return [(self._enough(turn, rng), self._answer(rng, turn, "code")) for turn in self._coding.draw(rng)]

    def code_message(self, rng: random.Random, *, follow_up: bool = False) -> str:
        """Draw what a person types in a coding session."""
        return super().code_message(rng, follow_up=follow_up) if self._coding is None else self._enough(self._coding.draw(rng, 1)[0], rng)
