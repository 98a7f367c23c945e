"""The reference pages (commands, channels, formats, settings), written from the code that they describe.

``python -m stillhunt.cli.reference docs/reference`` writes them; a test fails when they are stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

from stillhunt.cli import catalogue
from stillhunt.cli.app import app
from stillhunt.cli.settings import SETTINGS

NOTE = "<!-- Written by `make docs` from the code. Change the code, not this page. -->\n\n"
COMMANDS = f"""# Commands

{NOTE}Every command takes `--json` (one JSON document on standard output, nothing else there) and `--help`.
Progress shows on standard error when that is a terminal. A problem is one line on standard error: what, where, what to do.

| exit status | meaning |
|---|---|
| 0 | done, also where nobody reads the output to its end (`… \\| head`) |
| 1 | found something (only with `--fail-on`), or `case rerun` came to something else |
| 2 | bad usage or input, or a defect of Stillhunt |
| 130 | interrupted; the same command goes on from there |
"""
CHANNELS = f"""# Channels

{NOTE}A channel is a kind of observation. Channels of one family depend on one another, because one cause moves them
together: evidence is multiplied across families and averaged within one. A channel without its columns says “not visible”.
"""


def pages() -> dict[str, str]:
    """File name -> Markdown, for every reference page."""
    return {"commands.md": commands_page(), "channels.md": channels_page(), "formats.md": formats_page(), "settings.md": settings_page()}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be run, as (``"stillhunt lake compact"``, command)."""
    yield from _walk("stillhunt", typer.main.get_command(app))


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        # A hidden command is what its group does when it is called by its name alone.
        yield from _walk(path if child.hidden else f"{path} {name}", child)


def commands_page() -> str:
    """All commands with their arguments and options."""
    parts = [COMMANDS]
    for path, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
        usage = " ".join([path, *(_metavar(p) for p in arguments), "[OPTIONS]"])
        parts.append(f"\n## {path}\n\n{' '.join((command.help or '').split())}\n\n```\n{usage}\n```\n")
        rows = [(f"`{_metavar(p)}`", p) for p in arguments] + [(_option(p), p) for p in options]
        parts.append("\n| | |\n|---|---|\n" + "".join(f"| {name} | {_cell(p)} |\n" for name, p in rows))
    return "".join(parts)


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(parameter.opts, key=len, reverse=True))
    return names if parameter.is_flag else f"{names} `{_metavar(parameter)}`"


def _cell(parameter: Any) -> str:
    said = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
    default = parameter.default
    if parameter.required and parameter.param_type_name == "option":
        return f"{said} Required."
    if isinstance(default, bool) or default is None or default == () or not isinstance(default, (int, float, str)):
        return said
    return f"{said} Default: `{default}`."


def channels_page() -> str:
    """All channels with their aspects and the columns that each needs."""
    parts = [CHANNELS]
    for channel in catalogue.known_channels():
        parts.append(f"\n## {channel.name}\n\n{catalogue.purpose(channel)} Family: {channel.family}.\n")
        parts.append("\n| aspect | compares | needs |\n|---|---|---|\n")
        for aspect in channel.aspects:
            needs = ", ".join(f"`{table}.{column}`" for table, columns in aspect.needs.items() for column in columns)
            parts.append(f"| `{aspect.name}` | {aspect.title} ({aspect.kind}) | {needs} |\n")
    return "".join(parts)


def formats_page() -> str:
    """All formats with what each can see, what it hides and how to turn that on."""
    known = catalogue.known_formats()
    parts = [f"# Formats\n\n{NOTE}What each source can carry:\n\n| format | {' | '.join(catalogue.GROUPS)} |\n"]
    parts.append(f"|---|{'---|' * len(catalogue.GROUPS)}\n")
    parts += [
        f"| [{f.name}](#{f.name}) | {' | '.join('yes' if yes else '–' for yes in catalogue.sees(f.sees).values())} |\n" for f in known
    ]
    for format_ in known:
        parts.append(f"\n## {format_.name}\n\n{format_.title}. Carries {', '.join(f'`{column}`' for column in sorted(format_.sees))}.\n")
        if format_.hides:
            parts.append("\n| not there, or not by default | why, and what to do |\n|---|---|\n")
            parts += [f"| `{what}` | {why.replace('|', chr(92) + '|')} |\n" for what, why in sorted(format_.hides.items())]
    return "".join(parts)


def settings_page() -> str:
    """All environment variables."""
    rows = "".join(f"| `{name}` | {what} |\n" for name, what in sorted(SETTINGS.items()))
    said = "What a command does is said on its command line. These environment variables are all there are:"
    return f"# Settings\n\n{NOTE}{said}\n\n| | |\n|---|---|\n{rows}"


def main(arguments: Sequence[str]) -> int:
    """Write the pages into the folder that is named."""
    folder = Path(arguments[0] if arguments else "docs/reference")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
