"""The profile's table of stages: which blocks `adapter.stages` and `adapter.blocks` name, and which have adapters."""

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from rich.console import Console
from rich.table import Table

from segada import profile
from segada.cli.exit_codes import DONE
from segada.models.build import build_segmentor
from segada.profiling.placement_table import placement_table
from segada.settings import RunSettings

LORA = {"name": "lora", "stages": [1, 3], "blocks": ["all", "last"], "rank": 2}


def rows(encoder: str, adapter: dict[str, Any]) -> list[tuple[Any, ...]]:
    return list(zip(*(column.cells for column in made(encoder, adapter).columns), strict=True))


def made(encoder: str, adapter: dict[str, Any]) -> Table:
    tree = {"model": {"encoder": encoder, "checkpoint": None, "head_width": 8}, "adapter": adapter}
    settings = RunSettings.model_validate(tree)
    network = build_segmentor(settings.model, settings.adapter, torch.Generator().manual_seed(0))
    return placement_table(network.encoder, encoder, settings.adapter.name)


def test_a_plain_vision_transformer_has_a_quarter_of_its_blocks_in_each_stage() -> None:
    assert rows("timm/test_vit", LORA) == [
        ("0", "4", "64", "1", "encoder.stages.0.blocks.0", "none"),
        ("1", "8", "64", "2", "encoder.stages.1.blocks.1 to 2", "q_update, kv_update in blocks 0, 1"),
        ("2", "16", "64", "1", "encoder.stages.2.blocks.3", "none"),
        ("3", "32", "64", "2", "encoder.stages.3.blocks.4 to 5", "q_update, kv_update in blocks 1"),
    ]


def test_names_of_modules_are_whole_in_a_narrow_terminal() -> None:
    console = Console(file=StringIO(), width=80)
    console.print(made("timm/test_vit", LORA))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\N{HORIZONTAL ELLIPSIS}" not in text


def test_encoders_with_and_without_blocks_have_their_rows() -> None:
    adapter = {"name": "adaptformer", "stages": [2], "bottleneck": 2, "position": "after"}
    assert rows("mit_b0", adapter)[2] == (
        "2",
        "16",
        "160",
        "2",
        "encoder.stages.2.blocks.0 to 1",
        "after in blocks 0, 1",
    )
    assert rows("timm/test_resnet", {"name": "none"})[0][3:] == ("0", "no transformer blocks", "none")


def test_the_command_prints_it(
    tiny_run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = {"encoder": "timm/test_vit", "checkpoint": None, "head_width": 8, "freeze": "encoder"}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**tiny_run, "model": model, "adapter": LORA}))
    monkeypatch.setattr(sys, "argv", ["profile", str(tmp_path / "run.yaml"), "--steps", "1"])
    assert profile.main() == DONE
    said = capsys.readouterr().out
    assert "stages and blocks of timm/test_vit, with the adapter lora" in said
    # Long cells are folded in a narrow terminal.
    assert "q_update" in said
