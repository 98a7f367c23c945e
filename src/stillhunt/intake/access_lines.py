"""Lines of access logs that are text: nginx's and Apache's combined format, and Envoy's default format.

In: one line. Out: the record that the same server would have written with a JSON format and its usual names, or None when
the line is of neither kind. What is not there ("-") is left out.
"""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 1 << 16
_QUOTED = r'"((?:[^"\\]|\\.)*)"'

_COMBINED = re.compile(
    rf'(?:\S+ )?(?P<remote_addr>[0-9A-Fa-f:.\[\]]{{3,45}}) \S+ (?P<remote_user>[^\["]*?) ?\[(?P<time_local>[^\]]{{1,40}})\] '
    rf'{_QUOTED[:1]}(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{{3}}|-) (?P<body_bytes_sent>\d+|-)(?P<rest>.*)'
)
_REFERRED = re.compile(rf" {_QUOTED} {_QUOTED}")
_BEHIND = re.compile(rf" {_QUOTED}")
_INGRESS = re.compile(r" (?P<request_length>\d+) (?P<request_time>[\d.]+) \[[^\]]*\] \[[^\]]*\] .* (?P<request_id>[0-9a-f]{32})\s*")

_ENVOY = re.compile(
    r'\[(?P<start_time>\d{4}-[^\]]{5,40})\] "(?P<method>\S+) (?P<path>\S+) (?P<protocol>[^"]*)"'
    r" (?P<response_code>\d+) (?P<response_flags>\S+)"
    r'(?: (?P<response_code_details>\S+) (?P<termination>\S+) "(?P<upstream_transport_failure_reason>[^"]*)")?'
    r" (?P<bytes_received>\d+) (?P<bytes_sent>\d+) (?P<duration>\d+|-) (?P<service_time>\d+|-)"
    r' "(?P<xff>[^"]*)" "(?P<agent>[^"]*)" "(?P<id>[^"]*)" "(?P<authority>[^"]*)" "(?P<upstream_host>[^"]*)"(?P<rest>.*)'
)
_ENVOY_NAMES = {
    "service_time": "x-envoy-upstream-service-time",
    "xff": "x-forwarded-for",
    "agent": "user-agent",
    "id": "x-request-id",
    "authority": ":authority",
}


def access_line(line: bytes) -> dict[str, Any] | None:
    """The record that an access log's line stands for; None when it is none."""
    if len(line) > _LONGEST or b'"' not in line or b"[" not in line:
        return None
    text = line.decode("utf-8", "replace").strip()
    if text.startswith("["):
        return _envoy(text)
    found = _COMBINED.fullmatch(text)
    if found is None:
        return None
    record: dict[str, Any] = {name: value for name, value in found.groupdict().items() if name != "rest"}
    rest = found["rest"]
    if referred := _REFERRED.match(rest):
        record["http_referer"], record["http_user_agent"] = referred[1], referred[2]
        rest = rest[referred.end() :]
        if behind := _BEHIND.match(rest):
            record["http_x_forwarded_for"] = behind[1]
        elif ingress := _INGRESS.fullmatch(rest):
            record |= ingress.groupdict()
    return {name: _unescaped(value) for name, value in record.items() if value not in ("", "-")}


def _envoy(text: str) -> dict[str, Any] | None:
    found = _ENVOY.fullmatch(text)
    if found is None:
        return None
    record = {_ENVOY_NAMES.get(name, name): value for name, value in found.groupdict().items() if value not in (None, "", "-", " ")}
    # Istio's format goes on: cluster, local and remote addresses, the server's name and the route's.
    rest = str(record.pop("rest", "")).split()
    if len(rest) >= 4:
        names = (
            "upstream_cluster",
            "upstream_local_address",
            "downstream_local_address",
            "downstream_remote_address",
            "requested_server_name",
            "route_name",
        )
        record |= {name: value for name, value in zip(names, rest, strict=False) if value != "-"}
    return record


def _unescaped(value: str) -> str:
    r"""Quotes and bytes outside ASCII, which nginx and Apache write as \xHH."""
    if "\\" not in value:
        return value
    plain = re.sub(r"\\x([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), value.replace('\\"', '"').replace("\\\\", "\\x5C"))
    try:
        return plain.encode("latin-1").decode()
    except UnicodeError:
        return plain
