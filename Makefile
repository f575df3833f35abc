# One-liners over the scripts. `make help` lists them.
# Select with RUN=RUN_ID or TASK='pilot-*', several separated by blanks; anything else goes through
# ARGS='--json --dry-run', which the shell reads: quote in it what has blanks, ARGS='--name "Ada Lovelace"'.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
JOBS ?= 6

# What is typed reaches the script as it is, blanks, quotes and dollar signs too: nothing here expands it, and
# make exports no variable of which it would expand the value. Only a ~/ in front is left to the shell.
unexport FILE RUN TASK NAME ARGS ROWS SCALE
quoted = $(subst '~/,~/','$(subst ','\'',$1)')
one = $(if $(value $1),$2 $(call quoted,$(value $1)))
each = $(foreach item,$(value $1),$2 $(call quoted,$(item)))
SELECT = $(call each,RUN,--run) $(call each,TASK,--task-name)
# Some systems set NAME to that of the machine.
ifeq ($(origin NAME),environment)
NAME :=
endif

.DEFAULT_GOAL := help
.PHONY: help venv demo test suite check docs audit package whole long sweep fuzz load check-soak check-agreement bench report-bench clients clean launch preview resume status expire extend-hits top-up results runs events report diagnose check-runs broken review bonuses makeup block notify account raise-max-cost delete recover rebuild backup restore crowd invite workers messages remove-workers earnings keys panel simulate wut serve servers kill-servers capacity heroku-check heroku-launch heroku-status heroku-scale heroku-kill

help:  ## this list
	@echo "crowdops: launch, watch, stop and clean up crowdsourced work"
	@awk -F ':[^#]*## ' ' \
	  function show(name, text,   words, count, line, i) { \
	    line = sprintf("  %-16s", name); \
	    count = split(text, words, " "); \
	    for (i = 1; i <= count; i++) { \
	      if (length(line " " words[i]) > 79) { print line; line = sprintf("%18s", "") } \
	      line = line " " words[i] \
	    } \
	    print line \
	  } \
	  $$0 == "" && last ~ /^# / && before == "" { group = substr(last, 3) } \
	  /^[a-z-]+:.*## / { if (group) print "\n" group; group = ""; show($$1, $$2) } \
	  { before = last; last = $$0 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make status RUN=last       make expire TASK='pilot-*' ARGS=--dry-run"
	@echo
	@echo "Exit codes are the scripts'. Where one is not 0, make adds a line of its own,"
	@echo "such as \"Error 4\", which names it, and ends with 2 itself: cron and programs"
	@echo "call the scripts, or crowdops. What each code means: docs/scripts.md"

# Setting up

venv: $(STAMP)  ## the virtual environment in .venv, made when it is needed

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "crowdops needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python lacks the venv module. On Debian: apt install python3-venv"; exit 1; }
	@echo "Setting up $(VENV), once: a minute or more, as the network is ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --use-pep517 -c constraints.txt -e '.[dev,postgresql]' >&2
	@touch $@

# The two to begin with

demo: $(STAMP)  ## a whole run with six simulated workers, in about half a minute
	@PATH=$(call quoted,$(CURDIR)/$(VENV)/bin):"$$PATH" bash examples/demo.sh

# Told to keep no bytecode, as in many containers, each worker and each script would compile everything anew.
test: $(STAMP)  ## every test, and lint and types beside them
	@$(MAKE) --no-print-directory -j 2 check suite

suite: $(STAMP)
	env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n $(JOBS) --dist worksteal

check: $(STAMP)  ## lint and types
	$(VENV)/bin/ruff check lib scripts tests
	$(VENV)/bin/ruff format --check lib scripts tests
	$(PY) -m pytest -q tests/unit/test_house.py -k no_line_is_wider  # ruff lets a line pass that is one word
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

audit:  ## look up the pinned dependencies in the advisories of PyPI
	@PYTHON=$(call quoted,$(PYTHON)) .ci/audit

