# Two commands do all the set-up: `make demo` and `make test`. PYTHON names another interpreter (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
OUT ?= modelward-demo
BIN = $(VENV)/bin

.PHONY: demo test lint clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "modelward needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

demo: $(BIN)/python
	$(BIN)/pip install --quiet .
	$(BIN)/modelward demo --out $(OUT)

test: $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[test]'
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[test,lint]'
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
