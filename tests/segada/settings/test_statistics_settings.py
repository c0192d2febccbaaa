"""Settings of batch-norm statistics: defaults of each method, former names, and digests of former runs."""

import pytest
from pydantic import ValidationError

from segada.settings import RunSettings

DEFAULTS = {
    "batch_norm": "follow",
    "tent": "target",
    "eata": "target",
    "rotta": "robust",
    "sar": "target",
    "cotta": "frozen",
    "svdp": "frozen",
    "rmt": "target",
    "dacs": "follow",
    "adversarial": "follow",
    "supervised": "follow",
}
FORMER = {
    "tent": "b1241776ee",
    "cotta": "c0d8a6ce33",
    "dacs": "119de94bf1",
    "adversarial": "8ee1ce3048",
    "supervised": "7015fb8904",
}
"""Digests of default runs of each method before it had the section."""


def of(name: str, section: dict[str, object] | None = None) -> RunSettings:
    method = {"name": name} if section is None else {"name": name, "batch_norm": section}
    return RunSettings.model_validate({"method": method})


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_default_is_that_of_the_methods_authors_whatever_else_is_given(name: str) -> None:
    for settings in (of(name), of(name, {"reset_per_domain": True})):
        assert settings.method.batch_norm.statistics == DEFAULTS[name]


@pytest.mark.parametrize("name", FORMER)
def test_a_run_with_the_statistics_of_former_versions_has_the_digest_of_former_versions(name: str) -> None:
    assert of(name, {"statistics": "follow"}).settings_hash() == FORMER[name]
    assert (of(name).settings_hash() == FORMER[name]) is (DEFAULTS[name] == "follow")


def test_the_former_momentum_is_refused_with_its_new_path() -> None:
    with pytest.raises(ValidationError, match=r"method\.momentum is now method\.batch_norm\.momentum"):
        RunSettings.model_validate({"method": {"name": "batch_norm", "momentum": 0.2}})


def test_the_baseline_does_not_freeze_what_it_estimates() -> None:
    with pytest.raises(ValidationError, match=r"statistics is 'frozen', .* set method\.name to source_only"):
        of("batch_norm", {"statistics": "frozen"})
