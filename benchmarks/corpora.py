"""Prompts that people and harvesters really sent, from ../shared/data beside the checkout: calls of each corpus, by name.

The sets are read where they are and stay there. Prompts that are JSON lists of turns are parsed to what the user says first, so that
a file's format cannot give its label away, and of prompts that occur twice in a set one is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stillhunt.intake.shape import shapes
from stillhunt.range.shared_texts import first_turn

HARVEST = {
    "alpaca": ("harvest_alpaca/alpaca_5k", "general instructions, Self-Instruct"),
    "alpaca, Chinese": ("harvest_demo/alpaca_zh_gpt4o", "the same kind in Chinese"),
    "codealpaca": ("harvest_codealpaca/code_alpaca_2k", "coding instructions"),
    "codegen": ("harvest_gpteacher/codegen", "coding instructions"),
    "toolformer": ("harvest_gpteacher/toolformer", "tool calls under a fixed heading"),
    "cot runs": ("harvest_math_cot/cot_test_runs", "school mathematics"),
    "math data": ("harvest_math_cot/math_data", "school mathematics"),
    "rubric, mt": ("harvest_rubric/mt_bench_eval", "grading under one scaffold"),
    "rubric, vicuna": ("harvest_rubric/vicuna_eval", "grading under one scaffold"),
    "taskbench, models": ("harvest_taskbench/huggingface", "requests for tools"),
    "taskbench, media": ("harvest_taskbench/multimedia", "requests for tools"),
    "fireact": ("harvest_agent/fireact_traj", "agent trajectories"),
}
PEOPLE = {"LIMA": "benign_lima/lima", "oasst, Chinese": "benign_oasst_zh/oasst_zh"}
INNOCENT = {
    "prompt library": "benign_prompt_library/awesome_chatgpt_prompts",
    "banking support": "benign_support/banking77_train",
    "grade-school benchmark": "benign_eval/gsm8k",
    "knowledge benchmark": "benign_eval/mmlu",
    "reasoning benchmark": "benign_eval/bbh",
    "tool-use benchmark": "benign_eval/bfcl_v4",
    "judge calls": "benign_judge/arena_bench_judgments",
    "templated applications, all": "benign_app_templates/p3_filled",
}
CHATS = "benign_sharegpt/turns"
SHAREGPT = "ShareGPT"


@dataclass(frozen=True)
class Corpus:
    """Calls of one corpus: shape (calls,) each. `answers` in tokens (a quarter of characters), nan where the set has none."""

    name: str
    prompts: tuple[str, ...]
    shape: npt.NDArray[np.int64]
    messages: npt.NDArray[np.int64]
    answers: npt.NDArray[np.float64]
    conversation: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.prompts)

    def take(self, rows: npt.NDArray[np.int64]) -> Corpus:
        """Some of the calls."""
        return Corpus(
            self.name,
            tuple(self.prompts[row] for row in rows.tolist()),
            self.shape[rows],
            self.messages[rows],
            self.answers[rows],
            self.conversation[rows],
        )


def _corpus(name: str, rows: list[tuple[str, int, float, int]]) -> Corpus:
    prompts = tuple(row[0] for row in rows)
    shape = shapes(pa.array([f"\x1eu{prompt}" for prompt in prompts], pa.large_string())).fill_null(-1).to_numpy(zero_copy_only=False)
    return Corpus(
        name,
        prompts,
        shape,
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
        np.array([row[3] for row in rows], np.int64),
    )


def harmonised(folder: Path, name: str, table: str, *, subset: str | None = None) -> Corpus:
    """One of the sets with the columns prompt and completion; every prompt stands alone."""
    rows: list[tuple[str, int, float, int]] = []
    seen: set[str] = set()
    for number, row in enumerate(pq.read_table(folder / f"{table}.parquet").to_pylist()):
        prompt = first_turn(row["prompt"] or "").strip()
        if not prompt or prompt in seen or (subset is not None and row["subset"] != subset):
            continue
        seen.add(prompt)
        answer = row["completion"] or ""
        rows.append((prompt, 1, len(answer) / 4 if answer else np.nan, number))
    return _corpus(name, rows)


def chats(folder: Path) -> Corpus:
    """Every message of a user in real conversations, with its place in them and the answer's length."""
    talks: Mapping[str, list[dict[str, Any]]] = defaultdict(list)
    for row in pq.read_table(folder / f"{CHATS}.parquet").to_pylist():
        talks[row["conv"]].append(row)
    rows: list[tuple[str, int, float, int]] = []
    for number, turns in enumerate(talks.values()):
        turns.sort(key=lambda row: int(row["turn"]))
        for place, (row, after) in enumerate(zip(turns, [*turns[1:], None], strict=True)):
            prompt = (row["text"] or "").strip()
            if row["role"] == "user" and prompt:
                answer = float(after["chars"]) / 4 if after is not None and after["role"] == "assistant" else np.nan
                rows.append((prompt, place + 1, answer, number))
    return _corpus(SHAREGPT, rows)


def templates(folder: Path, least: int) -> list[Corpus]:
    """The templated applications one by one: those with at least so many different prompts."""
    table = "benign_app_templates/p3_filled"
    names = sorted(set(pq.read_table(folder / f"{table}.parquet", columns=["subset"])["subset"].to_pylist()))
    found = (harmonised(folder, name, table, subset=name) for name in names)
    return [corpus for corpus in found if len(corpus) >= least]
