"""Azure API Management: the gateway's log together with its language model log.

Categories `GatewayLogs` and `GatewayLlmLogs` of a diagnostic setting, or the tables `ApiManagementGatewayLogs` and
`ApiManagementGatewayLlmLog`. One knows who called, the other tokens and text; text beyond 32 kB comes in several records with
sequence numbers. All records of a call have its correlation id: hence two passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.azure_openai import azure_entry, azure_time
from stillhunt.intake.formats.calls import (
    TEXT_COLUMNS,
    account_in_headers,
    filled,
    first,
    keep,
    kept,
    lowered,
    person,
    request_parameters,
    required_account,
    text,
    text_columns,
    usage_columns,
)
from stillhunt.intake.formats.envoy_ai import operation_of
from stillhunt.intake.formats.values import (
    address,
    count,
    decoded,
    from_milliseconds,
    headers,
    http_status,
    identifier,
    label,
    optional_identifier,
)
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_TEXT_OFF = "only with 'Log messages' for the API's requests and responses (largeLanguageModel in the API's azuremonitor diagnostic)"
_HEADERS_OFF = "only the headers that the API's diagnostic setting lists"


class AzureAPIM:
    """A call is one record of the gateway's log and one or more of the language model log."""

    name = "azure-apim"
    title = "Azure API Management gateway and language model logs"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "http_status"),
            *("error_type", "client_ip", "user_agent", "client_headers", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "the subscription (or the header of a trusted proxy): require a subscription on the API",
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning", "finish_reason", "request_parameters"), _TEXT_OFF),
        "client_headers": _HEADERS_OFF,
        "user_agent": "only when the API's diagnostic setting lists the header User-Agent",
        "client_ip": "behind a front door or an application gateway it is theirs",
        "tls_ja4": "API Management does not log the TLS handshake",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = True
    keeps = True
    """All that the first pass remembers is in `Context.kept`, so that workers can do both passes."""

    def sniff(self, sample: Sample) -> float:
        """By the category, the table's name, or the columns of either log."""
        heads = sample.records or [dict.fromkeys(sample.columns, "?")]
        scores = [_score(azure_entry(head)) for head in heads if isinstance(head, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember the language model log's records by correlation id, and which calls the gateway's log has."""
        entry = azure_entry(record)
        call = optional_identifier(text(entry.get("correlationid")), "correlationId")
        if call is not None:
            keep(context, self.name, call, [_sequence(entry), _told(entry)] if _of_model(entry) else None)

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a call of a model: at its record in the gateway's log, or at its first in the other when there is none."""
        entry = azure_entry(record)
        call = identifier(text(entry.get("correlationid")), "correlationId")
        known = kept(context, self.name, call)
        parts: dict[int, Mapping[str, Any]] = {}
        for part in known:
            if part is not None:
                parts.setdefault(part[0], part[1])
        if _of_model(entry):
            if None in known or (parts and _sequence(entry) != min(parts)):
                return ()
            parts = parts or {0: _told(entry)}
        elif not parts and (operation_of(_path(entry)) is None or str(entry.get("method", "POST")).upper() != "POST"):
            return ()
        usage, request, response = _merged(parts, entry)
        sent = lowered(first(entry, ("requestheaders",))[0])
        trusted, key = account_in_headers(sent)
        subscription = person(first(entry, ("apimsubscriptionid", "subscriptionid"))[0], "apimSubscriptionId")
        account = required_account(
            subscription or trusted or person(entry.get("userid"), "userId"),
            context,
            "apimSubscriptionId: expected the caller's subscription; read the gateway's log, too, and require a subscription on the API",
            entry.get("responsecode"),
        )
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        asked = decoded(request)
        started = azure_time(*first(entry, ("time", "timegenerated")))
        waited = count(*first(entry, ("durationms", "totaltime")))
        peer = text(first(entry, ("calleripaddress",))[0])
        agent = sent.get("user-agent")
        row: Row = {
            "interaction_id": call,
            "started_at": started,
            "ended_at": from_milliseconds(started / 1000 + waited, "durationMs") if waited is not None and waited < 10**9 else None,
            "account_id": account,
            "organization_id": optional_identifier(text(entry.get("productid")), "productId"),
            "key_id": subscription or key,
            "end_user_id": person(asked.get("user"), "requestMessages.user") if isinstance(asked, Mapping) else None,
            "surface": "api",
            "operation": operation_of(_path(entry)) or ("chat" if parts else None),
            "request_model": label(text(usage.get("deploymentname")), "deploymentName"),
            "response_model": label(text(usage.get("modelname")), "modelName"),
            "input_tokens": count(usage.get("prompttokens"), "promptTokens"),
            "output_tokens": count(usage.get("completiontokens"), "completionTokens"),
            "http_status": http_status(entry.get("responsecode"), "responseCode"),
            "error_type": label(text(first(entry, ("lasterrorreason", "errorreason"))[0]), "lastError.reason"),
            "client_ip": address(peer, "callerIpAddress"),
            "user_agent": label(agent, "requestHeaders.user-agent") if isinstance(agent, str) else None,
            "client_headers": headers(first(entry, ("requestheaders",))[0], "requestHeaders"),
            "request_parameters": request_parameters(asked, "requestMessages"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(usage_of(response), "responseMessages.usage"))),)


def _of_model(entry: Mapping[str, Any]) -> bool:
    kind = str(first(entry, ("category", "type", "operationname"))[0]).lower()
    return "llm" in kind or (bool({"prompttokens", "requestmessages", "responsemessages"} & entry.keys()) and "url" not in entry)


def _path(entry: Mapping[str, Any]) -> Any:
    url = entry.get("url")
    return url.partition("://")[2].partition("/")[2] if isinstance(url, str) and "://" in url else url


def _sequence(entry: Mapping[str, Any]) -> int:
    try:
        return count(entry.get("sequencenumber"), "sequenceNumber") or 0
    except BadRow:
        return 0


_TOLD = ("deploymentname", "modelname", "prompttokens", "completiontokens", "requestmessages", "responsemessages")


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a record of the language model log has to tell, and no more, for it is remembered until its call is met."""
    return {name: entry[name] for name in _TOLD if name in entry}


def _merged(parts: Mapping[int, Mapping[str, Any]], entry: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """(what is told once, request, response) of a call's records in the order of their numbers."""
    usage: dict[str, Any] = {}
    texts: dict[str, list[Any]] = {"requestmessages": [], "responsemessages": []}
    for _, part in sorted(parts.items()):
        for name, value in part.items():
            if name in texts:
                texts[name].append(value)
            elif usage.get(name) in (None, 0, "0"):
                usage[name] = value
    asked, said = (_joined(texts[name]) for name in ("requestmessages", "responsemessages"))
    return (
        usage,
        asked or first(entry, ("requestbody", "backendrequestbody"))[0],
        said or first(entry, ("responsebody", "backendresponsebody"))[0],
    )


def _joined(pieces: list[Any]) -> Any:
    """A text that was cut into pieces; messages where each piece is whole."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces) or None
    return [one for piece in pieces for one in (decoded(piece) if isinstance(decoded(piece), list) else [decoded(piece)])]


def _score(entry: Mapping[str, Any]) -> float:
    kinds = " ".join(str(entry.get(name, "")) for name in ("category", "type", "operationname")).lower()
    if any(word in kinds for word in ("gatewaylogs", "gatewayllmlog")):
        return 0.97
    gateway = {"correlationid", "url", "apiid", "responsecode"} <= entry.keys()
    model = {"correlationid", "prompttokens", "completiontokens"} <= entry.keys()
    return 0.9 if gateway or model else 0.0


FORMAT = AzureAPIM()
