# The whole interface for contributors; CONTRIBUTING.md says more.
# `make PYTHON=.venv/bin/python check` works without an activated environment.
PYTHON ?= python

.PHONY: install format check test docs bench

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

docs: # needs the extra docs
	$(PYTHON) -m sphinx -W --keep-going docs docs/_build/html

bench: # needs MNIST, in the folder that SKMNIST_DATA names
	$(PYTHON) -m benchmarks.epoch
