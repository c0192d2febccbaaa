"""Environment variables in folder names."""

from pathlib import Path

import pytest

from segada.settings.folders import expand


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("plain/folder", None, "plain/folder"),
        ("${SEGADA_TEST_ROOT}/camvid", "there", "there/camvid"),
        ("${SEGADA_TEST_ROOT:-../shared}/camvid", None, "../shared/camvid"),
        ("${SEGADA_TEST_ROOT:-../shared}/camvid", "", "../shared/camvid"),
        ("${SEGADA_TEST_ROOT:-../shared}/camvid", "there", "there/camvid"),
        ("${SEGADA_TEST_ROOT:-~/data}", None, str(Path.home() / "data")),
    ],
)
def test_expand(monkeypatch: pytest.MonkeyPatch, text: str, value: str | None, expected: str) -> None:
    monkeypatch.delenv("SEGADA_TEST_ROOT", raising=False)
    if value is not None:
        monkeypatch.setenv("SEGADA_TEST_ROOT", value)

    assert expand(text) == Path(expected)


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(ValueError, match=r"~/x begins with the home directory, and this user has none; set HOME"):
        expand("~/x")


def test_an_unset_variable_without_default_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGADA_TEST_ROOT", raising=False)

    with pytest.raises(ValueError, match=r"SEGADA_TEST_ROOT is not set; set it, or write \$\{SEGADA_TEST_ROOT:-"):
        expand("${SEGADA_TEST_ROOT}/camvid")
