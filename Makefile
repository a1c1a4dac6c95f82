# The whole interface for contributors; CONTRIBUTING.md says more.
# `make PYTHON=.venv/bin/python check` works without an activated environment.
PYTHON ?= python

# All but the pages, other libraries (Keras, Dask) and long runs.
CORE = -n 2 -W default::DeprecationWarning -W default::FutureWarning \
	--ignore=tests/test_docs.py --ignore=tests/test_bringing_your_data.py \
	--ignore=tests/test_peers.py --ignore=tests/test_dask.py --ignore=tests/test_fuzz.py

.PHONY: install format check test test-core test-pythons docs bench

install: # the package in place, with all that the other targets need but docs
	$(PYTHON) -m pip install -c constraints.txt -e ".[dev]"

format:
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

check:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n 2

test-core: # what must pass with the oldest versions too, in eight minutes
	$(PYTHON) -m pytest $(CORE)

test-pythons: # the core tests on the other Pythons that are here; downloads their torch
	for version in 3.12 3.13; do \
		python=$$(ls -d $$HOME/.pyenv/versions/$$version.*/bin/python | tail -n 1); \
		python=$$(command -v python$$version || echo $$python); \
		test -n "$$python" || continue; \
		$$python -m venv .venv-$$version || exit 1; \
		.venv-$$version/bin/pip install -e ".[test-core]" "torch==2.6.*" || exit 1; \
		.venv-$$version/bin/python -m pytest $(CORE) || exit 1; \
	done

docs: # needs the extra docs
	$(PYTHON) -m sphinx -W --keep-going docs docs/_build/html

bench: # needs MNIST, in the folder that SKMNIST_DATA names
	$(PYTHON) -m benchmarks.epoch
