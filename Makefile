# Atelier's commands. `make run` and `make test` set up everything they need; the second time that takes no time and no network.
# Every target is for people: nothing here is needed by a deployment (see docker/ and README, "Operations").

PY := .venv/bin/python

# Tests run in one process more than there are cores (some wait), four at most: each one that meets the local runner loads torch. Files
# stay whole, and begin in the order of tests/order.py. WORKERS=0: in one process, for a debugger.
PROCESSES = $(or $(WORKERS),$(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1))))
SPREAD = --numprocesses=$(PROCESSES) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder
# A browser and a studio for each.
SPREAD_BROWSERS = --numprocesses=$(PROCESSES) --maxprocesses=2 --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run scaled restart worker test test-browser check format bench chaos screenshots stability-standin stripe-standin lock setup setup-scaled setup-dev clean clean-venv
.NOTPARALLEL:

help: ## List the commands
	@echo "Atelier: make COMMAND"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*\#\# \([^(].*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  %-17s %s\n", $$1, $$2}'
	@echo
	@echo "  PORT=8080     port of 'make run' and the stand-ins (0: any free one)"
	@echo "  WORKERS=0     tests in one process, for a debugger"
	@echo "  ARGS='…'      handed on to pytest, manage.py up, the benchmark or chaos"

setup: ## (called by the others) Set up .venv to run the studio
	@requirements/install run

setup-scaled: ## (called by the others) Set up .venv to run the studio on PostgreSQL and Redis
	@requirements/install scaled

setup-dev: ## (called by the others) Set up .venv to test and develop
	@requirements/install dev

run: setup ## Set up, start the studio, say its address; Ctrl+C stops it
	@exec $(PY) manage.py up $(if $(PORT),--port $(PORT)) $(ARGS)

scaled: setup-scaled ## The same on PostgreSQL and Redis: two web processes, up to three workers: make scaled ARGS='--web 4'
	@exec $(PY) -m studio.processes.services up $(if $(PORT),--port $(PORT)) $(ARGS)

restart: setup-scaled ## Replace the processes of a running 'make scaled' one by one with those of the code as it is now
	@exec $(PY) -m studio.processes.services restart

worker: setup ## Run one worker by itself, beside a studio that is running: make worker QUEUE=diffusers
	@exec $(PY) manage.py worker $(addprefix --queue ,$(or $(QUEUE),diffusers)) $(ARGS)

test: setup-dev ## Set up and run the tests, but for those that need a browser
	@$(PY) -m pytest -m "not browser" $(SPREAD) $(ARGS)

test-browser: setup-dev ## Set up and run the tests that drive a real browser against the real studio
	@browser=$$(requirements/browser) && CHROMIUM="$$browser" $(PY) -m pytest -m browser $(SPREAD_BROWSERS) $(ARGS)

check: setup-dev ## Everything that can be said without running: style, types, arrows, settings, migrations, locks
	@.ci/check

format: setup-dev ## Bring the code into shape
	@.venv/bin/ruff check --fix --quiet . || true
	@.venv/bin/ruff format .

bench: setup-dev ## Measure what the design promises; writes var/bench.json: make bench ARGS='ledger live'
	@$(PY) -m tests.bench $(ARGS)

chaos: setup-dev ## Kill processes, Redis and connections under load, then judge; writes var/chaos.json: make chaos ARGS='--jobs 60'
	@$(PY) -m tests.chaos $(ARGS)

screenshots: setup-dev ## Take pictures of every page, 1440 and 390 px, dark and light, into var/screenshots/
	@browser=$$(requirements/browser) && CHROMIUM="$$browser" $(PY) -m tests.browser.screenshots $(ARGS)

stability-standin: setup-dev ## A server that speaks the Stability API, draws its own pictures and costs nothing
	@exec $(PY) -m tests.stability_server $(if $(PORT),--port $(PORT)) $(ARGS)

stripe-standin: setup-dev ## A server that speaks Stripe's API, with a pay page and signed webhooks: no money moves
	@exec $(PY) -m tests.stripe_server $(if $(PORT),--port $(PORT)) $(ARGS)

lock: setup-dev ## Write requirements/*.txt anew from pyproject.toml (UPGRADE=1: newer versions)
	@UPGRADE=$(UPGRADE) requirements/lock

clean: ## Remove what checks, tests and benchmarks left (neither data/, data-scaled/ nor .venv)
	@rm -rf var .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find accounts billing studio tests -name __pycache__ -type d -prune -exec rm -rf {} +

clean-venv: clean ## Remove .venv too; the next command makes it anew
	@rm -rf .venv .venv.lock
