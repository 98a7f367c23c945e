"""LangSmith's runs: as its API lists them and as its bulk export writes them (JSON lines, Parquet, CSV).

Runs of type `llm` are calls. The user stands in the metadata of the run or, more often, of the run that began the trace: hence two passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stillhunt.intake.bodies import read_body
from stillhunt.intake.formats import Context, Row, Sample
from stillhunt.intake.formats.calls import (
    ACCOUNT_KEYS,
    CONVERSATION_KEYS,
    END_USER_KEYS,
    ORGANIZATION_KEYS,
    TEXT_COLUMNS,
    filled,
    first,
    keep,
    kept,
    lowered,
    mapping,
    named,
    request_parameters,
    required_account,
    text,
    text_columns,
    usage_columns,
    who,
)
from stillhunt.intake.formats.openai_body import moment
from stillhunt.intake.formats.values import address, count, decoded, identifier, label
from stillhunt.intake.vendors import usage_of, vendor_request, vendor_response

_METADATA = "only when the application puts it into the metadata of its runs"
_RUN = frozenset(
    (
        *("id", "name", "run_type", "start_time", "end_time", "inputs", "outputs", "extra", "error", "trace_id", "parent_run_id"),
        *("dotted_order", "session_id", "tags", "prompt_tokens", "completion_tokens", "total_tokens", "status", "events", "serialized"),
        *("reference_example_id", "first_token_time", "is_root", "tenant_id", "feedback_stats", "app_path", "child_run_ids"),
    )
)


class LangSmith:
    """One run is one record; runs that are no model's call are of another kind."""

    name = "langsmith"
    title = "LangSmith runs"
    sees = frozenset(
        (
            *("interaction_id", "started_at", "ended_at", "account_id", "organization_id", "end_user_id", "surface", "operation"),
            *("request_model", "response_model", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "error_type"),
            *("conversation_id", "client_ip", "user_agent", *TEXT_COLUMNS),
        )
    )
    hides: Mapping[str, str] = {
        "account_id": "is whatever the application puts into metadata.user_id: check that it is the account that is billed",
        "organization_id": _METADATA,
        "conversation_id": _METADATA,
        "client_ip": _METADATA,
        "user_agent": _METADATA,
        "http_status": "not recorded: join a gateway log to see refusals and failovers",
        "client_headers": "not recorded: join a gateway log",
        "tls_ja4": "not recorded: join a gateway log",
        "email": "not in the export: ingest an accounts file",
        "payment_fingerprint": "not in the export: ingest an accounts file",
    }
    two_pass = True
    keeps = True
    """All that the first pass remembers is in `Context.kept`, so that workers can do both passes."""

    def sniff(self, sample: Sample) -> float:
        """By a run's columns."""
        heads = [dict.fromkeys(sample.columns)] if sample.columns else sample.records
        scores = [_score(record.keys()) for record in heads if isinstance(record, Mapping)]
        return sum(scores) / len(scores) if scores else 0.0

    def index(self, record: Mapping[str, Any], context: Context) -> None:
        """Remember what a trace's runs say about who called: the first run's word counts before that of those within."""
        trace = text(first(record, ("trace_id", "id"))[0])
        told = {name: value for name, value in _metadata(record).items() if name in _WHO and text(value) is not None}
        if trace is None or not told:
            return
        keep(context, self.name, str(trace), [record.get("parent_run_id") not in (None, ""), told])

    def read(self, record: Mapping[str, Any], context: Context) -> Iterable[tuple[str, Row]]:
        """One interaction for a run of a model."""
        kind = str(record.get("run_type", "")).lower()
        call = identifier(text(record.get("id")), "id")
        if kind not in ("llm", "embedding"):
            return ()
        trace = text(record.get("trace_id"))
        metadata = _metadata(record)
        if trace is not None:
            for _, told in sorted(kept(context, self.name, str(trace)), key=lambda found: bool(found[0])):
                metadata = {**told, **metadata}
        account = required_account(
            who(metadata, ACCOUNT_KEYS),
            context,
            "metadata.user_id: expected on the run or its trace; set it in the application, and export the traces' first runs, too",
        )
        settings = mapping(mapping(record.get("extra")).get("invocation_params"))
        request, response = _asked(record.get("inputs")), _said(record.get("outputs"))
        tools = settings.get("tools") or settings.get("functions")
        body = read_body(vendor_request(request), vendor_response(response), tools=tools, keep_text=context.keep_text)
        ended = record.get("end_time")
        error = record.get("error")
        row: Row = {
            "interaction_id": call,
            "started_at": moment(record.get("start_time"), "start_time"),
            "ended_at": moment(ended, "end_time") if ended not in (None, "") else None,
            "account_id": account,
            "organization_id": named(metadata, ORGANIZATION_KEYS),
            "end_user_id": who(metadata, END_USER_KEYS),
            "surface": "api",
            "operation": "embeddings" if kind == "embedding" else "chat",
            "request_model": label(
                text(settings.get("model") or settings.get("model_name") or metadata.get("ls_model_name")), "extra.metadata.ls_model_name"
            ),
            "response_model": label(
                text(mapping(mapping(record.get("outputs")).get("llm_output")).get("model_name")), "outputs.llm_output.model_name"
            ),
            "input_tokens": count(record.get("prompt_tokens"), "prompt_tokens"),
            "output_tokens": count(record.get("completion_tokens"), "completion_tokens"),
            "error_type": "error" if error not in (None, "") or record.get("status") == "error" else None,
            "conversation_id": named(metadata, CONVERSATION_KEYS),
            "client_ip": address(text(first(metadata, ("client_ip", "ip", "ip_address"))[0]), "metadata.ip"),
            "user_agent": label(text(first(metadata, ("user_agent", "user-agent"))[0]), "metadata.user_agent"),
            "request_parameters": request_parameters(settings, "extra.invocation_params"),
            **text_columns(body),
        }
        return (("interactions", filled(row, usage_columns(_usage(record), "outputs.usage_metadata"))),)


