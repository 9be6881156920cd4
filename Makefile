# Every target sets itself up in .venv; all it needs is Python 3.11 or newer, with venv, and a package index within reach.
.PHONY: demo test test-fast lint docs bench bench-read bench-sources bench-slow-batches bench-calls bench-cluster bench-bad-day bench-idle bench-workers mutants lock clean

# The first Python that is new enough; `make PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PYTEST_ARGS ?=
ROWS ?= 100000
VENV = .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

demo: $(STAMP)
	@$(BIN)/syncd demo

# Each file of tests by one worker, so that what a file starts is started once; tests wait a lot, so two workers for each
# processor.
WORKERS ?= $(shell "$(PYTHON)" -c 'import os; print(2 * (os.cpu_count() or 1))')
PYTEST = $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder
test: $(STAMP)
	@$(PYTEST) $(PYTEST_ARGS)

# What needs no container, no browser, no network and no npm, and takes no time.
test-fast: $(STAMP)
	@$(PYTEST) --ignore=tests/outside -m "not postgres and not long" $(PYTEST_ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The site of docs/, in site/; a link that leads nowhere ends it. The theme's notice of its successor is left out.
SITE ?= site
docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --site-dir $(abspath $(SITE))

# One table, beside peers where they are installed (duckdb polars csv-diff drt-core); POSTGRES=URL for a state there too.
bench: $(STAMP)
	@POSTGRES="$(POSTGRES)" $(BIN)/python tests/bench/table.py $(ROWS)

# How long an export takes to read and to map.
bench-read: $(STAMP)
	@$(BIN)/python tests/bench/large_export.py $(ROWS)

# What a run costs that finds nothing to do, by kind of source, at a tenth of the rows and at all: make bench-sources ROWS=100000 KINDS="rest sql"
bench-sources: $(STAMP)
	@$(BIN)/python tests/bench/sources.py $(or $(ROWS),100000) $(KINDS)

# Runs until a first load is done where batches of 100 come to pass after syncd has stopped to wait; takes minutes.
bench-slow-batches: $(STAMP)
	@PYTHONPATH=tests/doubles $(BIN)/python tests/bench/slow_batches.py $(ROWS)

# How near a run comes to the bound of its calls, where go~mus answers each after 50 ms.
bench-calls: $(STAMP)
	@$(BIN)/python tests/bench/calls.py

# How much faster the work of many museums is done with more workers: make bench-cluster POSTGRES=postgresql://...
bench-cluster: $(STAMP)
	@POSTGRES="$(POSTGRES)" $(BIN)/python tests/bench/cluster.py $(or $(MUSEUMS),40) $(or $(CUSTOMERS),500) $(LARGE)

# Whether all is well after workers were killed and frozen, PostgreSQL was restarted and everybody replaced; minutes:
# make bench-bad-day POSTGRES=postgresql://... CONTAINER=name-of-its-container SEED=2
bench-bad-day: $(STAMP)
	@POSTGRES="$(POSTGRES)" CONTAINER="$(CONTAINER)" $(BIN)/python tests/bench/cluster_in_trouble.py \
		$(or $(MUSEUMS),24) $(or $(KILLS),20) $(SEED) $(or $(CUSTOMERS),300)

# What scheduler and workers ask of PostgreSQL, idle and for each run; the server has pg_stat_statements loaded:
# make bench-idle POSTGRES=postgresql://... MUSEUMS=100
bench-idle: $(STAMP)
	@POSTGRES="$(POSTGRES)" $(BIN)/python tests/bench/idle.py $(or $(MUSEUMS),100)

# How many workers some museums take, and how long short runs wait: reckoned, not run. make bench-workers MUSEUMS=5000
bench-workers: $(STAMP)
	@$(BIN)/python tests/bench/workers.py $(or $(MUSEUMS),5000)

# Breaks one place at a time and sees whether a test notices; some seconds for each: make mutants MUTANTS=100 SEED=2
MUTANTS ?= 60
SEED ?= 1
mutants: $(STAMP)
	@$(BIN)/python tests/mutants.py --number=$(MUTANTS) --seed=$(SEED) $(PACKAGES)

# The exact versions in the container image, which has every extra, and of what builds it there. No address of a package
# index may get into the files.
EXTRAS = $(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print(*(f"--extra={name}" for name in extras if name not in ("dev", "docs")))'
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --upgrade --allow-unsafe --no-header --no-annotate \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options
lock: $(STAMP)
	@$(COMPILE) $$($(EXTRAS)) --output-file deploy/requirements.lock pyproject.toml
	@$(COMPILE) --only-build-deps --build-deps-for wheel --output-file deploy/build.lock pyproject.toml

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) is not Python 3.11 or newer; name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "Installing syncd and its tools into $(VENV) (only this once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find syncd tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
