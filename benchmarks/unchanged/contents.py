"""Contents of a run's files, as numbers and texts by path, without times, hashes and folders."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.unchanged.words import RESULT_VALUES, translated_key

IGNORED: Final = {
    "seconds",
    "frames_per_second",
    "settings_hash",
    # From evaluations: the hash of a domain's settings, and that of a weights file, whose metadata may differ.
    "key",
    "sha256",
}
"""Keys whose values may differ."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor, a number or a text.

    Attributes:
        kind: Type and shape, as `torch.float32 (3, 4)`; `text` of a number or text of JSON.
        array: Bits of a tensor as integers; None for other values.
        text: Text of a value that is not a tensor; different numbers have different texts.
    """

    kind: str
    array: npt.NDArray[Any] | None = None
    text: str = ""

    @property
    def numbers(self) -> int:
        """Number of numbers in the value."""
        return 1 if self.array is None else self.array.size


Contents = Mapping[str, Value]


def read_contents(path: Path) -> Contents | None:
    """Returns the contents of a file by path inside it in new words; None if this kind of file is not compared."""
    reader = READERS.get(path.suffix)
    return None if reader is None else dict(_flattened(reader(path), ""))


def _flattened(content: Any, path: str) -> Iterator[tuple[str, Value]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key not in IGNORED:
                yield from _flattened(value, f"{path}/{translated_key(str(key))}")
    elif isinstance(content, list | tuple):
        for place, value in enumerate(content):
            yield from _flattened(value, f"{path}/{place}")
    elif isinstance(content, Tensor):
        yield path, _tensor(content)
    elif isinstance(content, np.ndarray):
        yield path, _tensor(torch.from_numpy(content))
    else:
        text = RESULT_VALUES.get(content, content) if isinstance(content, str) else content
        yield path, Value("text", text=repr(text))


def _tensor(tensor: Tensor) -> Value:
    whole = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    bits = tensor.detach().contiguous().reshape(-1).view(whole).numpy()
    return Value(f"{tensor.dtype} {tuple(tensor.shape)}", bits)


def _arrays(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _lines(path: Path) -> Any:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _document(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _state(path: Path) -> Any:
    """Returns the state of a run, without the hash of its settings and the checksum of `frames.jsonl` beside it."""
    _, _, content = path.read_bytes().partition(b"\n")
    return torch.load(io.BytesIO(content), weights_only=True)["state"]


def _picture(path: Path) -> Any:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError(f"{path}: cannot be read as a picture")
    return {"pixels": pixels}


def _table(path: Path) -> Any:
    return list(csv.DictReader(path.read_text().splitlines()))


READERS: Final[Mapping[str, Callable[[Path], Any]]] = {
    ".safetensors": load_file,
    ".npz": _arrays,
    ".jsonl": _lines,
    ".json": _document,
    ".pt": _state,
    ".png": _picture,
    ".csv": _table,
}
"""Readers of files by suffix."""
