"""Lines that a program reports, and what is said of wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from external_studies import study

from hpo.external.protocol import ProtocolError, Start, Visit, VisitReader

RUN = study({"domains": ["clear"]}).run_settings()
MIOU = {"fog": 0.5, "night": 0.25}
FIRST = [Start(0, resumes=False)]


def line(domain: str = "fog", **fields: Any) -> str:
    return json.dumps({"domain": domain, "miou": MIOU, **fields}) + "\n"


def read(folder: Path, content: str, starts: list[Start] = FIRST, *, is_over: bool = True) -> list[Visit]:
    path = folder / "visits.jsonl"
    path.write_text(content)
    return VisitReader(path, RUN).read(starts, is_over=is_over)


def test_a_line_is_a_visit_with_further_figures(tmp_path: Path) -> None:
    (visit,) = read(tmp_path, line(frames=4, latency=2, note=None, iou={"fog": {"road": 0.75, "car": None}}))
    assert visit == Visit("fog", MIOU, {"fog": {"road": 0.75}}, {"frames": 4.0, "latency": 2.0})


def test_a_single_score_is_that_of_the_visited_domain(tmp_path: Path) -> None:
    assert read(tmp_path, line(miou=0.5))[0].miou == {"fog": 0.5}


def test_a_line_without_line_feed_is_read_at_the_end_alone(tmp_path: Path) -> None:
    whole = line() + line("night").rstrip()
    assert [len(read(tmp_path, whole, is_over=over)) for over in (False, True)] == [1, 2]


def test_a_program_that_resumes_may_repeat_visits_by_their_number(tmp_path: Path) -> None:
    before = line() + line("night")
    again = [*FIRST, Start(len(before), resumes=True)]
    after = line("night", visit=1, miou=0.75) + line("rain", visit=2, miou=1.0)
    assert [visit.miou.get(visit.domain) for visit in read(tmp_path, before + after, again)] == [0.5, 0.75, 1.0]
    with pytest.raises(
        ProtocolError, match=r"visits.jsonl line 3: visit: is 1, which was reported before; the next is 2"
    ):
        read(tmp_path, before + after)


def test_a_program_that_begins_anew_repeats_all(tmp_path: Path) -> None:
    before = line() + line("night")
    visits = read(tmp_path, before + line(miou=0.75), [*FIRST, Start(len(before), resumes=False)])
    assert [visit.miou for visit in visits] == [{"fog": 0.75}]


def test_printed_visits_have_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"epoch 1\nVISIT {line()}VISITOR\nVISIT {line('night')}")
    run = RUN.model_copy(update={"prefix": "VISIT "})
    with pytest.raises(ProtocolError, match=r"log.txt line 3: is not JSON .*: 'OR'"):
        VisitReader(tmp_path / "log.txt", run).read(FIRST, is_over=False)
    (tmp_path / "log.txt").write_text(f"epoch 1\nVISIT {line()}VISIT {line('night')}")
    assert [one.domain for one in VisitReader(tmp_path / "log.txt", run).read(FIRST, is_over=False)] == ["fog", "night"]


@pytest.mark.parametrize("before", ["10%\r20%\r", "50%|##  | 5/10 ", "2026-12-01 10:00:00 - INFO - "])
def test_printed_visits_may_stand_behind_a_progress_bar_or_a_time(tmp_path: Path, before: str) -> None:
    (tmp_path / "log.txt").write_text(f"{before}VISIT {line()}90%\r")
    run = RUN.model_copy(update={"prefix": "VISIT "})
    assert len(VisitReader(tmp_path / "log.txt", run).read(FIRST, is_over=False)) == 1


def test_a_line_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "visits.jsonl"
    reader = VisitReader(path, RUN)
    for number, domain in enumerate(("fog", "night", "rain"), start=1):
        with path.open("a") as file:
            file.write(line(domain))
        assert len(reader.read(FIRST, is_over=False)) == number
        # A file that shrinks is read anew; a line that keeps its length is not looked at again.
        path.write_text("#" * path.stat().st_size)
    path.write_text(line())
    assert len(reader.read(FIRST, is_over=False)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("epoch 1\n", "is not JSON"),
        ("[1]\n", "not a mapping of fields"),
        ('{"miou": 0.5}\n', "domain: is missing"),
        (line(domain=3), "domain: is 3, not text"),
        (line("fogg"), "domain: 'fogg' is in neither engine.visits nor engine.domains; did you mean fog"),
        (line("night"), "domain: is night, but visit 0 of engine.visits is fog"),
        (line(miou={"snow": 0.5}), "miou.snow: 'snow' is in neither engine.visits nor engine.domains"),
        ('{"domain": "fog"}\n', "miou: is missing"),
        (line(miou={"fog": float("nan")}), "miou.fog: is nan, not a finite number"),
        (line(miou={"fog": 63.1}), "miou.fog: is 63.1, not between 0 and 1; divide percent by 100"),
        (line(miou={"fog": "high"}), "miou.fog: is 'high', not a number"),
        (line(latency="high"), "latency: is 'high', not a number"),
        (line(latency=float("inf")), "latency: is inf, not a finite number"),
        (line(latency=10**400), "latency: is 1000000000000000"),
        ("[" * 100_000 + "\n", "is not JSON"),
        (line(frames=1.5), "frames: is 1.5, not a number of frames"),
        (line(frames_per_second=0), "frames_per_second: is 0, not above 0"),
        (line(iou=[1]), "iou: is [1], not a mapping of domains to classes"),
        (line(visit=1), "visit: is 1, but visit 0 comes next"),
        (line(visit=True), "visit: is True, not the number of a visit"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(ProtocolError) as refusal:
        read(tmp_path, content)
    assert str(refusal.value).startswith("visits.jsonl line 1: ")
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_same_visit_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"line 2: domain: is fog, but visit 1 of engine.visits is night"):
        read(tmp_path, line() + line())


def test_a_visit_too_many_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"line 4: is visit 3, but engine.visits has 3"):
        read(tmp_path, "".join(map(line, ("fog", "night", "rain", "rain"))))


def test_a_figure_by_which_trials_are_judged_is_required(tmp_path: Path) -> None:
    judged = study(constraints=[{"metric": "metrics/latency", "at_most": 5}]).run_settings()
    (tmp_path / "visits.jsonl").write_text(line())
    with pytest.raises(ProtocolError, match="line 1: latency: is missing, by which trials are judged"):
        VisitReader(tmp_path / "visits.jsonl", judged).read(FIRST, is_over=False)
