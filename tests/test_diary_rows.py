"""docs/diary_rows.md: rows 1 to 61, and everything that it names exists."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpo.config.schema import StudySettings
from segada.settings import RunSettings
from segada.settings.files import read_value
from segada.settings.schema import slots

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "diary_rows.md").read_text()
ROWS = dict(re.findall(r"^\| (\d+) \|[^|]*\| (.*) \|$", TEXT, flags=re.MULTILINE))

COMMAND = re.compile(r"python -m ([\w.]+)( .*)?")
SETTING = re.compile(r"(study:|)([a-z_]+(?:\.[a-z_]+)+|preset|(?<=study:)run)(?:=(.+))?")
FREE = {"settings.yaml", "study.yaml", "report.json", "visits.jsonl"}
"""Files that a run leaves behind."""


def _quoted(row: str) -> Iterator[str]:
    yield from re.findall(r"`([^`]+)`", ROWS[row])


def test_every_row_is_there_once_and_in_order() -> None:
    assert list(ROWS) == [str(number) for number in range(1, 62)]


@pytest.mark.parametrize("row", ROWS)
def test_everything_named_exists(row: str) -> None:
    for text in _quoted(row):
        command, setting = COMMAND.fullmatch(text), SETTING.fullmatch(text)
        if command is not None:
            assert importlib.util.find_spec(command[1]) is not None, text
        elif "/" in text and "=" not in text:
            assert (ROOT / text).is_file(), text
        elif setting is not None and text not in FREE:
            _check_setting(*setting.groups(default=""))


def _check_setting(of_study: str, path: str, value: str) -> None:
    places = slots(StudySettings if of_study else RunSettings, path.split("."))
    assert places, f"no setting has the path {path}"
    if not value:
        return
    failures = []
    for place in places:
        try:
            place.check(read_value(value, path))
        except ValueError as failure:
            failures.append(str(failure))
    assert len(failures) < len(places), failures


def test_a_row_of_losses_names_settings_that_a_search_can_turn() -> None:
    named = {text.partition("=")[0] for row in ROWS for text in _quoted(row) if SETTING.fullmatch(text)}
    assert len(named - FREE) > 60
