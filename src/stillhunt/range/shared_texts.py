"""Texts from a folder of real sets (`--texts`), with the bank for whatever the folder lacks.

Tables are found by what they are, not by name: chats by their columns (conv, turn, role, text), everything else by the
folder it lies in (benign_eval, benign_app_templates, benign_support, benign_prompt_library, benign_judge, any other benign_*
for people's questions, harvest_* for work) and the columns prompt and completion; templates by role. Sets are read when
first needed. A set that is missing or unreadable is named in `missing`, and the bank stands in for it.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.errors import InputError
from stillhunt.range.bank.grammar import length, pick
from stillhunt.range.bank.products import Products
from stillhunt.range.bank.source import BankTexts
from stillhunt.range.bank.work import Work
from stillhunt.range.shared_templates import Template, parse
from stillhunt.range.shared_voices import SharedVoices, eastern
from stillhunt.range.texts import (
    HARVEST_KINDS,
    Application,
    Assignment,
    Conversation,
    Evaluation,
    Exchange,
    Framework,
    HarvestJob,
    Task,
    Texts,
)

_SPECIAL = ("benign_eval", "benign_app_templates", "benign_support", "benign_prompt_library", "benign_judge")
_ROLES = {
    "harvest_generate": "task_generation",
    "harvest_evolve": "rewriting",
    "harvest_selfchat": "dialogue",
    "harvest_reasoning": "reasoning",
    "harvest_rubric": "rubric",
    "harvest_tooluse": "tool_use",
}
_FOLDERS = (
    ("math", "math"),
    ("code", "code"),
    ("codegen", "code"),
    ("tool", "tool_use"),
    ("task", "tool_use"),
    ("agent", "agent"),
    ("rubric", "rubric"),
)
_SHORT = ("classify", "moderate", "judge")


def open_texts(folder: Path | None) -> Texts:
    """Return the texts of `folder`, or the bank's own without one. Raises InputError when it is no folder."""
    if folder is None:
        return BankTexts()
    if not folder.is_dir():
        raise InputError(f"--texts {folder} is no folder; give one with the sets' sub-folders, or leave it out to use the built-in texts")
    return SharedTexts(folder)


def first_turn(prompt: str) -> str:
    """Return the text of a prompt that may be a JSON list of turns: strings, messages, or lists of messages."""
    if not prompt.startswith("["):
        return prompt
    try:
        turns: Any = orjson.loads(prompt)
    except orjson.JSONDecodeError:
        return prompt
    while isinstance(turns, list) and turns:
        turns = turns[0]
    if isinstance(turns, dict):
        turns = turns.get("content")
    return turns if isinstance(turns, str) and turns else prompt


def _shared_head(texts: list[str]) -> str:
    """Return what all texts begin with. The first and the last in order differ earliest."""
    low, high = min(texts), max(texts)
    at = next((place for place, (one, other) in enumerate(zip(low, high, strict=False)) if one != other), min(len(low), len(high)))
    return low[:at]


