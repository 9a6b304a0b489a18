# Two commands for a newcomer: `make run` and `make test`. CONTRIBUTING.md says what the others are for.

# Where no bytecode is kept, each process that a test starts compiles the package anew: longer than most of these tests.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNEL := setup.py pyproject.toml $(foreach name,_kernel _blocks,src/dedup/kernels/$(name).py src/dedup/kernels/$(name).pxd)

PYTEST := $(BIN)/pytest -n auto --dist worksteal

.PHONY: run test test-slow test-spark check lint format build docs bench bench-quality train asan wheel-test clean

run: $(VENV)/built
	$(BIN)/dedup run seeds --out clusters.parquet

# In less than six minutes on two cores.
test: lint
	$(PYTEST) -m "not slow and not spark"

# The tests that `make test` leaves out because they take long.
test-slow: $(VENV)/tools
	$(PYTEST) -m "slow and not spark"

# What starts Spark: its answer against that of one machine. Needs Java 17.
test-spark: $(VENV)/tools
	$(BIN)/pytest -m spark

# Before each commit, in less than a minute: the tests that take no second, with few examples of Hypothesis.
check: lint
	HYPOTHESIS_PROFILE=few $(PYTEST) -m "not seconds and not slow and not spark"

lint: $(VENV)/tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright tests/typing
	$(BIN)/lint-imports

format: $(VENV)/tools
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

build: $(VENV)/built

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	touch $@

# Set up once, and again when what is built or needed has changed.
$(VENV)/built: $(VENV)/pip $(KERNEL)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[cli,report]"
	touch $@

$(VENV)/tools: $(VENV)/built
	$(BIN)/pip install --quiet --disable-pip-version-check --group dev
	touch $@

# The site, into build/docs; a broken link or a name without a page ends it.
docs: $(VENV)/tools
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Speed beside the peers, then the constants behind `dedup plan`; benchmarks/README.md. About twenty minutes, some of them for
# articles that are made once, in CORPORA. ENGINES=local,spark measures Spark too and needs Java 17.
CORPORA ?= build/scale
ENGINES ?= local

bench: $(VENV)/tools
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/scale.py "$(CORPORA)" --constants --sizes 10000,100000,1000000 --engines $(ENGINES) --name scale-constants

# Furniture, then quality beside the peers, each in an environment of its own; about 22 minutes. SETS is the folder of the labelled sets.
bench-quality: $(VENV)/tools
	$(BIN)/pip install --quiet --disable-pip-version-check --group bench
	$(BIN)/python benchmarks/boilerplate.py $(if $(SETS),--folder "$(SETS)/..")
	$(BIN)/python benchmarks/relations.py $(if $(SETS),--folder "$(SETS)/..")
	$(BIN)/python benchmarks/quality.py $(if $(SETS),--sets "$(SETS)")

# The weights of the block classifier, and those of cross-validation, from the labelled pages; about 20 minutes.
train: $(VENV)/tools
	$(BIN)/pip install --quiet --disable-pip-version-check --group train
	$(BIN)/python benchmarks/train_blocks.py --folds

# The kernels under AddressSanitizer and UndefinedBehaviorSanitizer, fuzzed for half a minute.
asan: $(VENV)/tools
	PYTHON=$(CURDIR)/$(BIN)/python bash tools/asan.sh 30

# The built wheel in an empty environment with the core dependencies alone.
wheel-test: $(VENV)/tools
	PYTHON=$(CURDIR)/$(BIN)/python bash tools/wheel_test.sh

clean:
	rm -rf $(VENV) build dist src/*.egg-info src/dedup/kernels/_*.c src/dedup/kernels/*.so
