# From a bare machine with python3, git and make: `make demo` and `make test` set up what they need.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PACKAGES := agent tools policies sandboxes
# routing needs a table of outcomes; repair, context and ci take long; harness takes the network.
BENCHMARKS := $(filter-out __init__ demo routing repair context harness ci _%,$(basename $(notdir $(wildcard benchmarks/*.py))))

# Options for `agent fix` in the demo, and for pytest: make demo OPTIONS='--budget 0', make test PYTEST='-k trace'
OPTIONS ?=
PYTEST ?= -ra --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup sandbox demo check test bench clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' Makefile | expand -t 10

setup: $(INSTALLED) ## make the virtual environment in .venv and install into it
	@echo "$(BIN)/agent is ready"

# agent/command.py is copied into .venv/bin even by an editable installation.
$(INSTALLED): pyproject.toml agent/command.py
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || .ci/venv $(VENV)
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --editable '.[dev]'
	@touch $@

sandbox: $(INSTALLED) ## make sure that a container engine and the base image are there
	@$(BIN)/python -m sandboxes.setup

demo: sandbox ## fix a failing test in a fresh repository made for it
	@$(BIN)/python -m benchmarks.demo $(OPTIONS)

# B103 and B108 are about modes and /tmp, here of the sandbox's own file system; ruff has both for the host.
check: $(INSTALLED) ## lint, format, types, layers, security
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/bandit --quiet --recursive --severity-level medium --skip B103,B108 $(PACKAGES)

test: check ## everything: set up, check, and run all tests
	@$(BIN)/python -m sandboxes.setup --every-backend
	@$(BIN)/python -m pytest $(PYTEST)

bench: sandbox ## run every benchmark that needs no table and no hour
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit; done

clean: ## remove the virtual environment and caches (not the engine or its images)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(PACKAGES) tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
