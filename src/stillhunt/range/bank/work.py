# ruff: noqa: E501 - one pattern a line reads best
"""What operators are after: instructions by kind of harvest, their paraphrases, and work queues that never repeat.

A queue walks a product of vocabularies (a mixed-radix number per item) by a step that is coprime to its size: every item
comes once, every part of the space is covered evenly, and nothing has to be remembered.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence

from stillhunt.range.bank import code, people
from stillhunt.range.bank.grammar import Grammar, draw, length, pick
from stillhunt.range.bank.languages import LANGUAGES
from stillhunt.range.bank.topics import TOPICS
from stillhunt.range.bank.voices import Voices
from stillhunt.range.texts import HARVEST_KINDS, HarvestJob, Task

_INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "task_generation": (
        "[Produce|Compose|Create] [ten|twelve|eight|fifteen] new [tasks|assignments|instructions] [inspired by|in the spirit of] the seeds below. [None may resemble|Keep clear of] a seed. [Vary|Mix] verbs, [formats|lengths] and [difficulty|domains]; for each give [the task|the instruction], [an input if one is needed|optional input] and a [model answer|complete solution]. [Return|Answer with] JSON lines[ only| and nothing else|].",
        "Act as a [curriculum|exam|task] designer[ for a training platform|]. From the [profile|brief] that follows, [derive|write] [six|nine|twenty] [self-contained|verifiable] tasks [of rising difficulty|from easy to very hard], each with a [checker|verification script|grading note] and a [worked|full] solution.",
    ),
    "reasoning": (
        "[Solve|Work through] the problem below. [Think aloud|Write down every thought] inside <thinking> tags: [what you considered|ideas tried], [dead ends|wrong turns], [checks|corrections]. [Do not|Never] [compress|abbreviate|skip] [a step|steps]. [Then|Afterwards] [put|give] the [result|answer] in <answer> tags.",
        "You [are|serve as] a reasoning [engine|recorder]. For each [question|input] [output|emit] a [numbered|complete] derivation with [assumptions|definitions], [intermediate results|each inference] and [a final verification|a sanity check], [no shorter than|at least] [600|800|1000] words, [followed by|ending in] one line 'FINAL: ...'.",
    ),
    "rubric": (
        "[Grade|Evaluate|Assess] the response [against|by] the rubric. [First|Begin by] [quoting|citing] the [relevant|decisive] passages, [then|next] [argue|discuss] each criterion [separately|in turn], [finally|at the end] [give|assign] an integer score from 1 to [5|10] [in the form|as] 'SCORE: n'.",
        "[Serve|Act] as a [strict|careful] [annotator|grader]. [Explain|Justify] for every criterion what [a better|an ideal] answer [would contain|adds], [list|name] errors [by severity|one per line], and [close|finish] with [a JSON verdict|a score card].",
    ),
    "code": (
        "[Implement|Write] a [complete|production-quality] solution for the specification. [Include|Give] [design notes|a design rationale], [typed|documented] code, [edge cases|corner cases] and [a test-suite|property tests]. [Explain|Discuss] [complexity|the trade-offs] [at the end|last].",
        "You are a [principal|staff] engineer [recording a session|producing reference material]. [Diagnose|Analyse] the task, [list|compare] [two|three] approaches, [choose|pick] one, then [deliver|print] the [full|entire] [patch|file] with tests.",
    ),
    "tool_use": (
        "[Given|With] the functions below, [produce|write] the [full|complete] [transcript|trajectory] of an assistant [fulfilling|serving] the request: [Thought|Plan], [Action|Call], [Observation|Result], repeated [until done|as needed]. [Invent|Simulate] [plausible|realistic] results[, include one failure and a recovery|].",
        "[Simulate|Role-play] [both|the] [tool environment and agent|agent and its tools] for this goal. [Each|Every] turn is [a JSON object|one line of JSON] with keys thought, call, result. [Stop|End] with key final.",
    ),
    "math": (
        "[Solve|Answer] [step by step|rigorously]. [Name|State] [each|every] theorem or rule [used|you apply], [verify|check] [numerically|by substitution], and [box|frame] the final value as \\boxed⦃⦄.",
        "[Provide|Give] [two|three] independent solutions of the exercise, [compare|contrast] them, [point out|describe] a [typical|common] mistake, [then|and] [write|print] 'Answer:' with the value[ alone|].",
    ),
    "chinese": (
        "[请|务必][详细|逐步]回答下面的问题，[先|首先]写出[完整|全部]的思考过程，[再|然后]给出[最终|正式]答案，[不少于|至少][八百|一千|六百]字，[不要|请勿]省略任何[步骤|推理]。",
        "你是[数据|语料]标注专家。[针对|根据]以下[主题|材料]，[生成|撰写][五|八|十]组[高质量|多样化]的问答，每组[包含|附上][分析|推理]、[答案|结论]和[难度|评分]，[仅|只]输出JSON。",
    ),
    "agent": (
        "[You control|Operate] a [terminal|workspace|browser] [to reach|towards] the goal. [Plan|Lay out a plan] for the long run, [keep|maintain] a scratchpad, [act|issue one command per turn], [reflect|review] after every [three|five] steps, [recover|retry] from errors, and [log|record] the whole episode [verbatim|in full].",
        "[Generate|Write out] an [expert|exemplary] agent episode: goal, [environment state|observations], [decisions|choices] with [reasons|rationale], [mistakes|a wrong turn] and [repair|correction], [final report|summary]. [Minimum|At least] [12|15|20] actions.",
    ),
    "dialogue": (
        "[Write|Produce] a [natural|lifelike] [conversation|dialogue] of [eight|ten|twelve] turns between [the two roles|both personas] below. [The assistant|The helper] [stays|remains] [patient|accurate], [the user|the other] [digresses|changes their mind] once. [Mark|Prefix] turns with USER: and AI:.",
    ),
    "rewriting": (
        "[Rewrite|Transform] the given prompt [into|as] a [harder|more demanding] version: add [one|two] constraint[s|], [deepen|widen] it, [make|keep] it [answerable|self-contained]; [afterwards|then] [answer|solve] the new version [completely|at full length]. [Separate|Divide] both with ###.",
    ),
}  # fmt: skip

_MILD = (
    "[Please solve|Solve|Work on|Now solve] the following [problem|question|exercise]. [Make sure to |Always |You must |]show every step of your reasoning before you give the final answer"
    "[, even if it seems trivial|, however small|, without exception|]. [Do not|Never|Don't] skip intermediate results[; explain why each one holds|, justify each|]. "
    "[When done|At the end|Finally], wrap the result in <final> tags[ and nothing else|, please|, alone on a line|]."
)  # fmt: skip

_FREE = (
    "Solve the problem. Write your complete chain of thought, including attempts that failed, and finish with the result in <final> tags.",
    "I want to watch the mind at work here: whatever crosses it on the way to a solution belongs on the page, blunders too. Mark the outcome with <final>.",
    "Treat this as an oral examination. Narrate, hesitate, correct yourself; the verdict goes between <final> and </final>.",
    "Leave nothing out. Ideas, abandoned routes, double checks, all in order of appearance. Close by tagging what you conclude as <final>.",
    "Imagine teaching a slow but stubborn pupil who asks 'how did you know?' after every line. The pupil copies only what stands inside <final>.",
    "Lay bare how you get there. A bare result is worthless to us; false starts are welcome. <final> holds the end of it.",
    "Keep a lab notebook while you tackle this one, entry after entry, then sign off with <final>your finding</final>.",
    "Argue with yourself in writing until one side wins, and put the winner into <final>.",
    "Before anything counts as settled, tell me where it comes from and what else you weighed. Settled things end up in <final>.",
    "Reconstruct the path, not merely the destination: conjecture, test, discard, retry. Destination: <final>.",
    "Your scratch paper is what we collect. Fill it generously. One <final> line at the bottom.",
    "Unroll the deliberation at full length, as a transcript of somebody thinking. Last line <final>…</final>.",
    "No shortcuts for the reader: each inference spelled out, each doubt recorded, the conclusion fenced off by <final>.",
    "Talk through it the way mathematicians do at a blackboard, chalk errors and all. Underline the outcome using <final>.",
    "Everything counts: the hunch, the arithmetic on the margin, the moment of doubt. Result in <final>, please, nowhere else.",
    "Suppose a jury has to follow you. Present evidence, cross-examine it, deliver judgement inside <final> tags.",
    "Tell it like a detective's report, clue by clue, wrong suspects included; name the culprit within <final>.",
    "What would you mutter while pacing around the room? Type that. Afterwards comes <final>, holding one answer.",
    "A stranger must be able to redo this without you. Give them what they need, however tedious, plus a <final> verdict.",
    "Slow down. Split this up, attack every piece, glue the pieces together again, report via <final>.",
    "Don't polish. Raw deliberation first, in whatever state it is; the clean conclusion lives in <final>.",
    "Pretend your memory lasts one sentence, so each sentence must say where the matter stands. Conclude: <final>…</final>.",
    "Describe three ways in, take one, explain when it breaks, take another. Winning value: <final>.",
    "You'll be graded on candour about your method rather than on being right. Enclose being right in <final>.",
    "Write as though annotating a chess game: candidate moves, refutations, the line chosen. Mate is announced by <final>.",
    "Answer last. Ahead of it, put whatever justified it, from first principles up, without trimming. Tag: <final>.",
    "Dictate to a secretary who interrupts whenever a leap is made. The letter closes with <final>.",
    "How come? Spell that out until no 'how come' is left, and only thereafter state <final>your claim</final>.",
    "Compose a diary of the attempt: hopes in the morning, setbacks at noon, insight by evening. Signed, <final>.",
    "Think of a proof reader paid per gap discovered; leave that person poor. Statement proven goes to <final>.",
    "Give us quantity here: long-winded inference, spelled-out bookkeeping, recaps. Brevity is reserved for <final>.",
    "Enumerate what is known, wanted, assumed; derive; sanity-check units and limits; emit <final>.",
    "Behave like a tutor's blackboard camera that never cuts. At the end of the film appears <final>.",
    "Show us the sausage being made, gristle and all, ahead of serving it on a plate called <final>.",
    "Whenever two routes fork, say which you prefer and why, walk it, and look back. Journey's end = <final>.",
    "Consider this your confession: what tempted you, what you overlooked, what convinced you. Absolution is <final>.",
    "Each claim gets a reason, each reason gets a source, each number a computation. Sum everything up as <final>.",
    "Verbose mode on. Trace level: everything. Exit status printed between <final> markers.",
    "Play both the novice that guesses and the master who objects, until they agree on <final>.",
    "Schreibe jeden Gedanken auf, auch die verworfenen, und setze am Schluss das Ergebnis in <final>.",
    "Note tout le cheminement, hésitations comprises, puis encadre la conclusion par <final>.",
    "把脑子里的推演一五一十写下来，走错的路也留着，结论放进<final>。",
    "Anota cada idea según llega, incluso las malas; la conclusión va dentro de <final>.",
)  # fmt: skip

_LEVELS = ("novice", "easy", "moderate", "advanced", "hard", "expert", "olympiad", "research")
_FORMS = ("short text", "table", "JSON", "proof", "dialogue", "essay", "list", "pseudocode", "report", "letter", "plan", "quiz")
_LANGS = ("Python", "Rust", "TypeScript", "Go", "Java", "C++", "Kotlin", "SQL", "Haskell", "Bash")

_SPACES: dict[str, tuple[str, ...]] = {
    "task_generation": (
        "Seeds:\n- {act} {thing} for {person}\n- {act2} {thing2}, {quality}\n- {form} about {thing3}\nLevel: {level}",
        "Domain: {field}\nAnchor: {thing} / {thing2}\nAudience: {person}\nStyle: {quality}, {form}\nLevel: {level}\nBatch {n}",
    ),
    "reasoning": (
        "A {person} wants to {act} the {thing}. It is {quality}, {n} of {n2} attempts failed, and the {thing2} became {quality2}. Which cause is likelier, and what should be done first?",
        "Is it possible that a {quality} {thing} makes the {thing2} {quality2} for a {person} who must {act} it {n} times in {n2} days? Argue both ways.",
    ),
    "rubric": (
        "Instruction: {act} the {quality} {thing}.\nResponse: The {person} should {act2} the {thing2} {n} times; then the {thing3} becomes {quality2}.\nRubric: {form}, {level}, usefulness for {person2}.",
    ),
    "code": (
        "Language: {lang}\nSpecification: {verb} every {noun} by {cfield}, {verb2} the {noun2}s that exceed {n}, and expose {cfield2} per {noun3}. Limit: {n2} entries. Level: {level}.",
        "Repository: {noun}-{noun2}\nLanguage: {lang}\nIssue: after {n} calls {verb}_{noun3} returns a stale {cfield}; {verb2} must not touch {cfield2}. Level: {level}.",
    ),
    "tool_use": (
        "Functions: {verb}_{noun}({cfield}), {verb2}_{noun2}({cfield2}, limit={n})\nRequest: {act} the {quality} {thing} for my {person}, then find {n2} {noun3}s about {thing2}.",
    ),
    "math": (
        "A {person} buys {n} {thing} at {n2} coins each and sells {n3} percent of them at a {n4} percent profit; the rest is {quality} and lost. What is left after paying {n5} coins for the {thing2}?",
        "Let f(x) = {n}x^3 - {n2}x^2 + {n3}x - {n4}. Find all extrema and the area enclosed with the line y = {n5}. Context: {thing}, {level}.",
    ),
    "chinese": ("主题：{zd}与{zd2}。对象：{zp}。情况：{zd3}{ze}，需要{zw}{zv}。编号{n}，难度{n2}。", "问题：{zp}想{zw}{zv}{zd}，可是{zd2}{ze}，而且只剩{n}天、{n2}元。请分析{zd3}应当如何处理。"),
    "agent": (
        "Goal: {verb} the {noun} service so that {cfield} survives {n} restarts; the {noun2} {verb2} job is {quality}. Start: {lang} checkout, {n2} failing tests around {noun3}, notes on {thing}.",
        "Goal: arrange the {quality} {thing} for a {person} with {n} constraints, {act} the {thing2} and file a {form}. Tools: browser, {noun} api, {noun2} table. Budget {n2} steps.",
    ),
    "dialogue": ("USER: a {quality} {person}, new to {field}, worried about the {thing}.\nAI: {level} in {field2}.\nScene: they must {act} the {thing2} within {n} hours.\nTwist: the {thing3} is {quality2}.",),
    "rewriting": ("Given prompt: {act} the {thing} so that a {person} finds it {quality}, as a {form}, without {thing2}, in {n} lines, {level}.",),
}  # fmt: skip


def _vocabulary() -> dict[str, Sequence[str]]:
    chinese = LANGUAGES["zh"].vocabulary
    return {
        "thing": sorted({thing for topic in TOPICS for thing in topic.things}),
        "act": sorted({act for topic in TOPICS for act in topic.actions}),
        "quality": sorted({quality for topic in TOPICS for quality in topic.qualities}),
        "person": sorted({person for topic in TOPICS for person in topic.people}),
        "field": [topic.name for topic in TOPICS],
        "level": _LEVELS,
        "form": _FORMS,
        "lang": _LANGS,
        "noun": sorted(set(code.VOCABULARY["noun"])),
        "verb": sorted(set(code.VOCABULARY["verb"])),
        "cfield": sorted(set(code.VOCABULARY["field"])),
        "n": sorted(set(people.VOCABULARY["n"]), key=int),
        **{f"z{slot}": chinese[slot] for slot in "dwvep"},
    }


def walk(pattern: str, vocabulary: dict[str, Sequence[str]], rng: random.Random) -> Iterator[str]:
    """Yield every filling of `pattern` once, in an order that covers its space evenly.

    Slots are {name} or {name2}, {name3} for further slots over the same vocabulary. Item i is the mixed-radix number
    (start + i * step) mod size with gcd(step, size) = 1, so that the order is a full cycle.
    """
    pieces = re.split(r"\{([a-z]+)\d?\}", pattern)
    lists = [vocabulary[name] for name in pieces[1::2]]
    literals = pieces[0::2]
    size = math.prod(len(entries) for entries in lists)
    step = int(size * rng.uniform(0.55, 0.68)) | 1
    while math.gcd(step, size) != 1:
        step += 2
    at = rng.randrange(size)
    for _ in range(size):
        number, parts = at, [literals[0]]
        for entries, literal in zip(lists, literals[1:], strict=True):
            number, digit = divmod(number, len(entries))
            parts.append(entries[digit])
            parts.append(literal)
        yield "".join(parts)
        at = (at + step) % size


class Work:
    """Harvest jobs written for the bank."""

    def __init__(self, voices: Voices) -> None:
        self._voices = voices
        self._vocabulary = _vocabulary()
        grammar = Grammar({})
        self._instructions = {kind: grammar.compile_all(patterns) for kind, patterns in _INSTRUCTIONS.items()}
        self._mild = {
            f"mild/{kind}/{number}": pattern for kind, patterns in self._instructions.items() for number, pattern in enumerate(patterns)
        }
        mild, rng, wordings = grammar.compile(_MILD), random.Random("mild"), dict.fromkeys([""])
        while len(wordings) <= 120:
            wordings[draw(mild, rng)] = None
        self._paraphrases = {"mild": list(wordings)[1:], "free": list(_FREE)}

    def paraphrase_sets(self, manner: str, kind: str | None = None) -> list[str]:
        """Names of the sets of one manner, "mild" or "free"; of mild ones, those for `kind` if given."""
        if manner != "mild":
            return [name for name in self._paraphrases if name == manner]
        own = [name for name in self._mild if kind is None or name.split("/")[1] == kind]
        return ["mild", *own] if kind in (None, "reasoning", "math") else own

    def paraphrases(self, name: str) -> list[str]:
        """Return the wordings of a set, the base first. Raises ValueError for an unknown name."""
        if name in self._mild:
            rng = random.Random(name)
            return list(dict.fromkeys(draw(self._mild[name], rng) for _ in range(400)))[:120]
        if name not in self._paraphrases:
            raise ValueError(f"unknown set of paraphrases {name!r}; one of {', '.join(self._paraphrases)}")
        return list(self._paraphrases[name])

    def queue(self, kind: str, seed: str) -> Callable[[], Iterator[Task]]:
        """Return the work queue of a job: a function that starts it from the beginning."""
        language = {"chinese": "zh", "code": "code"}.get(kind, "en")
        median = 1_100.0 if kind == "rubric" else 1_500.0 if kind == "chinese" else 2_900.0

        def start() -> Iterator[Task]:
            rng = random.Random(seed)
            walks = [walk(pattern, self._vocabulary, rng) for pattern in _SPACES[kind]]
            number = 0
            while walks:
                current = walks[number % len(walks)]
                payload = next(current, None)
                if payload is None:
                    walks.remove(current)
                    continue
                number += 1
                yield Task(payload, self._voices.prose(rng, length(rng, median, 0.5, 300), language))

        return start

    def job(self, rng: random.Random, kind: str | None, wordings: Sequence[str] = ()) -> HarvestJob:
        """Draw a job of `kind` (any if None), with `wordings` in place of an own instruction where given.

        Raises ValueError for an unknown kind.
        """
        if kind is not None and kind not in HARVEST_KINDS:
            raise ValueError(f"unknown kind of harvest {kind!r}; one of {', '.join(HARVEST_KINDS)}")
        chosen = kind or pick(rng, HARVEST_KINDS)
        own = draw(pick(rng, self._instructions[chosen]), rng)
        words = tuple(wordings) or (own,)
        return HarvestJob(chosen, words[0], rng.random() < 0.5, self.queue(chosen, f"queue/{rng.random()}"), words)
