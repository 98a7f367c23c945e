"""Groups of commands that import a command's module only when that command is chosen.

In: a table of names, places and first lines of help. Out: a class of group for typer. May import: typer only, because it is imported
for `--help`. The first line stands in the table since reading it from the docstring would import the module; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup


class Place(NamedTuple):
    """Where a command or group is found, ``"module:name"`` inside `stillhunt.cli`, and what the list of commands says of it."""

    where: str
    help: str


class _Commands(MutableMapping[str, Any]):
    """Name -> command. Names cost nothing; a command that is asked for is imported."""

    def __init__(self, ready: Mapping[str, Any], places: Mapping[str, Place]) -> None:
        self._ready = dict(ready)
        self._places = places
        self._names = dict.fromkeys([*ready, *places])

    def __getitem__(self, name: str) -> Any:
        if name not in self._ready:
            self._ready[name] = load(name, self._places[name])
        return self._ready[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._ready[name] = command
        self._names[name] = None

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._ready.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without importing it, as asking for it would


class LazyGroup(TyperGroup):
    """A group whose further commands stand in `places`."""

    places: Mapping[str, Place] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(self.commands, self.places)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from the table alone."""
        shown: dict[str, Any] = {}
        for name in self.commands:
            place = self.places.get(name)
            command = self.commands[name] if place is None else TyperCommand(name=name, help=place.help)
            if not command.hidden:
                shown[name] = command
        if shown:
            width = formatter.width - 6 - max(map(len, shown))
            with formatter.section("Commands"):
                formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in shown.items()])


def group_of(places: Mapping[str, Place]) -> type[LazyGroup]:
    """The class for ``typer.Typer(cls=…)`` of a group with these commands beside its own."""
    return type("LazyGroup", (LazyGroup,), {"places": places})


def load(name: str, place: Place) -> Any:
    """Import what stands at `place` and make a command, or a group, of it."""
    module, _, attribute = place.where.partition(":")
    found = getattr(import_module(f"stillhunt.cli.{module}"), attribute)
    parent = typer.Typer(rich_markup_mode=None, add_completion=False)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name)
    else:
        parent.command(name)(found)
    return typer.main.get_group(parent).commands[name]
