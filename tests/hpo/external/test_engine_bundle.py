"""Files of an external engine that are sent with a job."""

from pathlib import Path

import pytest

from hpo.submission.bundle import packed
from segada.errors import InputError

STUDY = "name: mine\nengine: {defaults: %s}\n"


def test_the_settings_of_the_program_are_sent_beside_the_study(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "study.yaml").write_text(STUDY % "configs/fork.yaml")
    (tmp_path / "base" / "configs").mkdir()
    (tmp_path / "base" / "configs" / "fork.yaml").write_text("lr: 1.0")
    (tmp_path / "short.yaml").write_text("extends: base/study.yaml\n")
    bundle = packed(str(tmp_path / "short.yaml"))
    assert sorted(bundle.files) == ["study/base/configs/fork.yaml", "study/base/study.yaml", "study/short.yaml"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.yaml", "names absent.yaml, which is not there"),
        ("/etc/fork.yaml", "names /etc/fork.yaml, which the cluster does not have"),
        ("../../fork.yaml", "names ../../fork.yaml, which the cluster does not have"),
    ],
)
def test_files_that_the_cluster_would_not_find_are_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "study.yaml").write_text(STUDY % name)
    with pytest.raises(InputError, match=said):
        packed(str(tmp_path / "study.yaml"))
