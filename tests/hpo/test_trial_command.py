"""`python -m hpo.trial export` and `import`: trials come back as they were, and the search goes on the same."""

import json
import math
import os
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

import hpo.trial
from hpo.config.study_file import StudyFile, load_study
from hpo.samplers.history import RUNG
from hpo.samplers.registry import SAMPLERS
from hpo.study.exchange import exported
from hpo.study.leases import RUN
from hpo.study.opening import IDENTITY
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study
from hpo.study.trial_records import TrialRecord, line_of, record_of, trial_of
from segada.cli.exit_codes import DONE, WRONG_INPUT

STUDY: dict[str, object] = {
    "name": "tiny",
    "run": {"stream": {"visits": ["clear", "25mm", "50mm", "75mm"]}, "evaluation": {"split": "val"}},
    "space": {
        "method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.6, "step": 0.1},
        "method.clean_weight": {"type": "float", "low": 0.01, "high": 1.0, "off": 0.0, "default": 0.5, "log": True},
        "stream.passes": {"type": "int", "low": 1, "high": 3, "default": 1},
        "adapter.name": {"type": "choice", "choices": ["none", "adaptformer"], "default": "none"},
        "adapter.stages": {
            "type": "subset",
            "of": [0, 1, 2, 3],
            "min_size": 1,
            "max_size": 3,
            "when": {"adapter.name": "adaptformer"},
        },
        "adapter.blocks": {"type": "each", "of": "adapter.stages", "choices": ["all", "first", "last"]},
        "evaluation.online": {"type": "bool", "default": True},
    },
    "budget": {"trials": 20},
    "constraints": [{"metric": "frames_per_second", "at_least": 10.0}],
}
SETTINGS: dict[str, dict[str, object]] = {
    "genetic": {"population_size": 2, "mode": "generational"},
    "nsga2": {"population_size": 2},
}
TWO = [{"metric": "mean_miou", "goal": "maximize"}, {"metric": "forgetting", "goal": "minimize"}]


def study_file(folder: Path, sampler: str = "genetic", storage: str | None = None, **changes: object) -> StudyFile:
    tree = {
        **STUDY,
        "sampler": {"name": sampler, "seed": 3, **SETTINGS.get(sampler, {})},
        "storage": storage,
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tree))
    return load_study(str(folder / "tiny.yaml"))


def searched(file: StudyFile, out: Path, count: int = 9) -> Study:
    """A study some of whose trials are pruned, failed and running, and one waiting."""
    study = open_study(file, out)
    write_study(file, out)
    study.leases.acquire("source_only")
    study.leases.fail("source_only", "a disk was\nfull")
    values = [0.25, 0.125][: len(file.settings.objectives)]
    for number in range(count):
        proposal = study.ask()
        assert proposal is not None
        study.report(number, 2, math.nan if number == 3 else 0.1 * number, [-0.1 * number, 0.5])
        study.note(number, "its worker died")
        if number % 4 == 2:
            study.fail(number, "the loss is not finite")
        elif number % 4 == 3:
            study.prune(number)
        elif number < count - 1:
            study.complete(number, [value + number for value in values], [0.5 - number])
    study.optuna_study.enqueue_trial({"method.pseudo_threshold": 0.7})
    return study


def shown(fields: dict[str, object]) -> str:
    """In any order, and so that what is no number equals itself."""
    return json.dumps(fields, sort_keys=True, default=repr)


def trials(study: Study) -> list[str]:
    """Everything of each trial but the id that the storage gives it."""
    return [
        shown({key: value for key, value in vars(trial).items() if key != "_trial_id"})
        for trial in study.optuna_study.get_trials(deepcopy=False)
    ]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["hpo.trial", *words])
    return hpo.trial.main()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_come_back_as_they_were_and_the_search_goes_on_the_same(sampler, tmp_path, monkeypatch, capsys):
    several = {"objectives": TWO} if sampler in ("nsga2", "nsga3") else {}
    places = {"journal": None, "sqlite": f"sqlite:///{tmp_path}/a.db"}
    former = searched(study_file(tmp_path, sampler, places["journal"], **several), tmp_path / "former")
    known = trials(former)
    assert run(monkeypatch, "export", str(tmp_path / "former"), "--file", str(tmp_path / "trials.jsonl")) == DONE
    lines = (tmp_path / "trials.jsonl").read_text().splitlines()
    assert len(lines) == 1 + len(known)
    again = []
    for kind, place in places.items():
        storage = ["--storage", place] if place else []
        words = ["import", str(tmp_path / kind), str(tmp_path / "trials.jsonl"), "--space", str(tmp_path / "tiny.yaml")]
        assert run(monkeypatch, *words, *storage) == DONE
        assert "10 trials taken in, 0 were there" in capsys.readouterr().out
        file = load_study(str(tmp_path / kind / "study.yaml"))
        again.append(open_study(file, tmp_path / kind))
        assert trials(again[-1]) == known
        assert again[-1].optuna_study.directions == former.optuna_study.directions
        assert again[-1].leases.failures() == {"source_only": "a disk was\nfull"}
        # From the other storage it is the same file.
        rewritten, notes = exported(tmp_path / kind)
        assert [shown(json.loads(line)) for line in rewritten.splitlines()] == [
            shown(json.loads(line)) for line in lines
        ]
        assert notes == []
    # In a new process: what was running is taken up, and then the sampler is asked.
    former = open_study(former.file, tmp_path / "former")
    numbers = [
        [(one.number, dict(one.configuration.values)) for one in (study.ask(), study.ask(), study.ask())]
        for study in (former, *again)
    ]
    assert numbers[0] == numbers[1] == numbers[2]


