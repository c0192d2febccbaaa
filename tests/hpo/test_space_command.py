"""What `python -m hpo.space check` and `export` print, and how many configurations a space has."""

import itertools
import math
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from test_space import spaces
from test_sweeps import STUDY, SWEEP

from hpo.config.document import shipped_studies
from hpo.config.study_file import load_study
from hpo.search_space import Space
from hpo.search_space import size as counting
from hpo.search_space.parameter import Raw
from hpo.search_space.size import cardinality
from hpo.space import main, proposals


def values_of(distribution: BaseDistribution) -> list[Raw]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    assert distribution.step is not None
    count = round((distribution.high - distribution.low) / distribution.step) + 1
    return [distribution.low + index * distribution.step for index in range(count)]


def gone_through(space: Space) -> int:
    """The definition: different configurations of all combinations, without the forbidden ones."""
    distributions = space.distributions()
    grid = itertools.product(*map(values_of, distributions.values()))
    points = (space.configuration(dict(zip(distributions, raw, strict=True))) for raw in grid)
    return len({point.hash for point in points if space.forbidding(point.values) is None})


@given(spaces())
def test_the_number_of_configurations_is_that_of_different_ones(space: Space) -> None:
    distributions = space.distributions().values()
    continuous = any(isinstance(one, FloatDistribution) and one.step is None for one in distributions)
    assert math.isinf(cardinality(space)[0]) == continuous
    assume(not continuous and math.prod(len(values_of(one)) for one in distributions) < 3000)
    assert cardinality(space) == (gone_through(space), True)
    clauses = {
        path: one.options()[0] for path, one in list(space.parameters.items())[:2] if one.type in ("bool", "int")
    }
    if clauses:
        fewer = Space(space.parameters, [clauses])  # type: ignore[list-item]
        assert cardinality(fewer) == (gone_through(fewer), True)


def test_too_many_combinations_to_go_through_have_an_upper_bound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = yaml.safe_load(STUDY)
    text["space"] = {"adapter.name": text["space"]["adapter.name"], "adapter.stages": text["space"]["adapter.stages"]}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({**text, "forbidden": []}), encoding="utf-8")
    space = load_study(str(tmp_path / "a.yaml")).space
    assert cardinality(space) == (1 + 7, True)
    monkeypatch.setattr(counting, "LIMIT", 1)
    assert cardinality(space) == (2 * 7, False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hpo.space", *arguments])
    return main()


def test_check_shows_every_parameter_and_ten_points_that_would_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    assert run(monkeypatch, "check", str(tmp_path / "study.yaml")) == 0
    table, points = capsys.readouterr().out.split("\n\n")
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in table.splitlines()}
    assert rows["method.source_fdist_lambda"] == "float 0 | 0.001 to 0.1, log infinitely many"
    assert rows["method.clean_weight"] == "float 0 to 2 by 0.25 9"
    assert rows["adapter.stages"] == "subset 1 to 3 of 0, 1, 2 adapter.name = adaptformer 7"
    assert rows["adapter.blocks"] == "each for each of adapter.stages: all | last 2 each"
    assert rows["stream.frames"] == "choice null | 8 2"
    assert rows["forbidden:"] == "adapter.name = none, stream.passes = 4"
    assert rows["10"] == "parameters, infinitely many configurations"
    assert points.startswith("the first 10 trials that genetic would run")
    # In a terminal of this width long rows are folded: a new point begins with its number.
    numbers = [line.split()[0] for line in points.splitlines()[2:] if not line.startswith(" ")]
    assert numbers == [str(number) for number in range(10)]


def test_the_points_begin_with_what_the_study_begins_with() -> None:
    study = load_study("ga_dacs")
    defaults = study.space.defaults()
    assert defaults is not None
    points = proposals(study, 10)
    assert points[0] == study.space.configuration(defaults)
    assert len({point.hash for point in points}) == 10


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_can_be_looked_at_without_their_data(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGADA_CAMVID", "gone")
    assert run(monkeypatch, "check", name) == 0
    assert "configurations" in capsys.readouterr().out


def test_a_small_space_is_shown_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "grid.yaml").write_text(
        "method: grid\nparameters: {stream.passes: {min: 1, max: 3}}\n", encoding="utf-8"
    )
    assert run(monkeypatch, "check", str(tmp_path / "grid.yaml")) == 0
    table, points = capsys.readouterr().out.split("\n\n")[1:]
    assert table.endswith("1 parameter, 3 configurations")
    rows = points.splitlines()
    assert rows[0].startswith("the first 3 trials that grid would run")
    # One pass is what the runs have anyway.
    assert sorted(line.split()[2] for line in rows[2:]) == ["nothing", "stream.passes=2", "stream.passes=3"]
    assert load_study(str(tmp_path / "grid.yaml")).settings.budget.trials == 3


def test_a_sweep_is_looked_at_as_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    assert run(monkeypatch, "check", str(tmp_path / "sweep.yaml")) == 0
    assert capsys.readouterr().out.startswith("a W&B sweep as a study; not used of it: program\n")


def test_export_prints_a_sweep_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    assert run(monkeypatch, "export", str(tmp_path / "study.yaml")) == 0
    printed = capsys.readouterr()
    sweep = yaml.safe_load(printed.out)
    assert sweep["name"] == "exported"
    assert str(tmp_path / "study.yaml") in sweep["command"]
    assert "note: a sweep forbids nothing" in printed.err


@pytest.mark.parametrize("command", ["check", "export"])
def test_a_wrong_file_is_refused_in_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY.replace("clean_weight", "clean_wight"), encoding="utf-8")
    assert run(monkeypatch, command, str(tmp_path / "study.yaml")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path}/study.yaml:5: space.method.clean_wight: no setting has this path")
    assert said.count("\n") == 1
