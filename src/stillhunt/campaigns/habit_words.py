"""What a value of a field of the content test is called: "begins with a capital letter". In: field and value. Out: words for people."""

from __future__ import annotations

_BYTES = (0, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)  # as intake.shape classes lengths
_ANSWERS = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_SHARES = ("no {}", "few {}", "some {}", "many {}")
_SHARED = {
    "digits": "digits",
    "signs": "brackets or operators",
    "first_person": "words of the first person",
    "capitals": "capitalised words",
    "commas": "commas",
    "foreign": "letters beyond ASCII",
    "short_words": "short words",
}
_HELD = {
    "second_person": '"you"',
    "please": '"please"',
    "lower_i": 'a small "i"',
    "lower_start": "a sentence that begins small",
    "tight": "a comma or stop without a space behind it",
    "double_space": "two spaces in a row",
    "loose": "a space before a comma or stop",
    "listed": "a list",
    "markdown": "markdown",
    "address": "a web address",
    "question": "a question mark",
}
_NAMED: dict[str, tuple[str, ...]] = {
    "lines": ("one line", "several lines", "an empty line between paragraphs", "five lines or more"),
    "start": tuple(
        f"begins with {what}"
        for what in ("a capital", "a small letter", "a digit", "a quotation mark", "Han", "a sign", "kana", "an Asian script without case")
    ),
    "end": (
        *(f"ends with {mark}" for mark in ("a stop", "a question mark", "an exclamation mark", "a colon", "a bracket", "a brace")),
        *(f"ends with {mark}" for mark in ("a quotation mark", "no mark", "a Chinese stop", "a Chinese question mark")),
        "ends with a letter beyond ASCII",
        "ends with another sign",
    ),
    "quotes": ("no quotation marks", "quotation marks", "apostrophes", "quotation marks and apostrophes"),
    "word_length": (
        "no ASCII words",
        *(f"words of {span} letters" for span in ("< 3.5", "3.5 to 4", "4 to 4.5", "4.5 to 5", "5 to 5.5", "5.5 to 6.5", "> 6.5")),
    ),
    "sentences": (
        "no whole sentence",
        "one sentence",
        "two sentences",
        "three sentences",
        "four or five sentences",
        "six to eight sentences",
        "nine sentences or more",
    ),
    "turn": ("stands alone", "the first follow-up", "a later follow-up", "deep in a conversation", "very deep in a conversation"),
    "first_word": (),
    "first_two": (),
}


def habit_words(field: str, value: int) -> str:
    """The words for one value; hashes of opening words are only called the same opening."""
    if field == "length":
        return f"{_BYTES[value]} to {_BYTES[value + 1] - 1} bytes" if value + 1 < len(_BYTES) else f"{_BYTES[value]} bytes or more"
    if field == "answer":
        return f"answered in {_ANSWERS[value]} to {_ANSWERS[value + 1] - 1} tokens" if value + 1 < len(_ANSWERS) else "very long answers"
    if field == "first_word":
        return "the same first word"
    if field == "first_two":
        return "the same first two words"
    if field in _SHARED:
        return _SHARES[value].format(_SHARED[field])
    if field in _HELD:
        return _HELD[field] if value else f"no {_HELD[field].removeprefix('a ')}"
    named = _NAMED[field]
    return named[value] if value < len(named) else f"{field} {value}"
