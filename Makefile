# Everything that a fresh machine needs beside Python 3.11 and make is installed here, into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# dora finds the nodes' programs on PATH.
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/.peers/bin:$(PATH)

.PHONY: help venv demo demo-dashcam test bench peers storm check browser clean
.DEFAULT_GOAL := help

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

venv: $(VENV)/.installed  ## Python environment with everything, in .venv

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[cpu,store,dev]"
	@touch $@

demo: venv  ## A simulated shift through the whole vehicle graph, into demo-out/
	winnow demo --out demo-out

demo-dashcam: venv  ## A generated drive through both dashcam graphs, into demo-dashcam-out/
	winnow demo-dashcam --out demo-dashcam-out

test: venv browser check  ## Lint, types, contracts and all tests
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not storm"

check: venv  ## Lint, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	winnow types

# Each in an environment of its own: awscli pins botocore.
peers:  ## Programs that the benchmark "upload" compares with, in .peers
	@mkdir -p .peers/bin
	@for pair in awscli:aws s3cmd:s3cmd; do \
		name=$${pair%%:*}; program=$${pair##*:}; \
		[ -x .peers/$$name/bin/$$program ] || { \
			echo "Installing $$name ..." && $(PYTHON) -m venv .peers/$$name \
			&& .peers/$$name/bin/python -m pip install --quiet $$name; } || exit 1; \
		ln -sf ../$$name/bin/$$program .peers/bin/$$program; \
	done

bench: venv  ## Measure; writes docs/benchmarks.md
	winnow bench --all --write docs/benchmarks.md

storm: venv  ## The long kill and fault rounds, and the suite on newly drawn cases
	$(BIN)/python -m pytest -m "storm or not storm" --timeout 3600

# The one thing from Debian: Chromium, for the tests that look at pages. Without root or apt they skip.
browser:
	@if command -v chromium >/dev/null 2>&1 || [ -n "$$WINNOW_NO_APT" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "Installing Debian's chromium (headless browser for the page tests) ..."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "chromium is not installed: the page tests will skip (apt-get install chromium)."; fi

clean:  ## Remove everything that can be made again
	rm -rf $(VENV) .peers build dist demo-out demo-dashcam-out runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
