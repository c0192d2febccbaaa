"""Statistics by which the batch norms of a network normalize: frozen, following, of the target, mixed or robust."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from segada.models.batch_norm_mixtures import Mixture, Sample, Statistics, mixture, target_alone
from segada.settings.batch_norm import BatchNormStatistics

AnyBatchNorm = nn.modules.batchnorm._BatchNorm
"""Base of every batch norm of torch, and of those of other libraries."""


def batch_norms(network: nn.Module) -> dict[str, AnyBatchNorm]:
    """Returns the batch norms of a network by name."""
    return {name: part for name, part in network.named_modules() if isinstance(part, AnyBatchNorm)}


def normalize_by(network: nn.Module, settings: BatchNormStatistics) -> None:
    """Makes the batch norms of a network, and of copies that are made of it from now on, normalize as settings say.

    Raises:
        ValueError: The network has no batch norm, and the settings are not the method's defaults; or one of its norms
            keeps no running statistics, so that those of the source model are not known.
    """
    norms = batch_norms(network)
    if not norms and settings != type(settings)():
        raise ValueError(
            f"method.batch_norm.statistics is {settings.statistics!r}, but this network has no batch norm; leave "
            "method.batch_norm out"
        )
    mixtures = {"frozen": None, "target": target_alone, "mixed": mixture(settings)}
    for name, norm in norms.items():
        if settings.statistics in mixtures:
            _hold(name, norm, _Held, mixtures[settings.statistics])
        elif settings.statistics == "robust":
            _hold(name, norm, _Robust, None)
            norm.momentum = norm.momentum if settings.momentum is None else settings.momentum
        elif settings.momentum is not None:
            norm.momentum = settings.momentum


def normalize_by_own(network: nn.Module) -> None:
    """Makes the batch norms of a network normalize by their running statistics in evaluation mode, as a network does
    that `normalize_by` never saw; in place."""
    for norm in batch_norms(network).values():
        if isinstance(norm, _Held):
            training = norm.learning
            setattr(norm, "__class__", norm.kind)  # noqa: B010 - a checker of types forbids the assignment
            norm.train(training)


def sees_batch(module: nn.Module) -> bool:
    """Returns True if frames of a batch affect each other in train mode, or copies of the module may normalize by other
    statistics: it has a batch norm whose statistics are not frozen."""
    norms = batch_norms(module).values()
    frozen = (isinstance(norm, _Held) and norm.mixture is None and not isinstance(norm, _Robust) for norm in norms)
    return not all(frozen)


class DomainReset:
    """Returns running statistics to those of the source model where a visit to another domain begins.

    Args:
        network: The source model.
        settings: Settings; without `reset_per_domain` nothing is kept and nothing returns.
    """

    def __init__(self, network: nn.Module, settings: BatchNormStatistics) -> None:
        kept = _running(network) if settings.reset_per_domain else {}
        self._source = {name: buffer.clone() for name, buffer in kept.items()}

    def __call__(self, *networks: nn.Module | None) -> None:
        """Sets the statistics of the network, or of copies of it, in place."""
        for network in networks:
            running = {} if network is None else _running(network)
            for name in running.keys() & self._source.keys():
                running[name].copy_(self._source[name])


def _running(network: nn.Module) -> dict[str, Tensor]:
    return {
        f"{name}.{own}": buffer
        for name, norm in batch_norms(network).items()
        for own, buffer in norm.named_buffers(recurse=False)
        if own.startswith("running_")
    }


def _hold(name: str, norm: AnyBatchNorm, base: Any, mixture: Mixture | None) -> None:
    if norm.running_mean is None:
        raise ValueError(
            f"method.batch_norm.statistics: the batch norm {name} keeps none (track_running_stats is false), so that "
            "those of the source model are not known; set it to follow"
        )
    kind: Any = type(norm)
    norm.__class__ = _held(kind, base)
    assert isinstance(norm, _Held)
    norm.mixture = mixture
    norm.train(norm.training)


class _Held(AnyBatchNorm):
    """A batch norm that gathers no statistics.

    It stays in evaluation mode and maps its input so that normalizing by the source model's statistics gives what
    normalizing by the wanted ones would. Any batch norm can thus be held, whatever else its `forward` does.

    Attributes:
        kind: Class of the norm before.
        mixture: Statistics that normalize; None for the source model's.
        learning: True if its network is in train mode.
    """

    kind: type[AnyBatchNorm]
    mixture: Mixture | None
    learning: bool

    def train(self, mode: bool = True) -> "_Held":
        self.learning = mode
        return super().train(mode=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
        if self.mixture is None:
            return super().forward(input)
        return super().forward(_moved(input, self, self.mixture, by_frame=not self.learning))


class _Robust(_Held):
    """A batch norm that normalizes by running statistics, into which each batch of train mode is mixed first.

    The gradient reaches the input through the share of the batch (RoTTA, arXiv 2303.13899).
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of torch
        if not self.learning:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        shape = (1, -1, *(1 for _ in input.shape[2:]))
        variance, mean = torch.var_mean(input, (0, *range(2, input.dim())), correction=0)
        mean = torch.lerp(self.running_mean, mean, self.momentum)
        variance = torch.lerp(self.running_var, variance, self.momentum)
        # New tensors: the former ones belong to passes whose gradients are still to come.
        self.running_mean, self.running_var = mean.detach(), variance.detach()
        scale = ((self.running_var + self.eps) / (variance + self.eps)).sqrt()
        moved = torch.addcmul((self.running_mean - mean * scale).view(shape), input, scale.view(shape))
        return super().forward(moved)


def _moved(x: Tensor, norm: AnyBatchNorm, mixture: Mixture, *, by_frame: bool) -> Tensor:
    """Returns the input for which a norm with running mean mu_s and variance var_s computes what one with the mixture's
    mean mu and variance var computes for x: (x - mu) sqrt((var_s + eps) / (var + eps)) + mu_s.

    Args:
        x: Input [B, C, ...] of the norm.
        norm: The norm.
        mixture: Statistics that normalize.
        by_frame: Whether each frame has statistics of its own, so that n is 1 and not B.
    """
    if x.dim() == 2:
        return _moved(x[:, :, None], norm, mixture, by_frame=by_frame)[:, :, 0]
    assert norm.running_mean is not None
    assert norm.running_var is not None
    shape = (1, -1, *(1 for _ in x.shape[2:]))
    source = Statistics(norm.running_mean.view(shape), norm.running_var.view(shape))
    axes = tuple(range(2, x.dim())) if by_frame else (0, *range(2, x.dim()))
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    frames = 1 if by_frame else len(x)
    cells = x.numel() // (x.shape[1] * mean.shape[0])
    used = mixture(source, Statistics(mean, variance), Sample(frames, cells, norm.eps))
    scale = ((source.variance + norm.eps) / (used.variance + norm.eps)).sqrt()
    return torch.addcmul(source.mean - used.mean * scale, x, scale)


@cache
def _held(kind: Any, base: Any) -> Any:
    return type(f"{base.__name__.lstrip('_')}{kind.__name__}", (base, kind), {"kind": kind})
