"""Checkpoints are opened without running code in them, and unreadable ones are refused with the reason."""

import argparse
import json
import optparse
import os
import types
import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from uuid import UUID

import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging.history_buffer import HistoryBuffer
from safetensors.torch import save_file

from segada.models.formats.harmless import PLACEHOLDERS, Forgotten
from segada.models.formats.opening import open_checkpoint

TENSORS = {"patch_embed1.proj.weight": torch.arange(6.0).view(2, 3)}
ZIP_AND_LEGACY = pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "legacy"])


class Runs:
    """Its pickle calls a function when it is read."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def save(content: object, path: Path, as_zip: bool) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=as_zip)
    return path


@ZIP_AND_LEGACY
def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(tmp_path: Path, as_zip: bool) -> None:
    marker = tmp_path / "marker"
    evil = Runs(os.system, f"touch {marker}")
    for beside in (evil, [evil], np.array([evil], dtype=object), OrderedDict(a=evil)):
        path = save({"state_dict": TENSORS, "meta": beside}, tmp_path / "net.pth", as_zip)
        with pytest.raises(ValueError, match=r"net\.pth asks for (posix|nt)\.system, which is code.*not read\. Take"):
            open_checkpoint(path)
        assert not marker.exists()
    # The same file, read as Python would, does run it.
    torch.load(path, weights_only=False)
    assert marker.exists()


@ZIP_AND_LEGACY
@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ({"a": Runs(eval, "1 + 1")}, "eval"),
        ({"state_dict": TENSORS, "args": argparse.ArgumentParser}, r"argparse\.ArgumentParser"),
        (torch.nn.Linear(2, 2), r"torch\.nn\.modules\.linear\.Linear"),
        ({"a": Runs(np.array, [1])}, r"numpy\.array"),
    ],
    ids=["a function", "a class", "a whole network", "of numpy"],
)
def test_what_else_a_file_asks_for_is_named(tmp_path: Path, content: object, wanted: str, as_zip: bool) -> None:
    path = save(content, tmp_path / "net.pth", as_zip)
    with pytest.raises(ValueError, match=rf"asks for {wanted}, which is code and no part of any weights"):
        open_checkpoint(path)


BESIDE = {
    "argparse": argparse.Namespace(lr=1e-3, out=Path("runs/a"), kind=int),
    "optparse": optparse.Values({"lr": 1}),
    "a namespace": types.SimpleNamespace(lr=1),
    "paths": [Path("a/b"), PurePosixPath("a"), PureWindowsPath("c:/a")],
    "as keys": {Path("a"): 1, np.float32: 2},
    "times": [datetime.now(UTC), date(2026, 1, 1), timedelta(1), time(1)],
    "numbers": [Decimal("0.1"), Fraction(1, 3), UUID(int=1), 1j, 2**70],
    "types": [int, float, str, list, dict, type(None), np.float32, np.dtype("float32"), type(np.dtype("float32"))],
    "ranges": [range(3), slice(1, 2), frozenset([1]), {1}, bytearray(b"a"), b"a", ...],
    "numpy's numbers": [
        np.float32(1),
        np.float16(1),
        np.int64(1),
        np.bool_(1),
        np.str_("a"),
        np.datetime64("2026-01-01"),
    ],
    "numpy's arrays": [np.arange(3), np.array([Path("a")], dtype=object), np.ma.array([1])],
    "numpy's generators": [np.random.get_state(), np.random.default_rng(0), np.random.RandomState(0)],  # noqa: NPY002
    "torch": [torch.__version__, torch.float16, torch.device("cpu"), torch.Size([1]), torch.get_rng_state()],
    "mmengine": [ConfigDict(a={"b": 1}), Config({"a": {"b": 1}})],
}


@ZIP_AND_LEGACY
@pytest.mark.parametrize("kind", BESIDE)
def test_harmless_objects_beside_weights_are_passed_over(tmp_path: Path, kind: str, as_zip: bool) -> None:
    path = save({"args": BESIDE[kind], "state_dict": TENSORS, "more": [[BESIDE[kind]]]}, tmp_path / "net.pth", as_zip)
    tensors = open_checkpoint(path).content["state_dict"]
    assert torch.equal(tensors["patch_embed1.proj.weight"], TENSORS["patch_embed1.proj.weight"])


@ZIP_AND_LEGACY
def test_weights_in_another_kind_of_mapping_are_kept(tmp_path: Path, as_zip: bool) -> None:
    for held in (defaultdict(list, TENSORS), ConfigDict(TENSORS)):
        path = save({"state_dict": held, "log": deque([1, 2], 3)}, tmp_path / "net.pth", as_zip)
        content = open_checkpoint(path).content
        assert content["log"] == [1, 2]
        assert content["state_dict"].keys() == TENSORS.keys()


@ZIP_AND_LEGACY
def test_what_old_training_codes_leave_beside_the_weights_is_passed_over(tmp_path: Path, as_zip: bool) -> None:
    meta = {
        "CLASSES": ("road", "sidewalk"),
        "PALETTE": np.zeros((2, 3), np.uint8),
        "best": np.float64(0.5),
        "iterations": np.int64(4),
        "done": np.bool_(1),
        "loss": HistoryBuffer([1.0, 2.0], [1, 1]),
    }
    methods = dict(HistoryBuffer._statistics_methods)
    path = save({"meta": meta, "state_dict": OrderedDict(TENSORS)}, tmp_path / "net.pth", as_zip)
    opened = open_checkpoint(path)
    assert torch.equal(opened.content["state_dict"]["patch_embed1.proj.weight"], TENSORS["patch_embed1.proj.weight"])
    assert opened.class_names == ("road", "sidewalk")
    assert all(isinstance(opened.content["meta"][name], Forgotten) for name in ("PALETTE", "best", "done", "loss"))
    assert HistoryBuffer._statistics_methods == methods


def test_the_names_that_numpy_1_wrote_are_known(tmp_path: Path) -> None:
    path = save({"best": np.float64(0.5), "all": np.arange(3), **TENSORS}, tmp_path / "net.pth", as_zip=False)
    content = path.read_bytes()
    assert b"numpy._core.multiarray" in content
    path.write_bytes(content.replace(b"numpy._core.", b"numpy.core."))
    assert open_checkpoint(path).content.keys() == {"best", "all", *TENSORS}
    assert {"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"} <= {name for _, name in PLACEHOLDERS}


def test_what_a_file_is_kept_in_is_seen_by_its_first_bytes(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "really_safetensors.pth")
    torch.save(TENSORS, tmp_path / "really_torch.safetensors")
    for name in ("really_safetensors.pth", "really_torch.safetensors"):
        assert open_checkpoint(tmp_path / name).content.keys() == TENSORS.keys()


@ZIP_AND_LEGACY
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_part_of_a_file_is_refused(tmp_path: Path, as_zip: bool, share: float) -> None:
    path = save({"state_dict": {"w": torch.rand(50)}}, tmp_path / "net.pth", as_zip)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"net\.pth is not a readable file of torch \([^\n]+\); save or copy"):
        open_checkpoint(path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.pth").write_text("some words about weights")
    with pytest.raises(ValueError, match=r"note\.pth is not a readable file of torch"):
        open_checkpoint(tmp_path / "note.pth")
    (tmp_path / "note.safetensors").write_text("some words about weights")
    with pytest.raises(ValueError, match=r"note\.safetensors is not a readable safetensors file"):
        open_checkpoint(tmp_path / "note.safetensors")
    torch.save(TENSORS, tmp_path / "net.pth", pickle_protocol=4)
    with pytest.raises(ValueError, match=r"net\.pth is not a readable file of torch \(Unsupported operand 149\)"):
        open_checkpoint(tmp_path / "net.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list\.pth holds a list, not tensors by name; save the state_dict"):
        open_checkpoint(tmp_path / "list.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    with pytest.raises(ValueError, match=r"script\.pt asks for TorchScript, which is code"):
        open_checkpoint(tmp_path / "script.pt")


def test_a_folder_without_weights_says_what_it_would_have(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is a folder without weights; .*model\.safetensors, .*pytorch_model\.bin"):
        open_checkpoint(tmp_path)


def write_index(folder: Path, places: object) -> Path:
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": places}))
    return path


def test_an_index_that_its_files_do_not_keep_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "1.safetensors")
    assert open_checkpoint(write_index(tmp_path, {"a": "1.safetensors"})).content.keys() == {"a"}
    for places, said in (
        ({"a": "1.safetensors", "b": "1.safetensors"}, r"names 1 tensors that its files lack \(first: b\)"),
        ({"a": "2.safetensors"}, r"names the file 2\.safetensors, which is not beside it"),
        ({"a": "../1.safetensors"}, r"names the file \.\./1\.safetensors, which is not beside it"),
        ({}, r"is no index of weights"),
        ([], r"is no index of weights"),
        ({"a": 1}, r"is no index of weights"),
    ):
        with pytest.raises(ValueError, match=said):
            open_checkpoint(write_index(tmp_path, places))
    (tmp_path / "model.safetensors.index.json").write_text("{")
    with pytest.raises(ValueError, match=r"index\.json is not JSON"):
        open_checkpoint(tmp_path)
