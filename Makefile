# Every target does its own set-up: a Python >= 3.11 and make are all it needs.
# Pass arguments on with ARGS, for example: make test ARGS="-k notes"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# What tests and checks need beyond `make run`.
DEV_READY := $(VENV)/dev-ready
# What a command starts in its turn finds the tools of the virtual environment, too.
WITH_STORES := PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/python -m devserver exec --
# Tests wait more than they work: two sides by side, each with a database of its own.
PYTEST := pytest -n 2 --dist worksteal
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-browser check check-steps messages bench chaos drills lock clean

help:
	@echo "make run     the whole service on http://127.0.0.1:8000 (PORT=, REDIRECT_PORT=); data in var/"
	@echo "make test    the tests, on a PostgreSQL and a Valkey of their own (ARGS= for pytest)"
	@echo "make test-fast   the tests of rules, API and admin, which start no servers"
	@echo "make test-browser  the tests that need a real browser (Debian's chromium; installed where possible)"
	@echo "make check   lint, format, types, imports, migrations, tests: what CI runs"
	@echo "make messages  collect the texts of the admin, say which lack their Russian, compile"
	@echo "make bench   what the performance claims are measured with (ARGS= for the benchmarks)"
	@echo "make chaos   kill, freeze and restart every part under load, and count what must hold"
	@echo "make drills  upgrade, restore and healing of an installation by Compose (ARGS= for some)"
	@echo "make lock    pin the requirements (ARGS=--upgrade for newer versions)"
	@echo "make clean   remove what was built; the data in var/ stays"

run: $(READY)
	@exec $(BIN)/python -m devserver run

test: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) $(ARGS)

# Rules, API and admin: no server and no worker is started.
test-fast: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) tests/domain tests/api tests/admin $(ARGS)

test-browser: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) tests/browser $(ARGS)

# Types, too, are checked with the settings loaded.
check: $(DEV_READY)
	@$(WITH_STORES) $(MAKE) --no-print-directory check-steps

check-steps:
	@echo "[check] lint" && ruff check .
	@echo "[check] format" && ruff format --check .
	@echo "[check] types" && mypy
	@echo "[check] imports" && lint-imports
	@echo "[check] migrations" && python manage.py makemigrations --check --dry-run
	@echo "[check] speed" && python -m benchmarks --check
	@echo "[check] tests" && $(PYTEST) $(ARGS)
	@echo "[check] tests in a browser" && exec $(PYTEST) tests/browser

# Needs xgettext; root on Debian gets it by apt-get.
messages: $(DEV_READY)
	@$(WITH_STORES) python -m translations

bench: $(DEV_READY)
	@$(WITH_STORES) python -m benchmarks $(ARGS)

chaos: $(DEV_READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/python -m faults $(ARGS)

# Needs Docker; what it starts has a name and ports of its own.
drills: $(DEV_READY)
	@exec $(BIN)/python -m drills $(ARGS)

lock: $(READY)
	@$(LOCK) $(ARGS) requirements-installer.in -o requirements-installer.txt
	@$(LOCK) $(ARGS) requirements.in -o requirements.txt
	@$(LOCK) $(ARGS) requirements-devserver.in -o requirements-devserver.txt
	@$(LOCK) $(ARGS) requirements-tracing.in -o requirements-tracing.txt
	@$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# A missing marker means that the virtual environment is incomplete.
$(READY): requirements-devserver.txt requirements-installer.txt
	@if [ ! -e $@ ]; then \
	  for python in "$(PYTHON)" python3.13 python3.12 python3.11 none; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  done; \
	  if [ "$$python" = none ]; then \
	    echo "[make] found no Python >= 3.11: set PYTHON=/path/to/python3" >&2; exit 1; \
	  fi; \
	  echo "[make] creating $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@rm -f $@
	@echo "[make] installing the pinned packages into $(VENV)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
	  --require-hashes -r requirements-installer.txt
	@$(INSTALL) requirements-devserver.txt
	@touch $@

$(DEV_READY): requirements-dev.txt $(READY)
	@rm -f $@
	@echo "[make] installing the packages of tests and checks into $(VENV)"
	@$(INSTALL) requirements-dev.txt
	@touch $@
