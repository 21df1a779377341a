# Thin wrappers on the virtual environment in .venv, which is made from the lock files.
#
#   make run     install what is needed and start everything on http://127.0.0.1:8000 (PORT=, DATA_DIR=, HOST=)
#   make demo    the same with three made-up sites and 30 days of traffic, in ./demo-data
#   make test    all tests that fit in 20 minutes      make check   format, lint, types
#   make bench   benchmarks that need no other machine (ROWS=single,os picks rows)
#   make load    load test with a report (PROFILE=viral; TARGET=http://host:port, SCALE=0.1)
#   make soak    ten minutes at 5,000 events/s (SOAK_SECONDS=, SOAK_RATE=)    make crash   50 rounds of kill -9
#   make lock    make both lock files anew
#   make dev     install everything for development     make clean   remove what make made, never your data
#   make compile compile anew what is compiled, and show what the compiler says

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin

# Taken from the command line or the environment.
ifdef PORT
export DAYSALT_PORT := $(PORT)
endif
ifdef DATA_DIR
export DAYSALT_DATA_DIR := $(DATA_DIR)
endif
# From the command line only: some shells export HOST as the machine's name, and that must not open the port to others.
ifeq ($(origin HOST),command line)
export DAYSALT_HOST := $(HOST)
endif

# Test processes. Each opens a store of its own (about 330 MB).
TEST_JOBS ?= 2

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# setuptools warns at length about editable installs; a newcomer needs to read that only when it fails.
INSTALL_OURSELVES := $(PIP_INSTALL) --no-deps --no-build-isolation -e . 2> $(VENV)/install.log || { cat $(VENV)/install.log; exit 1; }

# What could not be compiled is done in Python, and the person told so in one line.
TELL_COMPILED := $(BIN)/python -m ingest.compiled || true

.PHONY: run demo test check bench load soak crash lock dev compile clean

run: $(VENV)/.installed-run
	@exec $(BIN)/daysalt serve

# A data directory of its own, so that a newcomer's look around never meets real data.
demo: export DAYSALT_DATA_DIR := $(if $(DATA_DIR),$(DATA_DIR),demo-data)
demo: $(VENV)/.installed-run
	@exec sh scripts/demo $(BIN)/daysalt

test: $(VENV)/.installed-dev
	@sh scripts/need-chromium
	@sh scripts/run-tests $(BIN)/python $(TEST_JOBS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

bench: $(VENV)/.installed-run
	@ROWS="$(ROWS)" exec $(BIN)/python -m loadtests

PROFILE ?= steady
SCALE ?= 1
SENDERS ?= 1

load: $(VENV)/.installed-dev
	@exec $(BIN)/python -m loadtests.load "$(PROFILE)" --scale "$(SCALE)" --senders "$(SENDERS)" \
	  $(if $(TARGET),--host "$(TARGET)") $(if $(YES_I_OWN_IT),--yes-i-own-it)

soak: $(VENV)/.installed-run
	@exec $(BIN)/python -m loadtests.soak

# One line a round; -p no:cacheprovider keeps the last failures of `make test`.
crash: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m crash -v -s -p no:cacheprovider

dev: $(VENV)/.installed-dev

compile: | $(VENV)/.installed-run
	$(BIN)/python setup.py --quiet build_ext --inplace
	@$(BIN)/python -m ingest.compiled && echo "Compiled; the next start takes it."

# Plain options, so that no address of a package index ends up in the files.
LOCK_OPTIONS := --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --no-emit-options --no-header

lock: $(VENV)/.installed-dev
	$(BIN)/pip-compile $(LOCK_OPTIONS) -o requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_OPTIONS) --extra dev -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage* test-results
	rm -f ingest/*.so ingest/*.c
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@sh scripts/make-venv $(VENV)

# An upgrade may bring nothing but another source of what is compiled.
COMPILED := setup.py $(wildcard ingest/*.pyx)

$(VENV)/.installed-run: requirements.lock pyproject.toml $(COMPILED) | $(BIN)/python
	@echo "Installing what Daysalt needs from requirements.lock (about a minute the first time)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(INSTALL_OURSELVES)
	@$(TELL_COMPILED)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml $(COMPILED) | $(BIN)/python
	@echo "Installing what development needs from requirements-dev.lock (about a minute the first time)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@$(INSTALL_OURSELVES)
	@$(TELL_COMPILED)
	@touch $@
