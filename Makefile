# Everything is set up inside this checkout. Requires Python 3.11 to 3.14, git and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-sql test check mutants lint package docs linkcheck lock bench scale clean

PYTHON = $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := .venv/bin
UV := .tools/bin/uv
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# Many commands start here: let Python cache what it compiles. It does so inside the checkout.
export PYTHONDONTWRITEBYTECODE :=

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .meltano/installed ## load the four sandbox APIs, build models and a report; run again to load only changes
	@$(BIN)/python -m demo

demo-sql: .venv/synced ## open psql on the database that the demo loaded
	@$(BIN)/python -m demo sql

test: lint .meltano/installed .meltano/dbt-duckdb ## run everything that CI checks
	$(BIN)/pytest -n 4 --dist worksteal --durations=10

check: lint ## lint, and run the unit tests with few examples: what to run before each commit
	$(BIN)/pytest -n 2 -q tests/unit -m 'not postgres' --hypothesis-profile=few

mutants: .venv/synced ## break the code in 4,600 ways and count how many the unit tests notice (20 minutes)
	$(UV) sync --locked --quiet --inexact --group mutants
	rm -rf mutants
	$(BIN)/mutmut run --max-children 2
	$(BIN)/python -m tools.mutants

lint: package ## check style, types, import directions, generated files and the package
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.docs --check

package: .venv/synced ## build the package into dist/ and check its metadata
	rm -rf dist
	$(UV) build --quiet --offline --no-build-isolation
	$(BIN)/twine check --strict dist/*

docs: .venv/synced ## write the generated files, and build the documentation site into output/docs
	$(BIN)/python -m tools.docs
	$(BIN)/sphinx-build -W --keep-going -q docs output/docs

linkcheck: .venv/synced ## check the links of the documentation to other sites; needs a network
	$(BIN)/sphinx-build -W --keep-going -q -b linkcheck docs output/linkcheck

lock: $(UV) ## upgrade the lock file
	$(UV) lock --upgrade

bench: .venv/synced ## compare the tap with other tools; BENCH=--quick for a short run
	@$(BIN)/python -m benchmarks $(BENCH)

scale: .venv/synced ## run the Airflow example over 24 accounts, and 200 accounts in one process (10 minutes)
	@$(BIN)/python -m benchmarks.scale

clean: ## remove everything that make created
	rm -rf .bench .hypothesis .meltano .mypy_cache .pytest_cache .ruff_cache .scale .tools .venv dist mutants output

.meltano/installed: meltano.yml pyproject.toml .venv/synced
	@echo 'Installing the tap and its loaders into .meltano'
	@$(BIN)/meltano --log-level=warning install tap-leads target-csv target-postgres target-jsonl dbt-postgres
	@touch $@

.meltano/dbt-duckdb: meltano.yml .venv/synced
	@$(BIN)/meltano --log-level=warning install dbt-duckdb
	@touch $@

.venv/synced: pyproject.toml uv.lock $(UV)
	$(UV) sync --locked --quiet --python .tools/bin/python
	@touch $@

$(UV):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 to 3.14 is required but was not found on the PATH.' >&2; exit 1; }
	@echo 'Setting up .tools and .venv with $(PYTHON)'
	@$(PYTHON) -m venv --clear .tools || { echo '$(PYTHON) cannot create a virtual environment (on Debian and Ubuntu: install python3-venv).' >&2; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13.9,<0.14'
