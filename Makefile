# alicred. `make test` and `make demo` work in a fresh clone: they need a Python >= 3.10 with venv and pip, nothing else.
#
#   make test ARGS="-k refresh -x"     more arguments for pytest
#   make test WORKERS=0                one test after the other, for a debugger
#   make test PYTHON=/path/to/python   another interpreter (after `make clean`)

PYTHON ?= python3
ARGS ?=
# Processes that run tests: as many as there are processors. Who has run out of tests takes some from another.
WORKERS ?= auto
PARALLEL := -n $(WORKERS) --dist worksteal
VENV := .venv
BIN := $(VENV)/bin
POOLS := .venvs/pools
MUTATE := .venvs/mutate
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install
REQ := requirements
# One that was asked for is taken or refused; otherwise any that will do.
PYTHONS := $(if $(filter file,$(origin PYTHON)),$(PYTHON) python3.15 python3.14 python3.13 python3.12 python3.11 python3.10,$(PYTHON))
TYPED := $(wildcard src tests/typing docs/examples)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-all lint types cover proofs matrix clients pools fleet soak bench mutate clean venv

help:
	@echo 'make demo     a tour of the library against a cloud on this machine'
	@echo 'make test     the tests that are fast            (ARGS="-k name")'
	@echo 'make test-all every test; a property draws more examples'
	@echo 'make lint     ruff, and the list of words'
	@echo 'make types    mypy --strict and pyright strict'
	@echo 'make cover    the tests, at least 97 % branch coverage; all but those of "make proofs"'
	@echo 'make proofs   those that prove what other tests have covered'
	@echo 'make matrix   the tests on every CPython 3.10 to 3.15 here, and with the lowest dependencies'
	@echo 'make clients  the adapters under the real clients, each group in an environment of its own'
	@echo 'make pools    the tests in gunicorn, celery and process pools, in an environment of their own'
	@echo 'make fleet    the tests of shared stores with many processes and servers'
	@echo 'make soak     a compressed day of faults in five minutes     (ARGS="--minutes 1 --seed 7")'
	@echo 'make bench    the benchmarks                     (ARGS="--quick")'
	@echo 'make mutate   whether the tests notice when the code breaks: an hour (ARGS="policy chain")'
	@echo 'make venv     .venv with every tool in it'
	@echo 'make clean    remove what the others made'

demo: $(VENV)/.demo
	@$(BIN)/python -m alicred demo $(ARGS)

# Every idea is in it; what is marked `slow` has the idea of another test, and takes longer. docs/development-tests.md has the layers.
test: $(VENV)/.test
	@$(BIN)/python -m pytest $(PARALLEL) -m 'not slow' --hypothesis-profile quick $(ARGS)

test-all: $(VENV)/.test
	@$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

lint: $(VENV)/.lint
	@$(BIN)/ruff check $(ARGS)
	@$(BIN)/ruff format --check $(ARGS)
	@$(BIN)/python tools/words.py

types: $(VENV)/.types
	@$(BIN)/mypy --strict $(TYPED)
	@$(BIN)/basedpyright $(TYPED)

# What proves what other tests have covered already, and takes its time, is not measured. `make cover proofs` runs every test once.
PROOFS := tests/field tests/interleaving tests/pools

