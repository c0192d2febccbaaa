"""Opens checkpoints: a file of safetensors or torch, an index of several, or a folder with either."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from segada.core.stand_ins import stand_in
from segada.models.formats.contents import OpenedFile
from segada.models.formats.torch_file import read_torch_file
from segada.settings.checkpoint_path import dangling
from segada.settings.class_sets import CITYSCAPES

FACTS = "segada"
"""Name of the entry of a safetensors file's metadata that holds our facts, as JSON."""
CLASS_NAMES = "class_names"
"""Name of the fact that is a list."""
IN_FOLDERS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "weights.safetensors",
)
"""Files of a folder that hold its weights; the first that exists is read. The last is that of a run. What lies beside a
file of such a name belongs to it even if the file itself is given."""
CONFIG = "config.json"
PROCESSOR = "preprocessor_config.json"
PROCESSORS = "processor_config.json"
"""File in which transformers keeps several processors, the image processor among them, since version 5."""


def open_checkpoint(path: Path) -> OpenedFile:
    """Reads a file, or the weights and the `config.json` of a folder.

    Raises:
        ValueError: It is damaged, requires running code, or is of no such kind; the message names the reason and the
            cure.
    """
    if not path.is_dir():
        return _with_neighbors(_open_file(path), path.parent) if path.name in IN_FOLDERS else _open_file(path)
    names = [name for name in IN_FOLDERS if _is_there(path / name)]
    if not names:
        raise ValueError(f"{path} is a folder without weights; a folder of weights has one of {', '.join(IN_FOLDERS)}")
    opened = _with_neighbors(_open_file(path / names[0]), path)
    return opened if not opened.config else replace(opened, path=path)


def _with_neighbors(opened: OpenedFile, folder: Path) -> OpenedFile:
    """Returns the opened file with the content of the JSON files in its folder."""
    config, processor, processors = (
        _json(folder / name) if _is_there(folder / name) else {} for name in (CONFIG, PROCESSOR, PROCESSORS)
    )
    inner = processors.get("image_processor")
    processor = processor or (inner if isinstance(inner, dict) else {})
    names = opened.class_names or _names_in_config(config)
    return replace(opened, config=config, processor=processor, class_names=names)


def _is_there(path: Path) -> bool:
    """Returns True if a file has this path.

    Raises:
        ValueError: It is a link to a file that is not there.
    """
    problem = dangling(path)
    if problem:
        raise ValueError(f"{path} is {problem}")
    return path.is_file()


def _open_file(path: Path) -> OpenedFile:
    if path.name.endswith(".index.json"):
        return _open_index(path)
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file begins with the header's length in eight bytes, then JSON; a zip file, which begins with PK, or
    # a pickle has no brace there.
    is_torch = start[:2] == b"PK" or start[:1] == b"\x80"
    if start[8:] != b"{" and not is_torch:
        _refuse_stand_in(path)
    if start[8:] == b"{" or (path.suffix == ".safetensors" and not is_torch):
        return _open_safetensors(path)
    content = read_torch_file(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds a {type(content).__name__}, not tensors by name; save the state_dict of the network"
        )
    return OpenedFile(path, (path,), content, class_names=_names_in_meta(content.get("meta")))


def _open_safetensors(path: Path) -> OpenedFile:
    try:
        with safe_open(path, framework="pt") as file:
            stated = json.loads((file.metadata() or {}).get(FACTS, "{}"))
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a readable safetensors file ({error}); save or copy it again") from error
    stated = stated if isinstance(stated, dict) else {}
    # Files of versions that knew no other classes do not name them.
    names = stated.get(CLASS_NAMES, list(CITYSCAPES.names) if stated.get("classes") == str(len(CITYSCAPES)) else None)
    return OpenedFile(path, (path,), content, stated, class_names=_as_names(names))


def _open_index(path: Path) -> OpenedFile:
    """Opens several files as one; the index lists the file of each tensor."""
    places = _json(path).get("weight_map")
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise ValueError(f"{path} is no index of weights: it has no weight_map; give the folder's own files")
    content: dict[str, Tensor] = {}
    parts = [path]
    for name in sorted(set(places.values())):
        part = path.parent / name
        if part.parent != path.parent or not part.is_file():
            raise ValueError(f"{path} names the file {name}, which is not beside it; copy the whole folder again")
        content |= _open_file(part).content
        parts.append(part)
    lost = [name for name in places if name not in content]
    if lost:
        raise ValueError(f"{path} names {len(lost)} tensors that its files lack (first: {lost[0]}); copy them again")
    return OpenedFile(path, tuple(parts), {name: content[name] for name in places})


def _refuse_stand_in(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(512)
    problem = stand_in(start) if start else "is empty; copy or download it again"
    if problem is not None:
        raise ValueError(f"{path} {problem}")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        _refuse_stand_in(path)
        raise ValueError(f"{path} is not JSON ({error}); copy it again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a JSON object; copy it again")
    return content


def _names_in_config(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the class names of a configuration of HF transformers; empty if it has only the default names."""
    by_id = config.get("id2label")
    if not isinstance(by_id, dict) or set(by_id) != {str(index) for index in range(len(by_id))}:
        return ()
    names = tuple(str(by_id[str(index)]) for index in range(len(by_id)))
    return () if all(name == f"LABEL_{index}" for index, name in enumerate(names)) else names


def _names_in_meta(meta: object) -> tuple[str, ...]:
    """Returns the class names that mmcv and mmengine write beside a state dict."""
    if not isinstance(meta, dict):
        return ()
    inner = meta.get("dataset_meta")
    names = inner.get("classes") if isinstance(inner, dict) else meta.get("CLASSES")
    return _as_names(names)


def _as_names(names: object) -> tuple[str, ...]:
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()
