# Everything a checkout needs, from a machine with Python 3.11 or later and make.
# `make install` once; after that every target below works, and .venv/bin/stillhunt is the product.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Where `make demo` puts its world, report and evidence.
DEMO ?= demo

# Real texts for worlds, where they lie beside the checkout.
TEXTS := $(if $(wildcard ../shared/data),--texts ../shared/data)

.DEFAULT_GOAL := help
.PHONY: help install demo dist test lint types bench bench-detection bench-scale docs lock clean

help:
	@echo "make install   a virtual environment in $(VENV) with everything pinned and hashed"
	@echo "make demo      an operator hidden among simulated customers, found, made a case and proved: a minute, 0.4 GB in $(DEMO)/"
	@echo "make dist      a wheel and an sdist in dist/"
	@echo "make test      lint, types and tests with coverage"
	@echo "make docs      regenerate docs/reference and check every link"
	@echo "make bench     speed, memory, labelled sets and the content test, written to docs/benchmarks.md and pages under it"
	@echo "make bench-detection  the ladder, innocent twins and random worlds, hours long: docs/benchmarks/"
	@echo "make bench-scale  a million accounts and 144 million calls on this machine, 60 GB of disk: docs/benchmarks/scale.md"
	@echo "make clean     remove what the targets above made, except $(VENV)"

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo "stillhunt needs Python 3.11 or later and found no '$(PYTHON)': install it, or say which with 'make install PYTHON=/path/to/python3'" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "stillhunt needs Python 3.11 or later; '$(PYTHON)' is $$($(PYTHON) -V 2>&1): say which to use with 'make install PYTHON=/path/to/python3'" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments: install its venv module (on Debian and Ubuntu the package python3-venv)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "1/2 Installing what Stillhunt needs: about half a minute, and 1 GB"
	@$(PIP) --require-hashes -r requirements.lock
	@echo "2/2 Compiling its loops for this kind of machine: one or two minutes, once"
	@$(PIP) --no-deps --no-build-isolation -e .
	@echo "Installed: $(BIN)/stillhunt. To call it stillhunt in this shell: export PATH=\"$(CURDIR)/$(BIN):\$$PATH\""
	@touch $@

# What tests, lint and benchmarks need besides: every pin of the first lock stands in the second, too.
$(DEV_STAMP): $(STAMP) requirements-dev.lock
	@echo "Installing what tests need besides: about a minute, and another GB"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(STAMP)
	@$(BIN)/stillhunt demo $(DEMO)

dist: $(STAMP)
	@rm -rf dist
	$(BIN)/python -m hatchling build -t sdist -t wheel -d dist

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP)
	$(BIN)/mypy

# pytest comes last and nothing after it, so that its closing line is the last one.
test: lint types
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --cov --cov-report= --cov-fail-under=95

bench: $(DEV_STAMP)
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/coordination.py
	$(BIN)/python benchmarks/content.py

# Other shapes and removed columns are measured on smaller worlds.
SMALL := --accounts 6000 --calls 150000 --hidden 100 --output docs/benchmarks/small

# Hours on two cores; what is measured is kept in bench-work, so that it can be stopped and goes on where it was.
bench-detection: $(DEV_STAMP)
	$(BIN)/stillhunt range ladder --resume bench-work/ladder $(TEXTS)
	$(BIN)/stillhunt range ladder --resume bench-work/ladder $(TEXTS) $(SMALL) --steps shapes
	$(BIN)/stillhunt range ladder --resume bench-work/ladder $(TEXTS) $(SMALL) --steps L0,L1,L2,L3,L3-free --without all
	$(BIN)/python benchmarks/negatives.py
	$(BIN)/python benchmarks/coverage.py
	$(BIN)/python benchmarks/watch.py

# Full size: a world as fingerprints, scanned, extended and scanned again, and how time grows. Goes on where it was stopped.
bench-scale: $(DEV_STAMP)
	$(BIN)/python benchmarks/scale.py --full

docs: $(DEV_STAMP)
	$(BIN)/python -m stillhunt.cli.reference docs/reference
	$(BIN)/python -m pytest tests/test_docs.py

lock: $(DEV_STAMP)
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock

# Extras stay in the pins: pip in --require-hashes mode takes `coverage[toml]` for a requirement without a pin where only `coverage==` is locked.
COMPILE = $(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-strip-extras \
  --no-emit-index-url --custom-compile-command "make lock" --quiet

clean:
	rm -rf $(DEMO) bench-work build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
