"""AWS Bedrock's model invocation log: JSON lines as S3 and CloudWatch hold them.

Fields as of the documentation of model invocation logging (`schemaType: ModelInvocationLog`, 1.0). Bodies beyond 100 kB are
delivered as files beside the log (`inputBodyS3Path`, `outputBodyS3Path`): they are read from the copied folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stillhunt.errors import BadRow
from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    END_USER_KEYS,
    ORGANIZATION_KEYS,
    TEXT_COLUMNS,
    filled,
    lowered,
    mapping,
    named,
    request_parameters,
    required_account,
    text_columns,
    usage_columns,
    who,
)
from stillhunt.intake.formats.values import from_text, identifier, label, optional_identifier
from stillhunt.intake.references import read_reference
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_TEXT_OFF = "only with text data delivery (textDataDeliveryEnabled) in the settings of model invocation logging"
_MAX_FOLDERS = 12
"""Parts at the end of a reference that are looked for beside the log: Bedrock's own have ten below `AWSLogs`."""
_STATUS = {
    "ThrottlingException": 429,
    "ServiceQuotaExceededException": 400,
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""The status that the service answers with, by the error that it logs."""


class Bedrock:
    """One invocation is one record."""

    name = "bedrock"
    title = "AWS Bedrock model invocation log"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "account_id", "organization_id", "key_id", "end_user_id", "surface", "operation"),
            *("request_model", "input_tokens", "output_tokens", "cached_tokens", "http_status", "error_type", "conversation_id"),
            *TEXT_COLUMNS,
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "the IAM user or role that called; where one role serves many customers, set requestMetadata.user_id on each call",
        "organization_id": "the AWS account, unless requestMetadata names one",
        "end_user_id": "only when the application sets requestMetadata.end_user_id",
        "conversation_id": "only when the application sets requestMetadata.session_id",
        **dict.fromkeys(("system", "messages", "tools", "response", "reasoning"), _TEXT_OFF),
        "finish_reason": _TEXT_OFF,
        "request_parameters": _TEXT_OFF,
        "client_ip": "not in the invocation log: CloudTrail has sourceIPAddress for the same requestId; join it",
        "user_agent": "not in the invocation log: CloudTrail has userAgent for the same requestId; join it",
        "client_headers": "Bedrock does not log headers",
        "tls_ja4": "Bedrock does not log the TLS handshake",
        "ended_at": "not recorded",
        "email": "not in the log: ingest an accounts file",
        "payment_fingerprint": "not in the log: ingest an accounts file",
    }
    two_pass = False

    def sniff(self, sample: Sample) -> float:
        """By `schemaType`, or by Bedrock's keys where a pipeline dropped it."""
        scores = [_score(record) for record in sample.records if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Nothing: a record is complete in itself."""

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction."""
        operation = label(record.get("operation"), "operation") or ""
        if record.get("schemaType") not in (None, "", "ModelInvocationLog") or "ApplyGuardrail" in operation:
            return ()
        given, said = mapping(record.get("input")), mapping(record.get("output"))
        metadata = lowered(record.get("requestMetadata"))
        principal = principal_of(mapping(record.get("identity")).get("arn"))
        account = required_account(
            who(metadata, ACCOUNT_KEYS) or principal, context, "identity.arn: expected the ARN of the caller, or requestMetadata.user_id"
        )
        request = _body(given, "inputBodyJson", "inputBodyS3Path", "input", context)
        response = _body(said, "outputBodyJson", "outputBodyS3Path", "output", context)
        body = read_body(vendor_request(request), vendor_response(response), keep_text=context.keep_text)
        error = label(record.get("errorCode"), "errorCode")
        model = model_of(record.get("modelId"))
        row: Row = {
            "interaction_id": identifier(record.get("requestId"), "requestId"),
            "started_at": from_text(record.get("timestamp"), "timestamp"),
            "account_id": account,
            "organization_id": named(metadata, ORGANIZATION_KEYS) or optional_identifier(record.get("accountId"), "accountId"),
            "key_id": principal,
            "end_user_id": who(metadata, END_USER_KEYS),
            "surface": "batch" if "Async" in operation or "Batch" in operation else "api",
            "operation": "embeddings" if model is not None and "embed" in model.lower() else "chat",
            "request_model": model,
            "http_status": _STATUS.get(error) if error is not None else 200 if said else None,
            "error_type": error,
            "conversation_id": named(metadata, CONVERSATION_KEYS),
            "request_parameters": request_parameters(request, "input.inputBodyJson"),
            **text_columns(body),
        }
        counted = {**usage_columns(given, "input"), **usage_columns(said, "output")}
        return (("interactions", filled(row, counted, usage_columns(usage_of(response), "output.outputBodyJson.usage"))),)


def principal_of(arn: Any) -> str | None:
    """Who an ARN stands for. A role's session is new each time and dropped, but for people's (single sign-on puts their name there)."""
    found = optional_identifier(arn, "identity.arn")
    if found is None or ":assumed-role/" not in found:
        return found
    head, _, tail = found.partition(":assumed-role/")
    parts = tail.split("/")
    if len(parts) < 2:
        return found
    person = "@" in parts[-1] or parts[0].startswith("AWSReservedSSO_")
    return found if person else f"{head}:assumed-role/{'/'.join(parts[:-1])}"


def model_of(model: Any) -> str | None:
    """The model's id; of an ARN the part that names the model or profile."""
    found = label(model, "modelId")
    return found.rpartition("/")[2] or found if found is not None and found.startswith("arn:") else found


def _body(holder: Mapping[str, Any], inline: str, path: str, field: str, context: Context) -> Any:
    """A body that stands in the record, or the file beside the log that it names; None when that was not copied."""
    if holder.get(inline) is not None:
        return holder[inline]
    reference = holder.get(path)
    if not isinstance(reference, str) or not reference:
        return None
    parts = [part for part in reference.partition("://")[2].split("/") if part not in ("", ".", "..")] if "\0" not in reference else []
    # The copy has the bucket's tree from some folder on: what is common to both is the end of the path.
    for start in range(max(0, len(parts) - _MAX_FOLDERS), len(parts)):
        copied = "/".join(parts[start:])
        with suppress(OSError, ValueError, BadRow):
            if Path(context.base, copied).is_file():
                return read_reference(copied, f"{field}.{path}", context.base)
    return None


def _score(record: Mapping[str, Any]) -> float:
    if record.get("schemaType") == "ModelInvocationLog":
        return 1.0
    bodies = [record.get("input"), record.get("output")]
    inner = any(isinstance(body, Mapping) and ("inputContentType" in body or "inputTokenCount" in body) for body in bodies)
    return 0.9 if inner and {"requestId", "modelId", "operation"} <= record.keys() else 0.0


FORMAT = Bedrock()