docs: $(VENV)/.docs  ## the pages of docs as a site, in site/; fails for a link or an anchor that leads nowhere
	@$(VENV)/bin/mkdocs build --strict  # with --quiet a dead anchor would pass
	@echo "The site begins at site/index.html"

$(VENV)/.docs: $(STAMP)
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]' >&2
	@touch $@

package:  ## build a wheel, install it in an empty environment, and try it
	@PYTHON=$(call quoted,$(PYTHON)) .ci/package

whole: $(STAMP)  ## every test, nothing of it a sample: long, sweep, fuzz, check-soak and check-agreement as well
	CROWDOPS_FULL_LONG=1 CROWDOPS_FULL_SWEEP=1 CROWDOPS_FULL_FUZZ=1 CROWDOPS_FULL_SOAK=1 $(PY) -m pytest -n $(JOBS) --timeout=3600

long: $(STAMP)  ## the official heroku and aws commands, a wide terminal, backups on PostgreSQL, from beginning to end
	CROWDOPS_FULL_LONG=1 $(PY) -m pytest -m long -n $(JOBS)

sweep: $(STAMP)  ## the long sweeps: kill -9 and Ctrl-C at every point, and a table of them; about 35 minutes on two cores
	CROWDOPS_FULL_SWEEP=1 $(PY) -m pytest -n $(JOBS) --timeout=1800 tests/crash

fuzz: $(STAMP)  ## what nobody would send, to the crowd server and from providers, and a table of what it cost
	CROWDOPS_FULL_FUZZ=1 $(PY) -m pytest -n $(JOBS) --timeout=1800 tests/fuzz tests/unit/crowdserver/test_machine.py

load: $(STAMP)  ## 200 workers at once on a crowd server that is killed under them, and a table; about 10 minutes
	@$(PY) -m tests.load $(value ARGS)

check-soak: $(STAMP)  ## 1,000 checks of runs in a row, what they leave behind, and what one costs; about 2 minutes
	CROWDOPS_FULL_SOAK=1 $(PY) -m pytest -s --timeout=3600 tests/soak/test_check_runs.py

check-agreement: $(STAMP)  ## 200 runs until simulated crowds agree: what was bought, against the least; about 3 minutes
	CROWDOPS_FULL_SOAK=1 $(PY) -m pytest -s --timeout=3600 tests/soak/test_agreement.py

bench: $(STAMP)  ## measure beside what people use instead: ROWS='status delete' SCALE=0.1; docs/performance.md
	@$(PY) -m tests.benchmarks $(if $(value SCALE),--scale $(call quoted,$(value SCALE))) $(value ARGS) $(if $(value ROWS),-- $(foreach item,$(value ROWS),$(call quoted,$(item))))

clients: $(STAMP)  ## Dallinger's, psiTurk's and larry's own code against a crowd server
	@$(PY) -m tests.benchmarks.try_clients

report-bench: $(STAMP)  ## time, memory and size of a report of 100,000 assignments
	@$(PY) -m tests.benchmarks.report $(value ARGS)

