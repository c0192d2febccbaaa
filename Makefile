.PHONY: install lock check format test test-unit test-rounding test-slow bench

install:  ## everything a developer needs
	pip install -c constraints.txt -e '.[dev]' && pre-commit install

lock:  ## renews constraints.txt: the newest versions that pyproject.toml admits, in a new environment
	rm -rf build/lock && python3 -m venv build/lock
	build/lock/bin/pip install --quiet --upgrade pip
	build/lock/bin/pip install --quiet -e '.[dev]'
	echo '# The versions that were tested together. `make lock` renews this file; `pip install -c constraints.txt ...` takes it.' > constraints.txt
	build/lock/bin/pip freeze --all --exclude-editable | grep -v "^pip==" >> constraints.txt
	rm -rf build/lock

check:  ## what CI checks before the tests
	ruff format --check hpo segada benchmarks search_spaces tests examples
	ruff check hpo segada benchmarks search_spaces tests examples
	mypy
	lint-imports

format:
	ruff format hpo segada benchmarks search_spaces tests examples
	ruff check --fix hpo segada benchmarks search_spaces tests examples

test:
	python -m pytest

test-unit:  ## without subprocesses, Ray and training; under a minute
	python -m pytest -m unit

test-rounding:  ## as on other processors, whose libraries round in other ways
	python tests/processors.py

test-slow:  ## minutes long: whole searches, retraining
	python -m pytest -m slow --timeout 3600

bench:
	python -m benchmarks.engine streets
	python -m benchmarks.engine model
