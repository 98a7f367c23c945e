"""Examples in docstrings are what the code does."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import stillhunt

SOURCE = Path(stillhunt.__file__).parent
EXAMPLE = re.compile(r"^ *>>> ", re.MULTILINE)
MODULES = sorted(
    ".".join(("stillhunt", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if EXAMPLE.search(path.read_text())
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted, "an example stands where nobody would run it: outside a docstring"
    assert not result.failed
