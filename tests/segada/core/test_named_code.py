"""Tests of code that settings name."""

from pathlib import Path

import pytest

from segada.core.named_code import is_code, is_file_of_code, load_code
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
