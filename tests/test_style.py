"""What is easily lost while nobody looks: sizes, names, dead settings, tests that assert nothing, second loops."""

import ast
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from hpo.config.schema import StudySettings
from segada.settings import RunSettings

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for package in ("hpo", "segada") for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
CHECKS = {"raises", "warns", "fail"}


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def _lines(function: ast.FunctionDef) -> int:
    """Without the docstring."""
    assert function.end_lineno is not None
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return function.end_lineno - body[0].lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
    assert [function.name for function in _functions(path) if _lines(function) > 50] == []


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


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_every_test_can_fail(path: Path) -> None:
    checking = {function.name for function in _functions(path) if _asserts(function)}
    idle = []
    for function in _functions(path):
        called = {node.func.id for node in ast.walk(function) if _is_call_by_name(node)}  # type: ignore[attr-defined]
        if function.name.startswith("test_") and function.name not in checking and not called & checking:
            idle.append(function.name)
    assert idle == []


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
    return False
