# `make` alone lists the targets. Everything is installed into .venv; an unchanged requirements file is not read again.
PYTHON ?= python3
PORT ?= 8501
VISITORS ?= 50
TRAININGS ?= 0
UPLOADS ?= 0
REPLICAS ?= 0
SECONDS ?= 60
APP ?= app.py
CASES ?= 10000
# A worker that waits for its browser leaves a core to another: one more than there are, as far as memory goes.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 8 ? n + 1 : 8)))
PY := .venv/bin/python
# What needs neither a browser, a page, TensorFlow nor another process.
QUICK := tests/test_architecture.py tests/test_checked.py tests/test_text.py tests/test_types.py tests/metrics tests/networks \
	tests/selection tests/exhibits tests/plots tests/methods/test_post_hoc.py tests/store/test_manifest.py tests/ui/test_words.py
PIP := $(PY) -m pip --disable-pip-version-check install --quiet

.PHONY: help run check test lint load fuzz damage attack stress audit speed bench train clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: .venv/serve.stamp ## start the dashboard on http://localhost:$PORT (8501); needs no TensorFlow
	MALLOC_ARENA_MAX=1 $(PY) -m streamlit run app.py --server.port $(PORT)

check: lint ## style, types and the quick tests: the inner loop, under a minute
	$(PY) -m pytest -n 2 --dist loadfile -k "not keras" $(QUICK)

# Where the shell forbids to keep what was compiled, each of the tests' many processes would compile all of it anew.
check test: export PYTHONDONTWRITEBYTECODE =

test: .venv/dev.stamp ## run all tests, in WORKERS processes (one more than there are cores)
	$(PY) -m pytest -n $(WORKERS) --max-worker-restart 1 --dist loadfile --no-loadscope-reorder

lint: .venv/dev.stamp ## check style, formatting and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

load: .venv/dev.stamp ## visitors at a server of its own: VISITORS (50) for SECONDS (60), TRAININGS (0), UPLOADS (0 of the visitors), REPLICAS (0) behind nginx, PAGES (all) of APP
	$(PY) -m tests.load --visitors $(VISITORS) --seconds $(SECONDS) --trainings $(TRAININGS) --uploads $(UPLOADS) --replicas $(REPLICAS) \
		--app $(APP) $(PAGES)

stress: .venv/dev.stamp ## a hundred trainings whose owners cancel and vanish, whose workers are killed
	$(PY) -m tests.stress

damage: .venv/dev.stamp ## 1,000 bit flips over all that is stored, 200 kills of a writer, 21 kinds of wrong content on every page
	$(PY) -m tests.damage

attack: .venv/dev.stamp ## hostile visitors at a server of its own, and what others wait meanwhile
	$(PY) -m tests.attack $(ATTACKS)

audit: .venv/dev.stamp ## known vulnerabilities of what is installed; fails where nothing could be audited
	.ci/audit

speed: .venv/dev.stamp ## what two moons' "Train now" takes: first frame, frames a second, the end; and what was said
	$(PY) -m tests.live_speed --estimates

fuzz: .venv/dev.stamp ## 10,000 mutated files of all kinds that are read: CASES of them
	$(PY) -m tests.fuzz --cases $(CASES)

bench: .venv/train.stamp ## time it, with the naive way beside it
	$(PY) -m uqcore bench

train: .venv/train.stamp ## train every model again (hours on two cores)
	@set -e; for task in $$($(PY) -c "from uqcore.datasets import DATASETS; print(*DATASETS)"); do \
		$(PY) -m uqcore train --task $$task; done
	$(PY) -m uqcore tables --task sine
	$(PY) -m uqcore reproduce --keep

clean: ## remove .venv and the tools' caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache

.venv/serve.stamp: requirements-serve.txt
.venv/train.stamp: requirements.txt requirements-serve.txt
.venv/dev.stamp: requirements-dev.txt requirements.txt requirements-serve.txt
.venv/serve.stamp .venv/train.stamp .venv/dev.stamp: | $(PY)
	@echo "Installing $< into .venv ..."
	@$(PIP) -r $<
	@touch $@

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, but there is no $(PYTHON): install it."; exit 1; }
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; sys.version_info >= (3, 11) or sys.exit(\
	"Python 3.11 or newer is needed, but $(PYTHON) is " + v + ": name another one with make PYTHON=python3.11.")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
