"""Tests of the profile: the named parts make up nearly all of a step, and every parameter is counted once."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from segada import profile
from segada.cli.exit_codes import DONE, WRONG_INPUT
from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.heads.segformer import SegFormerHead
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor
from segada.profiling.parameters import count_parameters, in_words, summed
from segada.profiling.step_time import OTHER, WARM_UP, part_times, time_steps
from segada.settings import RunSettings
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.nested import merged

PUBLISHED = {
    "mit_b0": (3.319e6, 0.40e6),
    "mit_b1": (13.151e6, 0.53e6),
    "mit_b2": (24.196e6, 3.17e6),
    "mit_b3": (44.072e6, 3.17e6),
    "mit_b4": (60.843e6, 3.17e6),
    "mit_b5": (81.443e6, 3.17e6),
}
"""Parameters of encoder and SegFormer head, counted on the published code."""
WITH_HEAD = {"mit_b1": "13.68 M", "mit_b3": "47.24 M", "mit_b5": "84.61 M"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_mix_transformers_have_the_published_numbers_of_parameters(name: str) -> None:
    architecture = MIX_TRANSFORMERS[name]
    with torch.device("meta"):
        encoder = MixTransformer(architecture, 0.0, torch.Generator())
        head = SegFormerHead(architecture.widths, architecture.head_width, 19)
        network = StagedSegmentor(SegmentorShape(name, "segformer", architecture.head_width, 19), encoder, head)
    counts = count_parameters(network)

    inside = [summed(part, [count for count in counts if count.name.startswith(part)]) for part in ("encoder", "head")]
    assert inside[0].total == pytest.approx(PUBLISHED[name][0], abs=1e3)
    assert inside[1].total == pytest.approx(PUBLISHED[name][1], abs=1e4)
    whole = summed("total", counts)
    assert whole.total == sum(parameter.numel() for parameter in network.parameters())
    assert in_words(whole.total) == WITH_HEAD.get(name, in_words(whole.total))


def test_counts_are_written_for_people() -> None:
    assert [in_words(count) for count in (64, 999, 1_000, 525_824, 1_000_000, 13_676_755)] == [
        "64",
        "999",
        "1.00 k",
        "525.82 k",
        "1.00 M",
        "13.68 M",
    ]


def _settings(tiny_run: dict[str, object], changes: dict[str, Any]) -> RunSettings:
    return RunSettings.model_validate(merged(tiny_run, changes))  # type: ignore[arg-type]


def test_the_parts_of_a_dacs_step_are_nearly_all_of_it(tiny_run: dict[str, object]) -> None:
    steps, _ = time_steps(_settings(tiny_run, {"data": {"size": [64, 128]}}), 6)
    rows = {row.name: row for row in part_times(steps)}

    assert len(steps) == 6
    assert {"frames", "prediction", "replay", "teacher", "class-mix", "backward and optimizer"} <= rows.keys()
    assert rows["teacher"].calls == 6
    assert rows[OTHER].share < 0.2
    assert sum(row.share for row in rows.values()) == pytest.approx(1.0)


def test_as_many_steps_are_run_as_were_asked_for_though_frames_are_few(tiny_run: dict[str, object]) -> None:
    # 16 frames of the domain in batches of 5: three whole batches, gone over six times.
    changes = {"stream": {"batch_size": 5, "route": "forward_and_back", "rounds": 2}, "method": {"name": "batch_norm"}}
    steps, network = time_steps(_settings(tiny_run, changes), 3 * 5 - WARM_UP + 1)

    assert len(steps) == 13
    assert all(len(step.parts["statistics"]) == 1 for step in steps)
    assert not any(count.learning for count in count_parameters(network))


def test_adapters_have_rows_of_their_own_and_what_is_frozen_does_not_learn(tiny_run: dict[str, object]) -> None:
    adapter = {"name": "adaptformer", "stages": [1], "bottleneck": 4}
    _, network = time_steps(_settings(tiny_run, {"adapter": adapter, "model": {"freeze": "everything"}}), 1)
    counts = {count.name: count for count in count_parameters(network)}

    learning = {name for name, count in counts.items() if count.learning}
    assert learning == {"encoder.stages.1: parallel"}
    assert counts["encoder.stages.1: parallel"].learning == counts["encoder.stages.1: parallel"].total
    assert {"encoder.stages.0", "encoder.stages.1", "head.linear_fuse", "head.linear_pred"} <= counts.keys()
    assert sum(count.total for count in counts.values()) == sum(each.numel() for each in network.parameters())


def test_the_command_prints_both_tables(
    tiny_run: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(tiny_run))
    monkeypatch.setattr(sys, "argv", ["profile", "run.yaml", "--steps", "2"])

    assert profile.main() == DONE

    said = capsys.readouterr().out
    assert "2 steps of 4 frames of 32x64" in said
    assert "backward and optimizer" in said
    total = next(line for line in said.splitlines() if " total " in line)
    assert total.count("348.66 k") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "0"], "--steps must be between 1 and 1000000, but is 0"),
        (["--set", "method.nam=dacs"], "the defaults (--set): method.nam: there is no such key"),
        (["gone.yaml"], "gone.yaml: cannot be read"),
        (["--set", "model.checkpoint=nowhere"], "no shipped checkpoint is called 'nowhere'"),
    ],
)
def test_what_cannot_be_profiled_is_refused_in_one_line(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--set", "data.splits.source=4", "--set", "data.splits.adapt=4"]
    monkeypatch.setattr(sys, "argv", ["profile", *arguments, *([] if "gone.yaml" in arguments else small)])

    assert profile.main() == WRONG_INPUT

    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
