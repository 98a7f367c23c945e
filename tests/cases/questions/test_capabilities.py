"""Signs of capability stand where they should more often than where they should not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhunt.cases.questions.capabilities import capability_rows, script_rows
from stillhunt.cases.questions.taken import COLUMNS, taken_of
from stillhunt.intake.shape import shapes
from stillhunt.records import INTERACTIONS

DATA = Path(__file__).parents[4] / "shared" / "data"


def seen(prompts, **columns):
    """What one account's calls with these prompts show."""
    size = len(prompts)
    table = {name: pa.nulls(size, INTERACTIONS.field(name).type) for name in COLUMNS}
    table["started_at"] = pa.array(range(size), pa.int64()).cast(INTERACTIONS.field("started_at").type)
    table["account_id"] = pa.array(["a"] * size)
    table["prompt_hash"] = pa.array(range(1, size + 1), pa.int64())
    table["prompt_shape"] = shapes(pa.array([f"\x1eu{text}" for text in prompts], pa.large_string()))
    for name, values in columns.items():
        table[name] = pa.array(values, INTERACTIONS.field(name).type)
    taken = taken_of(pa.table(table))
    return {row["capability"]: row["calls"] for row in capability_rows(taken)}, {row["script"]: row["calls"] for row in script_rows(taken)}


def test_each_sign_is_counted_where_it_stands():
    found, scripts = seen(
        [
            "for (i = 0; i < n; ++i) { a[i] = f(b[i]); }",
            "If 3 of 12 pears cost 45 cents, what do 17 cost?",
            "Wie grüßt man höflich in Österreich?",
            "请用三句话说明什么是蒸馏",
        ],
        reasoning_tokens=[0, 90, 0, 0],
        user_turns=[1, 1, 2, 1],
        message_count=[5, 1, 3, 1],
        tool_count=[2, 0, 0, 0],
    )
    assert found == {"coding": 1, "mathematics": 1, "agents and tools": 1, "languages other than English": 2, "dialogue": 1, "reasoning": 1}
    assert scripts == {"ASCII letters": 2, "Latin with accents, or mixed": 1, "Han": 1}


def test_columns_that_are_missing_are_not_visible_and_not_zero():
    found, _ = seen(["a question"])
    assert found["dialogue"] is None
    assert found["reasoning"] is None
    assert found["coding"] == 0


@pytest.mark.parametrize(
    ("capability", "with_it", "without"),
    [
        ("coding", "benign_eval/humaneval", "benign_support/banking77_train"),
        ("coding", "harvest_gpteacher/codegen", "benign_eval/gsm8k"),
        ("mathematics", "benign_eval/gsm8k", "benign_support/banking77_train"),
        ("mathematics", "harvest_math_cot/math_data", "harvest_gpteacher/toolformer"),
    ],
)
def test_signs_separate_public_corpora(capability, with_it, without):
    if not DATA.is_dir():
        pytest.skip("../shared/data is not here: signs are measured on public corpora that the project does not carry")

    def share(name):
        prompts = [text for text in pq.read_table(DATA / f"{name}.parquet", columns=["prompt"])["prompt"].to_pylist() if text][:800]
        return seen(prompts)[0][capability] / len(prompts)

    assert share(with_it) > 5 * share(without) + 0.1
    assert np.isfinite(share(without))
