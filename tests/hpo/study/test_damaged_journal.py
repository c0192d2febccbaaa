"""Tests of damaged journals: each opens with everything kept, or names the damaged line and salvages the others."""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

import hpo.report
import hpo.status
import hpo.trial
from hpo.config.study_file import StudyFile, load_study
from hpo.study.drivers import Driver
from hpo.study.journal.file import DamagedJournal, Journal, mend
from hpo.study.provenance import write_study
from hpo.study.salvage import account, salvage, salvaged
from hpo.study.study import Study, open_study, read_study
from hpo.study.trial_list import listed
from segada.cli.exit_codes import DONE, WRONG_INPUT
from segada.errors import InputError

STUDY = """
name: tiny
run: {stream: {visits: [clear, 25mm, 50mm, 75mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.6}
  method.clean_weight: {type: float, low: 0.01, high: 1.0, off: 0.0, default: 0.5}
  adapter.name: {type: choice, choices: [none, adaptformer], default: none}
sampler: {name: genetic, population_size: 2, mode: generational}
budget: {trials: 9}
pruning: {min_visits: 2, reduction_factor: 2}
constraints: [{metric: frames_per_second, at_least: 10.0}]
"""


def study_file(folder: Path) -> StudyFile:
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(STUDY)
    return load_study(str(folder / "tiny.yaml"))


def begun(folder: Path) -> Study:
    """A study of which trials are complete, pruned, failed and running."""
    study = open_study(study_file(folder), folder / "out")
    write_study(study.file, folder / "out")
    for number in range(8):
        assert study.ask() is not None
        study.report(number, 2, 0.1 * (number % 5))
        if number == 5:
            study.note(5, "its worker died")
            study.fail(5, "the loss is not finite")
        elif number != 6:
            study.complete(number, [0.5 + 0.01 * number], [0.5 - number])
    return study


@cache
def whole() -> tuple[bytes, ...]:
    """The lines of such a study's journal."""
    with TemporaryDirectory() as folder:
        begun(Path(folder))
        return tuple((Path(folder) / "out" / "study.journal").read_bytes().splitlines(keepends=True))


def kept(folder: Path, journal: bytes) -> Path:
    """A folder with this journal, and the study file."""
    file = study_file(folder)
    (folder / "out").mkdir()
    write_study(file, folder / "out")
    (folder / "out" / "study.journal").write_bytes(journal)
    return folder / "out"


def trials(study: Study) -> list[FrozenTrial]:
    return study.optuna_study.get_trials(deepcopy=False)


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    return study_file(tmp_path)


@pytest.fixture
def original() -> list[FrozenTrial]:
    return whole_trials()


@cache
def whole_trials() -> list[FrozenTrial]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "study.journal"
        path.write_bytes(b"".join(whole()))
        return JournalStorage(Journal(path)).get_all_trials(0)


TAILS: dict[str, Callable[[bytes], tuple[bytes, bytes]]] = {
    "half a line": lambda last: (last, b'{"op_code":8,"worker_id":"x","tri'),
    "one byte": lambda last: (last, b"{"),
    "zeros": lambda last: (last, b"\0" * 5000),
    "half a line and zeros": lambda last: (last, b'{"op_code":8,"wor' + b"\0" * 300),
    "zeros and the end of a line": lambda last: (last, b"\0" * 300 + b'":1}}\n'),
    "zeros of two pages": lambda last: (last, b"\0" * 40 + b"\n" + b"\0" * 40 + b"\n\0"),
    "other bytes": lambda last: (last, bytes(range(128, 200))),
    "the last line cut": lambda last: (b"", last[:-9]),
}


@pytest.mark.parametrize("name", TAILS)
def test_a_torn_end_is_cut_off_before_the_next_write_and_kept(name, tmp_path, capsys, original):
    last, tail = TAILS[name](whole()[-1])
    sound = b"".join(whole()[:-1]) + last
    out = kept(tmp_path, sound + tail)
    file = study_file(tmp_path)

    before = {path: path.read_bytes() for path in out.iterdir()}
    seen = trials(read_study(file, out))
    for command, place in ((hpo.status.main, out), (hpo.trial.main, out)):
        words = ["export", str(place)] if command is hpo.trial.main else [str(place)]
        assert _run(command, *words) == DONE
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert capsys.readouterr().err == ""

    study = open_study(file, out)
    assert trials(study) == seen
    assert study.ask() is not None
    said = capsys.readouterr().err
    assert said.startswith(f"note: {out}/study.journal: the last {len(tail)} bytes, an unfinished line, were cut off")
    assert said.count("\n") == 1
    assert (out / "study.journal.cut-1").read_bytes() == tail
    assert (out / "study.journal").read_bytes().startswith(sound)
    again = trials(open_study(file, out))
    # Taken up, asked for, and without its end.
    changed = {6, 8} if last else {6, 7, 8}
    assert [one for one in again if one.number not in changed] == [one for one in original if one.number not in changed]
    assert not (out / "study.journal.cut-2").exists()


