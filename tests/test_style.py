"""House rules on text: sizes, names, words of the old language, docstrings, settings that nothing reads, idle tests."""

import ast
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from hpo.config.schema import StudySettings
from segada.settings import RunSettings

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for package in ("hpo", "segada") for path in (ROOT / package).rglob("*.py"))
PYTHON = sorted([*SOURCES, *(ROOT / "benchmarks").rglob("*.py")])
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "cluster/**/*", "search_spaces/**/*.yaml", "segada/recipes/*.yaml")
    for path in ROOT.glob(pattern)
    if path.is_file()
)
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
CHECKS = {"raises", "warns", "fail"}

OLD_WORDS: typing.Final[Sequence[str]] = (
    # Names of the former code.
    r"agendas?", r"dockets?", r"entrants?", r"foresight", r"itinerar(?:y|ies)", r"ledgers?", r"lookouts?", r"mishaps?",
    r"misfits?", r"modulations?", r"outlooks?", r"parcels?", r"rooms?", r"tellers?", r"twins?",
    # Turns of phrase.
    r"anybody", r"a person", r"nobody", r"of the moment", r"somebody", r"whoever", r"whomever",
    # British spelling.
    r"\w*behaviour\w*", r"\w*colour\w*", r"\w*equalis\w*", r"\w*favour\w*", r"\w*grey\w*", r"\w*initialis\w*",
    r"\w*maximis\w*", r"\w*minimis\w*", r"\w*neighbour\w*", r"\w*normalis\w*",
    r"\w*optimis(?:e|ed|er|ers|es|ing|ation|ations)", r"\w*recognis\w*",
    # Former settings, values and commands.
    r"feature_distance_(?:classes|majority)", r"hpo\.bench", r"name[:=] ?always", r"segada\.(?:bench|compare)",
    r"method\.(?:ignored_\w+|scored|threshold|(?:source|target)_feature_distance)", r"model\.(?:fresh|frozen|learning)",
    r"splits?[.:=]? ?(?:select|report)",
)  # fmt: skip
"""Words that no page and no Python file has: regular expressions of whole words."""

OLD_WORDS_OF_PAGES: typing.Final[Sequence[str]] = (
    r"(?<!visual )(?<!visual_)(?<!high-frequency )prompts?", r"(?:report|select) frames", r"select/report",
    r"watch\.(?!md)\w+",
)  # fmt: skip
"""Words that no page has; the code has some of them as names of parameters in checkpoints."""

SEEDS = ("initialisation", "modulation")
"""Purposes of generators: their checksum seeds the draws, so that other words would change every number."""

OLD_WORDS_STAY: typing.Final[Mapping[str, Sequence[str]]] = {
    "CHANGELOG.md": (".*",),
    "benchmarks/unchanged/words.py": (".*",),
    "segada/controllers/hamlet.py": ("lookout",),
    "segada/core/rng.py": SEEDS,
    "segada/engine/preflight.py": SEEDS,
    "segada/engine/run_data.py": SEEDS,
    "segada/engine/runner.py": SEEDS,
    "segada/evaluation/checkpoints.py": SEEDS,
    "segada/engine/pretraining.py": SEEDS,
    "segada/testing/controllers.py": SEEDS,
    "segada/testing/methods.py": SEEDS,
    "segada/testing/scores.py": SEEDS,
}
"""Files that keep old words (history, seeds, keys of checkpoints), and which: regular expressions of whole words."""

OLD_OPENINGS: typing.Final = (["Of"], ["That"], ["What"], ["Who"])
"""First words that no docstring has."""


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def _lines(function: ast.FunctionDef) -> int:
    """Without the docstring."""
    assert function.end_lineno is not None
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return function.end_lineno - body[0].lineno + 1


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_files_stay_small() -> None:
    assert [_name(path) for path in SOURCES if len(path.read_text().splitlines()) > 300] == []


def test_functions_stay_small() -> None:
    large = [f"{_name(path)}: {one.name}" for path in SOURCES for one in _functions(path) if _lines(one) > 50]
    assert large == []


def _old_words(paths: Sequence[Path], words: Sequence[str]) -> list[str]:
    pattern = re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)
    found = []
    for path in paths:
        kept = OLD_WORDS_STAY.get(_name(path), [])
        stay = re.compile("|".join(kept) or "(?!)", re.IGNORECASE)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            found += [f"{_name(path)}:{number}: {hit}" for hit in pattern.findall(line) if not stay.fullmatch(hit)]
    return found


def test_no_page_has_words_of_the_old_language() -> None:
    assert len(PAGES) > 40
    assert _old_words(PAGES, [*OLD_WORDS, *OLD_WORDS_OF_PAGES]) == []


def test_no_python_file_has_words_of_the_old_language() -> None:
    assert len(PYTHON) > 300
    assert _old_words(PYTHON, OLD_WORDS) == []


def _docstrings(path: Path) -> Iterator[str]:
    """Yields every docstring and every string that describes the name before it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value.strip()


def test_a_docstring_says_what_it_is_in_a_sentence_of_its_own() -> None:
    found = [
        f"{_name(path)}: {text}"
        for path in PYTHON
        for text in _docstrings(path)
        if text.split(maxsplit=1)[:1] in OLD_OPENINGS
    ]
    assert found == []


def test_no_file_is_a_drawer_for_everything() -> None:
    assert {path.stem for path in SOURCES} & {"utils", "util", "helpers", "common", "misc"} == set()


def test_there_is_one_backward_pass() -> None:
    places = [path for path in SOURCES if "backward(" in path.read_text() and "bench" not in path.stem]
    assert [str(path.relative_to(ROOT)) for path in places] == ["segada/methods/optimizer.py"]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    if isinstance(annotation, types.GenericAlias | types.UnionType) or typing.get_origin(annotation) is not None:
        for argument in typing.get_args(annotation):
            yield from _models(argument)


def test_every_setting_is_read_by_what_it_sets() -> None:
    read: set[str] = set()
    for path in SOURCES:
        if "settings" in path.parts:
            continue
        read |= {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    # The four sizes are looked up by the name of the split.
    read |= {"source", "adapt", "val", "test"}
    # What `RunSettings` replaces by the settings it stands for.
    read |= {"preset"}
    # What `StreamSettings.all_visits` is made of.
    read |= {"route", "rounds"}
    fields = {name for root in (RunSettings, StudySettings) for model in _models(root) for name in model.model_fields}
    assert len(fields) > 60
    assert fields - read == set()


def test_every_test_can_fail() -> None:
    assert [f"{_name(path)}: {name}" for path in TESTS for name in _idle_tests(path)] == []


def _idle_tests(path: Path) -> Iterator[str]:
    functions = list(_functions(path))
    checking = {function.name for function in functions if _asserts(function)}
    for function in functions:
        called = {node.func.id for node in ast.walk(function) if _is_call_by_name(node)}  # type: ignore[attr-defined]
        if function.name.startswith("test_") and function.name not in checking and not called & checking:
            yield function.name


def _is_call_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _asserts(function: ast.FunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.keyword) and node.arg == "check" and ast.literal_eval(node.value):
            return True
        if isinstance(node, ast.Attribute) and (node.attr in CHECKS or node.attr.startswith("assert_")):
            return True
        if isinstance(node, ast.Name) and node.id.startswith("assert_"):
            return True
    return False
