"""Azure OpenAI's resource log (`RequestResponse`), as a storage account, an event hub or Log Analytics holds it.

Fields as of Azure Monitor's common schema with the `properties` of Cognitive Services, and as of the table `AzureDiagnostics`,
whose columns have a letter for their type behind their name. The log tells of calls, not of tokens or text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Any

from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import first, mapping, person, required_account, text
from stillhunt.intake.formats.values import address, count, from_text, http_status, identifier, instant, label, optional_identifier

_TICKS = 62_135_596_800_000_000  # microseconds from year 1 to 1970: .NET counts tenths of them from there
_NONE = "not in this log: put API Management in front and turn on its language model log (azure-apim)"
_OPERATIONS = (
    ("chatcompletion", "chat"),
    ("chat completion", "chat"),
    ("response", "chat"),
    ("embedding", "embeddings"),
    ("completion", "text_completion"),
    ("image", "image_generation"),
    ("transcription", "transcription"),
    ("translation", "transcription"),
    ("speech", "speech"),
)


class AzureOpenAI:
    """One request is one record; audit records and listings are of another kind."""

    name = "azure-openai"
    title = "Azure OpenAI resource log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "surface", "operation"),
            *("request_model", "response_model", "http_status"),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "only with Microsoft Entra ID (objectId); calls with the resource's key name nobody: put API Management in front",
        "client_ip": "Azure masks its last number, and a masked address is none: API Management logs it whole",
        **dict.fromkeys(("input_tokens", "output_tokens", "system", "messages", "tools", "response", "reasoning"), _NONE),
        **dict.fromkeys(("user_agent", "client_headers", "finish_reason", "request_parameters"), _NONE),
        "tls_ja4": "Azure does not log the TLS handshake",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By category and the properties of Cognitive Services."""
        heads = sample.records or [dict.fromkeys(sample.columns, "?")]
        scores = [_score(azure_entry(head)) for head in heads if isinstance(head, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction without text."""
        entry = azure_entry(record)
        operation = _operation(entry.get("operationname"))
        category = entry.get("category")
        if (isinstance(category, str) and category.lower() != "requestresponse") or operation is None:
            return ()
        started = _ticks(entry.get("requesttime"))
        ended = _ticks(entry.get("responsetime"))
        account = required_account(
            person(entry.get("objectid"), "properties.objectId"),
            context,
            "properties.objectId: expected the caller; use Microsoft Entra ID instead of keys, or log in API Management (azure-apim)",
            first(entry, ("resultsignature", "resulttype"))[0],
        )
        if started is None:
            started = azure_time(*first(entry, ("time", "timegenerated")))
            waited = count(entry.get("durationms"), "durationMs")
            ended = started + waited * 1000 if waited is not None and waited < 10**12 else None
        row: Row = {
            "interaction_id": identifier(*first(entry, ("correlationid", "requestid"))),
            "started_at": started,
            "ended_at": ended,
            "account_id": account,
            "organization_id": _resource(first(entry, ("resourceid", "_resourceid", "resource"))[0]),
            "surface": "batch" if "batch" in str(entry.get("apiname", "")).lower() else "api",
            "operation": operation,
            "request_model": label(*first(entry, ("modeldeploymentname", "modelname"))),
            "response_model": label(entry.get("modelname"), "properties.modelName"),
            "http_status": http_status(*first(entry, ("resultsignature", "resulttype"))),
            "client_ip": address(text(first(entry, ("calleripaddress",))[0]), "callerIpAddress"),
        }
        return (("interactions", row),)


def azure_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of Azure Monitor with its properties, names in lower case and without what Log Analytics adds to them."""
    found: dict[str, Any] = {}
    for outer in (record, mapping(first(record, ("properties", "Properties", "properties_s"))[0])):
        for name, value in outer.items():
            if value is not None and value != "":
                found.setdefault(_plain(name), value)
    return found


@lru_cache(maxsize=4096)
def _plain(name: Any) -> str:
    plain = str(name).removesuffix(" [UTC]").lower()
    return plain[:-2] if plain[-2:] in ("_s", "_d", "_g", "_b", "_t") else plain


def azure_time(value: Any, field: str) -> int:
    """Microseconds from a time as Azure writes it: ISO 8601, or as the portal exports tables."""
    if isinstance(value, str) and "/" in value[:3]:
        for pattern in ("%m/%d/%Y, %I:%M:%S.%f %p", "%m/%d/%Y %I:%M:%S %p"):
            with suppress(ValueError):
                return from_text(datetime.strptime(value.strip(), pattern), field)  # noqa: DTZ007  # without a zone it is UTC
    return from_text(value, field)


def _ticks(value: Any) -> int | None:
    """Microseconds from .NET's ticks; None where there is no sound time."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    with suppress(Exception):
        return instant(value // 10 - _TICKS, "properties.requestTime") if type(value) is int else None
    return None


def _operation(name: Any) -> str | None:
    plain = name.lower() if isinstance(name, str) else ""
    if plain.startswith(("list", "get", "delete", "cancel")) and "embedding" not in plain:
        return None
    return next((operation for word, operation in _OPERATIONS if word in plain), None)


def _resource(resource: Any) -> str | None:
    """The last part of a resource's id: the account of Azure OpenAI that served the call."""
    found = optional_identifier(text(resource), "resourceId")
    return found.rpartition("/")[2].lower() or None if found is not None else None


def _score(entry: Mapping[str, Any]) -> float:
    if "operationname" not in entry or "category" not in entry:
        return 0.0
    service = "cognitiveservices" in str(first(entry, ("resourceid", "_resourceid", "resourceprovider"))[0]).lower()
    model = bool({"modeldeploymentname", "modelname", "apiname", "streamtype"} & entry.keys())
    category = str(entry["category"]).lower()
    if category == "requestresponse" and (service or model):
        return 0.97
    return 0.85 if service and category in ("audit", "trace", "azureopenairequestusage") else 0.0


FORMAT = AzureOpenAI()
