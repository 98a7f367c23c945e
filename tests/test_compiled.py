"""Compiled loops: one way to make them, keys by content, and code that is found wherever it was put."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from numba import types

from stillhunt import compiled
from stillhunt.compiled import building, store, target
from stillhunt.compiled.recipe import UnknownIngredientError, recipe, spelled

ROOT = Path(__file__).parents[1]
STEP = 3


@compiled.inlined
def _inner(x):
    return x + STEP


@compiled.compiled
def _outer(x):
    return 2 * _inner(x)


def twin(dispatcher, **changed):
    """The same function in another process: other objects, the names in `changed` mean something else."""
    old = dispatcher.py_func
    new = FunctionType(old.__code__, {**old.__globals__, **changed}, old.__name__, old.__defaults__, old.__closure__)
    new.__qualname__ = old.__qualname__
    return compiled.compiled(new)


def edited(dispatcher, before, after):
    old = dispatcher.py_func
    code = old.__code__.replace(co_consts=tuple(after if constant == before else constant for constant in old.__code__.co_consts))
    return compiled.compiled(FunctionType(code, old.__globals__, old.__name__))


def test_a_recipe_is_the_same_for_the_same_and_another_for_whatever_is_edited():
    known = recipe(_outer)
    assert recipe(twin(_outer)) == known
    assert recipe(edited(_outer, 2, 5)) != known, "a constant in the loop"
    assert recipe(twin(_outer, _inner=compiled.merged(_inner.py_func))) != known, "how an inner loop is compiled"
    assert recipe(twin(_outer, _inner=twin(_inner, STEP=4))) != known, "a constant that an inner loop names"
    assert recipe(compiled.uncounted(_outer.py_func)) != known, "how it is compiled"
    moved = _outer.py_func.__code__.replace(co_filename="/elsewhere.py", co_firstlineno=900)
    assert recipe(twin(compiled.compiled(FunctionType(moved, _outer.py_func.__globals__, "_outer")))) == known, "where it stands"


def test_a_recipe_knows_the_instructions_that_a_loop_is_given():
    from stillhunt.compiled import instructions
    from stillhunt.intake import spans

    users = [one for one in vars(spans).values() if hasattr(one, "py_func") and "specials_at" in one.py_func.__code__.co_names]
    assert users
    for user in users:
        assert recipe(twin(user)) == recipe(user)
        assert recipe(twin(user, specials_at=instructions.newlines_at)) != recipe(user)


def test_what_cannot_be_told_by_content_is_not_kept_and_runs(tmp_path, monkeypatch):
    strange = twin(_outer, STEP=3, _inner=_inner, other=object())
    recipe(strange)  # a name that the loop does not ask for does not count
    with pytest.raises(UnknownIngredientError):
        recipe(twin(_inner, STEP=object()))
    with pytest.raises(UnknownIngredientError, match="0x"):
        spelled((types.Opaque("thing at 0x7f0000000000"),))


def test_types_are_spelled_with_the_fields_of_named_tuples():
    one, other = namedtuple("Pair", "a b"), namedtuple("Pair", "b a")  # noqa: PYI024
    first, second = (types.NamedUniTuple(types.int64, 2, kind) for kind in (one, other))
    assert spelled((first,)) != spelled((second,))
    assert spelled((types.int64[::1],)) != spelled((types.Array(types.int64, 1, "C", readonly=True),))


def test_every_loop_can_be_told_by_its_content():
    import importlib
    import pkgutil

    from numba.core.dispatcher import Dispatcher

    import stillhunt

    loops = []
    for found in pkgutil.walk_packages(stillhunt.__path__, "stillhunt."):
        if "spark" in found.name or found.name.endswith("__main__"):
            continue
        loops += [one for one in vars(importlib.import_module(found.name)).values() if isinstance(one, Dispatcher)]
    kept = [one for one in loops if isinstance(one._cache, store.Store)]
    assert len(kept) > 90
    for loop in kept:
        assert recipe(loop)
    assert not [one for one in loops if type(one._cache).__name__ == "FunctionCache"], "numba's own cache is not for installed packages"


def in_process(code: str, **environment: str) -> str:
    """What Python prints, without a cache but what `environment` says."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "STILLHUNT_", "XDG_"))}
    done = subprocess.run([sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


MODULE = """
import numpy as np
from stillhunt.compiled import compiled
STEP = {step}
@compiled
def add(values):
    total = 0
    for value in values:
        total += value * STEP
    return total
"""
CALL = "import sys; sys.path.insert(0, {where!r}); import numpy as np, made; print(made.add(np.arange(4)), made.add._cache_hits.total())"


def test_what_is_compiled_is_kept_and_an_edit_is_noticed(tmp_path):
    (tmp_path / "made.py").write_text(MODULE.format(step=1))
    call = CALL.format(where=str(tmp_path))
    places = {"STILLHUNT_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert in_process(call, **places).split() == ["6", "0"]
    assert in_process(call, **places).split() == ["6", "1"]
    os.utime(tmp_path / "made.py", (1, 1))
    assert in_process(call, **places).split() == ["6", "1"], "the time of a file says nothing"
    (tmp_path / "made.py").write_text(MODULE.format(step=5))
    assert in_process(call, **places).split() == ["30", "0"]
    kept = sorted((tmp_path / "cache" / "loops").iterdir())
    assert len(kept) == 2
    for path in kept:
        path.write_bytes(path.read_bytes()[:-20])
    assert in_process(call, **places).split() == ["30", "0"], "what was cut off is compiled again"
    assert in_process(call, **places).split() == ["30", "1"], "and replaced"


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"HOME": "/proc/nothing"}, id="no home"),
        pytest.param({"STILLHUNT_CACHE": "/proc/nothing"}, id="a folder that cannot be made"),
        pytest.param({"HOME": "/proc/nothing", "STILLHUNT_CACHE": "/dev/null/x"}, id="neither"),
    ],
)
def test_loops_work_where_nothing_can_be_written(tmp_path, environment):
    (tmp_path / "made.py").write_text(MODULE.format(step=2))
    assert in_process(CALL.format(where=str(tmp_path)), PYTHONDONTWRITEBYTECODE="1", **environment).split() == ["12", "0"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_cache_that_others_may_write_to_is_not_read(tmp_path):
    (tmp_path / "made.py").write_text(MODULE.format(step=1))
    call, places = CALL.format(where=str(tmp_path)), {"STILLHUNT_CACHE": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    in_process(call, **places)
    (tmp_path / "cache" / "loops").chmod(0o777)
    assert in_process(call, **places).split() == ["6", "0"]


def test_portable_code_is_for_processors_that_have_what_it_needs(monkeypatch):
    from llvmlite import binding

    target.portable.cache_clear()
    monkeypatch.setattr(target, "machine", lambda: "x86_64")
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(target.BASELINES["x86_64"][2], True))
    assert (target.portable() or "").startswith("x86_64-x86-64-v3")
    target.portable.cache_clear()
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(target.BASELINES["x86_64"][2], True) | {"avx2": False})
    assert target.portable() is None
    target.portable.cache_clear()
    monkeypatch.setattr(target, "machine", lambda: "riscv64")
    assert target.portable() is None
    target.portable.cache_clear()


