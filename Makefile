# The interface of the repository. `make run` and `make test` set up what they need.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := greeks dealers loops ingest exchange app
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help run demo setup setup-dev fmt lint types test e2e bench soak shots lock plotly clean

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: setup ## Set up and show the board: Deribit when reachable, else simulated data
	@$(BIN)/gammaflip run $(ARGS)

demo: setup ## Set up and show the board on simulated data
	@$(BIN)/gammaflip run --source demo $(ARGS)

setup: $(VENV)/.run ## Install what running needs, with hashes
setup-dev: $(VENV)/.dev ## Install what developing needs, with hashes

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("gammaflip needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || (echo "python3 -m venv failed; on Debian: apt install python3-venv" >&2; exit 1)

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up in $(VENV), once ..."
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Setting up for development in $(VENV), once ..."
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

fmt: setup-dev ## Format the source
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: setup-dev ## Style, and the walls between the packages
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports

types: setup-dev ## Types, strict
	@$(BIN)/mypy

test: setup-dev ## Set up and run every test that this machine can run
	@$(BIN)/pytest -n auto --dist loadfile $(ARGS)

e2e: setup-dev ## The tests with real processes, sockets and browser
	@$(BIN)/pytest tests/e2e $(ARGS)

bench: setup-dev ## Measure against peers; SECTION=engine for one section
	@$(PIP) install -e '.[bench]' || echo "some peers could not be installed: they are listed as missing"
	@$(BIN)/python -m benchmarks $(if $(SECTION),--section $(SECTION))

soak: setup-dev ## Long runs: kills, endurance, load, fuzz; SECTION=kills for one section
	@$(BIN)/python -m soak $(if $(SECTION),--section $(SECTION))

shots: setup-dev ## Pictures of every view, state and size of the page into shots/
	@$(BIN)/python -m benchmarks.shots

lock: setup-dev ## Write the lock files anew from pyproject.toml
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra build -o requirements.lock pyproject.toml
	@$(BIN)/python -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra build --extra dev --extra scale -o requirements-dev.lock pyproject.toml

plotly: setup-dev ## Build the charting library that the page loads, of the version of plotly; needs npm
	@app/dashboard/charting/build.sh $$($(BIN)/python -c 'import plotly.offline as o; print(o.get_plotlyjs_version())')

clean: ## Remove what the targets made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
