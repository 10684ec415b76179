# Everything a developer runs; each target does its own set-up. `make` alone lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV ?= uv
WORKERS ?= 8
MINUTES ?= 10
FAILOVERS ?= 20
SEED ?=
ONCE ?=
LIVE ?=
SIZES ?= 100 1000 5000
ARGS ?=

ready := .venv/ready
python := .venv/bin/python

export PYTHON
export PYTHONUTF8 := 1

.PHONY: help
help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

.PHONY: test
test: lint ## all checks and tests, the real control plane included; starts and stops what it needs
	@$(python) -m pytest -n $(WORKERS) --dist worksteal --durations=10

.PHONY: lint
lint: $(ready) ## style, types, architecture, and that what is generated is up to date
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	.venv/bin/lint-imports
	.venv/bin/hadolint deploy/image/Dockerfile
	.venv/bin/zizmor --offline --no-progress --quiet .github
	$(python) deploy/release/versions.py
	$(python) -m aisearch_operator.resources.crd --check crds
	$(python) -m reference_docs --check docs
	$(python) -m chart_files --check
	$(python) -m chart_readme --check
	$(python) -m argocd_lua.config_map --check

.PHONY: unit
unit: $(ready) ## the tests that need no control plane, in seconds
	@$(python) -m pytest -n 2 tests/unit tests/property

.PHONY: demo
demo: $(ready) ## watch it work: control plane, fake Cloudflare, operator, samples (ONCE=1 ends by itself)
	@$(python) -m demo $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: control-plane
control-plane: $(ready) ## leave a Kubernetes control plane running until Ctrl-C, and say how to use it
	@$(python) -m controlplane

.PHONY: fake-api
fake-api: $(ready) ## leave a fake Cloudflare API running until Ctrl-C
	@$(python) -m fake_cloudflare

.PHONY: soak
soak: $(ready) ## FAILOVERS=20 of each kind, then random crashes and faults for MINUTES=10; SEED repeats a run
	@$(python) -m soak --minutes $(MINUTES) --failovers $(FAILOVERS) $(if $(SEED),--seed $(SEED))

.PHONY: simulation
simulation: $(ready) ## 5,000 instances under the real limit, and a fleet, on a clock that leaps; ARGS="--fleet 5000" plays 100,000 (docs/scaling.md)
	@$(python) -m simulation $(ARGS)

.PHONY: bench
bench: $(ready) ## measure the operator, and a plain kopf one beside it, at SIZES="100 1000 5000" instances (docs/scaling.md)
	@$(python) -m bench --sizes $(SIZES) $(ARGS)

.PHONY: live-check
live-check: $(ready) ## try the API's promises and open questions on the fake; LIVE=1: on a real account (docs/live-check.md)
	@$(python) -m live_check $(if $(filter-out 0,$(LIVE)),--live) $(ARGS)

.PHONY: crds
crds: $(ready) ## generate crds/, and the charts' copies of them, from the models
	$(python) -m aisearch_operator.resources.crd crds
	$(python) -m chart_files

.PHONY: docs
docs: $(ready) ## generate the tables of docs/ and of the charts' READMEs, and deploy/argocd/
	$(python) -m reference_docs --write docs
	$(python) -m chart_files
	$(python) -m chart_readme
	$(python) -m argocd_lua.config_map
	$(python) -m argocd_lua.testdata

.PHONY: format
format: $(ready) ## put the code into its one style
	$(python) -m ruff check --fix
	$(python) -m ruff format

# Hashes for every platform, and no address of a registry: any mirror will do.
compile := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

.PHONY: lock
lock: ## resolve the newest allowed versions into requirements/ (needs uv)
	@command -v $(UV) >/dev/null || { echo "error: uv is not on PATH; install it, or name it: make lock UV=/path/to/uv" >&2; exit 1; }
	$(compile) --upgrade pyproject.toml --output-file requirements/run.txt
	$(compile) --upgrade pyproject.toml --group dev --output-file requirements/dev.txt
	$(compile) --upgrade --group build --constraint requirements/dev.txt --output-file requirements/build.txt
	$(compile) --upgrade --no-deps requirements/tools.in --output-file requirements/tools.txt
	$(compile) --upgrade --no-deps requirements/go.in --output-file requirements/go.txt

.PHONY: clean
clean: ## remove .venv and what the tools leave here (the built control plane stays in the user's cache)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(ready): requirements/dev.txt requirements/install.sh pyproject.toml
	@sh requirements/install.sh
	@touch $@
