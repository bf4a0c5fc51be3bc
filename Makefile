# Two commands do all the set-up:  make quick  and  make test.  Both need Python >= 3.11, make and git only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: quick standard smoke test lint format messages matrix clean help

help:
	@echo "make quick     set up, run the quick suite (five frameworks, stand-in data), write reports/quick/"
	@echo "make test      set up, run the tests"
	@echo "make standard  set up, run the standard suite (real data; hours; resumes), write reports/standard/"
	@echo "make smoke     set up, run the oracle alone (seconds)"
	@echo "make lint      ruff and mypy"
	@echo "make messages  collect the texts of reports for translation and compile what is translated"
	@echo "make matrix    write docs/matrix.md anew: what each adapter declares"

# The stamp holds the dependency list's time: set-up is repeated only when pyproject.toml changes.
$(VENV)/.ready: pyproject.toml
	@echo "setting up $(VENV) (a few minutes the first time: downloads NumPy, SciPy, pandas, matplotlib and tools)"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; try: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

quick: $(VENV)/.ready
	$(BIN)/frameworkbench run --suite quick --again --out results/quick --report reports/quick

smoke: $(VENV)/.ready
	$(BIN)/frameworkbench run --suite smoke --again --out results/smoke --report reports/smoke

standard: $(VENV)/.ready
	$(BIN)/frameworkbench run --suite standard --out results/standard --report reports/standard $(ARGS)

# Two files at a time: most tests wait for small processes more than they work. One at a time: make test ARGS="-n 0".
test: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(VENV)/.ready
	$(BIN)/python .ci/messages.py

matrix: $(VENV)/.ready
	$(BIN)/frameworkbench adapter matrix --out docs/matrix.md

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
