"""Augmentation settings: impossible ones are refused with the cure; all are off by default."""

import pytest

from segada.settings import RunSettings
from segada.settings.augmentation import StyleSettings, WindowSettings
from segada.settings.method import SupervisedSettings


def test_nothing_is_on_by_default() -> None:
    method = SupervisedSettings(name="supervised")
    assert method.window == WindowSettings()
    assert method.window.size is None
    style = method.style
    assert {style.distortion.probability, style.clahe.probability, style.gray_probability, style.gamma.probability} == {
        0
    }
    assert RunSettings().method.model_dump()["style"] == StyleSettings().model_dump()


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (
            {"window": {"size": [64, 64]}},
            r"method\.window\.size is \[64, 64\], but method\.crop is 0\.75.* set method\.crop to 1",
        ),
        ({"window": {"resize": [0.5, 2.0]}}, r"resize is \[0\.5, 2\.0\], but size is null.*set size"),
        ({"crop": 1.0, "window": {"size": [32, 32], "resize": [2.0, 0.5]}}, r"the smaller ratio must come first"),
        (
            {"crop": 1.0, "window": {"size": [64, 160], "resize": [0.5, 1.2]}},
            r"never larger than \[77, 154\]; choose a smaller window",
        ),
        ({"crop": 1.0, "window": {"size": [16, 64]}}, r"greater than or equal to 32"),
        ({"window": {"tries": 11}}, r"less than or equal to 10"),
        ({"style": {"gamma": {"lowest": 2.0, "highest": 1.0}}}, r"lowest is 2\.0, but highest is 1\.0"),
        (
            {"style": {"clahe": {"probability": 0.1, "grid": [65, 8]}}},
            r"method\.style\.clahe\.grid is \[65, 8\], but frames are \[64, 128\] pixels",
        ),
        ({"style": {"distortion": {"probability": 1.5}}}, r"less than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused(method: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RunSettings.model_validate({"method": {"name": "supervised", **method}})


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"size": [64, 160]}, r"never larger than \[64, 128\]"),
        ({"size": [64, 128], "resize": [0.5, 2.0]}, r"can be as small as \[32, 64\], and pseudo-labels of the filling"),
    ],
)
def test_windows_of_target_frames_are_never_filled(window: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RunSettings.model_validate({"method": {"name": "dacs", "window": window}})


@pytest.mark.parametrize("name", ["dacs", "adversarial"])
def test_other_methods_check_their_tiles_too(name: str) -> None:
    clahe = {"probability": 0.5, "grid": [8, 200]}
    with pytest.raises(ValueError, match=r"but frames are \[64, 128\] pixels"):
        RunSettings.model_validate({"method": {"name": name, "style": {"clahe": clahe}}})
