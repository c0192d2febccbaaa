"""A file that stands in the place of a checkpoint, or of what lies beside it, is named for what it is."""

from pathlib import Path

import foreign
import pytest
import torch
from safetensors.torch import save_file

from segada.models.formats.opening import open_checkpoint
from segada.settings.checkpoint_path import find_checkpoint

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 14700000\n"
STAND_INS = {
    LFS: "a pointer of Git LFS, not the file itself; fetch the file with: git lfs pull",
    b"\xef\xbb\xbf" + LFS.replace(b"\n", b"\r\n"): "a pointer of Git LFS",
    b"version https://hawser.github.com/spec/v1\noid sha256:4d\n": "a pointer of Git LFS",
    b"# xet version 0\nfilesize = 1\nhash = 'a'\n": "a pointer of Git-Xet",
    b"/annex/objects/SHA256E-s31390--f50d\n": "a pointer of git-annex, not the file itself; fetch the",
    b"../.git/annex/objects/G6/SHA256E-s31390--f50d\n": "a pointer of git-annex",
    b"outs:\n- md5: a304afb96060aad90176268345e10355\n  path: net.pth\n": "a pointer of DVC",
    b"md5: a304afb9\nouts:\n- path: net.pth\n": "a pointer of DVC",
    b"\n<!DOCTYPE html><html lang=en>": "a web page, not the file itself: its download was answered by a page",
    b"<html><head><title>Google Drive - Virus scan warning</title>": "a web page",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>": "a web page",
    b'{"error":"Repository not found"}': "text in JSON, not the file itself",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03": "a packed file; unpack it",
    b"": "empty; copy or download it again",
}


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors", "weights"])
@pytest.mark.parametrize("content", STAND_INS)
def test_in_the_place_of_weights(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"/{name} is {STAND_INS[content]}") as raised:
        open_checkpoint(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "model.safetensors.index.json", "config.json", "preprocessor_config.json"]
)
def test_in_a_folder(tmp_path: Path, name: str) -> None:
    foreign.transformers_model("mit_tiny").save_pretrained(tmp_path)
    if name.endswith("index.json"):
        (tmp_path / "model.safetensors").unlink()
    (tmp_path / name).write_bytes(LFS)
    with pytest.raises(
        ValueError, match=rf"/{name} is a pointer of Git LFS, not the file itself; fetch the file with: git lfs pull"
    ):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "preprocessor_config.json"])
def test_a_link_to_nothing(tmp_path: Path, name: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to("../../blobs/4d7a2146")
    with pytest.raises(ValueError, match=rf"/{name} is a link to \.\./\.\./blobs/4d7a2146, which is not there; copy"):
        open_checkpoint(tmp_path)


def test_a_link_of_git_annex(tmp_path: Path) -> None:
    (tmp_path / "net.pth").symlink_to(".git/annex/objects/G6/SHA256E-s1--a.pth")
    with pytest.raises(ValueError, match=r"^model\.checkpoint: .*/net\.pth is a link to .*; run git annex get in its"):
        find_checkpoint(str(tmp_path / "net.pth"))
