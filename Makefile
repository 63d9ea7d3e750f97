# Everything that a developer or a first-time user runs. Only Python 3.11+, git, make and package registries are expected;
# the tests also use Java 17 and Maven, for a real Neo4j server.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NEO4J := .neo4j/lib/.ready
NODE := tests/loopback_hub/node/node_modules/.ready
WEB := api/web/dist/index.html
WEB_PACKAGES := api/web/node_modules/.ready
GRAPHIQL := api/web/graphiql/dist/index.html
GRAPHIQL_PACKAGES := api/web/graphiql/node_modules/.ready
WEB_SOURCES := $(shell find api/web/src api/web/public api/web/tools -type f ! -name operations.ts) $(wildcard api/web/*.*)
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
TORCH := $(VENV)/.torch
PROCESSES ?= logical
PYTEST_FLAGS ?=
SIZE ?= 200000
SEED ?= 1
MODELS ?= 100000
ROOTS ?= 3
ROUNDS ?= 3
CASES ?= 100000
WHEELS ?= wheels
MEGABYTES ?= 1000
TABLES ?= ../shared/data/evals
LEADERBOARD ?= $(TABLES)/open_llm_leaderboard_v2.csv.gz

.DEFAULT_GOAL := help
.PHONY: help demo web screenshots test fuzz check neo4j bench bench-fuzz bench-minilm bench-reading bench-weights bench-similarity bench-ability bench-superseded bench-explorer format lock clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/it" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV) (once) ..." >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary=:all: --no-binary=jsonpath-rw -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(NEO4J): tests/neo4j/pom.xml
	@command -v java >/dev/null && command -v mvn >/dev/null || { echo "the tests use a real Neo4j server, which needs Java 17 and Maven: apt-get install openjdk-17-jre-headless maven; or leave it out with: make test NEO4J=" >&2; exit 1; }
	@echo "fetching the Neo4j server (once) ..." >&2
	@mvn -q -B -f tests/neo4j/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/.neo4j/lib
	@touch $@

$(NODE): tests/loopback_hub/node/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/loopback_hub/node && touch $@; else echo "npm is missing: the test with the Hub's JavaScript client is left out" >&2; fi

$(TORCH): $(READY) requirements/zoo.txt
	@echo "installing torch into $(VENV) (once, gigabytes) ..." >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements/zoo.txt
	@touch $@

$(WEB_PACKAGES) $(GRAPHIQL_PACKAGES): %/node_modules/.ready: %/package-lock.json %/.npmrc $(READY)
	@echo "installing the packages of $* (once) ..." >&2
	@cd $* && $(NPM) ci --silent && touch node_modules/.ready

$(WEB): $(WEB_PACKAGES) $(WEB_SOURCES) api/schema.graphql
	@echo "building the explorer ..." >&2
	@cd api/web && $(NPM) run --silent build

$(GRAPHIQL): $(GRAPHIQL_PACKAGES) $(wildcard api/web/graphiql/*.* api/web/graphiql/examples/*) api/web/tools/compress.mjs
	@echo "building GraphiQL ..." >&2
	@cd api/web/graphiql && $(NPM) run --silent build

demo: $(READY) $(WEB) $(GRAPHIQL) ## build the sample catalogue, serve it, and print the address
	@$(BIN)/stemma demo

web: $(WEB) $(GRAPHIQL) ## build the explorer that the service shows (node comes from PyPI)

screenshots: $(READY) $(WEB) ## write the README's pictures of the explorer anew (needs Chromium)
	@$(BIN)/python -m tests.explorer.screenshots

test: $(READY) $(WEB) $(GRAPHIQL) $(NEO4J) $(NODE) ## run every test, with a real Neo4j server
	@cd api/web && $(NPM) run --silent test
	@$(BIN)/python -m pytest -n $(PROCESSES) --maxprocesses 4 --dist loadfile $(PYTEST_FLAGS)

fuzz: $(READY) ## look for new cases that fail: generated rows, files, names, documents and graphs, ROUNDS times
	@for round in $$(seq $(ROUNDS)); do \
		$(BIN)/python -m pytest -q --hypothesis-profile=new $$(grep -rl "^@given" tests --include='*.py') $(PYTEST_FLAGS) || exit 1; \
	done

check: $(READY) $(WEB) ## format, lint, types and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@cd api/web && $(NPM) run --silent check

neo4j: $(NEO4J) ## fetch the Neo4j server that the tests use

bench: $(READY) $(NEO4J) ## measure on a generated Hub of SIZE models (SIZE=2500000 for the whole)
	@$(BIN)/python -m bench --size $(SIZE)

bench-weights: $(TORCH) ## train a zoo of tiny models (ROOTS, SEED) and judge what their weights tell
	@$(BIN)/python -m bench.zoo make .bench/zoo-$(SEED) --seed $(SEED) --roots $(ROOTS) --wrong-times 0.003
	@$(BIN)/python -m bench.zoo judge .bench/zoo-$(SEED)

bench-similarity: $(READY) ## all pairs and identify among MODELS generated sketches
	@$(BIN)/python -m bench.similarity pairs --models $(MODELS)
	@$(BIN)/python -m bench.similarity identify --models $(MODELS)

bench-ability: $(READY) ## foretell held-out results of the tables in the folder TABLES, beside the usual rules
	@$(BIN)/python -m bench.ability $(TABLES) --seed $(SEED)
	@$(BIN)/python -m bench.ability.whole --models 10000 --benchmarks 100 --seed $(SEED)

bench-superseded: $(READY) ## look for superseded models in LEADERBOARD, the table of the Open LLM Leaderboard (second version)
	@$(BIN)/python -m bench.ability.superseded $(LEADERBOARD)

bench-fuzz: $(READY) ## read CASES changed headers of each checkpoint format (SEED), and print the memory that it took
	@$(BIN)/python -m bench.fuzz --cases $(CASES) --seed $(SEED)

bench-minilm: $(READY) ## tell what the four packages of real weights in the folder WHEELS are (see bench/minilm.py)
	@$(BIN)/python -m bench.minilm $(WHEELS)

bench-reading: $(READY) ## read checkpoints of MEGABYTES beside the plain reading of the same files
	@$(BIN)/python -m bench.reading --megabytes $(MEGABYTES)

bench-explorer: $(READY) $(WEB) ## measure the map and the largest lineage in a browser, on a generated Hub of SIZE models
	@$(BIN)/python -m bench.explorer --size $(SIZE)

format: $(READY) ## format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY) ## write the pinned, hashed requirements anew
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate --group dev pyproject.toml -o requirements/dev.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate --group zoo pyproject.toml -o requirements/zoo.txt

clean: ## remove what make made
	rm -rf $(VENV) .neo4j tests/loopback_hub/node/node_modules api/web/node_modules api/web/dist api/web/graphiql/node_modules api/web/graphiql/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
