"""What a scan was told, written down: without it, repeating the scan would be another scan.

A configuration is one JSON object: `settings` (every field of `campaigns.Settings`; ranges of networks with their kinds, as the
environment named them), the names of the `channels` that were installed, and the `software` under them.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from typing import Any

from stillhunt import __version__
from stillhunt.campaigns import Settings
from stillhunt.campaigns.ranges import Ranges
from stillhunt.channels import channels
from stillhunt.errors import InputError

LIBRARIES = ("numpy", "numba", "pyarrow", "scipy")
"""Libraries whose arithmetic is in findings."""


def configuration(settings: Settings, *, recorded: bool = True) -> dict[str, Any]:
    """The configuration of a scan that is made now with `settings`.

    Args:
        settings: what the scan is told.
        recorded: whether they are known to be the scan's own; False where nobody wrote them down and the usual ones are assumed.

    Raises:
        InputError: kinds of networks come from something that cannot be written down.
    """
    if settings.network_kind is not None and not isinstance(settings.network_kind, Ranges):
        raise InputError(
            "kinds of networks are looked up by a program, which cannot be frozen; give them as stillhunt.campaigns.ranges.Ranges"
        )
    told = {
        **asdict(replace(settings, network_kind=None)),
        "ignored_organizations": sorted(settings.ignored_organizations),
        "network_kind": settings.network_kind.kinds if settings.network_kind is not None else None,
    }
    return {
        "settings": told,
        "recorded": recorded,
        "channels": sorted(channel.name for channel in channels()),
        "software": {"stillhunt": __version__, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def settings_of(document: Mapping[str, Any]) -> Settings:
    """The settings that `configuration` wrote down.

    Raises:
        InputError: it is no configuration, or has settings that this release does not know.
    """
    try:
        told = dict(document["settings"])
        unknown = sorted(set(told) - {field.name for field in fields(Settings)})
        if unknown:
            raise InputError(
                f"the configuration has the setting {unknown[0]}, which this release does not know; use the release that made it"
            )
        kinds = told.pop("network_kind", None)
        ignored = frozenset(told.pop("ignored_organizations", ()))
        return Settings(**told, ignored_organizations=ignored, network_kind=Ranges(kinds) if kinds is not None else None)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not the configuration of a scan ({type(error).__name__}); restore the case's files") from error


def other_software(document: Mapping[str, Any]) -> list[str]:
    """What is installed now and was another version (or not there) when `document` was written, one clause each."""
    now = configuration(Settings())
    then: Mapping[str, Any] = document.get("software", {})
    changed = [f"{name} {then.get(name, 'unknown')} then, {here} now" for name, here in now["software"].items() if then.get(name) != here]
    gone = sorted(set(document.get("channels", ())) ^ set(now["channels"]))
    return changed + [f"the channel {name} is installed only {'now' if name in now['channels'] else 'then'}" for name in gone]
