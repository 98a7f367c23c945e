"""The provider's own clauses: a policy file says what each forbids, in terms of what the lake keeps.

In: a TOML file. Out: `Policy`. A clause has an id, a title, its text, a kind and one condition; docs/policy.md describes every condition,
and `policy_template.toml` beside this file is a commented example, which `stillhunt case policy` prints. Everything is checked when the
file is read, so that a clause that was misspelled is never taken for one that was kept.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args

from stillhunt.errors import InputError
from stillhunt.records import ENTITLEMENT_SCOPES

Kind = Literal["terms", "rate_limit", "region", "identity"]
KINDS: tuple[str, ...] = get_args(Kind)

WINDOWS = {"minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
"""Spans that calls are counted in, microseconds. They begin with whole minutes, hours and days of UTC."""


@dataclass(frozen=True)
class Parameter:
    """What one parameter of a condition takes: `kind` is number, words, window, scopes, countries, networks or domains."""

    kind: str
    default: Any = None
    required: bool = False


CONDITIONS: dict[str, dict[str, Parameter]] = {
    "harvest": {"unless": Parameter("scopes", ("distillation",))},
    "accounts_per_entity": {"most": Parameter("number", required=True)},
    "calls_per_account": {"most": Parameter("number", required=True), "per": Parameter("window", required=True)},
    "pooled_calls": {"most": Parameter("number", required=True), "per": Parameter("window", required=True)},
    "country": {"served": Parameter("countries"), "not_served": Parameter("countries")},
    "network": {"not_served": Parameter("networks", required=True)},
    "email_domain": {"refused": Parameter("domains"), "refused_file": Parameter("file")},
    "verification": {"accepted": Parameter("words"), "refused": Parameter("words")},
    "shared_payment": {"most": Parameter("number", required=True)},
    "call_after_closure": {"reasons": Parameter("words")},
    "replacement": {"days": Parameter("number", 30), "reasons": Parameter("words")},
    "resale": {"end_users": Parameter("number", required=True), "unless": Parameter("scopes", ("resale",))},
    "instruction": {"words": Parameter("words", required=True)},
}
"""Condition -> its parameters."""

_ONE_OF = {"country": ("served", "not_served"), "email_domain": ("refused", "refused_file"), "verification": ("accepted", "refused")}
_CLAUSE_KEYS = ("id", "title", "text", "kind", "when")


@dataclass(frozen=True)
class Clause:
    """One clause: `when` names the condition under which it is broken, `parameters` what that takes."""

    id: str
    title: str
    text: str
    kind: str
    when: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """A provider's clauses, in the order of the file."""

    name: str
    version: str
    clauses: tuple[Clause, ...]


def template() -> str:
    """The commented example, as TOML."""
    return files("stillhunt.cases.questions").joinpath("policy_template.toml").read_text("utf-8")


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        InputError: it cannot be read, or says something that means nothing; the message names file, clause and key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); `stillhunt case policy` prints an example") from error
    return parse_policy(text, path)


def parse_policy(text: str, path: Path) -> Policy:
    """A policy from the text of a file; `path` is for messages, and other files are named relative to it.

    Raises:
        InputError: as for `read_policy`.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML ({str(error)[:200]}); `stillhunt case policy` prints an example") from error
    unknown = sorted(set(document) - {"name", "version", "clause"})
    if unknown:
        raise InputError(f"{path}: {unknown[0]} is not known here; a policy file has name, version and [[clause]]")
    for key in ("name", "version"):
        if not isinstance(document.get(key), str) or not document[key]:
            raise InputError(f'{path}: {key} is missing; write {key} = "..."')
    entries = document.get("clause")
    if not isinstance(entries, list) or not entries or not all(isinstance(one, dict) for one in entries):
        raise InputError(f"{path}: holds no clause; add a [[clause]] for each")
    clauses = tuple(_clause(entry, f"{path}: clause {number}", path) for number, entry in enumerate(entries, 1))
    seen: set[str] = set()
    for clause in clauses:
        if clause.id in seen:
            raise InputError(f"{path}: clause {clause.id}: there are two with this id; give each its own")
        seen.add(clause.id)
    return Policy(document["name"], document["version"], clauses)


def _clause(entry: dict[str, Any], where: str, path: Path) -> Clause:
    for key in _CLAUSE_KEYS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise InputError(f'{where}: {key} is missing; write {key} = "..."')
    where = f"{path}: clause {entry['id']}"
    if entry["kind"] not in KINDS:
        raise InputError(f"{where}: kind is {entry['kind']!r}; use one of {', '.join(KINDS)}")
    when = entry["when"]
    if when not in CONDITIONS:
        raise InputError(f"{where}: when is {when!r}; use one of {', '.join(CONDITIONS)}")
    takes = CONDITIONS[when]
    unknown = sorted(set(entry) - {*_CLAUSE_KEYS, *takes})
    if unknown:
        raise InputError(f"{where}: {unknown[0]} is not known for {when}; it takes {', '.join(takes)}")
    parameters = {}
    for name, parameter in takes.items():
        if name in entry:
            parameters[name] = _value(entry[name], parameter.kind, f"{where}: {name}", path)
        elif parameter.required:
            raise InputError(f"{where}: {name} is missing, which {when} needs")
        else:
            parameters[name] = parameter.default
    if when in _ONE_OF and sum(parameters[name] is not None for name in _ONE_OF[when]) != 1:
        raise InputError(f"{where}: give exactly one of {' and '.join(_ONE_OF[when])}")
    return Clause(entry["id"], entry["title"], entry["text"].strip(), entry["kind"], when, parameters)


def _value(value: Any, kind: str, where: str, path: Path) -> Any:
    if kind == "number":
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise InputError(f"{where} must be a whole number that is not negative")
        return value
    if kind == "window":
        if value not in WINDOWS:
            raise InputError(f"{where} must be one of {', '.join(WINDOWS)}")
        return value
    if kind == "file":
        return _lines(value, where, path)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise InputError(f'{where} must be a list of texts, such as ["..."], and not empty')
    words = tuple(one.strip() for one in value)
    if kind == "scopes":
        wrong = [one for one in words if one not in ENTITLEMENT_SCOPES]
        if wrong:
            raise InputError(f"{where}: {wrong[0]} is no scope of an entitlement; use {', '.join(ENTITLEMENT_SCOPES)}")
    if kind == "countries":
        wrong = [one for one in words if not re.fullmatch(r"[A-Za-z]{2}", one)]
        if wrong:
            raise InputError(f"{where}: {wrong[0]} is no country; use the two letters of ISO 3166")
        return tuple(one.upper() for one in words)
    if kind == "networks":
        return tuple(_network(one, where) for one in words)
    return tuple(one.casefold() for one in words) if kind in {"words", "domains"} else words


def _network(text: str, where: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise InputError(f"{where}: {text} is no range of addresses; write it like 203.0.113.0/24") from None


def _lines(value: Any, where: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, str) or not value:
        raise InputError(f"{where} must name a text file with one domain a line")
    named = path.parent / value
    try:
        lines = named.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: {named} cannot be read ({type(error).__name__}); name a text file with one domain a line") from error
    found = tuple(line.split("#", 1)[0].strip().casefold() for line in lines)
    kept = tuple(line for line in found if line)
    if not kept:
        raise InputError(f"{where}: {named} names no domain; write one a line")
    return kept
