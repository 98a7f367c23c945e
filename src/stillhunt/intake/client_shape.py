"""What software sent a call: its SDK, headers in order, names of parameters and TLS, as a number and as words.

In: user_agent, client_headers, request_parameters, tls_ja4. Out: client_shape, client_label, parameters_hash.
May import: nothing of stillhunt. Works on distinct values and remembers those of earlier batches, so that rows cost nothing.

Names of headers count, and their order. Values count only where they describe software: a value that changes with the call or
names a person (ids, dates, lengths, cookies, authorization, traces, addresses, languages) never enters, neither does any value
of a parameter. Hashes are unkeyed BLAKE2b, 64 bits, so that two providers get the same number for the same software.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

_VALUED = frozenset(["accept", "content-type"])
_STAINLESS = "x-stainless-"
_PER_CALL = frozenset(["x-stainless-retry-count"])  # counts this call's retries

VOLATILE_PARAMETERS = frozenset(
    [
        "user", "metadata", "seed", "safety_identifier", "prompt_cache_key", "idempotency_key", "request_id", "trace_id", "session_id",
        "previous_response_id", "conversation", "store_id", "model", "messages", "input", "inputs", "prompt", "system", "contents",
        "instructions", "system_instruction", "systemInstruction", "extra_headers", "extra_body", "litellm_call_id", "proxy_server_request",
    ]
)  # fmt: skip
"""Parameters that say who, which call or what text; `model` has a column of its own, and moving to another is not another client."""

_PRODUCT = re.compile(r"([A-Za-z][\w.+-]{0,39}(?:/[A-Za-z][\w.+-]{0,39})?)[/ ]v?(\d[\w.+-]{0,31})")
_PLAIN = re.compile(r"[\w.+*;=,/() -]{1,120}", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z_.-]{0,39}", re.ASCII)
_VERSION = re.compile(r"\d{1,5}(?:\.\d{1,6}){0,3}")
_ID = re.compile(r"@|\d{7,}|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12,}|(?=[A-Za-z]*\d)[A-Za-z0-9]{24,}")
_LANGUAGES = {"js": "node", "python": "python"}
_SHOWN = 8
_REMEMBERED = 4096  # distinct values of each kind, of _LONGEST characters at most: some 10 MB in all
_LONGEST = 1024


class _Headers(NamedTuple):
    names: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    user_agent: str | None


def _software(text: str, pattern: re.Pattern[str]) -> str | None:
    """`text` if it looks like a name or version of software and not like somebody's id."""
    text = text.strip()
    return text if pattern.fullmatch(text) and not _ID.search(text) else None


@lru_cache(maxsize=4096)
def products(user_agent: str) -> tuple[tuple[str, str], ...]:
    """The (product, version) pairs of a User-Agent outside its comments, at most six: "OpenAI/Python 1.51.0" is one."""
    bare = re.sub(r"\([^()]*\)", " ", user_agent[:1024])
    found = [(n, v) for n, v in _PRODUCT.findall(bare) if not _ID.search(n) and not _ID.search(v.replace(".", " "))]
    return tuple(found[:6])


def _pairs(raw: str) -> list[tuple[str, str | None]] | None:
    """Header names (lower case) and values in order, from an object, a list of pairs or of names (values None); None if it is none."""
    try:
        decoded = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if isinstance(decoded, dict):
        items: list[Any] = list(decoded.items())
    elif isinstance(decoded, list):
        items = [(i["name"], i.get("value")) if isinstance(i, dict) and "name" in i else i for i in decoded]
    else:
        return None
    pairs = ((i, None) if isinstance(i, str) else i for i in items if isinstance(i, str) or (isinstance(i, (list, tuple)) and len(i) == 2))
    return [(str(name).strip().lower(), None if value is None else _text(value)) for name, value in pairs]


def _text(value: Any) -> str:
    """A header's value: text, or a list of texts where the header came several times; anything else says nothing."""
    return ", ".join(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str))