def test_a_line_that_lacks_only_its_end_is_given_that(tmp_path, original):
    out = kept(tmp_path, b"".join(whole())[:-1] + b"\0\0")
    mend(out / "study.journal")
    assert (out / "study.journal").read_bytes() == b"".join(whole())
    assert [path.name for path in out.glob("*.cut-*")] == []
    assert trials(read_study(study_file(tmp_path), out)) == original


def test_several_torn_ends_are_all_kept(tmp_path):
    out = kept(tmp_path, b"".join(whole()))
    for tail in (b"{", b"\0\0\0"):
        with (out / "study.journal").open("ab") as journal:
            journal.write(tail)
        mend(out / "study.journal")
    assert [(out / f"study.journal.cut-{number}").read_bytes() for number in (1, 2)] == [b"{", b"\0\0\0"]
    assert (out / "study.journal").read_bytes() == b"".join(whole())


def test_a_journal_of_which_nothing_is_left_begins_no_study_over_the_folders_of_another(tmp_path):
    out = kept(tmp_path, b"\0" * 4096)
    with pytest.raises(InputError, match=r"out: holds study\.yaml but nothing in study\.journal"):
        open_study(study_file(tmp_path), out)
    assert (out / "study.journal").read_bytes() == b"\0" * 4096


def _changed(key: str, value: object) -> Callable[[bytes], bytes]:
    return lambda line: json.dumps({**json.loads(line), key: value}, separators=(",", ":")).encode() + b"\n"


def _without(line: bytes) -> bytes:
    tree = json.loads(line)
    key = [key for key in tree if key not in ("op_code", "worker_id")][-1]
    return json.dumps({name: value for name, value in tree.items() if name != key}).encode() + b"\n"


