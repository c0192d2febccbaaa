"""Videos: which frames are taken, how they are divided, decoded and cached, and files that are refused."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from loaded_frames import load_domain
from video_files import SIZE, cut_off, write_film

from segada.data.datasets.registry import open_domain
from segada.data.datasets.video_file import Video, upright
from segada.data.datasets.video_index import read_index
from segada.errors import InputError
from segada.settings.data import DataSettings, SplitSettings
from segada.settings.loading import LoadingSettings
from segada.settings.video import VideoDomain


def _data(root: Path, cache: Path | None = None, workers: int = 0, **domain: object) -> DataSettings:
    settings = VideoDomain.model_validate({"dataset": "video", "shares": (0, 1, 0, 0), **domain})
    return DataSettings(
        size=(32, 64),
        root=str(root),
        domains={"film": settings},
        splits=SplitSettings(adapt=1000),
        loading=LoadingSettings(cache=None if cache is None else str(cache), workers=workers),
    )


def _refusal(root: Path, **domain: object) -> InputError:
    with pytest.raises(InputError) as caught:
        load_domain("film", _data(root, **domain), "adapt")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(("rate", "taken"), [(None, 20), (100.0, 20), (5.0, 10), (3.0, 6), (0.4, 1)])
def test_frames_are_taken_by_rate(tmp_path: Path, rate: float | None, taken: int) -> None:
    index = read_index(write_film(tmp_path / "film.mp4", 20))

    numbers = index.at_rate(rate)

    assert (len(index), len(numbers), numbers[0]) == (20, taken, 0)
    if rate is not None and rate < 10.0:
        assert [index.seconds[number] for number in numbers] == [
            min(time for time in index.seconds if time >= multiple / rate - 1e-6) for multiple in range(taken)
        ]


def test_the_rate_of_frames_that_come_at_odd_times_follows_the_clock(tmp_path: Path) -> None:
    index = read_index(write_film(tmp_path / "film.mp4", 4))
    odd = type(index)(index.path, (0, 1, 2, 3), (0.0, 0.1, 1.7, 1.8))

    assert odd.at_rate(1.0) == (0, 2)


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")]
)
def test_a_frame_is_the_same_in_any_order_of_asking(tmp_path: Path, suffix: str, codec: str) -> None:
    index = read_index(write_film(tmp_path / f"film.{suffix}", 40, codec=codec))
    numbers = range(40)
    with av.open(str(index.path)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]

    video = Video(index, tuple(numbers))
    forward = [video.picture(number) for number in numbers]
    few = Video(index, (3, 39))
    with ThreadPoolExecutor(4) as pool:
        several = list(pool.map(Video(index, tuple(numbers)).picture, numbers))

    np.testing.assert_array_equal(forward, plain)
    np.testing.assert_array_equal(several, plain)
    np.testing.assert_array_equal([few.picture(number) for number in (39, 3)], [plain[39], plain[3]])


def test_several_films_are_divided_where_one_ends(tmp_path: Path) -> None:
    for number, frames in enumerate((11, 9, 10)):
        write_film(tmp_path / f"drive{number}.mp4", frames, seed=number)
    data = _data(tmp_path, file="drive*.mp4", shares=(0, 0.7, 0.3, 0))

    assert len(open_domain("film", data, "adapt")) == 20
    assert len(open_domain("film", data, "val")) == 10


def test_the_cache_has_the_frames_of_this_rate(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", 20)
    plain = load_domain("film", _data(tmp_path, file="film.mp4"), "adapt")

    for _ in range(2):
        cached = load_domain("film", _data(tmp_path, tmp_path / "cache", 3, file="film.mp4"), "adapt")
        np.testing.assert_array_equal(cached.images, plain.images)
        slower = _data(tmp_path, tmp_path / "cache", 3, file="film.mp4", frames_per_second=5.0)
        np.testing.assert_array_equal(load_domain("film", slower, "adapt").images, plain.images[::2])
    assert np.unique(plain.labels).tolist() == [255]


@pytest.mark.parametrize("name", ["film.mkv", "film.avi"])
def test_a_film_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    codec = {"film.mkv": "libx264", "film.avi": "mpeg4"}[name]
    cut_off(write_film(tmp_path / name, 60, codec=codec))

    error = _refusal(tmp_path, file=name)

    assert "is cut off: it holds" in str(error)
    assert "copy it again" in str(error)
    assert error.path == ("data", "domains", "film", "file")


def test_what_is_no_film_is_refused(tmp_path: Path) -> None:
    cut_off(write_film(tmp_path / "headless.mp4", 20, codec="mpeg4"))
    (tmp_path / "text.mp4").write_text("no film")

    for name in ("headless.mp4", "text.mp4"):
        assert "cannot be opened as a video" in str(_refusal(tmp_path, file=name))
    assert f"there is no file {tmp_path / 'absent.mp4'}" in str(_refusal(tmp_path, file="absent.mp4"))
    assert f"no files *.avi in {tmp_path}" in str(_refusal(tmp_path, file="*.avi"))


def test_too_few_frames_are_refused(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", 3)

    error = _refusal(tmp_path, file="film.mp4", shares=(0, 0.1, 0.5, 0.4))

    assert "has 3 frames at this rate, too few to divide by shares" in str(error)


def test_a_damaged_frame_is_left_out_or_refused(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.avi", 40, codec="mpeg4", keys=1)
    content = bytearray(path.read_bytes())
    start = content.index(b"00dc", len(content) // 2)
    content[start + 8 : start + 200] = bytes(192)
    path.write_bytes(content)

    error = _refusal(tmp_path, file="film.avi")

    assert "1 of 40 frames cannot be read" in str(error)
    assert "has a damaged frame at" in str(error)


def test_pictures_are_turned_as_players_turn_them() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)

    assert upright(pixels, 0).tolist() == pixels.tolist()
    assert upright(pixels, -90).tolist() == np.rot90(pixels, 3).tolist()
    assert upright(pixels, -90).shape == (4, 2, SIZE[0] // 16)


def test_without_pyav_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    monkeypatch.setitem(sys.modules, "av", None)

    assert "pip install 'segada[video]'" in str(_refusal(tmp_path, file="film.mp4"))
