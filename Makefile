# make run: the app.  make test: lint, types and all tests.  Both make .venv when it is missing.
# Two tests run at a time, for most of them wait; browsers run one after another.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint

run: .venv/.run
	$(BIN)/python app.py

test: .venv/.dev lint
	$(BIN)/python tests/browser.py --install
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# The stamps say when the tools were last installed, so that a second call has nothing to do.
.venv/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/.dev: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -e '.[dev]'
	touch $@ .venv/.run
