"""Files that code of the user consists of: the file that settings name, and those that it imports with a dot."""

import ast
from collections.abc import Iterator
from pathlib import Path

from segada.core.named_code import SUFFIX
from segada.errors import InputError


def code_files(path: Path) -> list[Path]:
    """Returns a file of code and the files that it imports by relative imports, directly or not.

    Args:
        path: Absolute path of the file.

    Raises:
        InputError: One of them is no Python.
    """
    found, waiting = dict[Path, None](), [path]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = None
            waiting += _imported_by(file)
    return list(found)


def _imported_by(file: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{file}: is no Python: {error}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = file.parents[node.level - 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield from _files_of(folder / name.partition(".")[0])


def _files_of(module: Path) -> Iterator[Path]:
    """Yields the file of a module, or all files of a package."""
    file = module.with_name(f"{module.name}{SUFFIX}")
    yield from [file] if file.is_file() else sorted(module.rglob(f"*{SUFFIX}"))
