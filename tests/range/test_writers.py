from __future__ import annotations

import csv
import dataclasses
import gzip
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillhunt import records
from stillhunt.errors import InputError
from stillhunt.intake.formats import Context
from stillhunt.intake.formats.canonical import FORMAT as CANONICAL
from stillhunt.intake.formats.litellm import FORMAT as LITELLM
from stillhunt.intake.formats.litellm_spend import FORMAT as SPEND
from stillhunt.range.operators import operator
from stillhunt.range.world import WorldSpec, make
from stillhunt.range.writers import WRITERS, writer

SPEC = WorldSpec(
    seed=5,
    days=2,
    accounts=60,
    calls=1500,
    populations=("framework", "router", "team_key"),
    operators=(operator("letter", accounts=8, start_day=0.0),),
)

# every key of LiteLLM's StandardLoggingPayload and StandardLoggingMetadata, as its `types/utils.py` names them
PAYLOAD = [
    "id",
    "trace_id",
    "session_id",
    "litellm_call_id",
    "call_type",
    "stream",
    "response_cost",
    "cost_breakdown",
    "response_cost_failure_debug_info",
    "zero_cost_diagnostic",
    "status",
    "status_fields",
    "custom_llm_provider",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "startTime",
    "endTime",
    "completionStartTime",
    "response_time",
    "model_map_information",
    "model",
    "model_id",
    "model_group",
    "api_base",
    "metadata",
    "cache_hit",
    "cache_key",
    "saved_cache_cost",
    "request_tags",
    "request_model_access_groups",
    "end_user",
    "requester_ip_address",
    "user_agent",
    "messages",
    "response",
    "error_str",
    "error_information",
    "model_parameters",
    "hidden_params",
    "guardrail_information",
    "standard_built_in_tools_params",
]
METADATA = [
    "user_api_key_hash",
    "user_api_key_alias",
    "user_api_key_spend",
    "user_api_key_max_budget",
    "user_api_key_budget_reset_at",
    "user_api_key_user_spend",
    "user_api_key_user_max_budget",
    "user_api_key_team_spend",
    "user_api_key_team_max_budget",
    "user_api_key_org_id",
    "user_api_key_org_alias",
    "user_api_key_team_id",
    "user_api_key_project_id",
    "user_api_key_project_alias",
    "user_api_key_user_id",
    "user_api_key_user_email",
    "user_api_key_team_alias",
    "user_api_key_end_user_id",
    "user_api_key_request_route",
    "user_api_key_auth_metadata",
    "spend_logs_metadata",
    "requester_ip_address",
    "user_agent",
    "requester_metadata",
    "requester_custom_headers",
    "prompt_management_metadata",
    "mcp_tool_call_metadata",
    "vector_store_request_metadata",
    "routing_decision",
    "kubernetes_pod_routing",
    "applied_guardrails",
    "usage_object",
    "cold_storage_object_key",
    "team_alias",
    "team_id",
    "used_client_oauth_token",
    "is_silent_experiment",
]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for name in WRITERS:
        folders[name] = tmp_path_factory.mktemp(name)
        make(dataclasses.replace(SPEC, format=name), folders[name])
    return folders


def raw(folder: Path, pattern: str) -> list[dict]:
    files = sorted((folder / "provider").glob(pattern))
    assert files
    return [json.loads(line) for file in files for line in (gzip.open(file) if file.suffix == ".gz" else file.open("rb"))]


def rows(format_: object, found: list[dict]) -> list[dict]:
    context = Context(keep_text=True)
    for record in found:
        if format_.two_pass:
            format_.index(record, context)
    return [row for record in found for table, row in format_.read(record, context) if table == "interactions"]


