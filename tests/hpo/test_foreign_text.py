"""Names, domains, paths and reasons that would be obeyed: by the terminal, rich, a browser or a spreadsheet."""

import argparse
import ast
import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from study_samples import confirmation, report, results

from hpo.comparison.tables import methods_csv
from hpo.config.study_file import load_study
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.status import Running, StudyStatus
from hpo.monitoring.status_view import print_plain, print_table
from hpo.monitoring.summary import print_summary
from hpo.monitoring.trial_counts import TrialCounts
from hpo.reporting.outputs import write_outputs
from hpo.reporting.page import page
from hpo.results.confirmation import Confirmation
from hpo.results.results import StudyResults, write_csv
from hpo.study.budget import TrialBudget
from hpo.study.jobs import Job, Outcome
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.cli.console import PlainConsole
from segada.cli.exit_codes import Parser
from segada.records import RunReport
from segada.settings import RunSettings

EVIL = "[/d] \x1b[2J\u202e<script>alert(1)</script>\n=1+1"
SHOWN = r"[/d] \x1b[2J\u202e<script>alert(1)</script>\n=1+1"
ROOT = Path(__file__).parents[2]


def printed(*, is_terminal: bool = False) -> PlainConsole:
    console = PlainConsole(io.StringIO(), width=4000)
    console._force_terminal = is_terminal
    return console


def text_of(console: PlainConsole) -> str:
    """What a console has printed, without the styles that it puts there itself."""
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue())


def renamed(confirmed: Confirmation) -> Confirmation:
    """The same with an evil name for a domain."""
    text = confirmed.model_dump_json().replace('"200mm"', '"EVIL"')
    return Confirmation.model_validate_json(text.replace('"EVIL"', _json(EVIL)))


def _json(text: str) -> str:
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"').replace("\\x", "\\u00") + '"'


def evil_results() -> StudyResults:
    found = results(renamed(confirmation(0.1)), failures={"batch_norm": EVIL})
    trials = tuple(
        replace(trial, reason=EVIL if trial.state == "fail" else "", parameters={EVIL: EVIL}) for trial in found.trials
    )
    return replace(found, name=EVIL, trials=trials, visits=("clear", "50mm", EVIL), study_yaml=f"name: x\n# {EVIL}\n")


def test_the_summary_prints_text() -> None:
    console = printed()
    print_summary(evil_results(), Path(f"/tmp/{EVIL}"), console)
    text = text_of(console)
    assert f"report      /tmp/{SHOWN}/report.html" in text
    assert f"  trial 3: {SHOWN}" in text
    assert f"\n{SHOWN} " in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_report_has_no_tag_and_no_control_character_of_anybody() -> None:
    html = page(evil_results())
    assert "<script>alert" not in html
    assert "\x1b" not in re.sub(r"plotly\.js v.*?</script>", "", html, flags=re.DOTALL)
    assert "\u202e" not in html
    assert r"\x1b[2J\u202e&lt;script&gt;alert(1)&lt;/script&gt;\n=1+1" in html


def test_csv_has_no_formula_but_numbers(tmp_path: Path) -> None:
    found = evil_results()
    trials = tuple(replace(trial, reason="=1+1", parameters={"=2": "-x", "a": "-3.5"}) for trial in found.trials)
    write_csv(replace(found, trials=trials, objectives=("-gain",)), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["reason"], row["'=2"], row["a"]) for row in rows} == {("'=1+1", "'-x", "-3.5")}
    assert "'-gain" in rows[0]
    assert float(rows[0]["gain"]) == 0.0