cover: $(VENV)/.test
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m coverage run -m pytest $(PARALLEL) $(addprefix --ignore=,$(PROOFS)) $(ARGS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

proofs: $(VENV)/.test
	@$(BIN)/python -m pytest $(PARALLEL) $(PROOFS) $(ARGS)

matrix: $(VENV)/.python
	@$(BIN)/python tools/matrix.py $(ARGS)

clients: $(VENV)/.python
	@$(BIN)/python tools/clients.py $(ARGS)

bench: $(VENV)/.test
	@$(BIN)/python -m tools.bench $(ARGS)

mutate: $(MUTATE)/.mutate
	@$(MUTATE)/bin/python tools/mutate.py $(ARGS)

pools: $(POOLS)/.pools
	@$(POOLS)/bin/python -m pytest $(PARALLEL) tests/pools $(ARGS)

# Many processes and servers: stores that are shared, under kills, stops and outages.
fleet: $(VENV)/.test
	@FLEET=1 $(BIN)/python -m pytest $(PARALLEL) tests/sharing tests/pool $(ARGS)

soak: $(VENV)/.package
	@$(BIN)/python tools/soak.py $(ARGS)

venv: $(VENV)/.test $(VENV)/.lint $(VENV)/.types

clean:
	rm -rf $(VENV) .venvs .pythons dist build htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache docs/_build
	find src tests tools docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- the environment: one stamp per layer, made again when the pins or pyproject.toml change -------------------------------------------

$(VENV)/.python:
	@found=; told=; \
	for python in $(PYTHONS); do \
	    answer=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 10))' 2>/dev/null) \
	        || { told="$$told$${answer:+ $$python is $$answer;}"; continue; }; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || { told="$$told $$python has no venv or no pip (Debian: python3-venv);"; continue; }; \
	    found=$$python; break; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "alicred needs Python 3.10 or newer with venv and pip:$${told:- $(PYTHON) does not run;} say make PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	echo "setting up $(VENV) with Python $$answer ..."; \
	rm -rf $(VENV) && "$$found" -m venv $(VENV)
	@touch $@

$(VENV)/.package: pyproject.toml $(REQ)/build.txt $(REQ)/runtime.txt $(VENV)/.python
	@echo 'setting up $(VENV): alicred ...'
	@$(PIP) -r $(REQ)/build.txt -r $(REQ)/runtime.txt
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.demo: $(REQ)/demo.txt $(VENV)/.package
	@echo 'setting up $(VENV): a real client for the demo ...'
	@$(PIP) -r $(REQ)/demo.txt
	@touch $@

$(VENV)/.test: $(REQ)/test.txt $(VENV)/.package
	@echo 'setting up $(VENV): what the tests need ...'
	@$(PIP) -r $(REQ)/test.txt
	@touch $@

$(VENV)/.lint: $(REQ)/lint.txt $(VENV)/.python
	@echo 'setting up $(VENV): ruff ...'
	@$(PIP) -r $(REQ)/lint.txt
	@touch $@

$(VENV)/.types: $(REQ)/types.txt $(VENV)/.test
	@echo 'setting up $(VENV): the type checkers ...'
	@$(PIP) -r $(REQ)/types.txt
	@touch $@

# Servers and pools have an environment of their own: nothing else needs them.
$(POOLS)/.pools: pyproject.toml $(REQ)/build.txt $(REQ)/pools.txt $(VENV)/.python
	@echo 'setting up $(POOLS): alicred, gunicorn, uvicorn and celery ...'
	@rm -rf $(POOLS) && $(BIN)/python -m venv $(POOLS)
	@$(POOLS)/bin/python -m pip --disable-pip-version-check -qq install -r $(REQ)/build.txt -r $(REQ)/pools.txt
	@$(POOLS)/bin/python -m pip --disable-pip-version-check -qq install --no-build-isolation --no-deps --editable .
	@touch $@

# So has the tool that breaks the code.
$(MUTATE)/.mutate: pyproject.toml $(REQ)/build.txt $(REQ)/mutate.txt $(VENV)/.python
	@echo 'setting up $(MUTATE): alicred, what the tests need and mutmut ...'
	@rm -rf $(MUTATE) && $(BIN)/python -m venv $(MUTATE)
	@$(MUTATE)/bin/python -m pip --disable-pip-version-check -qq install -r $(REQ)/build.txt -r $(REQ)/mutate.txt
	@$(MUTATE)/bin/python -m pip --disable-pip-version-check -qq install --no-build-isolation --no-deps --editable .
	@touch $@