clean:  ## remove what make made
	rm -rf $(VENV) $(VENV)-bench site .mypy_cache .pytest_cache .ruff_cache .hypothesis lib/*.egg-info

# Working with runs: one target for every script

launch: $(STAMP)  ## launch a run: make launch FILE=examples/run.toml
	@$(PY) scripts/mturk/launch_run.py $(call one,FILE) $(value ARGS)

preview: $(STAMP)  ## the first rows as workers see them, as one HTML file: make preview FILE=run.toml
	@$(PY) scripts/local/preview_page.py $(call one,FILE) $(value ARGS)

resume: $(STAMP)  ## carry a crashed or stopped run on
	@$(PY) scripts/mturk/launch_run.py --resume $(call quoted,$(value RUN)) $(value ARGS)

status: $(STAMP)  ## what is outstanding, and whether it is safe to shut down
	@$(PY) scripts/mturk/print_outstanding_hit_status.py $(SELECT) $(value ARGS)

expire: $(STAMP)  ## end the outstanding HITs of a run
	@$(PY) scripts/mturk/expire_hits.py $(SELECT) $(value ARGS)

top-up: $(STAMP)  ## launch what the units of a run at its end still lack: make top-up RUN=last
	@$(PY) scripts/mturk/top_up_run.py $(SELECT) $(value ARGS)

extend-hits: $(STAMP)  ## more time or more assignments: ARGS='--hours 24', '--assignments 2'
	@$(PY) scripts/mturk/extend_hits.py $(SELECT) $(value ARGS)

results: $(STAMP)  ## collect and write the results of a run
	@$(PY) scripts/mturk/download_results.py $(SELECT) $(value ARGS)

runs: $(STAMP)  ## the runs in the registry
	@$(PY) scripts/local/print_runs.py $(SELECT) $(value ARGS)

report: $(STAMP)  ## how a run went, as one HTML file: make report RUN=last; ARGS=--json
	@$(PY) scripts/local/render_report.py $(SELECT) $(value ARGS)

events: $(STAMP)  ## the journal: what was done to what, when, by whom; ARGS='--since "2 h" --follow'
	@$(PY) scripts/local/print_events.py $(SELECT) $(value ARGS)

diagnose: $(STAMP)  ## why is my run not finishing?
	@$(PY) scripts/local/diagnose_run.py $(call one,RUN) $(value ARGS)

check-runs: $(STAMP)  ## is all well? for cron and monitoring: ARGS='-v', '-q', '--json' …
	@$(PY) scripts/local/check_runs.py $(SELECT) $(value ARGS)

broken: $(STAMP)  ## where registry and provider disagree; ARGS=--mend
	@$(PY) scripts/mturk/identify_broken_units.py $(SELECT) $(value ARGS)

# Review and money

review: $(STAMP)  ## approve or reject: ARGS='--export FILE', '--apply FILE', '--approve-all' …
	@$(PY) scripts/mturk/review_assignments.py $(SELECT) $(value ARGS)

bonuses: $(STAMP)  ## pay the bonuses of a file: make bonuses FILE=bonuses.csv
	@$(PY) scripts/mturk/pay_bonuses.py $(call one,FILE) $(SELECT) $(value ARGS)

makeup: $(STAMP)  ## a compensation HIT for one worker: ARGS='--worker … --amount … --reason …'
	@$(PY) scripts/mturk/launch_makeup_hits.py $(call one,FILE) $(call one,TASK,--task-name) $(value ARGS)

block: $(STAMP)  ## keep workers out: make block TASK=NAME ARGS=WORKER_ID
	@$(PY) scripts/mturk/soft_block_workers.py $(call one,TASK,--task-name) $(value ARGS)

notify: $(STAMP)  ## a message to workers: make notify FILE=text.txt TASK=… ARGS='--subject …'
	@$(PY) scripts/mturk/notify_workers.py $(call one,FILE) $(SELECT) $(value ARGS)

account: $(STAMP)  ## balance, spent and still to be spent
	@$(PY) scripts/mturk/print_account.py $(SELECT) $(value ARGS)

raise-max-cost: $(STAMP)  ## let a run cost more: make raise-max-cost RUN=RUN_ID ARGS=12.50
	@$(PY) scripts/local/raise_max_cost.py $(call one,RUN) $(value ARGS)

delete: $(STAMP)  ## dispose of HITs whose work is reviewed and stored
	@$(PY) scripts/mturk/delete_hits.py $(SELECT) $(value ARGS)

# After a crash

recover: $(STAMP)  ## find what crashed runs left, and take it down; ARGS=--resume carries on
	$(if $(value RUN)$(value TASK),$(error make recover takes all that crashed, not RUN or TASK. See it first: make recover ARGS=--dry-run))
	@$(PY) scripts/local/recover.py $(value ARGS)

rebuild: $(STAMP)  ## make the registry again from the marks alone
	@$(PY) scripts/local/rebuild_registry.py $(SELECT) $(value ARGS)

backup: $(STAMP)  ## a dated copy of the registry
	@$(PY) scripts/local/back_up.py $(value ARGS)

restore: $(STAMP)  ## take the registry back from a copy: make restore FILE=…
	@$(PY) scripts/local/restore_backup.py $(call one,FILE) $(value ARGS)

# The crowd server, and rehearsals

crowd: $(STAMP)  ## serve the crowd: the API and the workers' site
	@$(PY) scripts/local/serve_crowd.py $(value ARGS)

invite: $(STAMP)  ## sign-in links for workers: make invite ARGS='--name Ada'
	@$(PY) scripts/local/invite_workers.py $(value ARGS)

workers: $(STAMP)  ## the crowd's workers: last seen, done, earned
	@$(PY) scripts/local/print_workers.py $(value ARGS)

messages: $(STAMP)  ## what workers wrote to the requester: ARGS=--unanswered
	@$(PY) scripts/local/print_messages.py $(value ARGS)

remove-workers: $(STAMP)  ## end workers' access: make remove-workers ARGS='A1B2C3'
	@$(PY) scripts/local/remove_workers.py $(value ARGS)

earnings: $(STAMP)  ## what workers are owed, as CSV: make earnings ARGS='--month 2026-11'
	@$(PY) scripts/local/print_earnings.py $(value ARGS)

panel: $(STAMP)  ## a panel's link to a run: make panel RUN=RUN_ID ARGS='--units 5'
	@$(PY) scripts/local/print_panel_link.py $(call one,RUN) $(value ARGS)

keys: $(STAMP)  ## named keys of the crowd server's account
	@$(PY) scripts/local/manage_keys.py $(value ARGS)

simulate: $(STAMP)  ## simulated workers: make simulate ARGS='--workers 6 --seed 1'
	@$(PY) scripts/local/simulate_workers.py $(value ARGS)

wut: $(STAMP)  ## explain a setting: make wut NAME=task_reward; FILE=run.toml
	@$(PY) scripts/local/wut.py $(call one,NAME) $(call one,FILE,--run-toml) $(value ARGS)

# Task servers on this machine and at Heroku

serve: $(STAMP)  ## serve a run's pages on this machine: make serve RUN=RUN_ID
	@$(PY) scripts/local/launch_server.py $(call one,RUN) $(value ARGS)

servers: $(STAMP)  ## the task servers on this machine
	@$(PY) scripts/local/print_server_status.py $(SELECT) $(value ARGS)

kill-servers: $(STAMP)  ## end leftover task servers on this machine
	@$(PY) scripts/local/kill_servers.py $(SELECT) $(call each,NAME) $(value ARGS)

capacity: $(STAMP)  ## how many workers a run's server stands: make capacity RUN=RUN_ID
	@$(PY) scripts/local/find_capacity.py $(call one,RUN) $(value ARGS)

heroku-check: $(STAMP)  ## whose Heroku key is this, and what may it do
	@$(PY) scripts/heroku/check_credentials.py $(value ARGS)

heroku-launch: $(STAMP)  ## deploy a run's task server: make heroku-launch RUN=RUN_ID
	@$(PY) scripts/heroku/launch_server.py $(call one,RUN) $(value ARGS)

heroku-status: $(STAMP)  ## the task servers at Heroku
	@$(PY) scripts/heroku/print_server_status.py $(SELECT) $(value ARGS)

heroku-scale: $(STAMP)  ## more or larger dynos for a living run: make heroku-scale RUN=RUN_ID ARGS='--dynos 2'
	@$(PY) scripts/heroku/scale_server.py $(call each,RUN,--run) $(call each,NAME) $(value ARGS)

heroku-kill: $(STAMP)  ## delete leftover task servers at Heroku
	@$(PY) scripts/heroku/kill_servers.py $(SELECT) $(call each,NAME) $(value ARGS)
