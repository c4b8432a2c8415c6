# Baton: make demo, make test. Everything else is listed by make help.

PY := .venv/bin/python
TYPED := config integrations handoffs conversations
PORT ?= 8000
JOURNEYS := tests/journeys
CHAOS := tests/chaos
TALKS := tests/conversations
HANDOFFS := tests/handoffs
VENDORS := tests/vendors tests/contract
WORKER := $(PY) -m celery -q -A config worker -P threads --without-gossip --without-mingle
KEY ?= salesforce_messaging
SIMULATOR_PORT ?= 8790

.DEFAULT_GOAL := help
.PHONY: help pins new-vendor setup demo test long chaos bench screenshots browser lint types docs check run worker relay beat simulate

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.installed ## make .venv and install the packages that run Baton

# Done again only when a list of packages changed.
.venv/.installed: requirements-runtime.txt .ci/setup
	@.ci/setup
	@touch $@

.venv/.installed-tests: requirements.txt .venv/.installed
	@.ci/setup tests
	@touch $@

.venv/.installed-dev: pyproject.toml .venv/.installed-tests
	@.ci/setup dev
	@touch $@

.venv/.installed-oracles: pyproject.toml .venv/.installed-tests
	@.ci/setup oracles
	@touch $@

demo: setup ## start everything and print where to look (PORT=8000)
	@$(PY) manage.py demo --port $(PORT)

# Five parts side by side, the others when the shortest are over; each has stores of its own. Most
# of them wait more than they work, so that two cores are enough; what starts whole products and
# looks at the clock goes before them.
test: .venv/.installed-oracles browser ## run the whole suite
	@$(MAKE) --silent --no-print-directory --keep-going --jobs 5 --output-sync=target \
		test-journeys test-handoffs test-vendors test-talks test-chaos test-rest test-handoffs-more

test-journeys:
	@$(PY) -m pytest $(JOURNEYS)

test-chaos:
	@$(PY) -m pytest $(CHAOS)

test-vendors:
	@nice -n 5 $(PY) -m pytest $(VENDORS)

test-talks:
	@nice -n 5 $(PY) -m pytest $(TALKS)

test-handoffs:
	@$(PY) -m pytest $(HANDOFFS)/test_[a-h]*.py

test-handoffs-more:
	@$(PY) -m pytest $(HANDOFFS) --ignore-glob='*/test_[a-h]*.py'

test-rest:
	@nice -n 5 $(PY) -m pytest $(patsubst %,--ignore=%,$(JOURNEYS) $(CHAOS) $(VENDORS) $(TALKS) $(HANDOFFS))

# Chaos of one vendor takes a core, with what it starts again: two at a time, each with stores of
# its own.
long: .venv/.installed-oracles browser ## what make test leaves out, and everything broken at every vendor
	@$(PY) -m pytest -m "long or hypothesis" --hypothesis-profile long --timeout 900
	@$(MAKE) --silent --no-print-directory --keep-going --jobs 2 --output-sync=target \
		$$($(PY) -m tests.chaos --list | sed 's/[^ ]*/chaos-&/g')

chaos-%:
	@$(PY) -m tests.chaos --vendor $* --seconds $(or $(SECONDS),150)

chaos: .venv/.installed-tests ## break everything in turn while people talk (SECONDS=600 ARGS="--vendor zendesk")
	@$(PY) -m tests.chaos --seconds $(or $(SECONDS),600) $(ARGS)

bench: .venv/.installed-tests ## measure Baton beside its floor (SECONDS=10 ARGS="--only latency")
	@$(PY) -m tests.bench --seconds $(or $(SECONDS),10) $(ARGS)

screenshots: .venv/.installed-tests browser ## take the pictures of docs (ARGS="--pages topics-new" or "--vendor zendesk")
	@$(PY) -m tests.journeys.screenshots $(ARGS)

browser: .venv/.installed-tests
	@$(PY) -m tests.browser

lint: .venv/.installed-dev ## check style with ruff
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: .venv/.installed-dev ## check types with mypy, and the widget with TypeScript
	DEBUG=true $(PY) -m mypy $(TYPED)
	.venv/bin/node .venv/node/node_modules/typescript/bin/tsc -p conversations/static/conversations

check: ## all that the continuous integration runs
	@.ci/run

pins: .venv/.installed-dev ## pin the packages of pyproject.toml anew (ARGS="--upgrade-package celery")
	@UV=.venv/bin/uv $(PY) .ci/pin $(ARGS)

new-vendor: setup ## begin a vendor's folder (key=five9 name="Five9")
	@$(PY) manage.py new_vendor $(key) --name "$(name)"

docs: setup ## write the generated pages of docs/ anew
	$(PY) manage.py write_docs

run: setup ## start the web process alone (needs .env; PORT=8000)
	$(PY) -m uvicorn config.asgi:application --port $(PORT) --loop uvloop \
		--ws websockets-sansio --ws-max-size 262144 --no-access-log

worker: setup ## start a worker for short jobs (needs .env)
	$(WORKER) -Q turns,default,clock -c 16 -n worker@%h

relay: setup ## start a relay worker (needs .env; NAME=relay1)
	$(WORKER) -Q relay -c 8 -n $(or $(NAME),relay1)@%h

beat: setup ## start the clock of the sweeps (needs .env)
	$(PY) -m celery -q -A config beat -s var/celerybeat-schedule

simulate: setup ## pretend to be a vendor (needs .env; KEY=salesforce_messaging)
	$(PY) manage.py run_simulator $(KEY) --port $(SIMULATOR_PORT)
