# Every target makes the environment that it needs; `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CATALOG ?= samples/catalog.yaml
DATA_DIR ?= data
HOST ?= 127.0.0.1
PORT ?= 8000
EVAL_DATA ?= ../shared/data
PIP_ARGS ?=
NOW := $(shell date +%Y%m%d-%H%M%S)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(READY) ## make the environment in .venv, nothing else; PIP_ARGS='...' goes to pip, say an index with CPU builds of torch

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@

.PHONY: demo
demo: $(READY) ## index the sample help centre, start the API, ask it three questions
	@$(BIN)/python scripts/demo.py

.PHONY: serve
serve: $(READY) ## start the API on http://HOST:PORT over CATALOG (Ctrl-C stops it)
	$(BIN)/python -m retrieval serve --catalog $(CATALOG) --data-dir $(DATA_DIR) --host $(HOST) --port $(PORT)

.PHONY: format
format: $(READY) ## rewrite the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint
lint: $(READY) ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: lint ## every check: lint, then unit, integration and acceptance tests
	$(BIN)/python -m pytest -n 2 --dist loadscope

.PHONY: smoke
smoke: $(READY) ## the smoke suite on the samples, about a minute
	@rm -rf runs/smoke
	$(BIN)/python -m benchmarks run benchmarks/suites/smoke.yaml --catalog samples/catalog.yaml --out runs/smoke

.PHONY: bench-latency
bench-latency: $(READY) ## /retrieve over HTTP against its raw parts, 20,000 chunks
	$(BIN)/python -m benchmarks performance latency --data $(EVAL_DATA)

.PHONY: bench-indexing
bench-indexing: $(READY) ## the rate of a re-index against the raw rate of its model
	$(BIN)/python -m benchmarks performance indexing --data $(EVAL_DATA)

.PHONY: bench-memory
bench-memory: $(READY) ## peak memory while indexing 2,809 pages, about ten minutes
	$(BIN)/python -m benchmarks performance memory --data $(EVAL_DATA)

.PHONY: bench-reindex
bench-reindex: $(READY) ## searches during switches, changes, workers, 25,000 pages: about 50 minutes
	for part in switching changes workers pages; do $(BIN)/python -m benchmarks performance $$part --data $(EVAL_DATA) || exit 1; done

.PHONY: chaos
chaos: $(READY) ## kill the API and workers 50 times while they re-index, about 15 minutes
	$(BIN)/python -m benchmarks performance chaos --data $(EVAL_DATA)

.PHONY: bench-gateway
bench-gateway: $(READY) ## the gateway: 20,000 calls with faults, its books, latency, failover, budget, quota: about 20 minutes
	for part in gateway gateway-added gateway-failover gateway-budget gateway-quota; do $(BIN)/python -m benchmarks performance $$part --data $(EVAL_DATA) || exit 1; done

.PHONY: bench-quality
bench-quality: $(READY) ## the suites first.yaml and chroma.yaml, about fifteen minutes
	$(BIN)/python -m benchmarks run benchmarks/suites/first.yaml --data $(EVAL_DATA) --out runs/first-$(NOW)
	$(BIN)/python -m benchmarks run benchmarks/suites/chroma.yaml --data $(EVAL_DATA) --out runs/chroma-$(NOW)

.PHONY: bench-answers
bench-answers: $(READY) ## the suite answers.yaml, from question to answer without a model, about five minutes
	$(BIN)/python -m benchmarks run benchmarks/suites/answers.yaml --data $(EVAL_DATA) --out runs/answers-$(NOW)

.PHONY: bench-calibration
bench-calibration: $(READY) ## fit the relevance on the development sets, and say how good it is
	$(BIN)/python -m benchmarks calibrate benchmarks/suites/calibrate.yaml --data $(EVAL_DATA)

.PHONY: bench
bench: bench-latency bench-indexing bench-memory bench-quality ## all measurements but the calibration

.PHONY: clean
clean: ## remove the environment, the indexed data and the runs
	rm -rf $(VENV) data runs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