def _other_type(line: bytes) -> bytes:
    tree = json.loads(line)
    key = [key for key in tree if key not in ("op_code", "worker_id")][-1]
    return json.dumps({**tree, key: {"a": 1, "b": []} if isinstance(tree[key], list | str) else "x"}).encode() + b"\n"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda _: b"\xff\xfe not a line \x00\x01\n",
    "words": lambda _: b"somebody was here\n",
    "empty": lambda _: b"\n",
    "a list": lambda _: b"[1, 2]\n",
    "null": lambda _: b"null\n",
    "nested": lambda _: b"[" * 100_000 + b"\n",
    "a long number": lambda line: line.replace(b'"op_code":', b'"op_code":' + b"9" * 5000, 1),
    "zeros": lambda line: b"\0" * len(line),
    "zeros and its end": lambda line: b"\0" * (len(line) - 1) + b"\n",
    "half of it": lambda line: line[: len(line) // 2] + b"\n",
    "half of it, joined to the next": lambda line: line[: len(line) // 2],
    "an unknown operation": _changed("op_code", 42),
    "an operation that is no number": _changed("op_code", "4"),
    "true as operation": _changed("op_code", value=True),
    "a missing field": _without,
    "a field of another type": _other_type,
    "no worker": _changed("worker_id", None),
    "a trial that is not there": lambda line: _changed("trial_id" if b"trial_id" in line else "study_id", 999)(line),
    "a negative number": lambda line: (
        _changed("trial_id" if b"trial_id" in line else "study_id", -1)(line)
        if b"_id" in line.replace(b"worker_id", b"")
        else b"{}\n"
    ),
    "a moment that is none": lambda line: (
        _changed("datetime_start", "now")(line) if b"datetime_start" in line else b"{}\n"
    ),
    "taken out": lambda _: b"",
}


def _places() -> list[int]:
    """A line of every kind that the journal has, from the middle of it; and the first and the last but one."""
    codes = [json.loads(line)["op_code"] for line in whole()]
    some = {codes.index(code, len(codes) // 4 if code in codes[len(codes) // 4 :] else 0) for code in set(codes)}
    return sorted({0, *some, len(codes) - 2})


@pytest.mark.parametrize("name", DAMAGES)
def test_a_bad_line_is_named_and_all_others_can_be_read(name, tmp_path, file, original):
    path = tmp_path / "study.journal"
    for place in _places():
        lines = [*whole()]
        lines[place] = DAMAGES[name](lines[place])
        path.write_bytes(b"".join(lines))
        if name == "taken out" and json.loads(whole()[place])["op_code"] not in (0, 4):
            # Nothing tells of it.
            assert len(JournalStorage(Journal(path)).get_all_trials(0)) == len(original)
            continue
        with pytest.raises(DamagedJournal) as refusal:
            JournalStorage(Journal(path))
        said = str(refusal.value)
        number = int(said.removeprefix(f"{path}:").partition(":")[0])
        assert number == place + 1 or (name == "taken out" and number > place)
        assert said.endswith(f": python -m hpo.trial salvage {tmp_path}")
        assert "\n" not in said

        recovery = salvaged(path, file)
        account_of = "\n".join(account(recovery))
        assert f"line {number} " in account_of or "a line is missing: lost: the creation" in account_of
        path.write_bytes(recovery.text())
        found = JournalStorage(Journal(path)).get_all_trials(0)
        assert len(found) == len(original)
        incomplete = recovery.incomplete()
        # What is lost may be of any trial that ran then, and of no other.
        assert len(incomplete) <= 3
        for one, former in zip(found, original, strict=True):
            _check_salvaged(one, former, incomplete)


def _check_salvaged(one: FrozenTrial, former: FrozenTrial, incomplete: list[int]) -> None:
    if one.number not in incomplete:
        assert one == former
    assert one.state in (former.state, TrialState.RUNNING)
    assert one.params.items() <= former.params.items()
    assert one.values in (None, former.values)
    if one.state == TrialState.COMPLETE:
        assert one.params == former.params
        assert one.constraints == former.constraints


@pytest.mark.parametrize(
    ("name", "code"), [("zeros", 4), ("half of it, joined to the next", 6), ("words", 3), ("words", 0)]
)
def test_what_is_salvaged_goes_on(name, code, tmp_path, original, capsys):
    lines, place = [*whole()], [json.loads(line)["op_code"] for line in whole()].index(code, 0 if code < 4 else 30)
    lines[place] = DAMAGES[name](lines[place])
    damaged = b"".join(lines)
    out, file = kept(tmp_path, damaged), study_file(tmp_path)
    for read in (lambda: open_study(file, out), lambda: read_study(file, out)):
        with pytest.raises(InputError, match=rf"study\.journal:{place + 1}: .*: python -m hpo\.trial salvage "):
            read()
    assert {path.name for path in out.iterdir()} == {"study.yaml", "study.journal", "journal.lock"}
    assert (out / "study.journal").read_bytes() == damaged
    assert _run(hpo.report.main, str(out)) == WRONG_INPUT
    assert capsys.readouterr().err.count("\n") == 1

    driver = Driver(out)
    with pytest.raises(InputError, match="works in this folder; stop it first"):
        salvage(out)
    driver.leave()
    assert _run(hpo.trial.main, "salvage", str(out)) == DONE
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"line {place + 1} ")
    assert said[-2].startswith("1 line could not be read; trials that may be incomplete: ")
    assert said[-1] == f"{out}/study.journal: is complete again; its former content is in study.journal.damaged-1"
    assert (out / "study.journal.damaged-1").read_bytes() == damaged
    study = open_study(file, out)
    assert [trial.number for trial in trials(study)] == [trial.number for trial in original]
    unfinished = [one.number for one in trials(study) if not one.state.is_finished()]
    proposals = [study.ask() for _ in unfinished]
    assert [proposal.number for proposal in proposals] == unfinished
    # The sampler's proposals are noted: the same configurations, so that the trials' folders stay right.
    assert all(
        dict(study.file.space.encode(one.configuration.values)) == original[one.number].params for one in proposals
    )
    assert salvage(out) == [f"{out}/study.journal: every line can be read; there is nothing to salvage"]


def test_zeros_over_many_lines_take_those_alone(tmp_path, file, original):
    """As a power cut leaves a page of a file that somebody has gone on with."""
    path = tmp_path / "study.journal"
    text = b"".join(whole())
    at = text.index(b'{"op_code":4,', len(text) // 3) - 100
    path.write_bytes(text[:at] + b"\0" * 1500 + text[at + 1500 :])
    recovery = salvaged(path, file)
    path.write_bytes(recovery.text())
    found = JournalStorage(Journal(path)).get_all_trials(0)
    assert len(found) == len(original)
    assert 1 <= len(recovery.incomplete()) <= 3
    for one, former in zip(found, original, strict=True):
        _check_salvaged(one, former, recovery.incomplete())


def test_what_was_no_journal_is_neither_cut_nor_salvaged(tmp_path):
    out = kept(tmp_path, b"somebody's notes\nof another thing")
    for refused in (lambda: open_study(study_file(tmp_path), out), lambda: salvage(out)):
        with pytest.raises(InputError, match=r"no line of it .*; name another folder with --out"):
            refused()
    assert (out / "study.journal").read_bytes() == b"somebody's notes\nof another thing"


def test_without_the_study_file_the_lines_are_salvaged_all_the_same(tmp_path, original):
    lines = [*whole()]
    out = kept(tmp_path, b"".join([*lines[:-1], b"words\n", lines[-1]]))
    (out / "study.yaml").unlink()
    salvage(out)
    assert trials(read_study(study_file(tmp_path), out)) == original
    (out / "study.journal").write_bytes(b"".join([b"words\n", *lines[1:]]))
    with pytest.raises(InputError, match=r"the line that creates the study is lost, and so is study\.yaml"):
        salvage(out)


def _run(command: Callable[[], int], *words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["command", *words])
        return command()


def test_a_trial_that_loses_the_mark_of_its_driver_was_not_told_from_outside(tmp_path):
    lines = list(whole())
    ends = [place for place, line in enumerate(lines) if b"ended_by_driver" in line and b'"trial_id":5' in line]
    lines[ends[0]] = b"#" + lines[ends[0]]
    out = kept(tmp_path, b"".join(lines))
    salvage(out)
    (ended,) = [one for one in listed(out) if one.number == 5]
    assert ended.reason.startswith("stopped after visit 2")
    assert "from outside" not in ended.reason
