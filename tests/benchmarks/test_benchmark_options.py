"""Tests that benchmarks refuse invalid counts and folders before they start."""

import sys

import pytest

from benchmarks.search.__main__ import main

REFUSED = [
    *([["chaos", "--kills", number] for number in ("-1", "0", "many")]),
    *([["samplers", option, "0"] for option in ("--seeds", "--jobs")]),
    *([["latency", option, "-1"] for option in ("--trials", "--asks", "--objectives")]),
    *([["replay", option, "0"] for option in ("--seeds", "--trials", "--workers", "--min-visits", "--jobs")]),
    *([["overhead", option, "-1"] for option in ("--trials", "--workers", "--real")]),
    *([[command, "--out", ""] for command in ("chaos", "samplers", "replay")]),
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_a_count_or_a_folder_that_makes_no_sense_is_refused(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    with pytest.raises(SystemExit) as refusal:
        main()
    assert refusal.value.code == 2
    assert f"argument {words[1]}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["samplers", "replay"])
def test_tables_are_not_written_over_those_of_others(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["bench", command, "--out", "."])
    assert main() == 2
    assert "holds table.csv" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
