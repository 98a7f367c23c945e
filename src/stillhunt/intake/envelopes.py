"""Envelopes: what shippers, collectors and stores of logs wrap around a record, peeled before any format looks.

In: a decoded value, or a line that is no JSON. Out: the records inside, each as its gateway wrote it. The names around a record
(pod, host, stream, the time at which a line was shipped) fill nothing. Every reader of records peels here: `framing` for what is read,
`opening` for what is guessed. May import: errors, intake.access_lines, intake.decoding and intake.envelope_names.

An envelope may lie in another one (Docker in CloudWatch, CloudWatch in Kinesis), so that peeling goes on, `MAX_DEPTH` times at most.
A record that is none of these comes back untouched: where the shape alone does not prove an envelope, the text inside must be a
JSON object that looks like a log's record, and what lies around it must be what shippers write.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.access_lines import access_line
from stillhunt.intake.decoding import loads
from stillhunt.intake.envelope_names import AUDIT, BESIDE_LISTS, LISTS, MARKERS, NO_LISTS, OBJECTS, SHIPPED, SURE_OBJECTS, TELEMETRY, TEXTS

MAX_DEPTH = 8
MAX_UNPACKED_BYTES = 64 << 20
"""What one compressed text inside an envelope may unpack to."""
_MAX_PREFIX = 1024
"""Characters before a record on a line that a syslog daemon or a logger writes at most."""

_TIME = re.compile(
    r"(?:^|[_@.])(?:time|date|timestamp|ts|start|created|at)(?:$|_)|[a-z](?:Time|Date|At|Timestamp|Unix|Nano)|^(?:start|end)time$"
)
_A_CALL = re.compile(
    r"account|customer|tenant|user_?id|(?:interaction|request|call)_?id|model|tokens|prompt|completion|usage", re.IGNORECASE
)
"""Names that a call's record has and what a shipper adds has not: such a record is no envelope of what stands in one of its texts."""
_OBJECT = re.compile(r'\{\s*"')
CRI = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d) (stdout|stderr) ([FP])(?::\S*)? (.*)", re.DOTALL)
"""A line as a Kubernetes node writes it: time, stream, full or partial, what the container wrote."""


Whole = Callable[[Mapping[str, Any]], bool]
"""Whether a record is a call as it stands, so that nothing in it is an envelope's content."""


class Foreign(BadRow):
    """A line of an envelope that holds no record, such as what a server prints when it starts: of another kind, not damaged."""


def is_enveloped(record: Mapping[str, Any]) -> bool:
    """Whether a record may be an envelope. Cheap, because it is asked of every record; `unwrapped` knows for certain."""
    return len(record) == 1 or not MARKERS.isdisjoint(record)


def unwrapped(value: Any, whole: Whole | None = None) -> Iterator[dict[str, Any] | BadRow]:
    """The records in a decoded value: itself, if it is a record; those inside, if it is an envelope or a list.

    `whole` knows records that are none, whatever they look like: what a client wrote into a call must not become a call.
    """
    stack: list[tuple[Any, int, bool]] = [(value, 0, False)]
    while stack:
        inner, depth, enveloped = stack.pop()
        if type(inner) is dict:
            closed = whole is not None and whole(inner)
            found = _contents(inner) if depth < MAX_DEPTH and not closed and is_enveloped(inner) else None
            if found is None:
                yield inner
            else:
                stack.extend((one, depth + 1, True) for one in reversed(found))
        elif type(inner) is list:
            # Lists may nest as deep as the decoder allows: they hold no more than was read.
            stack.extend((one, depth, enveloped) for one in reversed(_elements(inner)))
        elif isinstance(inner, BadRow):
            yield inner
        elif isinstance(inner, str) and depth < MAX_DEPTH and (read := records_in_text(inner)) is not None:
            stack.extend((one, depth + 1, True) for one in reversed(read))
        elif enveloped:
            if inner is not None and inner != "":
                yield Foreign("a line of another kind")
        else:
            yield BadRow("not a JSON object")