def test_a_line_says_a_trial_in_words_of_the_study_file(tmp_path):
    searched(study_file(tmp_path, "random"), tmp_path / "out", 5)
    study, first, *rest = map(json.loads, exported(tmp_path / "out")[0].splitlines())
    assert study["study"] == "tiny"
    assert study["directions"] == ["maximize"]
    assert "user_attrs" not in study
    assert set(study["system_attrs"]) == {"study:metric_names", IDENTITY, RUN.format(name="source_only")}
    assert first["number"] == 0
    assert first["state"] == "complete"
    assert first["params"] == {
        "method.pseudo_threshold": 0.6,
        "method.clean_weight": 0.5,
        "stream.passes": 1,
        "adapter.name": "none",
        "evaluation.online": True,
    }
    assert first["values"] == [0.25]
    assert first["system_attrs"][RUNG.format(visits=2)] == [0.0]
    assert first["constraints"] == {"frames_per_second at least 10.0": 0.5}
    assert first["user_attrs"]["incidents"] == ["its worker died"]
    assert first["datetime_start"].endswith("+00:00")
    assert [trial["state"] for trial in rest] == ["complete", "fail", "pruned", "running", "waiting"]
    assert not any("stored" in trial for trial in [first, *rest])


def test_trials_come_back_into_a_folder_whose_journal_is_gone_and_only_once(tmp_path, monkeypatch, capsys):
    out, source = tmp_path / "out", tmp_path / "trials.jsonl"
    known = trials(searched(study_file(tmp_path, "random"), out, 5))
    assert run(monkeypatch, "export", str(out)) == DONE
    source.write_text(capsys.readouterr().out)
    (out / "study.journal").unlink()
    for said in ("6 trials taken in, 0 were there", "0 trials taken in, 6 were there"):
        assert run(monkeypatch, "import", str(out), str(source)) == DONE
        assert said in capsys.readouterr().out
    assert trials(open_study(study_file(tmp_path, "random"), out)) == known
    lines = source.read_text().splitlines(keepends=True)
    source.write_text("".join(lines[1:]).replace('"values": [0.25]', '"values": [0.5]'))
    assert run(monkeypatch, "import", str(out), str(source)) == WRONG_INPUT
    assert f"{source}:1: the study in {out} has another trial 0; import into a new one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("words", "2: is not a trial: Expecting value"),
        ("[1]", "2: : Input should be"),
        ('{"number": 0}', "2: state: Field required"),
        ('{"number": 1, "state": "fail"}', "2: is not a trial: is trial 1 where trial 0 is expected"),
        ('{"number": 0, "state": "done"}', "2: state: Input should be 'complete'"),
        ('{"number": 0, "state": "complete"}', "2: is complete, but has no values"),
        ('{"number": 0, "state": "complete", "values": [1, 2]}', "2: has 2 values, but the study has 1 objectives"),
        (
            '{"number": 0, "state": "fail", "params": {"method.threshhold": 0.5}}',
            "did you mean method.pseudo_threshold?",
        ),
        (
            '{"number": 0, "state": "fail", "params": {"method.pseudo_threshold": 5}}',
            "2: method.pseudo_threshold never has the value 5",
        ),
        ('{"number": 0, "state": "fail", "params": {"adapter.stages": [1]}}', "2: adapter.stages has no effect here"),
        ('{"number": 0, "state": "fail", "stored": {"x": 5}}', "2: x is not a dimension of this space"),
        ('{"number": 0, "state": "fail", "stored": {"adapter.name": "b"}}', "2: 'b' not in "),
        (
            '{"number": 0, "state": "fail", "datetime_start": "now"}',
            "2: datetime_start: Value error, Invalid isoformat",
        ),
        # Their years cannot be converted to another time zone.
        *(
            (
                f'{{"number": 0, "state": "fail", "datetime_start": "{moment}"}}',
                "2: datetime_start: Value error, is not a year of a study",
            )
            for moment in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-12:00")
        ),
        ('{"number": 0, "state": "fail", "distributions": {"x": "{}"}}', "has no distribution in '{}'"),
        ("[" * 100_000, "2: is not a trial: "),
        ("\\udcff", "2: is not a trial: "),
    ],
)
def test_a_bad_line_is_refused_by_its_number_and_nothing_is_made(line, said, tmp_path, monkeypatch, capsys):
    file, source = study_file(tmp_path, "random"), tmp_path / "trials.jsonl"
    study = '{"format": 1, "study": "tiny", "directions": ["maximize"]}\n'
    source.write_text(study + line + "\n", errors="surrogateescape")
    words = ["import", str(tmp_path / "out"), str(source), "--space", file.document.file]
    assert run(monkeypatch, *words) == WRONG_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith(f"error: {source}:2: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_trials_of_another_study_and_places_without_one_are_refused(tmp_path, monkeypatch, capsys):
    searched(study_file(tmp_path, "random"), tmp_path / "out", 2)
    source = tmp_path / "trials.jsonl"
    source.write_text(exported(tmp_path / "out")[0])
    os.mkfifo(tmp_path / "pipe")
    other = study_file(tmp_path / "other", "random", forbidden=[{"adapter.name": "none", "stream.passes": 3}])
    words = [str(tmp_path / "new"), str(source), "--space", other.document.file]
    for command, said in (
        (["import", *words], "trials.jsonl:1: holds another study named 'tiny': forbidden is"),
        (["import", str(tmp_path / "new"), str(source)], "new: has no study.yaml; name the folder of a study, or"),
        (["import", str(tmp_path / "out"), str(tmp_path / "gone")], "gone: cannot be read"),
        (["import", str(tmp_path / "out"), str(tmp_path / "pipe")], "pipe: is a pipe, a device or a socket, where"),
        (["export", str(tmp_path / "new")], "new: has no study.yaml; name the folder of a study"),
        (["salvage", str(tmp_path / "new")], "new: has no study.journal to salvage"),
    ):
        assert run(monkeypatch, *command) == WRONG_INPUT
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_of_a_damaged_journal_everything_else_is_exported_and_nothing_written(tmp_path, monkeypatch, capsys):
    searched(study_file(tmp_path, "random"), tmp_path / "out", 5)
    path = tmp_path / "out" / "study.journal"
    whole = list(map(json.loads, exported(tmp_path / "out")[0].splitlines()))
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"trial_id":1,"state":1' in line)
    path.write_bytes(b"".join([*lines[:place], b'{"op_code":6,"trial_id":1,\n', *lines[place + 1 :]]))
    before = {entry: entry.read_bytes() for entry in (tmp_path / "out").iterdir()}
    assert run(monkeypatch, "export", str(tmp_path / "out")) == DONE
    out, err = capsys.readouterr()
    assert {entry: entry.read_bytes() for entry in (tmp_path / "out").iterdir()} == before
    found = list(map(json.loads, out.splitlines()))
    assert found[2] == {
        **{k: v for k, v in whole[2].items() if k not in ("values", "datetime_complete")},
        "state": "running",
    }
    assert [*found[:2], *found[3:]] == [*whole[:2], *whole[3:]]
    assert "lost: a change of state of trial 1" in err
    assert "note: 1 line could not be read; trials that may be incomplete: 1\n" in err


NUMBERS = st.floats() | st.integers(-(2**53), 2**53)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
# Moments without a zone that a change of clocks makes double, or leaves out, are not what Optuna stores either.
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(8000, 1, 1)).map(lambda one: one.replace(month=1, day=15, fold=0))


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return study_file(tmp_path_factory.mktemp("space"), "random").space


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_trial_is_what_its_line_says(space, data):
    raw = space.draw_raw(data.draw(st.integers(0, 2**32).map(np.random.default_rng)))
    kept = data.draw(st.sets(st.sampled_from(sorted(raw))))
    params = {**{name: raw[name] for name in sorted(kept)}, **data.draw(st.sampled_from([{}, {"foreign": 0.5}]))}
    state = data.draw(st.sampled_from(list(TrialState)))
    values = data.draw(st.lists(st.floats(), min_size=1, max_size=1))
    trial = FrozenTrial(
        number=7,
        trial_id=-1,
        state=state,
        value=None,
        values=values if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        datetime_start=data.draw(st.none() | MOMENTS),
        datetime_complete=data.draw(st.none() | MOMENTS),
        params=params,
        distributions={name: space.distributions().get(name, FloatDistribution(0, 1)) for name in params},
        user_attrs=data.draw(st.dictionaries(st.text(), JSON, max_size=3)),
        system_attrs=data.draw(st.dictionaries(st.text(), JSON, max_size=3)),
        intermediate_values=data.draw(st.dictionaries(st.integers(0, 99), st.floats(), max_size=3)),
    )
    for name, violation in data.draw(st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=2)).items():
        trial.set_constraint(name, violation)
    record = TrialRecord.model_validate(json.loads(line_of(record_of(trial, space))))
    assert shown(vars(trial_of(record, space, 1))) == shown(vars(trial))


def test_a_folder_of_other_files_takes_no_trials_and_a_folder_is_no_file_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    lines = tmp_path / "trials.jsonl"
    lines.write_text("")
    for words, said in (
        (["import", str(other), str(lines), "--space", "smoke"], "holds thesis.txt and no study"),
        (["export", str(other), "--file", str(tmp_path)], "is a folder, not a file"),
    ):
        assert hpo.trial.main(words) == WRONG_INPUT
        assert said in capsys.readouterr().err
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
