"""Tests of hostile study files: each is accepted, or refused in one line, quickly and with little memory."""

import io
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hostile_files import ACCEPTED, REFUSED, mutant, seeds
from hypothesis import strategies
from rich.console import Console

from hpo.comparison.methods_file import MethodsSettings
from hpo.config.describe import print_points, print_space
from hpo.config.study_file import load_study
from hpo.search_space.size import cardinality
from hpo.space import proposals
from segada.errors import InputError
from segada.settings.files import load_run_settings, read_yaml

SECONDS, MEGABYTES = 2.0, 500
SEEDS = seeds()
TEXTS = sorted(SEEDS)


@contextmanager
def in_bounds() -> Iterator[None]:
    """What takes longer, or more memory, than a refusal may."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    taken, more = time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken < SECONDS
    assert more < MEGABYTES << 10


def shown(file: str) -> None:
    """Loads a study and does what `python -m hpo.space check` does."""
    study = load_study(file, runs=False)
    console = Console(file=io.StringIO(), width=160)
    print_space(study.space, console)
    count = round(min(3, cardinality(study.space)[0]))
    print_points(study, proposals(study, count), console)


def check_line(refusal: InputError, file: str) -> None:
    line = str(refusal)
    assert line.isprintable()
    assert line.startswith(f"{file}:")


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "hostile.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return str(path)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    content, said = REFUSED[name]
    file = write(tmp_path, content)
    with pytest.raises(InputError) as refusal, in_bounds():
        shown(file)
    check_line(refusal.value, file)
    assert said in str(refusal.value)


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_odd_and_right_is_read_as_it_is_meant(name: str, tmp_path: Path) -> None:
    content, keys, value = ACCEPTED[name]
    file = write(tmp_path, content)
    with in_bounds():
        shown(file)
    read: Any = load_study(file, runs=False).resolved()
    for key in keys:
        read = read[key]
    assert read == value


def test_a_chain_of_files_has_an_end(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    with pytest.raises(InputError, match=r"20\.yaml:1: extends: more than 20 files extend each other"):
        load_study(str(tmp_path / "0.yaml"))


def read(name: str, file: str) -> None:
    """Reads a mutant as what its original is."""
    if name.startswith("compare_"):
        document = read_yaml(file)
        document.build(MethodsSettings, document.tree)
    elif name.startswith(("pretrain_", "cotta_")):
        load_run_settings(file)
    else:
        shown(file)


def survive(number: int, folder: Path) -> str:
    """Reads a mutant; gives the line in which it is refused, empty if it is taken."""
    generator = random.Random(number)
    name = generator.choice(TEXTS)
    file = write(folder, mutant(SEEDS[name], generator))
    try:
        with in_bounds():
            read(name, file)
    except InputError as refusal:
        check_line(refusal, file)
        return str(refusal)
    return ""


FUZZING = hypothesis.settings(
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)


@hypothesis.settings(FUZZING, max_examples=300, derandomize=True)
@hypothesis.given(number=strategies.integers(0, 2**32))
def test_mutants_are_taken_or_refused_in_one_line(number: int, tmp_path: Path) -> None:
    assert survive(number, tmp_path).isprintable()


@pytest.mark.fuzz
@pytest.mark.parametrize("seed", range(5))
def test_many_mutants_are_taken_or_refused_in_one_line(seed: int, tmp_path: Path) -> None:
    @hypothesis.seed(seed)
    @hypothesis.settings(FUZZING, max_examples=1000)
    @hypothesis.given(number=strategies.integers(0, 2**32))
    def fuzz(number: int) -> None:
        survive(number, tmp_path)

    fuzz()
    assert any(tmp_path.iterdir())
