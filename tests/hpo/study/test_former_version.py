"""Tests of studies that an earlier version began, with bookkeeping in user attributes."""

from pathlib import Path

import optuna
import pytest
from drivers_bench import STUDY

from hpo.config.study_file import load_study
from hpo.study.opening import FORMER_IDENTITY
from hpo.study.storage import open_storage
from hpo.study.study import open_study
from segada.errors import InputError


def test_it_is_continued_if_it_is_the_same_study(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(STUDY)
    file = load_study(str(tmp_path / "shared.yaml"))
    (tmp_path / "out").mkdir()
    storage = open_storage(None, tmp_path / "out")
    begun = optuna.create_study(storage=storage, study_name=file.settings.name, direction="maximize")
    begun.set_user_attr(FORMER_IDENTITY, {**file.identity, "space": {}})
    with pytest.raises(InputError, match="holds another study named 'shared': space"):
        open_study(file, tmp_path / "out")
    begun.set_user_attr(FORMER_IDENTITY, file.identity)
    assert open_study(file, tmp_path / "out").ask() is not None
