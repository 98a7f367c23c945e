"""Commands as they are quoted, in backticks, on pages and in the texts of the source; and whether such a command exists."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from stillhunt.cli.app import app

ROOT = Path(__file__).parent.parent
QUOTED = re.compile(r"`+((?:[\w./]*/)?stillhunt(?: [^`]*)?)`")
IN_FILES = re.compile(r"^(?:ExecStart=|\*/10 \* \* \* \* +|#? *)?(?:[\w./]*/)?(stillhunt [a-z].*)$", re.MULTILINE)
FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> Iterator[str]:
    """Commands in backticks; of a pipe, what stands before it."""
    for found in QUOTED.findall(text):
        command = " ".join(found.split()).split(" | ")[0].split(" > ")[0].rstrip("…").strip()
        if "stillhunt " in command and not command.startswith("stillhunt X"):  # the command itself is filled in
            yield command


def quoted_in_pages(pages: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """(command, page) for commands in backticks, and in blocks that are no console (a service's file, for example)."""
    for page in pages:
        text, place = page.read_text(), str(page.relative_to(ROOT))
        for command in commands_in(FENCE.sub("", text)):
            yield command, place
        for fence in FENCE.finditer(text):
            if fence["kind"] not in ("console", "python"):
                for command in IN_FILES.findall(fence["body"]):
                    yield command, place


def quoted_in_source() -> Iterator[tuple[str, str]]:
    """(command, file) for commands in backticks in any text of the source: docstrings, help, hints, errors. What is filled in becomes X."""
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            text = None
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            elif isinstance(node, ast.JoinedStr):
                text = "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            for command in commands_in(text or ""):
                yield command, str(file.relative_to(ROOT))


def problem_of(words: Sequence[str]) -> str | None:
    """What keeps these words from being a command with options that it has; None: nothing.

    Arguments may be missing, but not be too many.
    """
    words = words[: words.index(">")] if ">" in words else words
    words = [word for word in words if word != "[OPTIONS]"]
    command: Any = typer.main.get_command(app)
    given = 0
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        is_group = hasattr(command, "commands")
        if is_group and command.get_command(None, word) is not None:
            command = command.get_command(None, word)
        elif is_group and (hidden := _meant_by_its_name_alone(command)) and word not in ("-h", "--help"):
            command = hidden
            waiting.insert(0, word)
        elif word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            parameter = next((one for one in command.params if name in (*one.opts, *one.secondary_opts)), None)
            if parameter is None and name not in ("-h", "--help"):
                return f"no option {name}"
            if parameter is not None and not parameter.is_flag and not value and waiting:
                waiting.pop(0)
        elif is_group:
            return f"no command {word}"
        else:
            given += 1
    arguments = [] if hasattr(command, "commands") else [one for one in command.params if one.param_type_name == "argument"]
    if given > len(arguments) and not any(one.nargs == -1 for one in arguments):
        return f"{given} arguments, and it takes {len(arguments)}"
    return None


def _meant_by_its_name_alone(group: Any) -> Any:
    """The hidden command that stands for the group where none of its others is named, as with `stillhunt formats NAME`."""
    return next((child for child in group.commands.values() if child.hidden), None)
