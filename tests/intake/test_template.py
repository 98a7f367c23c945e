"""Workers are forked from a process that has everything they need: none of them compiles or loads it again."""

import json
import multiprocessing
import sys

from stillhunt.intake.framing import Block

LINE = {
    "interaction_id": "a",
    "started_at": 1_767_225_600_000_000,
    "account_id": "b",
    "client_ip": "192.0.2.1",
    "system": "Be kind.",
    "response": "Yes.",
}
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "How do I bake bread at home in winter?"}]}])
BLOCK = Block("calls.jsonl", "lines", json.dumps({**LINE, "messages": MESSAGES}).encode() + b"\n")


def compiled():
    """How many versions of which loops are compiled in this process."""
    return {
        f"{name}.{attribute}": len(value.signatures)
        for name, module in list(sys.modules.items())
        if name.startswith("stillhunt.")
        for attribute, value in vars(module).items()
        if hasattr(value, "signatures") and hasattr(value, "py_func")
    }


def work_as_forked(answers):
    import stillhunt.intake.template  # noqa: F401
    from stillhunt.intake.workers import Here, Job

    before, loaded = compiled(), set(sys.modules)
    (done,) = Here(bytes(32)).read([Job(0, BLOCK, "canonical", ".", False)])
    answers.send((before, compiled(), sorted(set(sys.modules) - loaded), done.batch.rows["interactions"]))


def test_a_worker_finds_its_loops_compiled_and_its_modules_loaded():
    context = multiprocessing.get_context("spawn")
    received, sent = context.Pipe(duplex=False)
    process = context.Process(target=work_as_forked, args=(sent,))
    process.start()
    sent.close()
    before, after, loaded, rows = received.recv()
    process.join()
    assert rows == 1
    assert sum(before.values()) > 0
    assert after == before
    assert [name for name in loaded if name.startswith(("stillhunt", "numba", "llvmlite"))] == []