def test_nothing_is_shipped_for_other_processors(monkeypatch, tmp_path):
    monkeypatch.setattr(target, "machine", lambda: "riscv64")
    with pytest.raises(RuntimeError, match="riscv64"):
        building.build(tmp_path / "shipped")


def test_a_frozen_array_is_a_view_and_leaves_the_array_as_it_was():
    whole = np.arange(5)
    view = compiled.frozen(whole)
    assert not view.flags.writeable
    assert whole.flags.writeable
    assert np.shares_memory(view, whole)


def test_files_of_loops_are_named_by_loop_and_content(tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text(MODULE.format(step=1))
    in_process(CALL.format(where=str(tmp_path)), STILLHUNT_CACHE=str(tmp_path / "cache"), PYTHONDONTWRITEBYTECODE="1")
    (kept,) = (tmp_path / "cache" / "loops").iterdir()
    assert kept.name.startswith("made.add-")
    assert kept.suffix == store.SUFFIX


def fresh() -> bool:
    stamp = building.SHIPPED / building.STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == building.sources()


@pytest.mark.skipif(not fresh(), reason="sources have changed since `python -m stillhunt.compiled build`")
@pytest.mark.parametrize("log", ["litellm.json", "kong.json", "otel_logs.json", "envoy_ai.json", "canonical.json"])
def test_a_first_scan_compiles_nothing(tmp_path, log):
    sample = ROOT / "tests" / "intake" / "samples" / log
    code = f"import sys; from stillhunt.cli import main; sys.exit(main(['scan', {str(sample)!r}]))"
    assert "Read" in in_process(code, STILLHUNT_CACHE=str(tmp_path))
    assert not list((tmp_path / "loops").iterdir())


def test_what_cannot_be_written_or_read_costs_a_compilation_and_nothing_else(tmp_path):
    store._write(tmp_path / "no such folder" / "x.loop", b"code")
    assert not list(tmp_path.rglob("*"))
    store._write(tmp_path / "x.loop", b"no pickle")
    assert [path.name for path in tmp_path.iterdir()] == ["x.loop"]
    assert store._read(tmp_path / "x.loop", None) is None
    (tmp_path / "y.loop").write_bytes(b"cut o")
    assert store._read(tmp_path / "y.loop", None) is None


@pytest.mark.parametrize(("platform", "part"), [("win32", "Local"), ("darwin", "Caches"), ("linux", "here")])
def test_the_users_cache_lies_where_the_system_wants_it(monkeypatch, tmp_path, platform, part):
    monkeypatch.setattr(store.sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "here"))
    assert store._cache_home().name == part


def test_whoever_waits_at_a_terminal_for_loops_is_told_once(monkeypatch, capsys):
    store._tell_once.cache_clear()
    monkeypatch.setattr(store.sys.stderr, "isatty", lambda: True)
    store._tell()
    store._tell()
    assert capsys.readouterr().err.count("compiling loops for this processor, once") == 1
