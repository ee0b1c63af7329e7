SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.NOTPARALLEL:
.PHONY: help run test check lint format types imports tests coverage lock settings screenshots reset-operator clean

PYTHON_BIN := .venv/bin/python
UV := $(shell command -v uv || echo .venv/bin/uv)
COMPILE := $(UV) pip compile --quiet --generate-hashes --no-annotate --no-header --python-version 3.11 --universal pyproject.toml
PYTEST_ARGS ?=

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r target text; do
	    printf '  make %-16s %s\n' "$$target" "$$text"
	done

run: ## Install what is missing and run Tapedeck until Ctrl-C
	@scripts/install runtime
	exec $(PYTHON_BIN) manage.py run

test: check tests coverage ## Run every check and every test

check: lint types imports ## Run the checks that need no test run

lint: .venv/.dev ## Check style and formatting
	@$(PYTHON_BIN) -m ruff check .
	$(PYTHON_BIN) -m ruff format --check .

format: .venv/.dev ## Format the code and mend what can be mended by itself
	@$(PYTHON_BIN) -m ruff check --fix-only --quiet .
	$(PYTHON_BIN) -m ruff format .

types: .venv/.dev ## Check the types
	@TAPEDECK_DATA=$$(mktemp -d) $(PYTHON_BIN) -m mypy

imports: .venv/.dev ## Check which package may import which
	@.venv/bin/lint-imports

tests: .venv/.dev ## Run the tests, with coverage (PYTEST_ARGS="-k name" chooses some)
	@$(PYTHON_BIN) -m tests.chromium
	$(PYTHON_BIN) -m coverage erase
	$(PYTHON_BIN) -m coverage run -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

coverage: .venv/.dev ## Combine what the last tests covered; fails under the limit in pyproject.toml
	@$(PYTHON_BIN) -m coverage combine --quiet
	$(PYTHON_BIN) -m coverage report

lock: .venv/.dev ## Write both locks anew from pyproject.toml
	@$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

settings: ## Print the settings table
	@scripts/install runtime
	$(PYTHON_BIN) manage.py settings_table

screenshots: .venv/.dev ## Take the pictures for the README, from a running product
	@$(PYTHON_BIN) -m tests.chromium
	$(PYTHON_BIN) -m tests.screenshots

reset-operator: ## Give the operator admin a new password
	@scripts/install runtime
	$(PYTHON_BIN) manage.py reset_operator

clean: ## Remove what tools have left behind; recordings, secrets and .venv stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov test-results
	find dashboard recordings local_acs tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Not a file: whether the lock has changed is for scripts/install to see.
.PHONY: .venv/.dev
.venv/.dev:
	@scripts/install dev