def record_of_line(line: bytes) -> Any:
    """What a line that is no JSON stands for: a record behind a prefix, or a line of an access log.

    Raises:
        BadRow: it is nothing that can be read.
    """
    text = line.decode("utf-8", "surrogateescape")
    found = _behind_prefix(text)
    if found is None:
        found = access_line(line)
    if found is None:
        shipped = CRI.match(line.strip())
        if shipped is not None:
            return records_in_text(shipped[3].decode("utf-8", "replace")) or Foreign("a line of another kind")
        raise BadRow("not JSON")
    return found


def value_of_line(line: bytes) -> Any:
    """What a line holds, before it is peeled: a JSON value, or what stands for a line that is none. A `BadRow` is returned, not raised."""
    try:
        value = loads(line)
        return (records_in_text(value) or value) if isinstance(value, str) else value
    except BadRow as bad:
        if str(bad) != "not JSON":
            return bad
    try:
        return record_of_line(line)
    except BadRow as bad:
        return bad


def records_in_text(text: str) -> list[Any] | None:
    """The records that a text holds: one JSON object, one a line, or one behind a prefix; None if there is none."""
    text = text.strip()
    if text[:2] == "{\\":  # escaped once more than it should be
        text = _loaded(f'"{text}"') or text
    if text[:1] in ("{", "[", '"'):
        value = _loaded(text)
        if isinstance(value, dict) and value:
            return [value]
        if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
            return [value]
        if isinstance(value, str):
            return records_in_text(value) if value != text else None
        several = [_loaded(line) for line in text.splitlines() if line.strip()]
        if len(several) > 1 and all(isinstance(one, dict) for one in several):
            return several
    behind = _behind_prefix(text)
    if behind is None:
        behind = access_line(text.encode("utf-8", "replace"))
    return None if behind is None else [behind]


def _loaded(text: str) -> Any:
    try:
        return loads(text)
    except BadRow:
        return None


def _behind_prefix(text: str) -> dict[str, Any] | None:
    """The JSON object at the end of a line that begins with something else: syslog, `docker compose`, a logger's level."""
    text = text.rstrip()
    if text[-1:] != "}":
        return None
    for number, found in enumerate(_OBJECT.finditer(text, 0, _MAX_PREFIX)):
        if number == 3:
            return None
        value = _loaded(text[found.start() :])
        if isinstance(value, dict) and (len(value) > 1 or any(isinstance(one, dict | list) for one in value.values())):
            return value
    return None


# --------------------------------------------------------------------------------------------------------------------
# Lines that were cut into pieces

_DOCKER_BYTES = 16_000  # Docker and containerd cut what a container writes after 16 KiB
_DOCKER_END = b'\\n","stream":"'


def writes_parts(line: bytes | memoryview) -> bool:
    """Whether a line is one of a container's as Docker or a Kubernetes node writes them, which cut long lines into several."""
    begin = bytes(line[:64]).lstrip()
    return begin.startswith((b'{"log":"', b'{"log": "')) or CRI.match(begin) is not None


def is_part(line: bytes | memoryview) -> bool:
    """Whether what a container wrote goes on in a later line."""
    first = bytes(line[:1])
    if first == b"{":
        if len(line) < _DOCKER_BYTES or bytes(line[:8]) != b'{"log":"':
            return False
        tail = bytes(line[-4096:])
        return _DOCKER_END not in tail and b'","stream":"' in tail
    shipped = CRI.match(bytes(line[:128])) if first.isdigit() else None
    return shipped is not None and shipped[2] == b"P"


def whole_lines(data: bytes, *, parts: bool) -> int:
    """How many bytes of `data` are complete lines, none of which goes on in a later one (looked at only if `parts`)."""
    end = data.rfind(b"\n") + 1
    while parts and end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        if not is_part(memoryview(data)[start:end]):
            break
        end = start
    return end


