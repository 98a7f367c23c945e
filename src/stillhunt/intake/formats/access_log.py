"""nginx's access log (also Apache's, and ingress-nginx's): combined lines, or a JSON `log_format` with nginx's variable names.

A line that is text comes as the record that nginx would have written as JSON (`intake.access_lines`). The account is
`$remote_user`, or a header that the log's format names (`$http_x_user_id`). With `$request_body` in the format there is text, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_NAMES,
    TEXT_COLUMNS,
    account_in_headers,
    filled,
    first,
    made_id,
    mapping,
    person,
    request_parameters,
    required_account,
    text,
    text_columns,
    usage_columns,
)
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.openai_body import moment
from stillhunt.intake.formats.reading import unreadable
from stillhunt.intake.formats.values import address, from_text, headers, http_status, label, optional_identifier, trusted_address
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_TIME = ("msec", "time_iso8601", "time_local", "@timestamp", "timestamp", "time", "ts", "date")
_ID = ("request_id", "http_x_request_id", "x_request_id", "req_id", "requestid")
_PATH = ("request_uri", "uri", "path", "url")
_ACCOUNT = ("account_id", "user_id", "consumer_id", *(f"http_{name.replace('-', '_')}" for name in ACCOUNT_NAMES), "jwt_claim_sub")
_LOCAL = re.compile(r"(\d{2})/(\w{3})/(\d{4}):(\d{2}:\d{2}:\d{2}(?:\.\d+)?)(?: ([+-]\d{2}):?(\d{2}))?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ABSENT = "only with $request_body in a JSON log_format; else join a content log on the request id"
_ANSWER = "an access log holds no answers: join a content log on the request id"


class AccessLog:
    """One request is one line; requests to no model's path are of another kind."""

    name = "access-log"
    title = "nginx access log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "key_id", "end_user_id", "surface", "operation", "request_model"),
            *("input_tokens", "output_tokens", "http_status", "client_ip", "user_agent", "client_headers", "tls_ja4"),
            *TEXT_COLUMNS,
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only as $remote_user, or as a header that the log format names, such as $http_x_user_id",
        "started_at": "whole seconds of the end of the request in the combined format: log $msec and $request_time",
        "interaction_id": "made from the line unless $request_id is logged: calls that agree in everything within a second are one then",
        **dict.fromkeys(("system", "messages", "tools", "request_parameters", "request_model", "end_user_id"), _ABSENT),
        **dict.fromkeys(("response", "reasoning", "finish_reason", "input_tokens", "output_tokens"), _ANSWER),
        "client_headers": "only the headers that the log format names, in its order",
        "client_ip": "behind a load balancer use ngx_http_realip_module",
        "tls_ja4": "only with a module that computes it, logged as $http_ssl_ja4 or ja4",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By nginx's names of variables."""
        heads = [dict.fromkeys(sample.columns, "?")] if sample.columns else sample.records
        scores = [_score(record) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a request to a model's path."""
        entry = {str(name).lower().lstrip("$"): value for name, value in record.items() if value not in (None, "", "-")}
        words = str(entry.get("request", "")).split()
        path = first(entry, _PATH)[0] or (words[1] if len(words) > 1 else None)
        operation = operation_of(path)
        if operation is None or (words and words[0] not in ("POST", "-")) or _fetches(entry.get("request_method")):
            return ()
        sent = {name.removeprefix("http_").replace("_", "-"): value for name, value in entry.items() if name.startswith("http_")}
        status = entry.get("status")
        _, key = account_in_headers(sent)
        account = next((found for name in _ACCOUNT if (found := person(entry.get(name), name))), None)
        account = account or person(entry.get("remote_user"), "remote_user") or key
        account = account or person(entry.get("ssl_client_s_dn"), "ssl_client_s_dn")
        required_account(
            account,
            context,
            "remote_user: expected the account; log the header that names it, such as $http_x_user_id, or say which with --map",
            status,
        )
        at = _done_at(entry)
        waited = _seconds(entry.get("request_time"))
        request, response = first(entry, ("request_body",))[0], first(entry, ("response_body", "resp_body"))[0]
        asked = mapping(request)
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        call = optional_identifier(text(first(entry, _ID)[0]), "request_id")
        row: Row = {
            "interaction_id": call or made_id(account, at, sorted((name, str(value)) for name, value in entry.items())),
            "started_at": at - waited,  # nginx writes when the request was done, and how long it took
            "ended_at": at if "request_time" in entry else None,
            "account_id": account,
            "key_id": key,
            "end_user_id": person(asked.get("user"), "request_body.user"),
            "surface": "batch" if "/batches" in str(path) else "api",
            "operation": operation,
            "request_model": label(text(asked.get("model") or entry.get("model")), "request_body.model"),
            # 499 is nginx's own word for a client that went away.
            "http_status": None if status in (499, "499", "000", 0) else http_status(status, "status"),
            "error_type": "client_closed_request" if status in (499, "499") else None,
            "client_ip": trusted_address(address(text(entry.get("remote_addr")), "remote_addr"), sent.get("x-forwarded-for")),
            "user_agent": label(text(sent.get("user-agent")), "http_user_agent"),
            "client_headers": headers({name: value for name, value in sent.items() if isinstance(value, str)}, "http_*"),
            "tls_ja4": label(text(first(entry, ("ja4", "ssl_ja4", "http_ssl_ja4", "tls_ja4"))[0]), "ja4"),
            "request_parameters": request_parameters(asked, "request_body"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "response_body.usage"))),)


def _fetches(method: Any) -> bool:
    """Whether a request's method says that it asked no model anything."""
    return isinstance(method, str) and method.upper() != "POST"


def _done_at(entry: Mapping[str, Any]) -> int:
    """When the request was done: by the finest of the times that the line has, and by the next where that one cannot be read."""
    found: int | None = None
    for name in _TIME:
        if entry.get(name) is not None and found is None:
            found = _moment(entry[name], name)
    return _moment(None, _TIME[0]) if found is None else found


def _moment(value: Any, field: str) -> int:
    """Microseconds from nginx's times: $msec, $time_iso8601, $time_local."""
    found = _LOCAL.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return moment(value, field)
    day, month, year, clock, hours, minutes = found.groups()
    if month.lower() not in _MONTHS:
        return unreadable(f"{field}: expected a time as nginx writes it")
    zone = f"{hours}:{minutes}" if hours else "+00:00"
    return from_text(f"{year}-{_MONTHS.index(month.lower()) + 1:02d}-{day}T{clock}{zone}", field)


def _seconds(value: Any) -> int:
    """Microseconds of a duration in seconds; 0 where there is none."""
    try:
        found = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0
    return round(found * 1e6) if 0 <= found < 86_400 else 0


def _score(record: Mapping[str, Any]) -> float:
    names = {str(name).lower().lstrip("$") for name in record}
    request = "request" in names and not isinstance(record.get("request"), Mapping)
    if "remote_addr" not in names or "status" not in names or not (request or names & set(_PATH)) or not names & set(_TIME):
        return 0.0
    return 0.9


FORMAT = AccessLog()
