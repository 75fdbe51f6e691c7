# The commands of the incident ledger. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIN ?= --upgrade
.DEFAULT_GOAL := help
# Where this is set, every test worker and every process of a stack compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE
.SUFFIXES:

.PHONY: help demo up down check quick test test-long test-containers simulate chaos mutate load lint format bench pin clean

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## Real incidents through all five events on a real Kafka and Postgres, their reports, and the log verified
	@$(BIN)/ledger demo $(DEMO)

up: $(VENV)/.run ## Run Postgres, Kafka and the four services here (Ctrl-C ends them)
	@$(BIN)/ledger up $(UP)

down: $(VENV)/.run ## End what `ledger up --detach` started
	@$(BIN)/ledger down

check: $(VENV)/.dev ## Lint, types, import rules, the quick tests by few examples: what to run before each commit
	@$(MAKE) --no-print-directory -j2 lint quick

quick: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n auto -m "not slow" --hypothesis-profile=quick tests/architecture tests/unit $(PYTEST)

test: $(VENV)/.dev lint ## Lint, types, import rules, and every test on a real Kafka and Postgres (about twenty minutes)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST)

test-long: export LEDGER_TEST_EXAMPLES := 25
test-long: test chaos mutate ## The tests, ten minutes of the campaign, then mutation testing: what CI runs at night

test-containers: $(VENV)/.dev ## The integration suite on postgres:18 and apache/kafka:4.3.1 by testcontainers (needs Docker)
	LEDGER_TEST_CONTAINERS=1 $(BIN)/python -m pytest tests/integration $(PYTEST)

simulate: $(VENV)/.dev ## Appender, relay, receiver and sealer under a million simulated faults (minutes); SEEDS=100 for less
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),4500)

chaos: $(VENV)/.dev ## Kill, stop, cut off, slow and fill everything under load, then check every answer; MINUTES=10 SEED=…
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

mutate: $(VENV)/.dev ## Change the rules and deciding halves in thousands of ways: the tests must notice (an hour); MUTATE="services.intake.*"
	@$(BIN)/mutmut run $(MUTATE)
	@$(BIN)/python -m tests.mutation $(MUTATE)

lint: $(VENV)/.dev ## Style, types (mypy strict) and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

load: $(VENV)/.dev ## Steady load, overload, callers who mean harm, one huge incident; LOAD="--rate 200" and more by --help
	$(BIN)/python -m tests.load $(LOAD)

bench: $(VENV)/.dev ## Measure speed, as ratios against limits taken in the same run
	$(BIN)/python -m tests.bench

pin: $(VENV)/.dev ## Refresh the pinned requirements, by hash and for every platform (PIN= only adds what is missing)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header $(PIN) \
		--extra local --extra build pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header $(PIN) \
		--extra dev --extra build --constraint requirements.txt pyproject.toml --output-file requirements-dev.txt

clean: ## Remove what the other commands made here, the environment included
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache demo .ledger chaos mutants

# Two environments in one folder: what runs the ledger, and on top what tests it.
$(VENV)/.run: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned requirements into $(VENV) (once, about half a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
