# Everything is set up inside this checkout; Python 3.11 or newer, git and make are all it takes.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-sql test lint docs lock bench clean

PYTHON = $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := .venv/bin
UV := .tools/bin/uv
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .meltano/installed ## load the four sandbox systems into CSV and PostgreSQL; again: only what changed
	@$(BIN)/python -m sandbox.demo

demo-sql: .venv/synced ## open psql on what the demo loaded
	@$(BIN)/python -m sandbox.demo sql

test: lint .meltano/installed ## everything CI checks
	$(BIN)/pytest -n 3

lint: .venv/synced ## style, types, directions of imports and generated docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs --check

docs: .venv/synced ## write the settings into README.md and meltano.yml
	$(BIN)/python -m tools.docs

lock: $(UV) ## take the newest versions the ranges allow
	$(UV) lock --upgrade

bench: .venv/synced ## measure the tap beside other tools; BENCH=--quick for a small run
	@$(BIN)/python -m benchmarks $(BENCH)

clean: ## remove all that make has made
	rm -rf .bench .hypothesis .meltano .mypy_cache .pytest_cache .ruff_cache .tools .venv output

.meltano/installed: meltano.yml pyproject.toml .venv/synced
	@echo 'Installing the tap and its loaders into .meltano'
	@$(BIN)/meltano --log-level=warning install tap-leads target-csv target-postgres target-jsonl
	@touch $@

.venv/synced: pyproject.toml uv.lock $(UV)
	$(UV) sync --locked --quiet --python .tools/bin/python
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 to 3.14 is needed, and none is on the PATH.' >&2; exit 1; }
	@echo 'Setting up .tools and .venv with $(PYTHON)'
	@$(PYTHON) -m venv --clear .tools || { echo '$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: install python3-venv).' >&2; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13.9,<0.14'
