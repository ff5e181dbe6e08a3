# Everything from a fresh clone: Python 3.11 or newer is all that must be there.
.PHONY: run test check bench lock vendor clean
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3.14 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

run: $(VENV)/run.stamp            ## the whole desk with demo data on http://127.0.0.1:8000
	@$(BIN)/contactcenter up --demo

test: $(VENV)/dev.stamp           ## all tests, browser tests included
	@bash tests/need.sh
	@$(BIN)/python -m pytest

check: $(VENV)/dev.stamp          ## ruff, mypy strict, import rules; the JavaScript's types where Node exists
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_architecture.py -p no:randomly
	@bash agent_ui/check.sh

bench: $(VENV)/dev.stamp          ## figures beside the bare limit, measured in the same run; JSON and a table
	@$(BIN)/python -m tests.bench

$(VENV)/python.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@echo "Setting up $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(VENV)/python.stamp
	@echo "Installing the locked packages …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/run.stamp
	@echo "Installing the locked development packages …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

lock:                             ## refresh both lock files
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --upgrade --extra build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --upgrade --extra build --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock

vendor: $(VENV)/dev.stamp         ## verify the vendored front-end libraries
	@$(BIN)/python -m agent_ui.vendor
