"""Tests of the revision in study.yaml: that of this checkout, or unknown."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hpo.study import provenance


def test_the_revision_is_that_of_the_checkout_that_the_package_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    # Somebody's repository, in which the package is installed but not tracked.
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "provenance.py"))
    (tmp_path / "provenance.py").touch()
    assert provenance._revision() == "unknown"

    subprocess.run([git, "add", "provenance.py"], check=True, cwd=tmp_path)
    name = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run([git, *name, "commit", "-qm", "begun"], check=True, cwd=tmp_path)
    assert len(provenance._revision()) == 12


def test_without_git_the_revision_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance._revision() == "unknown"
