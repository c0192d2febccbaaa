"""Weather: physically correct, monotone in its severity, and independent of the division of frames into calls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segada.data.frames import Bytes
from segada.data.synthetic.classes import Label
from segada.data.synthetic.streets import Scenes, render_scenes
from segada.data.weather import rain
from segada.data.weather.atmosphere import clouds, extinction, veiled
from segada.data.weather.depth import FAR, geometric_depth
from segada.data.weather.streaks import LAYERS, streaks
from segada.data.weather.weather import FOG_LIGHT, Weather, parse_weather, render_weather
from segada.data.weather.wet_road import DARKENING, level_ground, wet

pytestmark = pytest.mark.rounding

SIZE = (64, 128)
NUMBERS = range(12)
RAINS = ("25mm", "50mm", "75mm", "100mm", "200mm")


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return render_scenes(0, range(12), SIZE)


def in_weather(scenes: Scenes, name: str) -> Bytes:
    return render_weather(scenes.images, scenes.depth, parse_weather(name), seed=0, numbers=NUMBERS)


@pytest.mark.parametrize(
    ("name", "weather"),
    [
        ("clear", Weather()),
        ("25mm", Weather(rain=25.0)),
        ("200mm", Weather(rain=200.0)),
        ("fog750m", Weather(visibility=750.0)),
        ("night", Weather(night=True)),
    ],
)
def test_names(name: str, weather: Weather) -> None:
    assert parse_weather(name) == weather


@pytest.mark.parametrize("name", ["", "snow", "mm", "0mm", "025mm", "25 mm", "fog", "fogm", "fog0m", "25mm\n", "-25mm"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"must be clear, night, rain such as 25mm or fog such as fog150m"):
        parse_weather(name)


@pytest.mark.parametrize("name", ["100mm", "fog75m", "night"])
def test_a_frame_does_not_depend_on_its_batch(scenes: Scenes, name: str) -> None:
    weather = parse_weather(name)
    whole = render_weather(scenes.images, scenes.depth, weather, seed=5, numbers=NUMBERS)
    part = render_weather(scenes.images[7:9], scenes.depth[7:9], weather, seed=5, numbers=[7, 8])
    np.testing.assert_array_equal(whole[7:9], part)
    assert (render_weather(scenes.images[7:9], scenes.depth[7:9], weather, seed=6, numbers=[7, 8]) != part).any()
    assert (render_weather(scenes.images[7:9], scenes.depth[7:9], weather, seed=5, numbers=[8, 9]) != part).any()


def test_clear_weather_changes_nothing_and_no_input_is_written_to(scenes: Scenes) -> None:
    before = scenes.images.copy()
    assert render_weather(scenes.images, scenes.depth, Weather(), seed=0, numbers=NUMBERS) is scenes.images
    in_weather(scenes, "200mm")
    np.testing.assert_array_equal(scenes.images, before)


def test_one_depth_map_serves_all_photographs(scenes: Scenes) -> None:
    depth = geometric_depth(SIZE)
    shared = render_weather(scenes.images, depth, parse_weather("100mm"), seed=0, numbers=NUMBERS)
    each = render_weather(scenes.images, np.stack([depth] * 12), parse_weather("100mm"), seed=0, numbers=NUMBERS)
    np.testing.assert_array_equal(shared, each)
    assert np.abs(shared.astype(int) - scenes.images).mean() > 5


def test_koschmieder() -> None:
    """A black object at the distance of the visibility has a contrast of 2 % against the fog."""
    assert extinction(300.0) == pytest.approx(3.912 / 300.0, rel=1e-4)
    black, depth = np.zeros((1, 1, 3), np.float32), np.full((1, 1), 300.0, np.float32)
    seen = veiled(black, depth, extinction(300.0), FOG_LIGHT)
    np.testing.assert_allclose(1.0 - seen[0, 0] / FOG_LIGHT, 0.02, rtol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(1.0, FAR), st.floats(1e-4, 0.1), st.floats(0.0, 1.0))
def test_beer_lambert_composes(depth: float, loss: float, share: float) -> None:
    """Air of a depth does the same as two layers of it one behind the other."""
    picture = np.array([[[0.1, 0.5, 0.9]]], np.float32)
    light = np.array([0.7, 0.6, 0.5], np.float32)

    def metres(value: float) -> np.ndarray:
        return np.full((1, 1), value, np.float32)

    once = veiled(picture, metres(depth), loss, light)
    twice = veiled(veiled(picture, metres(share * depth), loss, light), metres((1 - share) * depth), loss, light)
    np.testing.assert_allclose(once, twice, atol=2e-6)


def test_fog_hides_the_far_and_leaves_the_near(scenes: Scenes) -> None:
    fog = in_weather(scenes, "fog75m").astype(float)
    change = np.abs(fog - scenes.images).mean(axis=-1)
    assert change[scenes.depth < 7].mean() < 0.5 * change[(scenes.depth > 40) & (scenes.depth < FAR)].mean()
    deep = fog[(scenes.depth > 140)]
    np.testing.assert_allclose(deep.mean(axis=0) / 255.0, FOG_LIGHT, atol=0.01)


def test_more_rain_changes_more_and_none_of_it_destroys(scenes: Scenes) -> None:
    clear = scenes.images.astype(float)
    distances = []
    for name in RAINS:
        wet_picture = in_weather(scenes, name).astype(float)
        distances.append(np.abs(wet_picture - clear).mean())
        close = scenes.depth < 15
        assert np.corrcoef(wet_picture[close].ravel(), clear[close].ravel())[0, 1] > 0.6, name
    assert distances == sorted(distances)
    assert distances[-1] > 1.3 * distances[-2]


def test_rain_is_not_a_change_of_brightness_and_contrast(scenes: Scenes) -> None:
    """Batch norm alone could undo a change that is affine and the same everywhere."""
    rained = in_weather(scenes, "200mm").astype(float)
    for channel in range(3):
        before, after = scenes.images[..., channel].astype(float).ravel(), rained[..., channel].ravel()
        slope, intercept = np.polyfit(before, after, 1)
        left = after - slope * before - intercept
        assert left.std() > 0.5 * after.std()


def test_severity_rises_from_nothing_to_one_at_the_full_rate() -> None:
    strengths = [rain.severity(rate) for rate in (0.0, 50.0, 100.0, 150.0, 200.0)]
    assert (strengths[0], strengths[-1]) == (0.0, 1.0)
    assert (np.diff(strengths) > 0).all()


def test_streaks_fall_only_in_front_of_what_is_farther_away() -> None:
    nothing = streaks(np.full(SIZE, min(LAYERS) - 0.1, np.float32), np.random.default_rng(0))
    some = streaks(np.full(SIZE, 4.0, np.float32), np.random.default_rng(0))
    most = streaks(np.full(SIZE, FAR, np.float32), np.random.default_rng(0))
    assert nothing.max() == 0.0
    assert 0.0 < (some > 0).mean() < (most > 0).mean() < 0.9
    assert most.max() <= 1.0
    assert (some <= most).all()


def test_a_wet_road_mirrors_what_stands_on_it() -> None:
    """A red wall at 20 m across the whole street: the ground turns darker and red, the wall stays."""
    depth = geometric_depth(SIZE)
    wall = depth >= 20.0
    depth = np.minimum(depth, np.float32(20.0))
    picture = np.full((*SIZE, 3), 0.4, np.float32)
    picture[wall] = (0.8, 0.1, 0.1)
    seen = wet(picture, depth, 1.0, np.zeros(SIZE, np.float32))
    above = wall & np.roll(wall, -1, axis=0)  # the wall's lowest row may count as ground: it is at the ground's depth
    np.testing.assert_array_equal(seen[above], picture[above])
    first = np.flatnonzero(~wall[:, 0])[0]
    assert level_ground(depth)[first + 1 :].all()
    near_wall = seen[first + 3, 10]
    assert near_wall[0] > near_wall[1] + 0.2
    assert seen[~wall][:, 1].max() < 0.4
    np.testing.assert_allclose(wet(picture, depth, 0.0, np.zeros(SIZE, np.float32)), picture)
    assert DARKENING < 1.0


def test_night_is_dark_and_lit_by_the_headlights(scenes: Scenes) -> None:
    night = in_weather(scenes, "night").astype(float)
    road = scenes.labels == Label.ROAD
    share = night.sum(axis=-1) / np.maximum(scenes.images.astype(float).sum(axis=-1), 1.0)
    assert np.median(share[scenes.labels == Label.SKY]) < 0.15
    assert np.median(share[road & (scenes.depth < 8)]) > 1.5 * np.median(share[road & (scenes.depth > 30)])


def test_clouds_are_smooth_and_centred() -> None:
    many = np.stack([clouds(SIZE, np.random.default_rng(seed)) for seed in range(40)])
    assert abs(many.mean()) < 0.1  # 40 x 18 uniform draws: a standard deviation of about 0.02
    assert np.abs(np.diff(many, axis=2)).max() < 0.15
