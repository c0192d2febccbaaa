"""Pictures of predictions before and after in the report of a study."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from study_samples import confirmation, results

from hpo.reporting import pictures as module
from hpo.reporting.page import page
from hpo.reporting.pictures import pictures
from hpo.results.results import StudyResults
from segada.records import RunReport

PNG = b"\x89PNG\r\n\x1a\n"
HEAD = "visit,domain,frame,changed,source_miou,adapted_miou\n"


def drawn(out: Path, unscored: tuple[str, ...] = ("50mm",)) -> StudyResults:
    """A confirmed study of whose best run the pictures of two frames of each of two visits are in a folder."""
    folder = out / "confirmation" / "trial-1-s1"
    for name in ("tables", "panels"):
        (folder / name).mkdir(parents=True)
    for visit, domain, miou in ((0, "clear", "0.4,0.5"), (1, "50mm", ",")):
        rows = "".join(f"{visit},{domain},{frame},0.{visit + 1}{frame},{miou}\n" for frame in (0, 7))
        (folder / "tables" / f"disagreement_{visit}.csv").write_text(HEAD + rows)
        for frame in (0, 7):
            (folder / "panels" / f"disagreement_{visit}_{frame:06d}.png").write_bytes(PNG + b"%d %d" % (visit, frame))
    study = replace(results(confirmation(0.1)), folder=out)
    reports = {name: _without(one, unscored) for name, one in study.baselines.items()}
    return replace(study, baselines=reports)


def _without(report: RunReport, domains: Sequence[str]) -> RunReport:
    """Returns a report in which these domains have no labels."""
    visits = [one.model_copy(update={"miou": _left(one.miou, domains)}) for one in report.visits]
    return report.model_copy(update={"visits": visits, "source_only": _left(report.source_only, domains)})


def _left(miou: Mapping[str, float], domains: Sequence[str]) -> dict[str, float]:
    return {key: value for key, value in miou.items() if key not in domains}


def captions(html: str) -> list[str]:
    return re.findall(r"<figcaption>([^<]*)</figcaption>", html)


def test_the_report_shows_domains_without_labels_first_and_the_share_of_changed_pixels(tmp_path: Path) -> None:
    html = page(drawn(tmp_path))
    assert captions(html) == [
        "50mm, frame 0: 20.0 % of the pixels change",
        "50mm, frame 7: 27.0 % of the pixels change",
        "clear, frame 0: 10.0 % of the pixels change; mIoU of the frame 40.0 % before, 50.0 % after",
        "clear, frame 7: 17.0 % of the pixels change; mIoU of the frame 40.0 % before, 50.0 % after",
    ]
    assert len(re.findall(r'<img alt="[^"]*" src="data:image/png;base64,', html)) == 4
    assert "<td>50mm</td><td>23.5</td><td>2</td>" in html


def test_of_too_many_pictures_the_first_of_each_visit_are_shown_and_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2 * len(PNG + b"0 0"))
    html = pictures(drawn(tmp_path, unscored=()))
    assert [one[:16] for one in captions(html)] == ["clear, frame 0: ", "50mm, frame 0: 2"]
    assert f"2 more pictures in {tmp_path}/confirmation/trial-1-s1/panels" in html


def test_damaged_files_and_foreign_names_are_no_pictures(tmp_path: Path) -> None:
    study = drawn(tmp_path)
    folder = tmp_path / "confirmation" / "trial-1-s1"
    (folder / "tables" / "disagreement_0.csv").write_bytes(b"\xff\xfe\0 not a table")
    (folder / "panels" / "disagreement_3_000000.png").write_text("<script>")
    (folder / "panels" / "disagreement_3_000007.png").write_bytes(PNG)
    (folder / "tables" / "disagreement_1.csv").write_text(HEAD + '3,"<b>50mm",0,0.2,,\n3,"<b>50mm",7,0.2,,\n')
    html = pictures(study)
    assert captions(html) == ["&lt;b&gt;50mm, frame 7: 20.0 % of the pixels change"]
    assert pictures(replace(study, folder=tmp_path / "elsewhere")) == ""
    assert pictures(replace(study, confirmed=None)) == ""