def joined_lines(lines: Iterable[tuple[int, memoryview]]) -> Iterator[tuple[int, memoryview]]:
    """Numbered lines, with those of a container that were cut put together again, under the number of the last piece."""
    pending: dict[bytes, list[memoryview]] = {}
    for number, line in lines:
        if not pending and not is_part(line):
            yield number, line
            continue
        stream, text, ends = _piece(line)
        if stream is None:
            yield number, line
            continue
        pieces = pending.setdefault(stream, [])
        pieces.append(text)
        if ends or sum(map(len, pieces)) > MAX_UNPACKED_BYTES:
            yield number, memoryview(b"".join(pending.pop(stream)))
    for pieces in pending.values():  # the log ends within one
        yield number, memoryview(b"".join(pieces))


def _piece(line: memoryview) -> tuple[bytes | None, memoryview, bool]:
    """The stream of a container's line, what was written, and whether that is its end; no stream when it is no such line."""
    shipped = CRI.match(bytes(line).rstrip(b"\r\n"))
    if shipped is not None:
        return shipped[1], memoryview(shipped[3]), shipped[2] == b"F"
    value = _loaded(bytes(line).decode("utf-8", "replace")) if bytes(line[:6]) == b'{"log"' else None
    text, stream = (value.get("log"), value.get("stream")) if isinstance(value, dict) else (None, None)
    if not isinstance(text, str) or not isinstance(stream, str):
        return None, line, True
    return stream.encode(), memoryview(text.encode("utf-8", "replace")), not is_part(line)


# --------------------------------------------------------------------------------------------------------------------
# One envelope


def _contents(record: dict[str, Any]) -> list[Any] | None:
    """What lies in an envelope; None when it is none."""
    for name, opened in _OPENERS.items():
        if name in record and (found := opened(record)) is not None:
            return found
    for name in LISTS:
        if name in record and (found := _listed(record, name)) is not None:
            return found
    if len(record) == 1:
        ((name, value),) = record.items()
        if (found := _listed(record, name)) is not None:
            return found
        if isinstance(value, dict) and len(value) >= 3 and name not in NO_LISTS and not {"role", "content"} <= value.keys():
            return [value]
        if isinstance(value, dict) and not TELEMETRY.isdisjoint(value):
            return [value]
    for name in TEXTS:
        if name in record and (found := _worded(record, name)) is not None:
            return found
    for name in OBJECTS:
        value = record.get(name)
        if isinstance(value, dict) and str(value.get("@type")).endswith(AUDIT):
            return None  # Google's audit entries tell half of a call in what lies around their payload
        if isinstance(value, dict) and (name in SURE_OBJECTS or (_is_record(value) and _around(record, name) == 0)):
            return [value]
    # Certain only where nothing lies around the text but what a shipper writes there.
    said = next((name for name in TEXTS if isinstance(record.get(name), str)), None)
    return [Foreign("a line of another kind")] if said is not None and _around(record, said) == 0 else None


def _worded(record: dict[str, Any], name: str) -> list[Any] | None:
    """An envelope around a text or an object under `name`."""
    value = record[name]
    around = _around(record, name)
    if isinstance(value, dict):
        return [value] if around == 0 and _is_record(value) else None
    if not isinstance(value, str):
        return None
    found = records_in_text(value)
    if found is None:
        return None
    if around == 0:
        return found
    inner = found[0]
    beside = {key: one for key, one in record.items() if key != name and key not in SHIPPED and _A_CALL.search(key)}
    if beside and not (isinstance(inner, dict) and all(key in inner and inner[key] == one for key, one in beside.items())):
        return (
            None  # a call, whose message a client may have written; a shipper that merges a record and keeps its text says the same twice
        )
    return found if isinstance(inner, dict) and _is_record(inner) and len(inner) > around else None


def _around(record: Mapping[str, Any], name: str) -> int:
    """How many names there are beside `name` that no shipper writes."""
    return sum(key not in SHIPPED and key != name for key in record)


