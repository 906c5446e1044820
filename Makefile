# The commands a person types. Each sets up what it needs, below .venv, from hash-locked lists.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The programs in .venv name their interpreter by its path: a checkout that was moved sets itself up anew.
ifneq ($(wildcard $(VENV)/where),)
ifneq ($(shell cat $(VENV)/where),$(CURDIR))
$(shell rm -rf $(VENV))
endif
endif

# The tests start thousands of Python processes. With byte-code on disk, they compile the sources once.
unexport PYTHONDONTWRITEBYTECODE

# Tests wait more than they compute: two for each core. The quick ones only compute.
CORES := $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
WORKERS ?= $(shell echo $$(( $(CORES) * 2 )))
PYTEST = $(BIN)/python -m pytest -n $(WORKERS)
# What does no I/O and reads no clock: for these, tests reach every branch.
PURE := src/hf_oidc/errors.py,src/hf_oidc/rfc3339.py,src/hf_oidc/secret.py,src/hf_oidc/strict_json.py,src/hf_oidc/sanitize.py,src/hf_oidc/http/url.py,src/hf_oidc/http/proxy.py,src/hf_oidc/settings.py,src/hf_oidc/http/message.py,$\
src/hf_oidc/hub/resource.py,src/hf_oidc/token_request.py,src/hf_oidc/hub/exchange.py,src/hf_oidc/hub/token.py,src/hf_oidc/hub/publisher.py,src/hf_oidc/providers/facts.py,src/hf_oidc/providers/*/facts.py,$\
src/hf_oidc/id_token.py,src/hf_oidc/retry.py,src/hf_oidc/explain/*,src/hf_oidc/doctor/*

.PHONY: help demo unit test test-all test-clients lint lock bench image pyz dist clean

help:
	@echo "make demo   try the action on this machine, against Local Hub"
	@echo "make unit   run the quick tests: they start no process, and none takes a second"
	@echo "make test   run all tests that need no engine (PYTEST_ARGS=tests/unit: a part of them)"
	@echo "make test-all  run those with Docker, act and other engines, too (REQUIRE_ENGINES=1: none may be missing)"
	@echo "make test-clients  install 26 clients of the Hub, old versions too, and run them against Local Hub"
	@echo "make lint   ruff, mypy, import-linter, zizmor, check-jsonschema, hadolint"
	@echo "make lock   renew the hash-locked lists in requirements/"
	@echo "make bench  measure the action beside what people would use instead (takes Docker and curl)"
	@echo "make image  build the image, print what is in it, and write image.cdx.json, its bill of materials"
	@echo "make pyz    build native/hf-oidc.pyz, with which native/ is an action here too"
	@echo "make dist   make dist/, the tree of a release: make dist DIGEST=sha256:… [IMAGE=ghcr.io/…]"
	@echo "make clean  remove what these commands made"

demo: $(VENV)/demo.stamp
	@$(BIN)/python -m local_hub.cli demo

unit: WORKERS = $(CORES)
unit: $(VENV)/dev.stamp
	@$(PYTEST) -q -m "not process and not slow" tests/unit $(PYTEST_ARGS)

test: $(VENV)/dev.stamp
	@$(PYTEST) $(or $(PYTEST_ARGS),--ignore=tests/e2e)

# Measuring coverage takes two minutes more, and a part of the tests says nothing about the coverage of all.
ifdef PYTEST_ARGS
test-all: test
else
test-all: $(VENV)/dev.stamp
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -n $(WORKERS) --durations=20 --durations-min=5
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report
	@$(BIN)/python -m coverage report --include="$(PURE)" --fail-under=100
endif

test-clients: $(VENV)/dev.stamp
	@.ci/clients all
	@CLIENTS=all REQUIRE_ENGINES=1 $(BIN)/python -m pytest tests/clients tests/e2e/test_clients.py $(PYTEST_ARGS)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --persona pedantic action.yml native/action.yml .github examples/github/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml native/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/github/*.yml
	$(BIN)/hadolint Dockerfile benchmarks/plain.Dockerfile release/images.Dockerfile ci-templates/bitbucket/Dockerfile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "Python 3.10 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@echo '$(CURDIR)' > $(VENV)/where

$(VENV)/demo.stamp: $(BIN)/python requirements/local-hub.txt pyproject.toml
	@echo "Setting up $(VENV) ..."
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements/local-hub.txt
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/demo.stamp requirements/dev.txt
	@echo "Setting up the tools of the test suite ..."
	@$(PIP_INSTALL) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

image: $(VENV)/dev.stamp
	@docker build --tag hf-oidc-action .
	@docker save hf-oidc-action | $(BIN)/python -m release.contents --sbom image.cdx.json

# The interpreters whose byte-code hf-oidc.pyz has; without PYTHONS, that of .venv.
COMPILED_BY = $(if $(PYTHONS),--python $(PYTHONS))

pyz: $(VENV)/dev.stamp
	@$(BIN)/python -m release.pyz native/hf-oidc.pyz $(COMPILED_BY)

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m benchmarks $(if $(SECOND_PYTHON),--second-python $(SECOND_PYTHON))

IMAGE ?= ghcr.io/org/hf-oidc-action

dist: $(VENV)/dev.stamp
	@$(BIN)/python -m release.dist --image "$(IMAGE)" --digest "$(DIGEST)" dist $(COMPILED_BY)

COMPILE := uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-header \
  --no-emit-find-links --no-emit-index-url --override requirements/without-pygithub.txt
CLIENTS := tests/clients/environments
# transformers 5 needs Python 3.11. Only the one that .ci/clients always installs is also for 3.10.
LOCK_CLIENT := $(subst 3.10,3.11,$(COMPILE)) --no-annotate

lock:
	$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	$(COMPILE) -c requirements/runtime.txt pyproject.toml --extra local-hub requirements/build.in -o requirements/local-hub.txt
	$(COMPILE) -c requirements/local-hub.txt pyproject.toml --extra local-hub --group dev -o requirements/dev.txt
	$(COMPILE) requirements/pipeline-runner.in -o requirements/pipeline-runner.txt
	$(COMPILE) -c requirements/dev.txt requirements/benchmarks.in -o requirements/benchmarks.txt
	$(COMPILE) -c requirements/dev.txt requirements/scan.in -o requirements/scan.txt
	for list in $(CLIENTS)/*.in; do $(LOCK_CLIENT) $$list -o $${list%.in}.txt || exit; done
	$(LOCK_CLIENT) --override $(CLIENTS)/without-xet.override $(CLIENTS)/hub-2.4-without-xet.in -o $(CLIENTS)/hub-2.4-without-xet.txt
	$(COMPILE) --no-annotate $(CLIENTS)/hub-0.23.in -o $(CLIENTS)/hub-0.23.txt

clean:
	rm -rf $(VENV) .engines dist native/hf-oidc.pyz image.cdx.json .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks release -name __pycache__ -type d -prune -exec rm -r {} +