class SharedTexts:
    """`Texts` over a folder. See the protocol for what each method promises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.missing: list[str] = []
        self._bank = BankTexts()
        self.voices = SharedVoices(self._people())
        self._products = Products(self.voices)
        self._work = Work(self.voices)
        for name, found in (
            ("benign_eval", self._folder_has("benign_eval")),
            ("benign_app_templates", self._folder_has("benign_app_templates")),
            ("benign_prompt_library", self._folder_has("benign_prompt_library")),
            ("benign_support", self._folder_has("benign_support")),
            ("harvest_*", any(self._folder.glob("harvest_*/*.parquet"))),
            ("templates", any(self._folder.glob("templates/*.parquet"))),
            ("paraphrases", any(self._folder.glob("paraphrases/*.jsonl"))),
        ):
            if not found:
                self.missing.append(name)

    def _folder_has(self, name: str) -> bool:
        return any((self._folder / name).glob("*.parquet"))

    def _read(self, path: Path) -> dict[str, list[Any]] | None:
        """Read one table; None, and its name in `missing`, where it cannot be read."""
        try:
            return pq.read_table(path).to_pydict()
        except (OSError, pa.ArrowException):
            self.missing.append(f"{path.parent.name}/{path.name}")
            return None

    def _rows(self, pattern: str) -> Iterator[tuple[Path, str, str, str]]:
        """(file, subset, prompt, completion) of every usable row of the harmonised tables that match."""
        for path in sorted(self._folder.glob(pattern)):
            table = self._read(path)
            if table is None or "prompt" not in table:
                continue
            blank = [""] * len(table["prompt"])
            subsets, completions = table.get("subset", blank), table.get("completion", blank)
            for subset, prompt, completion in zip(subsets, table["prompt"], completions, strict=True):
                if prompt and (text := first_turn(str(prompt)).strip()):
                    yield path, str(subset or path.stem), text, str(completion or "").removesuffix("<|endoftext|>").strip()

    def _people(self) -> list[Conversation]:
        """Chats of every set of people: whole conversations where there are turns, single questions elsewhere."""
        chats: list[Conversation] = []
        for path in sorted(self._folder.glob("benign_*/*.parquet")):
            if path.parent.name in _SPECIAL:
                continue
            try:
                names = set(pq.read_schema(path).names)
            except (OSError, pa.ArrowException):
                self.missing.append(f"{path.parent.name}/{path.name}")
                continue
            if {"conv", "role", "text"} <= names:
                chats += self._turns(path)
            elif "prompt" in names:
                chats += [[(prompt, completion)] for _, _, prompt, completion in self._rows(f"{path.parent.name}/{path.name}")]
        if not chats:
            self.missing.append("benign_* (people)")
        return chats

    def _turns(self, path: Path) -> list[Conversation]:
        table = self._read(path)
        if table is None:
            return []
        grouped: defaultdict[str, Conversation] = defaultdict(list)
        for name, role, text in zip(table["conv"], table["role"], table["text"], strict=True):
            chat = grouped[name]
            if role == "user" and text:
                chat.append((text, ""))
            elif role == "assistant" and chat:
                chat[-1] = (chat[-1][0], text or "")
        return [chat for chat in grouped.values() if chat]

    @cached_property
    def _templates(self) -> dict[str, list[Template]]:
        """Usable templates by role."""
        usable: defaultdict[str, list[Template]] = defaultdict(list)
        rng = random.Random("templates")
        for path in sorted(self._folder.glob("templates/*.parquet")):
            table = self._read(path)
            if table is None or not {"role", "text"} <= table.keys():
                continue
            blank = [""] * len(table["role"])
            for name, role, family, text in zip(
                table.get("name", blank), table["role"], table.get("family", blank), table["text"], strict=True
            ):
                if text and (template := parse(str(name), str(role), str(family), text, rng)):
                    usable[str(role)].append(template)
        return dict(usable)

    @cached_property
    def _support(self) -> list[str]:
        return [prompt for _, _, prompt, _ in self._rows("benign_support/*.parquet")]

    def conversation(self, rng: random.Random) -> Conversation:
        """Draw a person's chat."""
        return self.voices.conversation(rng)

    def question(self, rng: random.Random) -> Exchange:
        """Draw a person's single question."""
        return self.voices.question(rng)

    def coding(self, rng: random.Random) -> Conversation:
        """Draw a person's coding session."""
        return self.voices.coding(rng)

    def prose(self, rng: random.Random, chars: int) -> str:
        """Cut running text of about `chars` characters."""
        return self.voices.prose(rng, chars)

    def probe(self, rng: random.Random) -> Exchange:
        """Draw a health check."""
        return self._products.probe(rng)

    # ---------------------------------------------------------------------------------------------------- applications

    def _inputs(self, purpose: str) -> Callable[[random.Random], str]:
        """What people feed an application for `purpose`."""

        def payload(rng: random.Random) -> str:
            if purpose in ("support", "classify") and self._support:
                # A real query alone would come again: what surrounds it is the customer's own.
                return f"{pick(rng, self._support)} {self.voices.message(rng)[:300]}"
            if purpose in ("support", "tutor", "moderate", "classify"):
                return self.voices.message(rng)
            return f"{self.voices.request(rng)[:200]} {self.voices.prose(rng, length(rng, 600, 0.8, 60))}"

        return payload

    def _answers(self, purpose: str) -> Callable[[random.Random], str]:
        median = 60.0 if purpose in _SHORT else 420.0

        def answer(rng: random.Random) -> str:
            return self.voices.prose(rng, length(rng, median, 0.6, 3 if purpose in _SHORT else 40))

        return answer

    def _from_template(self, template: Template, purpose: str, name: str) -> Application:
        work, answer = self._inputs(purpose), self._answers(purpose)
        if not template.middle:
            return Application(name, purpose, template.head, Application.SLOT, work, answer)
        return Application(
            name, purpose, None, f"{template.head}{Application.SLOT}{template.tail}", lambda rng: template.payload(rng, work), answer
        )

    @cached_property
    def _honest(self) -> list[Template]:
        return [template for role in ("app", "judge", "chat_wrapper") for template in self._templates.get(role, [])]

    def application(self, rng: random.Random, purpose: str | None = None) -> Application:
        """Draw an application: often a real template made one's own by an added rule, else the bank's grammar."""
        own = self._products.application(rng, purpose)
        if purpose not in (None, "audit", "rag", "translate") or not self._honest or rng.random() < 0.4:
            return own
        template = pick(rng, self._honest)
        if purpose is not None or template.role == "chat_wrapper":
            return own
        made = self._from_template(template, "judge" if template.role == "judge" else own.purpose, own.name)
        rule = self._bank.application(rng, own.purpose)
        extra = (rule.system or rule.template.replace(Application.SLOT, "")).strip()
        if made.system is not None:
            return Application(made.name, made.purpose, f"{made.system}\n{extra}", made.template, made.payload, made.answer)
        return Application(made.name, made.purpose, None, f"{extra}\n\n{made.template}", made.payload, made.answer)

    @cached_property
    def _published(self) -> list[Application]:
        made = [
            self._from_template(template, "judge" if template.role == "judge" else "summarise", f"{template.family}/{template.name}")
            for template in self._honest
            if template.role != "chat_wrapper" and len(template.head) + len(template.tail) >= 120
        ]
        return [*self._products.applications(), *random.Random("published").sample(made, min(40, len(made))), *self._filled()]

    def _filled(self) -> list[Application]:
        """Applications from filled templates: what all rows of one template begin and end with is the template."""
        groups: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for _, subset, prompt, completion in self._rows("benign_app_templates/*.parquet"):
            groups[subset].append((prompt, completion))
        made = []
        for subset, rows in sorted(groups.items()):
            prompts = [prompt for prompt, _ in rows]
            head = _shared_head(prompts)
            tail = _shared_head([prompt[len(head) :][::-1] for prompt in prompts])[::-1]
            if len(rows) < 30 or len(head) + len(tail) < 24:
                continue
            inner = [prompt[len(head) : len(prompt) - len(tail)] for prompt in prompts]
            answers = [completion for _, completion in rows if completion] or ["yes"]
            made.append(self._filled_application(subset, f"{head}{Application.SLOT}{tail}", inner, answers))
        return made[:40]

    def _filled_application(self, name: str, template: str, inputs: list[str], answers: list[str]) -> Application:
        voices = self.voices
        return Application(
            f"filled/{name}",
            "extract",
            None,
            template,
            lambda rng: f"{pick(rng, inputs)} {voices.prose(rng, length(rng, 250, 0.6, 40))}",
            lambda rng: pick(rng, answers),
        )

    def applications(self) -> list[Application]:
        """Return the published applications: the bank's, real templates, and real filled templates."""
        return list(self._published)

    # ------------------------------------------------------------------------------------------- what many people share

    @cached_property
    def _evaluations(self) -> list[Evaluation]:
        items: defaultdict[str, list[Exchange]] = defaultdict(list)
        prefixes: dict[str, str] = {}
        for path, subset, prompt, completion in self._rows("benign_eval/*.parquet"):
            if "prefix" in path.stem:
                prefixes[subset] = prompt
            else:
                answer = completion if len(completion) < 400 else completion[-200:]
                items[f"{path.stem}/{subset}"].append(Exchange(None, prompt, answer or "A"))
        made = []
        for name, exchanges in sorted(items.items()):
            if len(exchanges) >= 20:
                prefix = prefixes.get(name.split("/", 1)[1], "")
                head = f"{prefix}\n\n" if prefix else ""
                made.append(Evaluation(name, head, [item._replace(prompt=head + item.prompt) for item in exchanges[:600]]))
        return made or [self._bank.evaluation(random.Random(number)) for number in range(8)]

    def evaluation(self, rng: random.Random) -> Evaluation:
        """Draw a public benchmark."""
        return pick(rng, self._evaluations)

    @cached_property
    def _frameworks(self) -> list[Framework]:
        return self._products.frameworks()

    def framework(self, rng: random.Random) -> Framework:
        """Draw an agent framework; its users' tasks are real ones."""
        return pick(rng, self._frameworks)

    @cached_property
    def _popular(self) -> list[str]:
        prompts = list(
            dict.fromkeys(prompt for _, _, prompt, _ in self._rows("benign_prompt_library/*.parquet") if 120 <= len(prompt) <= 4_000)
        )
        return prompts or self._bank.popular_prompts()

    def popular_prompts(self) -> list[str]:
        """Return prompts that many people paste."""
        return list(self._popular)

    def assignment(self, rng: random.Random) -> Assignment:
        """Draw a class assignment; the students' words around it are made from real ones."""
        return self._products.assignment(rng)

    # ---------------------------------------------------------------------------------------------------------- harvest

    @cached_property
    def _corpora(self) -> dict[str, list[Task]]:
        """Deduplicated work by kind of harvest."""
        corpora: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for path, _, prompt, completion in self._rows("harvest_*/*.parquet"):
            where = f"{path.parent.name}/{path.stem}".lower()
            kind = next((kind for word, kind in _FOLDERS if re.search(word, where)), "task_generation")
            corpora["chinese" if eastern(prompt) else kind].setdefault(prompt[:4_000], completion)
        for general in ("reasoning", "rewriting", "dialogue"):
            corpora[general] = dict(corpora["task_generation"])
        return {kind: [Task(*entry) for entry in tasks.items()] for kind, tasks in corpora.items() if len(tasks) >= 20}

    @cached_property
    def _sets(self) -> dict[str, list[str]]:
        sets: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._folder.glob("paraphrases/*.jsonl")):
            try:
                for line in path.read_bytes().splitlines():
                    entry = orjson.loads(line)
                    if entry.get("kind") == "harvest":
                        sets[str(entry["set"])].append(str(entry["text"]))
            except (OSError, orjson.JSONDecodeError, KeyError, AttributeError):
                self.missing.append(f"paraphrases/{path.name}")
        return dict(sets)

    def paraphrase_sets(self, manner: str, kind: str | None = None) -> list[str]:
        """Return the folder's sets of harvest instructions as the free ones, where it has some; the bank's otherwise."""
        return sorted(self._sets) if manner == "free" and self._sets else self._bank.paraphrase_sets(manner, kind)

    def paraphrases(self, name: str) -> list[str]:
        """Return the wordings of a set; "free" is the folder's first set of harvest instructions where it has one."""
        if name == "free" and self._sets:
            name = min(self._sets)
        return list(self._sets[name]) if name in self._sets else self._bank.paraphrases(name)

    def harvest(self, rng: random.Random, kind: str | None = None, paraphrase: str | None = None) -> HarvestJob:
        """Draw an operator's job: a real corpus as its queue, under a real template of its kind or the bank's instruction."""
        wordings = self.paraphrases(paraphrase) if paraphrase else []
        job = self._work.job(rng, kind or pick(rng, sorted(self._corpora) or HARVEST_KINDS), wordings)
        seed, corpus = f"work/{rng.random()}", self._corpora.get(job.kind)
        if corpus is None:
            return job
        templates = [
            t for role, its in _ROLES.items() if its == job.kind for t in self._templates.get(role, []) if len(t.head) + len(t.tail) >= 200
        ]
        if wordings or not templates or rng.random() < 0.3:
            return HarvestJob(job.kind, job.instruction, job.in_system, self._queue(corpus, None, seed), job.wordings)
        template = pick(rng, templates)
        words = f"{template.head}{Application.SLOT}{template.tail}" if template.middle else template.head
        in_system = not template.middle and rng.random() < 0.5
        return HarvestJob(job.kind, words, in_system, self._queue(corpus, template, seed), (words,))

    def _queue(self, corpus: list[Task], template: Template | None, seed: str) -> Callable[[], Iterator[Task]]:
        """A queue that never repeats and never ends.

        Lap 0 gives each entry alone; on later laps, entry `place` is followed by the entries that lie as far behind it as
        the digits of the lap's number say, written to the base of the corpus' size.
        """

        def start() -> Iterator[Task]:
            rng = random.Random(seed)
            order = rng.sample(range(len(corpus)), len(corpus))
            joint = pick(rng, ("\n\n", "\n---\n", "\n\nAlso: ", "\n\nContext: "))
            for lap in itertools.count():
                distances, left = [], lap
                while left:
                    left, digit = divmod(left, len(order))
                    distances.append(digit)
                for place, chosen in enumerate(order):
                    text, completion = corpus[chosen]
                    for distance in distances:
                        text += f"{joint}{corpus[order[(place + distance) % len(order)]].payload}"
                    payload = self._fill(template, text, rng) if template else text
                    language = "zh" if eastern(text) else "en"
                    wanted = length(rng, 1_200 if language == "zh" else 2_800, 0.5, 400)
                    rest = self.voices.prose(rng, max(1, wanted - len(completion)), language)
                    yield Task(payload, f"{completion}\n\n{rest}" if completion else rest)

        return start

    def _fill(self, template: Template, text: str, rng: random.Random) -> str:
        """Fill a template's places of work: the queue's entry first, running text for the rest."""
        fills = iter((text,))
        return template.payload(rng, lambda rng: next(fills, "") or self.voices.prose(rng, length(rng, 500, 0.5, 100)))