def test_the_status_prints_text() -> None:
    status = StudyStatus(
        name=EVIL,
        place=EVIL,
        trials=2,
        complete=0,
        pruned=0,
        failed=1,
        running=[Running(name="trial 1", visits=0, of=3, domain=EVIL, miou=None, since=None, driver=EVIL)],
        failures={"trial 0": EVIL},
        incidents={"trial 1": [EVIL]},
        best_trial=None,
        best={},
        baselines=0,
        confirmed=0,
        to_confirm=0,
        visits_per_minute=None,
        seconds_left=None,
        drivers=[EVIL],
    )
    console = printed()
    print_table(status, console)
    plain: list[str] = []
    print_plain(status, plain.append)
    assert text_of(console).count(SHOWN) == 7
    assert "\x1b" not in text_of(console)
    assert len(plain) == 6


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_prints_text(is_terminal: bool) -> None:
    console = printed(is_terminal=is_terminal)
    settings = load_study("smoke").settings
    job = Job("trial", "trial 0", Path(EVIL), RunSettings(), 0, {})
    whole = report(0.1)
    last = whole.visits[-1].model_copy(update={"domain": EVIL, "miou": {EVIL: 0.5}})
    evil: RunReport = whole.model_copy(update={"visits": [*whole.visits[:-1], last]})
    with ConsoleReporter(console, settings, lambda: TrialCounts(TrialBudget(2)), 3) as shown:
        shown.started(job)
        shown.visited(job, evil)
        shown._live.refresh()
        shown.recovered(job)
        shown.waiting([EVIL])
        shown.ended(job, Outcome("fail", evil, EVIL))
    assert f"trial 0: failed: {SHOWN}" in text_of(console)
    assert f"the remaining runs of {SHOWN}" in text_of(console)
    assert "\u202e" not in text_of(console)
    assert "\x1b[2J" not in text_of(console)


def test_a_study_in_a_folder_with_an_evil_name_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hpo.report import rebuild

    out = tmp_path / "c[" / "d]\u202e=1+1"
    file = load_study("smoke", {"budget.trials": 1, "confirm.top": 0})
    study = open_study(file, out)
    write_study(file, out)
    study.ask()
    study.fail(0, "=1+1 \x1b[2J [/d] <script>")
    found = write_outputs(study, Plan(file, out), {})
    console = printed()
    print_summary(found, out, console)
    rebuild(out)
    place = rf"{tmp_path}/c[/d]\u202e=1+1"
    assert f"all trials  {place}/results.csv" in text_of(console)
    assert capsys.readouterr().out == f"report in {place}/report.html\n"
    with (out / "results.csv").open(newline="") as text:
        assert next(csv.DictReader(text))["reason"].startswith("'=1+1")


def test_the_command_line_s_mistakes_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    commands = Parser(prog="x").add_subparsers()
    commands.add_parser("go").add_argument("--n", type=int)
    for parser in (Parser(prog="x"), commands.choices["go"]):
        with pytest.raises(SystemExit):
            parser.parse_args(["\x1b[2J"])
        assert r"unrecognized arguments: \x1b[2J" in capsys.readouterr().err
    assert isinstance(commands.choices["go"], argparse.ArgumentParser)


def test_nobody_prints_another_way() -> None:
    """Whole documents - YAML, JSON, a log - are printed as they are, elsewhere lines go through
    `segada.core.printing`."""
    documents = {
        "hpo/session/command.py": 1,
        "hpo/status.py": 1,
        "hpo/space.py": 2,
        "hpo/submit.py": 3,
        "hpo/tracking/wandb_process.py": 4,
        "segada/cli/dispatch.py": 1,
        "segada/data/inspection/check_command.py": 2,
        "segada/core/printing.py": 2,
        "segada/engine/preflight.py": 1,
    }
    found: dict[str, int] = {}
    for path in [path for package in ("hpo", "segada") for path in (ROOT / package).rglob("*.py")]:
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = [call.id for call in calls if isinstance(call, ast.Name)]
        place = path.relative_to(ROOT).as_posix()
        assert "Console" not in names, place
        assert not any(isinstance(call, ast.Attribute) and call.attr == "ArgumentParser" for call in calls), place
        if "print" in names:
            found[place] = names.count("print")
    assert found == documents


def test_a_comparison_s_csv_has_no_formula() -> None:
    from hpo.comparison.results import Comparison

    row = confirmation(0.1).runs[0].model_copy(update={"name": "@sum"})
    comparison = Comparison(
        name="x",
        seeds=[1],
        confidence=0.95,
        methods=[],
        references=[row],
        ranking=None,
        failures={"+lost": "=cmd"},
        notes=[],
    )
    rows = list(csv.DictReader(io.StringIO(methods_csv(comparison))))
    assert [(one["method"], one["failure"]) for one in rows] == [("'@sum", ""), ("'+lost", "'=cmd")]