def _headers(raw: str) -> _Headers | None:
    pairs = _pairs(raw)
    if pairs is None:
        return None
    values = []
    for name, value in pairs:
        if value is None:
            continue  # names alone were logged: their order is a client's shape, too
        if name in _VALUED or (name.startswith(_STAINLESS) and name not in _PER_CALL):
            # What follows ";" in a content type is a boundary, new for each call.
            said = _software(value.partition(";")[0] if name == "content-type" else value, _PLAIN)
            values.append((name, said.lower() if said else "*"))
    agent = next((value for name, value in pairs if name == "user-agent" and value), None)
    # A name with an id in it belongs to one customer or one call.
    return _Headers(tuple("*" if _ID.search(name) else name for name, _ in pairs), tuple(values), agent)


def _parameters(raw: str) -> dict[str, Any] | None:
    try:
        decoded = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return decoded if isinstance(decoded, dict) else None


def _number(*parts: Any) -> int:
    """64 bits of BLAKE2b over the JSON of `parts`, signed."""
    return int.from_bytes(hashlib.blake2b(orjson.dumps(parts), digest_size=8).digest(), "little", signed=True)


def _canonical(value: Any) -> Any:
    """`value` with keys sorted and 1.0 written as 1: two SDKs may write the same number differently."""
    if isinstance(value, dict):
        return {k: _canonical(value[k]) for k in sorted(value)}
    if isinstance(value, list):
        return [_canonical(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def parameters_number(raw: str) -> int | None:
    """The hash of request parameters without the volatile ones; None when `raw` is no JSON object, or nested beyond use."""
    found = _parameters(raw)
    if found is None:
        return None
    try:
        return _number({k: v for k, v in _canonical(found).items() if k not in VOLATILE_PARAMETERS})
    except (RecursionError, orjson.JSONEncodeError):  # orjson reads deeper than it writes
        return None


def _label(agent: tuple[tuple[str, str], ...], headers: _Headers | None, names: tuple[str, ...] | None) -> str:
    """The shape in words; whatever a client could have filled with something personal has passed `_software`."""
    said = dict(headers.values) if headers else {}
    parts = []
    language = _software(said.get(_STAINLESS + "lang", ""), _NAME)
    version = _software(said.get(_STAINLESS + "package-version", ""), _VERSION)
    if language and version:
        maker = agent[0][0].partition("/")[0].lower().removeprefix("async") if agent else "sdk"
        parts.append(f"{maker}-{_LANGUAGES.get(language, language)} {version}")
    elif agent:
        parts.append(" ".join(agent[-1] if agent[0][0] == "Mozilla" else agent[0]))
    runtime = _software(said.get(_STAINLESS + "runtime", ""), _NAME)
    if runtime:
        runtime_version = re.match(r"v?(\d{1,4}(?:\.\d{1,4})?)", said.get(_STAINLESS + "runtime-version", ""))
        parts.append({"cpython": "CPython", "pypy": "PyPy"}.get(runtime, runtime) + (f" {runtime_version[1]}" if runtime_version else ""))
    system = _software(said.get(_STAINLESS + "os", ""), _NAME)
    if system:
        parts.append({"macos": "macOS", "freebsd": "FreeBSD"}.get(system, system.capitalize()))
    groups = [", ".join(parts) or "unknown client"]
    if headers:
        groups.append(f"{len(headers.names)} header{'s' * (len(headers.names) != 1)}")
    if names:
        plain = [n for n in names if _software(n, _NAME)]
        hidden = len(names) - len(plain[:_SHOWN])
        groups.append(", ".join(plain[:_SHOWN] + ([f"{hidden} more"] if hidden else [])))
    return "; ".join(groups)


class ClientColumns(NamedTuple):
    """client_shape (int64), client_label (string) and parameters_hash (int64); null where nothing was visible."""

    shape: pa.Array[Any]
    label: pa.Array[Any]
    parameters: pa.Array[Any]


def client_columns(
    user_agent: pa.Array[Any], client_headers: pa.Array[Any], request_parameters: pa.Array[Any], tls_ja4: pa.Array[Any]
) -> ClientColumns:
    """The shapes of a batch; each argument is a string column of the same length, as the provider logged it.

    JSON that cannot be read counts as not visible.
    """
    agents, agent_codes = _reduced(user_agent, products)
    headers, header_codes = _reduced(client_headers, _headers, _headers_again)
    parameters, parameter_codes = _reduced(request_parameters, _parameters_read, _parameters_again)
    names, name_codes = _renumbered([p[0] if p else None for p in parameters], parameter_codes)
    tls, tls_codes = _reduced(tls_ja4, lambda v: v.strip() or None)

    both, both_codes = _joined(agents, agent_codes, headers, header_codes)
    three, three_codes = _joined(both, both_codes, names, name_codes)
    combined, codes = _joined(three, three_codes, tls, tls_codes)
    shapes: list[int | None] = []
    labels: list[str | None] = []
    for ((sent, header), name), ja4 in combined:
        brief = sum(map(len, (header.names if header else ()) + (name or ()))) + len(ja4 or "") <= _LONGEST
        shape, label = (_client if brief else _client.__wrapped__)(sent, header, name, ja4)
        shapes.append(shape)
        labels.append(label)
    where = pa.array(codes)
    hashes = pa.array([p[1] if p else None for p in parameters], pa.int64())
    return ClientColumns(
        pa.array(shapes, pa.int64()).take(where), pa.array(labels, pa.string()).take(where), hashes.take(pa.array(parameter_codes))
    )


@lru_cache(maxsize=_REMEMBERED)
def _client(
    sent: tuple[tuple[str, str], ...] | None, header: _Headers | None, names: tuple[str, ...] | None, ja4: str | None
) -> tuple[int | None, str | None]:
    """The shape as a number and in words; nothing when nothing was visible."""
    agent = sent
    if agent is None and header is not None and header.user_agent:
        agent = products(header.user_agent)
    if agent is None and header is None and names is None and ja4 is None:
        return None, None
    return _number(agent, header and header[:2], names, ja4), _label(agent or (), header, names)


def _parameters_read(raw: str) -> tuple[tuple[str, ...] | None, int | None]:
    return _parameter_names(raw), parameters_number(raw)


def _parameter_names(raw: str) -> tuple[str, ...] | None:
    found = _parameters(raw)
    return None if found is None else tuple(sorted("*" if _ID.search(name) else name for name in found))


_headers_again = lru_cache(maxsize=_REMEMBERED)(_headers)
_parameters_again = lru_cache(maxsize=_REMEMBERED)(_parameters_read)


def _reduced(column: pa.Array[Any], function: Any, again: Any = None) -> tuple[list[Any], Any]:
    """Distinct results of `function` over a column's distinct values, null first, and each row's index into them.

    `again` is the same function with a memory, for values that are worth remembering.
    """
    encoded: Any = pc.dictionary_encode(column.cast(pa.string()))
    again = again or function
    results = [None, *((again if len(v) <= _LONGEST else function)(v) for v in encoded.dictionary.to_pylist())]
    codes = pc.add(pc.fill_null(encoded.indices, -1), 1).to_numpy(zero_copy_only=False).astype(np.int64)
    return _renumbered(results, codes)


def _joined(left: list[Any], left_codes: Any, right: list[Any], right_codes: Any) -> tuple[list[Any], Any]:
    """The pairs that occur, and each row's index into them."""
    encoded: Any = pc.dictionary_encode(pa.array(left_codes * len(right) + right_codes))
    pairs = [(left[c // len(right)], right[c % len(right)]) for c in encoded.dictionary.to_pylist()]
    return pairs, encoded.indices.to_numpy().astype(np.int64)


def _renumbered(results: list[Any], codes: Any) -> tuple[list[Any], Any]:
    """The same rows with equal results numbered alike."""
    places: dict[Any, int] = {}
    new = np.array([places.setdefault(r, len(places)) for r in results], np.int64)
    return list(places), new[codes]
