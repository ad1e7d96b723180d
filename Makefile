# What a person types. Needs Python 3.11 or newer, make and git; everything else goes into .venv, at the versions and hashes of the lock files.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
JOBS ?= 2

.PHONY: run up test format lint types playbooks unit nightly explore native bench lock clean

run: $(VENV)/.run  ## fourteen days in a minute, then stays up until Ctrl-C
	$(BIN)/stageplay demo

up: $(VENV)/.run  ## the same without the demo, at real speed
	$(BIN)/stageplay up

test: lint types playbooks unit

format: $(VENV)/.test
	$(BIN)/ruff format .

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

playbooks: $(VENV)/.test
	$(BIN)/stageplay validate playbooks/

unit: $(VENV)/.test
	$(BIN)/pytest -q -m "not nightly" -n $(JOBS) --dist loadfile --no-loadscope-reorder

nightly: $(VENV)/.test  ## the long drills
	$(BIN)/pytest -q -m nightly

explore: $(VENV)/.test  ## the laws over cases that nobody has drawn yet
	$(BIN)/pytest -q -m hypothesis --hypothesis-profile explore -n $(JOBS) --dist worksteal

native: $(VENV)/.test  ## the core as machine code, for PYTHONPATH=build/native; needs a C compiler
	$(BIN)/python native.py

bench: $(VENV)/.test  ## the figures, with the compiled core where there is a C compiler
	-$(BIN)/python native.py
	$(BIN)/python -m bench

lock:  ## after a change of dependencies; needs uv (UV=path)
	$(UV) pip compile --quiet --universal --generate-hashes --no-header pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-header pyproject.toml --group test -o requirements-test.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps hold what was installed: a changed lock file installs again.
$(VENV)/.run: requirements.lock $(VENV)/.made
	$(PIP) --require-hashes --no-deps -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.made
	$(PIP) --require-hashes --no-deps -r $<
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found; name one with make PYTHON=/path/to/python3" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@
