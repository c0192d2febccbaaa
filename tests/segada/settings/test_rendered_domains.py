"""Domains whose frames or weather are computed are known as rendered."""

import pytest

from segada.settings import RunSettings

RENDERED = {
    "streets": ({"dataset": "streets"}, True),
    "photographs": ({"dataset": "camvid"}, False),
    "photographs with rain": ({"dataset": "camvid", "weather": "100mm"}, True),
    "towns": ({"dataset": "cityscapes"}, False),
    "towns with published rain": ({"dataset": "rainy_cityscapes", "rain": 100}, True),
    "towns with published fog": ({"dataset": "foggy_cityscapes", "beta": 0.02}, True),
    "roads in rain": ({"dataset": "acdc", "condition": "rain"}, False),
    "rendered towns": ({"dataset": "shift", "condition": "heavy_rain"}, True),
    "a game": ({"dataset": "gta5", "shares": [0, 0.8, 0.1, 0.1]}, True),
    "rendered streets": ({"dataset": "synthia", "shares": [0, 0.8, 0.1, 0.1]}, True),
    "own folders": ({"dataset": "folders", "images": "*.jpg", "labels": None}, False),
}


@pytest.mark.parametrize("name", RENDERED)
def test_a_domain_is_known_as_rendered(name: str) -> None:
    domain, rendered = RENDERED[name]
    settings = RunSettings.model_validate(
        {
            "data": {"size": [64, 128], "root": ".", "domains": {"clear": {"dataset": "streets"}, "visited": domain}},
            "stream": {"source": "clear", "visits": ["visited", "visited"]},
        },
        strict=False,
    )
    assert settings.rendered_domains() == (("visited",) if rendered else ())
