"""Tests of code that settings name."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from segada.cli.exit_codes import WRONG_INPUT, exit_code
from segada.core.named_code import CodeFailure, called, failed_code, is_code, is_file_of_code, load_code
from segada.errors import InputError


def test_names_of_tables_are_no_code() -> None:
    assert not is_code("dacs")
    assert not is_code("timm/resnet18")
    assert is_code("my_lab.methods:Mine")
    assert not is_file_of_code("my_lab.methods:Mine")
    assert is_file_of_code("./mine.py:Mine")


def test_a_module_and_a_file_are_imported_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine:\n    class Settings:\n        pass\n")
    name = f"{tmp_path}/mine.py:Mine"
    assert load_code("pathlib:Path") is Path
    assert load_code(name) is load_code(f"{tmp_path}/./mine.py:Mine")
    assert load_code(f"{name}.Settings").__qualname__ == "Mine.Settings"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("no_such_package.methods:Mine", "there is no module no_such_package; install it"),
        ("pathlib:Road", "pathlib has no 'Road'; it defines"),
        ("absent.py:Mine", "there is no file"),
        (":Mine", "is not the name of code"),
        ("pathlib:", "is not the name of code"),
        ("./mine.yaml:Mine", r"./mine.yaml is a path, but not of a file that ends in \.py"),
    ],
)
def test_code_that_is_not_there_is_refused(name: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load_code(name)


def test_a_file_that_fails_says_why_and_may_be_mended(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import torhc\n")
    with pytest.raises(InputError, match=r"cannot be imported: ModuleNotFoundError: No module named 'torhc'"):
        load_code(f"{file}:Mine")
    file.write_text("Mine = 3  # mended\n")
    assert load_code(f"{file}:Mine") == 3


def test_a_script_that_ends_the_process_when_it_is_imported_is_refused(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(InputError, match=r"script\.py:Mine' cannot be imported: SystemExit: 3$"):
        load_code(f"{tmp_path}/script.py:Mine")


SCORE = """
from .helper import WEIGHT

def now():
    return WEIGHT

def later():
    from . import helper
    return helper.WEIGHT
"""


def test_files_of_equal_names_import_the_files_beside_themselves(tmp_path: Path) -> None:
    for number, folder in enumerate(("one", "two/deep")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "score.py").write_text(SCORE)
        (tmp_path / folder / "helper.py").write_text(f"WEIGHT = {number}\n")
    for attribute in ("now", "later"):
        found = [load_code(f"{tmp_path}/{folder}/score.py:{attribute}") for folder in ("one", "two/deep")]
        assert [call() for call in found] == [0, 1]  # type: ignore[operator]


def test_classes_of_a_file_are_pickled_by_their_module(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("class Mine:\n    pass\n")
    mine = load_code(f"{tmp_path}/mine.py:Mine")
    assert pickle.loads(pickle.dumps(mine)) is mine  # noqa: S301 - written here


def test_a_file_beside_that_is_imported_without_a_dot_is_said(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WEIGHT = 1\n")
    (tmp_path / "mine.py").write_text("from helper import WEIGHT\n")
    with pytest.raises(InputError, match=r"import the file beside it with a dot: from \.helper import \.\.\.$"):
        load_code(f"{tmp_path}/mine.py:WEIGHT")
    (tmp_path / "mine.py").write_text("from .absent import WEIGHT\n")
    with pytest.raises(InputError, match=r"ModuleNotFoundError: No module named '\.absent'$"):
        load_code(f"{tmp_path}/mine.py:WEIGHT")


def test_code_that_fails_when_it_is_called_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def mine():\n    raise KeyError('a\\nb')\n")
    mine = load_code(f"{tmp_path}/mine.py:mine")
    assert called("the part", "mine", lambda: 3) == 3
    with pytest.raises(CodeFailure, match=r"^the part mine fails in mine\.py:2: KeyError: 'a"):
        called("the part", "mine", mine)  # type: ignore[arg-type]


def test_an_error_of_code_in_the_middle_of_a_run_is_said_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def mine(text):\n    return int(text)\n")
    mine: Any = load_code(f"{tmp_path}/mine.py:mine")
    with pytest.raises(ValueError, match="invalid literal") as raised:
        mine("a")
    assert (failed_code(raised.value) or "").startswith("your code fails in mine.py:2: ValueError: invalid literal")
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("a")
    assert failed_code(raised.value) is None
    assert exit_code(lambda: mine("a")) == WRONG_INPUT
    assert (
        capsys.readouterr().err
        == "error: your code fails in mine.py:2: ValueError: invalid literal for int() with base 10: 'a'\n"
    )
