# Everything runs in .venv, which is made on first use and brought up to date when pyproject.toml
# changes. Only pip and the package registry that it is configured for are needed.
#
#   make demo    compare real photographs with distorted versions: a table and a figure
#   make test    install everything, run all tests
#   make fuzz N=20000  so many damaged files, profiles, servers, tables and tar files
#   make test-ray  the tests of the Ray engine, which is an extra
#   make kills KILLS=20  kill every command so often over every kind of output, and go on
#   make lint    style, types, import directions
#   make docs    the documentation site, in docs/_build/html
#   make house   numbers of the house: code, ways, circles, public names
#   make bench   speed beside the peers, as JSON in results/
#   make clean   remove what the targets made; distclean: .venv as well

PYTHON ?= python3
WORKERS ?= 2
PIP_ARGS ?=
PYTEST_ARGS ?=
N ?= 2000
SEED ?= 0
KILLS ?= 20

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile $(PIP_ARGS)


.PHONY: demo test fuzz test-ray kills lint docs house bench install clean distclean
.DELETE_ON_ERROR:

demo: .venv/.demo
	$(BIN)/python examples/demo.py

# One thread in each process: several workers with a thread pool each would fight for the cores.
test: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# In processes of its own: exit status 1 if one crashes, hangs, raises what is not ours, or accepts nonsense.
fuzz: .venv/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m fuzz -n $(N) --seed $(SEED)

# Ray starts servers of its own, which a busy machine may refuse: not part of `make test`.
test-ray: .venv/.dev
	$(PIP) -e ".[ray]"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -rs tests/runs/test_ray.py tests/runs/test_ray_blocks.py

kills: .venv/.dev
	OMP_NUM_THREADS=1 SNELLEN_KILLS=$(KILLS) $(BIN)/python -m pytest -n $(WORKERS) tests/runs/test_kills.py

lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.dev
	rm -rf docs/_build docs/api/generated
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

house: .venv/.dev
	$(BIN)/python tools/house.py

bench: .venv/.dev
	mkdir -p results
	$(BIN)/python benchmarks/compare_speed.py --output results/compare_speed.json
	$(BIN)/python benchmarks/throughput.py --output results/throughput.json

install: .venv/.dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml | .venv/bin/python
	test .venv/.dev -nt pyproject.toml || $(PIP) -e ".[demo]"
	touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(PIP) -e ".[dev]"
	touch $@

clean:
	rm -rf build dist demo docs/_build docs/api/generated
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks examples docs recipes tools -name __pycache__ -type d -prune -exec rm -rf {} + || true

distclean: clean
	rm -rf .venv
