# make run: the app.  make test: lint, types and all tests.  Both make .venv when it is missing.
# make audit: whether a package that requirements.txt brings is known to be unsafe.
# Two tests run at a time, for most of them wait; browsers run one after another.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint audit

run: .venv/.run
	$(BIN)/python app.py

test: .venv/.dev lint
	$(BIN)/python tests/browser.py --install
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Strict, for else a package that pip-audit finds no data on counts as a safe one.
audit: .venv/.audit
	@$(BIN)/python -m pip_audit --strict --progress-spinner off -r requirements.txt || { \
		echo 'error: not passed: a package named above is known to be unsafe and wants a newer version,' \
			'or pip-audit had no data on it: then try where pypi.org can be reached' >&2; exit 1; }

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

# The stamps say when the tools were last installed, so that a second call has nothing to do.
.venv/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install -r requirements.txt
	touch $@

.venv/.audit: | $(BIN)/python
	$(BIN)/python -m pip install pip-audit
	touch $@

.venv/.dev: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -e '.[dev]'
	touch $@ .venv/.run
