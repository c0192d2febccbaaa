"""Tests of batch-norm re-estimation against its formula: every norm in encoder and head, and nothing else."""

from collections.abc import Callable

import pytest
import torch
from method_parts import Build
from norm_encoder import with_norm_encoder
from torch import Tensor, nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.base import MethodParts
from segada.methods.batch_norm import BatchNorm
from segada.models.segmentor import Segmentor

MOMENTUM = 0.3
METHOD: dict[str, object] = {"name": "batch_norm", "batch_norm": {"momentum": MOMENTUM}}


def _with_daformer(build: Build) -> MethodParts:
    return build({"method": METHOD, "model": {"head": "daformer", "checkpoint": None}})


def _with_norms_in_the_encoder(build: Build) -> MethodParts:
    return with_norm_encoder(build({"method": METHOD}))


NETWORKS = {"daformer": _with_daformer, "norms in the encoder": _with_norms_in_the_encoder}


@pytest.fixture
def targets(run_data: RunData) -> list[Batch]:
    return [to_batch(run_data.visited["200mm"], torch.arange(start, start + 4).numpy()) for start in (0, 4)]


def _norms(network: Segmentor) -> dict[str, nn.BatchNorm2d]:
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}


@pytest.mark.parametrize("network", NETWORKS)
def test_statistics_move_by_the_momentum_towards_those_of_the_batch(
    network: str, build: Build, targets: list[Batch]
) -> None:
    parts = NETWORKS[network](build)
    norms, wanted = _norms(parts.network), {}

    def expected(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(norm: nn.Module, inputs: tuple[Tensor]) -> None:
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            (x,) = inputs
            mean, variance = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=True)
            wanted[name] = (
                (1 - MOMENTUM) * norm.running_mean + MOMENTUM * mean,
                (1 - MOMENTUM) * norm.running_var + MOMENTUM * variance,
            )

        return hook

    for name, norm in norms.items():
        norm.register_forward_pre_hook(expected(name))
    method = BatchNorm(parts)
    for target in targets:
        method.step(target, StepPlan())
        for name, norm in norms.items():
            torch.testing.assert_close((norm.running_mean, norm.running_var), wanted[name])
    assert len(wanted) == len(norms) > 1


@pytest.mark.parametrize("network", NETWORKS)
def test_a_saved_state_goes_on_to_the_same_statistics(network: str, build: Build, targets: list[Batch]) -> None:
    method = BatchNorm(NETWORKS[network](build))
    method.step(targets[0], StepPlan())
    saved = {name: value.clone() for name, value in method.state_dict()["buffers"].items()}
    method.step(targets[1], StepPlan())
    resumed = BatchNorm(NETWORKS[network](build))
    resumed.load_state_dict({"buffers": saved})
    resumed.step(targets[1], StepPlan())
    assert torch.equal(method.predict(targets[0].images), resumed.predict(targets[0].images))


def test_a_network_without_batch_norm_is_refused(build: Build) -> None:
    parts = build({"method": METHOD})
    head = parts.network.head
    head.linear_fuse.bn = nn.Identity()
    with pytest.raises(ValueError, match=r"method\.name is 'batch_norm', but this network has no batch norm"):
        BatchNorm(parts)
