# Two commands are all a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# tests run in parallel; many of them wait for real machines, so that four fit two cores
WORKERS ?= 4

.PHONY: help setup clients demo test prepare lint unit campaign bench image clean

help:               ## this text
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

setup: $(VENV)/.ready  ## virtual environment with the project and its tools

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

clients: setup      ## the real tapis-cli and agavepy, in an environment of their own
	$(BIN)/python -m tests.real.clients install

demo: clients       ## run the course's job on the embedded default, through the real client
	$(BIN)/tapis-emulator demo --clients .venv-clients

test: setup         ## everything: linters, types, layers, and all tests against real parts
	$(MAKE) --jobs=2 lint prepare
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

prepare: setup      ## what the tests need besides Python: the real clients, a Docker engine, base images
	$(BIN)/python -m tests.real.prepare

lint: setup         ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup         ## the quick half of the tests
	$(BIN)/python -m pytest -q -n $(WORKERS) tests/unit tests/contract tests/arch tests/server

campaign: setup prepare  ## every fault in every step on every backend (writes docs/campaign.md), and all that make test samples
	$(BIN)/python -m tests.live.campaign
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m campaign --ignore tests/live/backends --ignore tests/live/faults

bench: setup        ## the figures of docs/benchmarks.md
	$(BIN)/python -m benchmarks

image: setup        ## wheel and container image
	$(BIN)/python -m build --wheel
	docker build -t tapis-emulator .

clean:              ## everything that was made here
	rm -rf $(VENV) .venv-clients dist build .pytest_cache .mypy_cache .ruff_cache
