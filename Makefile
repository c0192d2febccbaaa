.PHONY: install check format test test-rounding test-slow bench

install:  ## everything a developer needs
	pip install -e '.[dev]' && pre-commit install

check:  ## what CI checks before the tests
	ruff format --check benchmarks hpo segada benchmarks search_spaces tests
	ruff check benchmarks hpo segada benchmarks search_spaces tests
	mypy
	lint-imports

format:
	ruff format benchmarks hpo segada benchmarks search_spaces tests
	ruff check --fix benchmarks hpo segada benchmarks search_spaces tests

test:
	python -m pytest

test-rounding:  ## as on other processors, whose libraries round in other ways
	python tests/processors.py

test-slow:  ## minutes long: whole searches, retraining
	python -m pytest -m slow --timeout 3600

bench:
	python -m benchmarks.engine streets
	python -m benchmarks.engine model
