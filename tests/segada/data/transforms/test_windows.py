"""Windows against a plain loop: position, content and padding."""

import mmcv
import numpy as np
import pytest
import torch
from torch import Tensor

from segada.data.batch import Batch
from segada.data.replay import Drawn
from segada.data.transforms.windows import MEAN_COLOR, cut_windows
from segada.settings.augmentation import WindowSettings

HEIGHT, WIDTH = 40, 64


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def places(count: int, labels: Tensor | None = None, wanted: int = 255) -> Drawn:
    """Frames whose red is the column and whose green is the row, in pixels over a thousand."""
    columns, rows = torch.arange(WIDTH) / 1000, torch.arange(HEIGHT) / 1000
    image = torch.stack(
        [columns.expand(HEIGHT, WIDTH), rows[:, None].expand(HEIGHT, WIDTH), torch.zeros(HEIGHT, WIDTH)]
    )
    truth = torch.zeros(HEIGHT, WIDTH, dtype=torch.int64) if labels is None else labels
    return Drawn(Batch(image.repeat(count, 1, 1, 1), truth.repeat(count, 1, 1)), (wanted,) * count)


def window(**values: object) -> WindowSettings:
    return WindowSettings.model_validate({"size": [32, 32], **values})


def corners(batch: Batch) -> list[tuple[int, int]]:
    """Row and column of each window's first pixel."""
    return [tuple((image[[1, 0], 0, 0] * 1000).round().int().tolist()) for image in batch.images]


def plain(
    labels: Tensor, settings: WindowSettings, wanted: int, pixels: float, numbers: list[float]
) -> tuple[int, int]:
    """The first pixel of the window, as DAFormer crops: tries within tries, and the last of them where none will do."""
    truth = labels.numpy()
    spots = iter(zip(numbers[::2], numbers[1::2], strict=True))
    for _ in range(settings.tries):
        of_this_try = [next(spots) for _ in range(10)][: settings.tries]
        for down, right in of_this_try:
            top, left = int(down * (HEIGHT - 32 + 1)), int(right * (WIDTH - 32 + 1))
            shown = truth[top : top + 32, left : left + 32]
            _, areas = np.unique(shown[shown != 255], return_counts=True)
            if settings.class_share == 1.0 or (len(areas) > 1 and areas.max() / areas.sum() < settings.class_share):
                break
        if wanted == 255 or (shown == wanted).sum() >= pixels:
            break
    return top, left


def test_without_a_size_frames_stay_and_cost_the_same_draws() -> None:
    drawn, generator, other = places(3), seeded(), seeded()
    assert cut_windows(drawn, WindowSettings(), 30, generator) is drawn.batch
    cut_windows(drawn, window(resize=[0.5, 2.0], class_share=0.5, tries=3), 30, other)
    assert generator.get_state().equal(other.get_state())


@pytest.mark.parametrize(("share", "tries", "wanted"), [(0.75, 10, 255), (0.6, 4, 255), (0.75, 10, 7), (1.0, 10, 7)])
def test_windows_are_those_of_the_plain_loop(share: float, tries: int, wanted: int) -> None:
    labels = torch.zeros(HEIGHT, WIDTH, dtype=torch.int64)
    labels[:, 30:] = 2
    labels[:6] = 255
    labels[36:, 58:] = 7
    settings = window(class_share=share, tries=tries, rare_share=0.5)
    cut = cut_windows(places(40, labels, wanted), settings, 30, seeded())
    numbers = torch.rand(40, 201, generator=seeded()).tolist()
    expected = [plain(labels, settings, wanted, 15.0, row[1:]) for row in numbers]
    assert corners(cut) == expected
    for (top, left), label in zip(expected, cut.labels, strict=True):
        assert label.equal(labels[top : top + 32, left : left + 32])


