# Needs make, git and Python 3.11 or 3.12; no root. Everything goes into .venv.
# Options go in ARGS: make demo ARGS="--seconds 30"; another Python: make setup PYTHON=/path/to/it

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-the-lock
RIGHT_VERSION := import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench chaos lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(STAMP)  ## the environment, from requirements.lock with hashes

demo: $(STAMP)  ## a shop with seeded shoppers and live figures; Ctrl-C ends it
	@$(BIN)/shopkeeper demo $(ARGS)

test: $(STAMP)  ## all tests
	@$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)  ## style, types, and that imports point down
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# One of them, with its options: make bench ARGS="stream --rounds 1"
bench: $(STAMP)  ## figures: events per second, latency, memory
	@$(BIN)/shopkeeper bench $(or $(ARGS),all)

chaos: $(STAMP)  ## kills during a replay; nothing may be lost or take effect twice
	@$(BIN)/shopkeeper chaos $(ARGS)

# uv is needed for this one alone: pip install uv
lock:  ## renew requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--fork-strategy fewest --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command "make lock" --output-file requirements.lock

clean:  ## remove the environment and caches
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# --clear: what the lock no longer names is gone too.
$(STAMP): requirements.lock pyproject.toml
	@set -e; \
	for python in $(PYTHON) python3.11 python3.12 python3 python; do \
		if $$python -c "$(RIGHT_VERSION)" >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "make: no Python 3.11 or 3.12 with venv found (Bytewax has wheels for no other);" \
			"install one, or name it: make setup PYTHON=/path/to/python3.11" >&2; \
		exit 1; \
	fi; \
	echo "setting up $(VENV) with $$($$found --version)"; \
	$$found -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	$(BIN)/python -m online_models.warm; \
	touch $@
