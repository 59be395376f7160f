# Everything sets itself up: `make demo` and `make test` need Python 3.11 to 3.14 and make.

# Ends with 0 on a Python that Narada runs on.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$name" -c '$(SUITS)' 2>/dev/null && command -v "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Side by side; each process takes over what another has not come to.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL_FAILED = { rm -f $(VENV)/.unfinished; echo "The packages could not be installed, as said above. Run this again to go on."; exit 1; }

.PHONY: help demo demo-web run test test-all lint format bench requirements clean

help: ## say what there is
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 15

# A set-up that was killed leaves .unfinished behind, and the next one starts over.
$(VENV)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Narada needs Python 3.11 to 3.14; none was found. Install one, or run: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@command -v "$(PYTHON)" >/dev/null || { echo "There is no $(PYTHON) here (PYTHON). Narada needs Python 3.11 to 3.14."; exit 1; }
	@"$(PYTHON)" -c '$(SUITS)' 2>/dev/null || { echo "$(PYTHON) (PYTHON) is $$("$(PYTHON)" --version 2>&1). Narada needs Python 3.11 to 3.14."; exit 1; }
	@if test -e $(VENV)/.unfinished || ! { $(BIN)/python -c '$(SUITS)' && $(BIN)/python -m pip --version; } >/dev/null 2>&1; then rm -rf $(VENV); fi
	@mkdir -p $(VENV) && touch $(VENV)/.unfinished
	@test -x $(BIN)/python || { echo "Making a virtual environment in $(VENV) with $(PYTHON) ..."; "$(PYTHON)" -m venv $(VENV); } || { rm -rf $(VENV); echo "Python's venv module does not work here. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing the packages of requirements.txt (a minute or two, once) ..."
	@$(PIP) install -r requirements.txt && $(PIP) install --no-deps --editable . || $(INSTALL_FAILED)
	@rm $(VENV)/.unfinished && touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@mv $(VENV)/.installed $(VENV)/.unfinished
	@$(PIP) install -r requirements-dev.txt || $(INSTALL_FAILED)
	@mv $(VENV)/.unfinished $(VENV)/.installed && touch $@

demo: $(VENV)/.installed ## try Narada against a sandbox: no accounts needed
	@$(BIN)/python manage.py demo $(ARGS)

demo-web: $(VENV)/.installed ## the demo's web pages and admin, with the sandbox behind them
	@$(BIN)/python manage.py demo --serve $(ARGS)

run: $(VENV)/.installed ## web, worker and beat on this machine
	@exec $(BIN)/python manage.py run $(ARGS)

test: $(VENV)/.installed-dev ## run the tests, but for the long ones
	@$(PYTEST) -m "not slow and not browser" $(ARGS)

test-all: $(VENV)/.installed-dev ## run all tests: kills, random faults, a browser, long searches
	@$(PYTEST) --hypothesis-profile=long $(ARGS)

lint: $(VENV)/.installed-dev ## style, types, migrations
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0

format: $(VENV)/.installed-dev ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## measure calls, statements and ratios
	@$(BIN)/python -m benchmarks.sync

requirements: $(VENV)/.installed-dev ## pin the newest versions that pyproject.toml allows
	@$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --annotation-style=line --output-file requirements.txt pyproject.toml
	@$(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --annotation-style=line --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

clean: ## remove what was made here, but never your data in var/
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
