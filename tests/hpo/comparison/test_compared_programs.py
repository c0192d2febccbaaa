"""Which studies with an external engine may be compared."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from external_studies import tree

from hpo.comparison.studies import compared_studies
from segada.errors import InputError

BASELINE = {"untouched": {"quality": 0.0, "mode": "none"}}
ENGINE = {"areas": True, "baselines": BASELINE}


def study(folder: Path, name: str, engine: dict[str, Any] | None = None, **sections: Any) -> str:
    content = tree({**ENGINE, **(engine or {})}, **sections)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({**content, "name": name}))
    return str(folder / f"{name}.yaml")


def test_programs_and_their_settings_may_differ(tmp_path: Path) -> None:
    one = study(tmp_path, "one", run={"quality": 0.5, "mode": "a"})
    other = study(tmp_path, "other", run={"quality": 0.1, "mode": "b"}, space={"depth": {"type": "bool"}})
    assert [file.settings.name for file in compared_studies([one, other], [])] == ["one", "other"]


@pytest.mark.parametrize(
    ("engine", "sections", "said"),
    [
        ({"visits": ["fog", "rain"]}, {}, "engine.visits: is .* but .* in .*one.yaml"),
        ({"areas": False}, {}, "engine.areas: is false, but a comparison ranks on frames"),
        ({"baselines": {}}, {}, "engine.baselines: untouched is another run in .*one.yaml"),
        ({}, {"run": {"other": 1}}, "engine.baselines: untouched is another run in .*one.yaml"),
        ({}, {"budget": {"trials": 7}}, "budget.trials: is 7"),
    ],
)
def test_what_must_be_the_same_is_named(
    tmp_path: Path, engine: dict[str, Any], sections: dict[str, Any], said: str
) -> None:
    one, other = study(tmp_path, "one"), study(tmp_path, "other", engine, **sections)
    with pytest.raises(InputError, match=said):
        compared_studies([one, other], [])


def test_a_study_of_our_engine_is_not_compared_with_one_of_another(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"engine: is an external one, but .*ga_dacs\.yaml has none"):
        compared_studies(["ga_dacs", study(tmp_path, "one")], [])
