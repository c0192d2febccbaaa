"""Measures the network's speed and the gain of folding the head: `python -m benchmarks.engine model`."""

import statistics
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.engine.rates import Rate, measure
from segada.models.build import bare_segmentor
from segada.models.heads.segformer import SegFormerHead
from segada.settings.model import ModelSettings

CASES = (("mit_tiny", (64, 128), 8), ("mit_b1", (128, 256), 1), ("mit_b3", (128, 256), 1))
"""Encoder, size of the images and batch size."""


def bench_model(repeats: int) -> list[Rate]:
    """Measures images per second through the whole network and through its head, folded and plain, on one core."""
    torch.set_num_threads(1)
    return [rate for encoder, size, batch in CASES for rate in _bench_case(encoder, size, batch, repeats)]


def plain_head(head: SegFormerHead, features: Sequence[Tensor]) -> Tensor:
    """Computes `head(features)` as in the paper: linear, enlarge, concatenate deepest first, mix, norm, classify."""
    linears = (head.linear_c1, head.linear_c2, head.linear_c3, head.linear_c4)
    enlarged = []
    for linear, feature in zip(linears, features, strict=True):
        projected = linear.proj(feature.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        size = features[0].shape[-2:]
        enlarged.append(functional.interpolate(projected, size, mode="bilinear", align_corners=False))
    fused = head.linear_fuse.bn(head.linear_fuse.conv(torch.cat(enlarged[::-1], dim=1)))
    logits: Tensor = head.linear_pred(functional.relu(fused))
    return logits


def _bench_case(encoder: str, size: tuple[int, int], batch: int, repeats: int) -> list[Rate]:
    generator = torch.Generator().manual_seed(0)
    model = ModelSettings.model_validate({"encoder": encoder, "checkpoint": None})
    segmentor = bare_segmentor(model, generator)
    head = segmentor.head
    assert isinstance(head, SegFormerHead)
    images = torch.rand((batch, 3, *size), generator=generator)
    with torch.no_grad():
        maps = [feature.requires_grad_() for feature in segmentor.encode(images)]

    def backward(forward: Callable[[], Tensor]) -> Callable[[], None]:
        return lambda: torch.autograd.backward(forward().sum())

    def rate(work: str, once: Callable[[], object], slower: Rate | None = None) -> Rate:
        per_second = measure(once, batch, repeats)
        ratio = statistics.median(per_second) / statistics.median(slower.per_second) if slower else None
        name = work if ratio is None else f"{work}: {ratio:.1f} x"
        return Rate(f"{encoder} {name}", size, per_second)

    plain = rate("plain head", lambda: plain_head(head, maps))
    plain_back = rate("plain head and back", backward(lambda: plain_head(head, maps)))
    return [
        rate("network", torch.no_grad()(lambda: segmentor(images))),
        rate("network and back", backward(lambda: segmentor(images))),
        plain,
        rate("folded head", lambda: segmentor.head(maps), plain),
        plain_back,
        rate("folded head and back", backward(lambda: segmentor.head(maps)), plain_back),
    ]
