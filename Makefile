# Nothing is assumed but make and Python 3.11 to 3.13 (on Debian and Ubuntu with python3-venv). Every target sets up what
# it needs.

VENV := .venv
BIN := $(VENV)/bin
# What a virtual environment is given last: without it, it was not finished.
WHOLE := $(BIN)/activate
SUPPORTED := -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
PYTHON ?= $(shell for python in $(if $(wildcard $(WHOLE)),$(BIN)/python) python3 python3.13 python3.12 python3.11; do \
	$$python $(SUPPORTED) 2>/dev/null && echo $$python && break; done)
# Byte code is made by all cores, after pip, and not left to the first import: where PYTHONDONTWRITEBYTECODE is set, as in
# many containers, every start would take twice as long. Where it cannot be made, say without /dev/shm, all works as well.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
COMPILE := $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true

.PHONY: help run up test fast stress bench browser check lock clean

help:
	@echo "make run    set up, and run the whole job (against the sandbox, or what .env names)"
	@echo "make up     set up, and start dashboard, deployments and worker (likewise), until Ctrl-C"
	@echo "make test   set up, and pass every test"
	@echo "make fast   those that take a minute or two, without server and browser"
	@echo "make stress every fault, at length (an hour or so)"
	@echo "make bench  how fast it is, as ratios (ten minutes; FULL=1: twenty)"
	@echo "make check  style, types and layers"
	@echo "make lock   compile requirements.in to requirements.txt again (needs uv)"
	@echo "make clean  remove the virtual environment"
	@echo
	@echo "Another Python than the first that fits: make run PYTHON=/path/to/python3.12"

run: $(VENV)/installed-run
	@$(BIN)/python -m tests.sandbox

up: $(VENV)/installed-run
	@$(BIN)/python -m tests.sandbox --up

# Three at a time keep two cores busy: the slow tests wait a lot. The tests of a file share its servers. Files come as
# they are listed, for those with the most tests do not take longest.
test: fast browser
	$(BIN)/python -m pytest -m "slow and not stress" -n 3 --dist loadfile --no-loadscope-reorder

fast: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "not slow and not stress" -n 2

stress: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "stress or fault" -n 2 --dist loadfile --timeout 1800

# The dashboard is tested in the machine's own browser; else in Debian's, else in the one that Playwright fetches.
browser: $(VENV)/installed-test
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	echo "installing a browser for the dashboard's tests ..."; \
	{ test "$$(id -u)" = 0 && apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install chromium; } >/dev/null 2>&1 \
	|| $(BIN)/python -m playwright install chromium \
	|| { echo "The dashboard's tests need a browser: install chromium, so that it is found on the PATH"; exit 1; }

bench: $(VENV)/installed-test
	@$(BIN)/python -m tests.benchmarks $(if $(FULL),--full)

check: $(VENV)/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.faults.table --check

# Made anew if its Python is gone, or is not of the version of the one that was named.
version = $(shell command -v "$(1)" >/dev/null && "$(1)" -V)
ifneq ($(call version,$(BIN)/python),$(call version,$(PYTHON)))
.PHONY: $(WHOLE)
$(VENV)/installed-run: $(WHOLE)
endif

$(WHOLE):
	@$(or $(PYTHON),false) $(SUPPORTED) 2>/dev/null || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed: install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/installed-run: requirements.txt tests/sandbox/requirements.txt pyproject.toml | $(WHOLE)
	@echo "installing what runs (a minute or two the first time) ..."
	@$(INSTALL) --require-hashes -r requirements.txt -r tests/sandbox/requirements.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@$(COMPILE)
	@touch $@

$(VENV)/installed-test: tests/requirements.txt $(VENV)/installed-run
	@echo "installing what tests ..."
	@$(INSTALL) --require-hashes -r tests/requirements.txt
	@$(COMPILE)
	@touch $@

# A package with extras is listed under both of its names: to pip before 23.3 these are two, and each must be pinned.
lock:
	for folder in . tests/sandbox tests; do \
		uv pip compile --quiet --universal --no-strip-extras --generate-hashes --python-version 3.11 --no-emit-index-url \
			--no-emit-find-links --custom-compile-command "make lock" $$folder/requirements.in -o $$folder/requirements.txt \
		&& awk '/^[^ ]/ { printf "%s", plain; plain = ""; extras = /\[/ } \
			extras && !/^ *#/ { line = $$0; sub(/\[[^]]*\]/, "", line); plain = plain line "\n" } \
			{ print } END { printf "%s", plain }' $$folder/requirements.txt > $$folder/requirements.new \
		&& mv $$folder/requirements.new $$folder/requirements.txt || exit 1; \
	done

clean:
	rm -rf $(VENV)