def test_a_window_that_is_one_class_is_drawn_again_and_ignored_pixels_are_no_class() -> None:
    labels = torch.full((HEIGHT, WIDTH), 255)
    labels[:, :40] = 0
    labels[:, 40:44] = 3
    cut = cut_windows(places(200, labels), window(class_share=0.95), 30, seeded())
    lone = [len(set(label[label != 255].tolist())) < 2 for label in cut.labels]
    free = cut_windows(places(200, labels), window(class_share=1.0), 30, seeded())
    assert not any(lone)
    assert any(len(set(label[label != 255].tolist())) < 2 for label in free.labels)


def test_windows_keep_the_class_that_their_frame_was_drawn_for() -> None:
    labels = torch.zeros(HEIGHT, WIDTH, dtype=torch.int64)
    labels[:, 20:] = 1
    labels[30:38, 0:8] = 12

    def keeping(rare_share: float) -> float:
        cut = cut_windows(places(100, labels, 12), window(rare_share=rare_share), 40, seeded())
        return float(np.mean([(label == 12).sum() >= 20 for label in cut.labels]))

    assert keeping(0.0) < 0.5
    assert keeping(0.5) > 0.85


def test_windows_lie_everywhere_and_nowhere_else() -> None:
    labels = torch.arange(2)[:, None].repeat(HEIGHT // 2, WIDTH)
    found = corners(cut_windows(places(600, labels), window(), 30, seeded()))
    assert {top for top, _ in found} == set(range(HEIGHT - 32 + 1))
    assert {left for _, left in found} == set(range(WIDTH - 32 + 1))


@pytest.mark.parametrize("ratio", [0.8, 1.25, 2.0])
def test_resizing_equals_mmcv_s_and_labels_stay_on_their_pixels(ratio: float) -> None:
    noise = torch.rand(3, HEIGHT, WIDTH, generator=seeded())
    labels = torch.arange(WIDTH).expand(HEIGHT, WIDTH).contiguous()
    size = [round(ratio * HEIGHT), round(ratio * WIDTH)]
    drawn = Drawn(Batch(noise[None], labels[None]), (255,))
    settings = WindowSettings.model_validate({"size": size, "resize": [ratio, ratio], "class_share": 1.0})
    cut = cut_windows(drawn, settings, 30, seeded())
    resized = mmcv.imresize(noise.permute(1, 2, 0).numpy(), size[::-1], interpolation="bilinear")
    assert cut.images[0].permute(1, 2, 0).numpy() == pytest.approx(resized, abs=1e-5)
    centres = (torch.arange(size[1]) + 0.5) * WIDTH / size[1]
    assert ((cut.labels[0] + 0.5 - centres).abs() <= 0.5 + 1e-4).all()


def test_ratios_are_drawn_from_their_whole_range() -> None:
    settings = window(resize=[0.8, 2.0], class_share=1.0)
    cut = cut_windows(places(200), settings, 30, seeded())
    steps = 1000 * (cut.images[:, 0, 10, 21] - cut.images[:, 0, 10, 20])
    ratios = 1 / steps
    assert ratios.min() == pytest.approx(0.8, abs=0.03)
    assert ratios.max() == pytest.approx(2.0, abs=0.08)


def test_what_a_frame_lacks_is_the_mean_color_and_ignored() -> None:
    settings = window(size=[48, 40], resize=[0.5, 0.5])
    cut = cut_windows(places(2), settings, 30, seeded())
    assert cut.images.shape == (2, 3, 48, 40)
    assert (cut.labels[:, :20, :32] == 0).all()
    assert (cut.labels[:, 20:] == 255).all()
    assert (cut.labels[:, :, 32:] == 255).all()
    assert cut.images[0, :, 47, 39].tolist() == pytest.approx(list(MEAN_COLOR))
    assert cut.images[0, :, 0, 39].tolist() == pytest.approx(list(MEAN_COLOR))
    other = cut_windows(places(2), settings, 30, seeded(), (0.5, 0.25, 0.125))
    assert other.images[0, :, 47, 39].tolist() == [0.5, 0.25, 0.125]
