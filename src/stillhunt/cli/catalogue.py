"""`stillhunt formats` and `stillhunt channels`: what can be read, and what can be seen in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from stillhunt.cli.terminal import Json, emit, results
from stillhunt.errors import InputError

if TYPE_CHECKING:
    from stillhunt.channels import Channel
    from stillhunt.intake.formats import Format

GROUPS: dict[str, tuple[str, ...]] = {
    "account": ("account_id",),
    "organization": ("organization_id",),
    "address": ("client_ip",),
    "client": ("user_agent", "client_headers", "tls_ja4"),
    "text": ("messages", "response"),
    "tokens": ("input_tokens", "output_tokens"),
    "status": ("http_status",),
    "sign-up": ("created_at", "signup_ip", "email"),
    "payment": ("payment_fingerprint",),
}
"""What an investigator asks of a source -> canonical columns, any of which answers."""


def sees(columns: frozenset[str]) -> dict[str, bool]:
    """For each group of `GROUPS`, whether a source with these columns can answer it."""
    return {group: any(column in columns for column in answers) for group, answers in GROUPS.items()}


def formats_document(known: list[Format]) -> list[dict[str, Any]]:
    """All formats as JSON."""
    return [{"name": f.name, "title": f.title, "sees": sorted(f.sees), "hides": dict(sorted(f.hides.items()))} for f in known]


def channels_document(known: list[Channel]) -> list[dict[str, Any]]:
    """All channels as JSON; a channel's purpose is the first line of its module's docstring."""
    return [
        {
            "name": channel.name,
            "title": channel.title,
            "family": channel.family,
            "purpose": purpose(channel),
            "aspects": [
                {"name": a.name, "kind": a.kind, "title": a.title, "needs": {table: list(names) for table, names in a.needs.items()}}
                for a in channel.aspects
            ],
        }
        for channel in known
    ]


def purpose(channel: Channel) -> str:
    """The first line of the docstring of the module that a channel lives in."""
    module = sys.modules.get(type(channel).__module__)
    lines = (getattr(module, "__doc__", None) or channel.title).strip().splitlines()
    return lines[0].strip()


def known_formats() -> list[Format]:
    """All formats, built in or plugged in, by name."""
    from stillhunt.intake import registry

    return sorted(registry.registry().formats.values(), key=lambda format_: format_.name)


def known_channels() -> list[Channel]:
    """All channels, built in or plugged in, by name."""
    from stillhunt.channels import channels as load

    return load()


def formats(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show one format: what it hides and how to turn it on.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List the log formats that can be read, and what each of them can see."""
    known = known_formats()
    if name is not None:
        known = [format_ for format_ in known if format_.name == name]
        if not known:
            raise InputError(f"{name}: no such format; `stillhunt formats` lists those that there are")
    if json:
        emit({"formats": formats_document(known)})
        return
    console = results()
    if name is None:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("format", no_wrap=True)
        for group in GROUPS:
            table.add_column(group, justify="center")
        for format_ in known:
            table.add_row(format_.name, *("yes" if yes else "·" for yes in sees(format_.sees).values()))
        console.print(table)
        console.print(Text("\n`stillhunt formats NAME` says why a source hides something and how to turn it on.", style="dim"))
        return
    for format_ in known:
        console.print(Text(f"{format_.name}: {format_.title}", style="bold"))
        console.print(Text("Carries: " + ", ".join(sorted(format_.sees))))
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for what, why in sorted(format_.hides.items()):
            table.add_row(Text(what), Text(why))
        if format_.hides:
            console.print(Text("\nDoes not carry, or not by default:"))
            console.print(table)


def channels(json: Json = False) -> None:
    """List the channels: the kinds of evidence that accounts act as one, and the columns that each needs."""
    known = known_channels()
    if json:
        emit({"channels": channels_document(known)})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("channel", no_wrap=True)
    table.add_column("what it asks")
    table.add_column("columns", style="dim")
    for channel in known:
        needs = sorted({name for aspect in channel.aspects for names in aspect.needs.values() for name in names})
        table.add_row(Text(channel.name), Text(purpose(channel)), Text(", ".join(needs)))
    results().print(table)