_WHO = frozenset((*ACCOUNT_KEYS, *ORGANIZATION_KEYS, *CONVERSATION_KEYS, "end_user_id", "client_ip", "ip", "ip_address", "user_agent"))


def _metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    return lowered(mapping(record.get("extra")).get("metadata") or record.get("metadata"))


def _asked(inputs: Any) -> Any:
    """A run's inputs as a request: messages, in a list for each prompt or not, or prompts."""
    found = decoded(inputs)
    if not isinstance(found, Mapping):
        return found
    messages = found.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[0], list):
        return {**found, "messages": messages[0]}
    prompts = found.get("prompts")
    if isinstance(prompts, list) and "messages" not in found:
        return {"prompt": "\n".join(one for one in prompts if isinstance(one, str))}
    return found


def _said(outputs: Any) -> Any:
    """A run's outputs as a response."""
    found = decoded(outputs)
    if isinstance(found, Mapping):
        for key in ("message", "output"):
            if isinstance(found.get(key), Mapping) and "choices" not in found:
                return {"generations": [{"message": found[key]}]}
        messages = found.get("messages")
        if isinstance(messages, list) and messages and "choices" not in found:
            last = messages[-1][-1] if isinstance(messages[-1], list) and messages[-1] else messages[-1]
            return {"generations": [{"message": last}]}
    return found


def _usage(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The most detailed usage that a run's outputs hold."""
    outputs = mapping(record.get("outputs"))
    generations = outputs.get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    message = mapping(mapping(generations).get("message") or outputs.get("message"))
    for found in (mapping(message.get("kwargs")).get("usage_metadata"), message.get("usage_metadata"), usage_of(outputs)):
        if mapping(found):
            return mapping(found)
    return mapping(mapping(outputs.get("llm_output")).get("token_usage"))


def _score(keys: Iterable[str]) -> float:
    names = set(keys)
    known = len(names & _RUN)
    return min(1.0, 0.6 + 0.05 * known) if {"id", "run_type", "start_time"} <= names and known >= 6 else 0.0


FORMAT = LangSmith()
