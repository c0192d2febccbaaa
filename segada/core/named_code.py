"""Code of the user that settings name: `my_lab.methods:Mine`, or `./my_method.py:Mine` for a file."""

import hashlib
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar, cast

from segada.errors import InputError

T = TypeVar("T")

MARK: Final = ":"
"""Character between module and attribute; no name of our own tables has it."""
SUFFIX: Final = ".py"

_LOADED: Final[set[str]] = set()
"""Names of the modules that `load_code` has imported."""


class CodeFailure(InputError):
    """Error of code of the user that was imported, and fails or answers wrongly when it is called."""


def is_code(name: str) -> bool:
    """Returns True if a name in settings is code of the user, not a name of a table."""
    return MARK in name


def is_file_of_code(name: str) -> bool:
    """Returns True if the code is in a file that is named by its path, not by its module."""
    return is_code(name) and name.rpartition(MARK)[0].endswith(SUFFIX)


def named(table: Mapping[str, T], name: str) -> T:
    """Returns the object that a name in settings stands for: an entry of a table of ours, or code of the user.

    Settings have checked the code by `segada.settings.roles.check_role`.
    """
    return cast("T", load_code(name)) if is_code(name) else table[name]


def load_code(name: str) -> object:
    """Imports the object that a name like `my_lab.methods:Mine` or `my_method.py:Mine` stands for.

    This runs code of the user: call it only with names from a file that the person runs. A file is imported once per
    process, however often it is named.

    Args:
        name: Module or path of a file that ends in `.py`, a colon, and an attribute, which may be dotted.

    Raises:
        InputError: There is no such module, file or attribute, or importing it fails; one line with the cause.
    """
    place, _, attribute = name.rpartition(MARK)
    if not place or not attribute:
        raise InputError(f"{name!r} is not the name of code; write module:attribute, or file.py:attribute")
    if os.sep in place and not place.endswith(SUFFIX):
        raise InputError(f"{name!r}: {place} is a path, but not of a file that ends in {SUFFIX}")
    module = _of_file(Path(place), name) if place.endswith(SUFFIX) else _of_module(place, name)
    _LOADED.add(module.__name__)
    found: object = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(f"{name!r}: {place} has no {attribute!r}; {_present(module)}")
        found = getattr(found, part)
    return found


def called(title: str, name: str, call: Callable[[], T]) -> T:
    """Returns what a call of code of the user returns.

    Args:
        title: The code's role, for the message.
        name: Name of the code.
        call: The call.

    Raises:
        CodeFailure: The code raises an error; one line with the place and the cause.
    """
    try:
        return call()
    except CodeFailure:
        raise
    except (Exception, SystemExit) as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        raise CodeFailure(f"{title} {name} fails in {place}: {_said(error)}") from error


def failed_code(error: BaseException) -> str | None:
    """Returns a sentence with place and cause if an error was raised in code of the user, or below it; else None."""
    frames = traceback.extract_tb(error.__traceback__)
    files = _files()
    frame = next((one for one in reversed(frames) if one.filename in files), None)
    return f"your code fails in {Path(frame.filename).name}:{frame.lineno}: {_said(error)}" if frame else None


def _files() -> set[str]:
    """Returns the files of the code that was loaded by name."""
    return {str(sys.modules[name].__file__) for name in _LOADED if name in sys.modules}


def _present(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return f"it defines {', '.join(sorted(names))}" if names else "it defines no class and no function"


def _of_module(place: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        cure = "install it, add its folder to PYTHONPATH, or name a file: ./file.py:attribute"
        raise InputError(f"{name!r}: there is no module {error.name}; {cure}") from None
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _of_file(path: Path, name: str) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        raise InputError(f"{name!r}: there is no file {path}")
    package = _package(path.parent)
    label = f"{package}.{path.stem.replace('.', '_')}"
    if label in sys.modules:
        return sys.modules[label]
    spec = importlib.util.spec_from_file_location(label, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Before it runs: dataclasses and pickle look the module of a class up here.
    sys.modules[label] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[label]
        missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ""
        beside = missing.partition(".")[0]
        cure = f"; import the file beside it with a dot: from .{beside} import ..." if _is_beside(path, beside) else ""
        raise InputError(f"{_failed(name, error)}{cure}".replace(f"{package}.", ".")) from error
    return module


def _package(folder: Path) -> str:
    """Returns the name of a package whose modules are the files of a folder, so that they import each other with a dot,
    and files of the same name in other folders are other modules.
    """
    label = f"code_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    if label not in sys.modules:
        package = ModuleType(label)
        package.__path__ = [str(folder)]
        sys.modules[label] = package
    return label


def _is_beside(path: Path, name: str) -> bool:
    return bool(name) and ((path.parent / f"{name}{SUFFIX}").is_file() or (path.parent / name).is_dir())


def _failed(name: str, error: BaseException) -> InputError:
    return InputError(f"{name!r} cannot be imported: {_said(error)}")


def _said(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}{': ' + said[0] if said else ''}"
