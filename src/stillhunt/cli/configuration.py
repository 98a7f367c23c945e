"""The configuration file: settings, and options that need not be said each time.

A TOML file: `[settings]` holds what the STILLHUNT_... variables hold, `[defaults]` options of any command that has them, and a table with a
command's name (`[scan]`, `[case.open]`) options of that command. What is said on the command line goes before a variable of the
environment, that before the file, and that before what is built in.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stillhunt.cli.settings import SETTINGS
from stillhunt.errors import InputError

VARIABLE: Final = "STILLHUNT_CONFIG"
_APART: Final = frozenset({"settings", "defaults"})


@dataclass(frozen=True)
class Configuration:
    """A configuration file as it was read; `file` is None where there is none."""

    file: Path | None
    content: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, str]:
        """Names of environment variables -> values."""
        return {f"STILLHUNT_{name.upper()}": str(value) for name, value in self.content.get("settings", {}).items()}


def place() -> tuple[Path | None, bool]:
    """The file, and whether somebody named it: $STILLHUNT_CONFIG, or stillhunt/config.toml where this user's configuration lies."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named), True
    home = os.environ.get("XDG_CONFIG_HOME") or (f"{os.environ['HOME']}/.config" if os.environ.get("HOME") else None)
    return (Path(home) / "stillhunt" / "config.toml", False) if home else (None, False)


def read() -> Configuration:
    """Read the file, if there is one.

    Raises:
        InputError: it was named and is not there, cannot be read, is no TOML, or has a setting that does not exist.
    """
    file, named = place()
    if file is None or not (named or file.is_file()):
        return Configuration(None, {})
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{file}: the configuration cannot be read ({error.strerror}); mend it, or unset {VARIABLE}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not TOML ({error}); see `stillhunt config --help`") from None
    for name, value in content.items():
        if not isinstance(value, dict):
            raise InputError(f"{file}: {name}: stands outside of a table; put it under [settings], [defaults] or a command's name")
    for name, value in content.get("settings", {}).items():
        if f"STILLHUNT_{name.upper()}" not in SETTINGS:
            raise InputError(f"{file}: [settings] {name}: no such setting{_like(name, _setting_names())}")
        if not isinstance(value, str | int | bool):
            raise InputError(f"{file}: [settings] {name}: text was expected")
    return Configuration(file, content)


def apply(found: Configuration) -> None:
    """Let settings of the file count wherever the environment says nothing."""
    for name, value in found.settings.items():
        os.environ.setdefault(name, value)


class OptionDefaults(dict[str, Any]):
    """What the file says instead of built-in defaults, as the command tree asks for it: by a command's name, then by a parameter's."""

    def __init__(self, command: Any, table: Mapping[str, Any], everywhere: Mapping[str, Any]) -> None:
        super().__init__()
        self._command, self._table, self._everywhere = command, table, everywhere

    def get(self, name: str, default: Any = None) -> Any:
        """A command's own defaults below a group; a parameter's value elsewhere."""
        child = self._command.get_command(None, name) if hasattr(self._command, "get_command") else None
        if child is not None:
            return OptionDefaults(child, self._table.get(name, {}), self._everywhere)
        option = _named(self._command).get(name)
        return default if option is None else self._table.get(option, self._everywhere.get(option, default))


def option_defaults(found: Configuration, root: Any) -> OptionDefaults | None:
    """The file's options for the command tree below `root`; None where it gives none.

    Raises:
        InputError: a command or an option does not exist. Only commands that the file names are looked at.
    """
    tables = {name: table for name, table in found.content.items() if name not in _APART}
    for name, table in tables.items():
        _check(found, root, name, table, (name,))
    everywhere = found.content.get("defaults", {})
    return OptionDefaults(root, tables, everywhere) if tables or everywhere else None


def _check(found: Configuration, group: Any, name: str, table: Mapping[str, Any], path: tuple[str, ...]) -> None:
    where, spoken = f"{found.file}: [{'.'.join(path)}]", " ".join(path)
    commands = list(group.list_commands(None)) if hasattr(group, "list_commands") else []
    command = group.get_command(None, name) if name in commands else None
    if command is None:
        raise InputError(f"{where}: there is no command `stillhunt {spoken}`{_like(name, commands)}")
    options = set(_named(command).values())
    for key, value in table.items():
        if isinstance(value, dict):
            _check(found, command, key, value, (*path, key))
        elif key not in options:
            raise InputError(f"{where} {key}: `stillhunt {spoken}` has no option --{key.replace('_', '-')}{_like(key, options)}")


def _named(command: Any) -> dict[str, str]:
    """Parameter -> its option as the file spells it: without dashes in front, and with underscores. Arguments have none."""
    return {
        parameter.name: max(parameter.opts, key=len).lstrip("-").replace("-", "_")
        for parameter in command.params
        if parameter.opts and parameter.opts[0].startswith("-")
    }


def _setting_names() -> list[str]:
    return [name.removeprefix("STILLHUNT_").lower() for name in SETTINGS]


def _like(name: str, known: Any) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}" if known else ""


def shown(found: Configuration, root: Any) -> Iterator[tuple[str, str, str]]:
    """(what, value, where it comes from) for each setting, and for each option that the file gives.

    Raises:
        InputError: as `option_defaults`.
    """
    for name in sorted(SETTINGS):
        if name in os.environ and os.environ[name] != found.settings.get(name):
            yield name, os.environ[name], "environment"
        elif name in found.settings:
            yield name, found.settings[name], str(found.file)
        else:
            yield name, "", "not set"
    option_defaults(found, root)
    for name, value in found.content.get("defaults", {}).items():
        yield f"every command: --{name.replace('_', '-')}", str(value), str(found.file)
    for name, table in found.content.items():
        if name not in _APART:
            yield from _shown(name, table, str(found.file))


def _shown(path: str, table: Mapping[str, Any], file: str) -> Iterator[tuple[str, str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _shown(f"{path} {key}", value, file)
        else:
            yield f"{path} --{key.replace('_', '-')}", str(value), file