def read(logs: dict[str, Path], name: str) -> list[dict]:
    folder = logs[name]
    if name == "canonical":
        return rows(
            CANONICAL, [row for file in sorted((folder / "provider").glob("inter*.parquet")) for row in pq.read_table(file).to_pylist()]
        )
    if name == "canonical-jsonl":
        return rows(CANONICAL, raw(folder, "*.jsonl"))
    if name == "litellm-spend-csv":
        csv.field_size_limit(sys.maxsize)
        files = sorted((folder / "provider").glob("*.csv"))
        return rows(SPEND, [row for file in files for row in csv.DictReader(file.open(newline=""))])
    if name == "litellm-spend":
        return rows(SPEND, raw(folder, "*.jsonl"))
    return rows(LITELLM, raw(folder, "*.jsonl*"))


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"canonical"}))
def test_intake_reads_every_format_as_the_same_calls(logs: dict[str, Path], name: str):
    shared = ("account_id", "request_model", "output_tokens", "transcript", "system", "response")
    wanted = [tuple(row.get(column) or None for column in shared) for row in read(logs, "canonical")]
    assert len(wanted) > 1500
    assert [tuple(row.get(column) or None for column in shared) for row in read(logs, name)] == wanted


@pytest.mark.parametrize("name", ["litellm", "litellm-gz", "canonical-jsonl"])
def test_times_addresses_and_outcomes_survive(logs: dict[str, Path], name: str):
    shared = ("started_at", "ended_at", "client_ip", "user_agent", "http_status")
    wanted = [tuple(row.get(column) for column in shared) for row in read(logs, "canonical")]
    assert [tuple(row.get(column) for column in shared) for row in read(logs, name)] == wanted


def test_a_litellm_record_has_every_key_in_success_and_in_failure(logs: dict[str, Path]):
    found = raw(logs["litellm"], "*.jsonl")
    kinds = {record["status"] for record in found}
    assert kinds == {"success", "failure"}
    for record in found:
        assert not set(PAYLOAD) - record.keys()
        assert not set(METADATA) - record["metadata"].keys()


def test_a_litellm_record_agrees_with_itself(logs: dict[str, Path]):
    for record in raw(logs["litellm"], "*.jsonl"):
        assert record["total_tokens"] == record["prompt_tokens"] + record["completion_tokens"]
        assert record["startTime"] <= record["completionStartTime"] <= record["endTime"]
        assert record["requester_ip_address"] == record["metadata"]["requester_ip_address"]
        assert record["status"] == record["status_fields"]["llm_api_status"]
        assert set(record["metadata"]["requester_custom_headers"]) == {
            name for name in record["metadata"]["requester_custom_headers"] if name.startswith("x-")
        }
        if record["status"] == "success":
            assert record["response"]["usage"]["completion_tokens"] == record["completion_tokens"]
            assert record["response_cost"] == pytest.approx(
                record["cost_breakdown"]["input_cost"] + record["cost_breakdown"]["output_cost"]
            )
        else:
            assert record["completion_tokens"] == 0
            assert int(record["error_information"]["error_code"]) >= 400


def test_all_records_of_a_format_have_the_same_columns(logs: dict[str, Path]):
    for name in ("litellm", "litellm-spend", "canonical-jsonl"):
        found = raw(logs[name], "*.jsonl")
        assert len({tuple(record) for record in found}) == 1
    assert len({tuple(record["metadata"]) for record in raw(logs["litellm"], "*.jsonl")}) == 1


def test_tables_have_exactly_the_canonical_columns(logs: dict[str, Path]):
    provider = logs["canonical"] / "provider"
    for file in provider.glob("interactions-*.parquet"):
        assert pq.read_schema(file).equals(records.CANONICAL_INTERACTIONS)
    assert pq.read_schema(provider / "accounts.parquet").equals(records.CANONICAL_ACCOUNTS)
    assert pq.read_schema(provider / "entitlements.parquet").equals(records.ENTITLEMENTS)


def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path):
    with pytest.raises(InputError, match="litellm"):
        writer("clay-tablets", tmp_path, 1)
