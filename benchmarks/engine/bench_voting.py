"""Measures prediction at label size, and the gain of row strips: `python -m benchmarks.engine evaluation`."""

import statistics
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.engine.rates import Rate, measure
from segada.evaluation.choices import SCALES
from segada.evaluation.ensembling import vote
from segada.evaluation.evaluator import predicted_classes
from segada.evaluation.tta import View
from segada.settings.class_sets import CITYSCAPES

CASES = (((64, 128), (64, 128)), ((512, 1024), (1024, 2048)))
"""Sizes of the image and of its labels: streets, and Cityscapes as usually evaluated."""
STRIDE = 4
"""Stride of the logits, in pixels of the image."""


def bench_evaluation(repeats: int) -> list[Rate]:
    """Measures frames per second of the work after the network, for one view and for six, on one core."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        return [rate for image, labels in CASES for rate in _bench_case(image, labels, repeats)]


def plain_vote(voices: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    """Computes `vote(voices, size).classes` by its definition, from logits [1, K, h, w]."""
    enlarged = [functional.interpolate(logits, size, mode="bilinear") for logits in voices]
    if len(voices) == 1:
        return enlarged[0].argmax(dim=1)
    return torch.stack([logits.softmax(dim=1) for logits in enlarged]).mean(dim=0).argmax(dim=1)


def _bench_case(image: tuple[int, int], labels: tuple[int, int], repeats: int) -> list[Rate]:
    generator = torch.Generator().manual_seed(0)
    sizes = [View(scale).size(*image) for scale in SCALES]
    voices = [
        torch.randn((1, len(CITYSCAPES), height // STRIDE, width // STRIDE), generator=generator)
        for height, width in sizes
    ]
    one, six = voices[SCALES.index(1.0)], [logits[0] for logits in voices]
    plain = _rate("classes, plain", labels, partial(plain_vote, [one], labels), repeats)
    plain_six = _rate("vote of 6, plain", labels, partial(plain_vote, voices, labels), repeats)
    return [
        plain,
        _rate("classes, in strips", labels, partial(predicted_classes, one, torch.Size(labels)), repeats, plain),
        plain_six,
        _rate("vote of 6, in strips", labels, partial(vote, six, labels), repeats, plain_six),
    ]


def _rate(
    work: str, size: tuple[int, int], once: Callable[[], object], repeats: int, slower: Rate | None = None
) -> Rate:
    per_second = measure(once, 1, repeats)
    ratio = statistics.median(per_second) / statistics.median(slower.per_second) if slower else None
    return Rate(work if ratio is None else f"{work}: {ratio:.1f} x", size, per_second)