def _is_record(value: Mapping[str, Any]) -> bool:
    """Whether an object may be a log's record: it says when it was, or is long; a message or a request's body is not one."""
    if {"role", "content"} <= value.keys():
        return False
    return not TELEMETRY.isdisjoint(value) or any(_TIME.search(key) for key in value) or len(value) >= 12


def _listed(record: Mapping[str, Any], name: str, depth: int = 0) -> list[Any] | None:
    """The records under `name` if it holds a list of them and nothing lies beside it but what says how many there are."""
    value = record[name]
    if name in NO_LISTS or not all(key == name or key in BESIDE_LISTS or key in SHIPPED for key in record):
        return None
    if isinstance(value, list):
        first = next((one for one in value if one is not None), None)
        if first is None:
            return [] if name in LISTS and not value else None
        if isinstance(first, dict):
            return value if not {"role", "content"} <= first.keys() and not {"index", "message"} <= first.keys() else None
        return value if isinstance(first, list) and first and isinstance(first[0], dict | list) else None
    if isinstance(value, dict) and depth < 2:
        if len(value) == 1:
            return _listed(value, next(iter(value)), depth + 1)
        return next((found for key in LISTS if key in value and (found := _listed(value, key, depth + 1)) is not None), None)
    return None


def _elements(values: list[Any]) -> list[Any]:
    """The elements of a list, which may be a record itself: [time, record] as Fluentd writes it, or name and value by turns."""
    if not values:
        return []
    last = values[-1]
    if all(isinstance(one, dict) and one.keys() == {"field", "value"} for one in values):  # CloudWatch Insights' row
        return [{str(one["field"]): one["value"] for one in values}]
    if isinstance(last, dict) and 2 <= len(values) <= 3 and all(_is_stamp(one) for one in values[:-1]):
        return [last]
    if isinstance(last, list) and len(values) == 2 and isinstance(values[0], str):  # a tag and its events
        return last
    return values


def _is_stamp(value: Any) -> bool:
    """What stands before a record in Fluentd's and Fluent Bit's lists: a tag, a time, or a time with metadata."""
    if isinstance(value, list):
        return len(value) == 2 and isinstance(value[0], int | float)
    return isinstance(value, int | float | str) and not isinstance(value, bool)


# --------------------------------------------------------------------------------------------------------------------
# Envelopes of a shape of their own


def _log_events(record: Mapping[str, Any]) -> list[Any] | None:
    """A CloudWatch subscription's batch."""
    events = record["logEvents"]
    if not isinstance(events, list):
        return None
    return (
        []
        if record.get("messageType") == "CONTROL_MESSAGE"
        else [one["message"] if isinstance(one, dict) and "message" in one else one for one in events]
    )


def _source(record: Mapping[str, Any]) -> list[Any] | None:
    """A document of Elasticsearch or OpenSearch."""
    value = record["_source"]
    return [value] if isinstance(value, dict) else None


def _stream(record: Mapping[str, Any]) -> list[Any] | None:
    """A stream of Loki: its values are pairs of a time and a line."""
    values = record["values"]
    if not isinstance(values, list) or not isinstance(record.get("stream"), dict):
        return None
    return [one[1] for one in values if isinstance(one, list) and len(one) > 1]


def _table(record: Mapping[str, Any]) -> list[Any] | None:
    """A table with its columns' names beside its rows, as Log Analytics answers."""
    columns, rows = record.get("columns"), record["rows"]
    if not isinstance(columns, list) or not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return None
    names = [str(one.get("name")) if isinstance(one, dict) else str(one) for one in columns]
    return [{name: value for name, value in zip(names, row, strict=False) if value is not None} for row in rows]


def _datadog(record: Mapping[str, Any]) -> list[Any] | None:
    """A log as Datadog keeps it: the record's own fields lie under `attributes`, within one or two others of that name."""
    value = record["attributes"]
    if not isinstance(value, dict) or not record.keys() <= _DATADOG or not (value or "message" in record):
        return None
    if isinstance(value.get("attributes"), dict):
        return [value]
    found = records_in_text(record["message"]) if isinstance(record.get("message"), str) else None
    if found is not None:
        return found
    return [value] if _is_record(value) else [Foreign("a line of another kind")]


