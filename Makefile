# sloctl: `make` lists what there is. Needs Python 3.11 or newer, GNU make, and PyPI (or $PIP_INDEX_URL).

PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	command -v $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
RUN_TESTS := -m pytest
COUNT_LINES := -m slipcover --source sloctl --json --out .coverage.json $(RUN_TESTS)

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these commands
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name does; do \
		printf '%-26s %s\n' "$$name" "$$does"; done

.PHONY: demo
demo: $(or $(wildcard $(VENV)/.dev),$(VENV)/.sidecar) ## Watch an incident burn a budget, in this terminal; ARGS="--duration 60s" ends by itself
	@$(BIN)/sloctl demo slos $(ARGS)

.PHONY: test
test: $(VENV)/.dev real-parts ## Run the tests; fetches Prometheus, Alertmanager and Chromium where apt-get may
	@$(BIN)/python $(RUN_TESTS) -n 2 $(ARGS)

.PHONY: test-full
test-full: $(VENV)/.dev real-parts ## Also run what takes longer than ten minutes
	@$(BIN)/python -m pytest -n 2 -m "full or not full" $(ARGS)

.PHONY: test-prometheus3
test-prometheus3: $(VENV)/.dev ## The rules' and the sources' tests again on Prometheus 3, which Go builds into .tools
	@binaries=$$(tests/tools/prometheus3) && PROMETHEUS=$$binaries/prometheus PROMTOOL=$$binaries/promtool \
		$(BIN)/python -m pytest -n 2 tests/rules tests/differential tests/self_slo tests/test_real.py \
		tests/sidecar/sources/test_otlp_prometheus.py tests/sidecar/sources/test_prometheus_real.py \
		tests/sidecar/notify/test_merge.py tests/sidecar/telemetry/test_prometheus_otlp.py $(ARGS)

.PHONY: test-engines
test-engines: $(VENV)/.dev real-parts ## Rules on vmalert, a push to Cortex's ruler, two clusters behind Thanos; Go builds all into .tools, in an hour, once
	@tests/tools/engines
	@$(BIN)/python -m pytest -m "full or not full" -s tests/engines $(ARGS)

.PHONY: test-chart
test-chart: $(VENV)/.dev real-parts ## All tests of the chart, with Helm 3 and the CRDs, which Go fetches into .tools
	@tests/tools/chart
	@$(BIN)/python -m pytest -m "full or not full" tests/helm $(ARGS)

.PHONY: e2e
e2e: $(VENV)/.dev ## The chart on a real API server, which Go builds into .tools in a quarter of an hour, once
	@tests/tools/chart
	@tests/tools/api-server
	@$(BIN)/python -m e2e

.PHONY: check
check: lint types contracts compiled docs ## All that CI runs: lint, types, contracts, committed output, the site, tests and their coverage
	@$(MAKE) --no-print-directory test RUN_TESTS="$(COUNT_LINES)"

.PHONY: lint
lint: $(VENV)/.dev ## Style: ruff
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

.PHONY: types
types: $(VENV)/.dev ## Types: mypy --strict
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(VENV)/.dev ## Architecture: who may import whom
	@$(BIN)/lint-imports --no-logo

.PHONY: style
style: $(VENV)/.dev ## How the code reads, in figures: words, docstrings, helpers
	@$(BIN)/python -m bench.style_figures $(ARGS)

.PHONY: compiled
compiled: $(VENV)/.dev ## The committed alerts/ and dashboards/ are what slos/ compile into
	@$(BIN)/sloctl compile slos -d . --check

.PHONY: docs
docs: $(VENV)/.dev ## The documents as a site in build/site; a link that leads nowhere fails
	@$(BIN)/python -m tests.site.build

.PHONY: chart
chart: $(VENV)/.dev ## The chart's README, schema and expected manifests, made anew of its values
	@$(BIN)/python -m tests.helm.documents

.PHONY: bench
bench: $(VENV)/.dev ## Start-up and a compile of 1,000 SLOs, measured here
	@$(BIN)/python -m bench $(ARGS)

.PHONY: bench-rules
bench-rules: $(VENV)/.dev real-parts ## The rules beside the peers', measured on a real Prometheus; ARGS=--full takes long
	@tests/tools/peers
	@$(BIN)/python -m bench.rules $(ARGS)

.PHONY: bench-fleet
bench-fleet: $(VENV)/.dev real-parts ## Hundreds of SLOs in one Prometheus, beside Sloth's; ARGS="--slos 1000 --minutes 15" for the table
	@tests/tools/peers
	@$(BIN)/python -m bench.fleet $(ARGS)

.PHONY: bench-sidecar
bench-sidecar: $(VENV)/.dev ## What a sidecar costs: memory and processor at scale, start, readers
	@$(BIN)/python -m bench.sidecar $(ARGS)

.PHONY: bench-sidecar-speed
bench-sidecar-speed: $(VENV)/.dev real-parts ## From outage to page, the sidecar beside the compiled rules; five minutes
	@$(BIN)/python -m bench.sidecar_speed

.PHONY: bench-sidecar-soak
bench-sidecar-soak: $(VENV)/.dev ## Half an hour of a sidecar with everything on; ARGS="--minutes N" for another time
	@$(BIN)/python -m bench.sidecar_soak $(ARGS)

.PHONY: attack
attack: $(VENV)/.dev ## A sidecar under attack beside one left alone: page, probes, memory, truth; two minutes
	@$(BIN)/python -m bench.sidecar_attack $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## Look for input that raises, led by coverage; ARGS="--seconds 600 spec" for one target and longer
	@$(BIN)/python -m tests.fuzz $(ARGS)

.PHONY: audit
audit: $(VENV)/.dev ## Known vulnerabilities of what is locked; asks PyPI, and fails where it gets no answer
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		--requirement requirements/dev.txt

.PHONY: release-dry-run
release-dry-run: $(VENV)/.dev ## All of a release that needs no registry: built twice, checked, installed, run
	@tests/tools/release-dry-run

.PHONY: lock
lock: $(VENV)/.dev ## Renew requirements/*.txt from pyproject.toml; ARGS=--upgrade for newer versions
	@BIN=$(BIN) requirements/lock $(ARGS)

.PHONY: clean
clean: ## Remove all that make and the tools put here
	rm -rf $(VENV) .tools build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage.json
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: real-parts
real-parts:
	@tests/tools/real-parts

$(BIN)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "sloctl needs Python 3.11 or newer, found '$(PYTHON)': make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Each stamp says: this lock is installed. The dev lock holds the sidecar's, at the same versions.
$(VENV)/.%: requirements/%.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements/$*.txt into $(VENV)" >&2
	@$(PIP) install --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
