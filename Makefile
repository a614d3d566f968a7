# Every developer command, one line each. `make` alone prints them.
PYTHON ?= python3
VENV ?= $(if $(FACTEUR_VENV),$(FACTEUR_VENV),.venv)
BIN = $(VENV)/bin

# Tests that wait more than they work run side by side, each group on servers of its own. Those that start the services
# are apart from those of the rooms, whose rows no service may touch.
WAITING = $(patsubst %,tests/e2e/test_%.py,guessing policy signatures signing_in)
SILENT = $(patsubst %,tests/faults/test_%.py,maildrops silence workers)
BESIDE = @$(MAKE) --no-print-directory --output-sync=target

.PHONY: help setup run check fmt test rooms sockets waiting pages faults storms silence fuzz e2e bench compose-test lock messages migrations
help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16
run: ## the whole appliance on this machine, no containers: prints every address
	@$(PYTHON) -m appliance run
setup: ## environment for developers: .venv, PostgreSQL, Redis, the tests' mail clients
	@$(PYTHON) -m appliance setup-dev
test: setup ## every test but the long ones below, on a private PostgreSQL and Redis
	$(BESIDE) --jobs=3 $(if $(ARGS),rooms,pages sockets waiting rooms)
rooms:
	@$(BIN)/pytest $(if $(ARGS),$(ARGS),$(addprefix --ignore=tests/,e2e transcripts webadmin))
sockets:
	@$(BIN)/pytest tests/e2e tests/transcripts $(addprefix --ignore=,$(WAITING))
waiting:
	@$(BIN)/pytest $(WAITING)
e2e: setup ## the real `make run`: started, used, damaged, killed, in folders and on ports of its own
	@$(BIN)/pytest tests/appliance $(ARGS)
pages:
	@$(BIN)/pytest tests/webadmin
faults: setup ## kill -9, outages and hostile clients, for minutes
	$(BESIDE) --jobs=2 $(if $(ARGS),storms,storms silence)
storms:
	@$(BIN)/pytest -s tests/faults $(if $(ARGS),$(ARGS),$(addprefix --ignore=,$(SILENT)))
silence:
	@$(BIN)/pytest -s $(SILENT)
check: setup ## lint, format, types, import arrows, migrations, SQL
	@$(BIN)/python -m tests.check
fmt: setup ## format the code, mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .
bench: setup ## against Postfix and Dovecot in the same run: ratios (ONLY=words, KEEP=1 writes RESULTS.md)
	@$(BIN)/python -m bench
compose-test: ## the container stack with a real engine (installs one where there is none)
	@$(PYTHON) -m tests.containers
messages: setup ## gather what people read for translators (webadmin/locale), and compile what they wrote
	@$(BIN)/python -m tests.messages
migrations: setup ## write migrations for the models that have changed: make migrations NAME=what_it_does
	@$(BIN)/python -m tests.make_migrations
fuzz: setup ## every parser, FACTEUR_FUZZ_SECONDS each (20): make fuzz, or make fuzz ARGS="paths messages"
	@$(BIN)/python -m tests.fuzz $(ARGS)
lock: setup ## compile the hashed locks from pyproject.toml
	@$(BIN)/python -m appliance.lock