_DATADOG = frozenset(
    (
        *("_id", "id", "type", "attributes", "message", "tags", "service", "host"),
        *("status", "timestamp", "date", "source", "ddsource", "ddtags", "content"),
    )
)


def _event(record: Mapping[str, Any]) -> list[Any] | None:
    """An event of Splunk's HTTP collector, or of a bus whose envelope calls what it carries so."""
    value = record["event"]
    if isinstance(value, dict):
        # Filebeat's `event` is a few words about the line, not the line.
        return [value] if _around(record, "event") == 0 and (_is_record(value) or not is_metadata(value)) else None
    return None if not isinstance(value, str) else _worded(dict(record), "event")


def is_metadata(value: Mapping[str, Any]) -> bool:
    """Whether an object says something of a line only: every name in it is one that shippers write."""
    return all(key in SHIPPED for key in value)


def _result(record: Mapping[str, Any]) -> list[Any] | None:
    """A row of a Splunk search, exported."""
    value = record["result"]
    return [value] if isinstance(value, dict) and record.keys() <= {"result", "preview", "offset", "lastrow"} else None


def _message(record: Mapping[str, Any]) -> list[Any] | None:
    """A message of Google's Pub/Sub, pushed or pulled."""
    value = record["message"]
    if not isinstance(value, dict) or not isinstance(value.get("data"), str) or not {"messageId", "message_id"} & value.keys():
        return None
    return _encoded(value["data"])


def _packed(record: Mapping[str, Any]) -> list[Any] | None:
    """Kinesis, Firehose and the input of a function that CloudWatch calls: the data is base64, and may be compressed."""
    for name in ("awslogs", "kinesis"):
        value = record.get(name)
        if isinstance(value, dict) and isinstance(value.get("data"), str):
            return _encoded(value["data"])
    value = record.get("data")
    return _encoded(value) if isinstance(value, str) and "recordId" in record else None


def _queued(record: Mapping[str, Any]) -> list[Any] | None:
    """A message of SQS or a notification of SNS, which is text."""
    for name, beside in (("body", "messageId"), ("Body", "MessageId"), ("Message", "TopicArn"), ("Sns", "EventSource")):
        if name in record and beside in record:
            value = record[name]
            return [value] if isinstance(value, str | dict) else None
    return None


def _encoded(data: str) -> list[Any]:
    try:
        raw = base64.b64decode(data, validate=True)
        if raw[:2] == b"\x1f\x8b":
            unpacker = zlib.decompressobj(31)
            raw = unpacker.decompress(raw, MAX_UNPACKED_BYTES)
            if unpacker.unconsumed_tail:
                return [BadRow(f"compressed text of more than {MAX_UNPACKED_BYTES >> 20} MiB")]
        return [raw.decode()]
    except (binascii.Error, zlib.error, ValueError):
        return [BadRow("neither base64 nor compressed text as its envelope says")]


def _journal(record: Mapping[str, Any]) -> list[Any] | None:
    """An entry of systemd's journal, which writes text that is not plain as a list of bytes."""
    value = record["MESSAGE"]
    if isinstance(value, list):
        try:
            value = bytes(value).decode("utf-8", "replace")
        except (TypeError, ValueError):
            return None
    if not isinstance(value, str):
        return None
    return records_in_text(value) or ([Foreign("a line of another kind")] if "__REALTIME_TIMESTAMP" in record else None)


_OPENERS = {
    "logEvents": _log_events,
    "_source": _source,
    "values": _stream,
    "rows": _table,
    "awslogs": _packed,
    "kinesis": _packed,
    "recordId": _packed,
    "messageId": _queued,
    "MessageId": _queued,
    "TopicArn": _queued,
    "EventSource": _queued,
    "attributes": _datadog,
    "event": _event,
    "result": _result,
    "message": _message,
    "MESSAGE": _journal,
}
