"""Tests of foreign text: escaped for a line, marked for a spreadsheet."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segada.cli.console import PlainConsole
from segada.core.printing import escaped, escaped_lines
from segada.core.spreadsheet import FORMULA, csv_text, unmarked

ANY_TEXT = st.text(st.characters(codec=None))


@given(ANY_TEXT)
def test_what_is_escaped_is_one_line_that_nothing_obeys(text: str) -> None:
    shown = escaped(text)
    obeyed = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not any(unicodedata.category(one) in obeyed and one not in "\u200c\u200d" for one in shown)
    assert len(shown.splitlines()) <= 1
    assert escaped(shown) == shown
    shown.encode("utf-8")


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_what_can_be_seen_stays(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udc80", r"\udc80"),
        ("\x9b31m", r"\x9b31m"),
        (r"C:\new", r"C:\new"),
        ("Straße 雨 👩\u200d🚒", "Straße 雨 👩\u200d🚒"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_lines_are_kept_where_they_are_meant() -> None:
    assert escaped_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


@given(st.lists(ANY_TEXT.filter(lambda text: text < "\udc80" or text.isprintable()), min_size=1, max_size=3))
def test_a_console_prints_any_text_as_text(texts: list[str]) -> None:
    console = PlainConsole(io.StringIO(), width=10_000, soft_wrap=True)
    console.print(*texts, sep="\n")
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "".join(f"{escaped(text)}\n" for text in texts)


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r")))
def test_a_cell_is_no_formula_and_is_read_back(text: str) -> None:
    written = csv_text(["name", "number"], [{"name": text, "number": -1.5}])
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["number"] == "-1.5"
    if row["name"].startswith(FORMULA):
        float(row["name"])
    if not text.startswith("'"):
        assert unmarked(row["name"]) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum(a)", "\tx", "\r=1", "+1 1", "-1\n", "-"])
def test_formulas_are_marked(text: str) -> None:
    assert csv_text([text], [{text: text}]).count("'") == 2


@pytest.mark.parametrize("text", ["-1.5", "+3", "-1e-3", "-inf", "a=1", ""])
def test_numbers_are_not(text: str) -> None:
    assert "'" not in csv_text(["x"], [{"x": text}])
