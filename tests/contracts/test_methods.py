"""What every adaptation method must hold. A new method adds one line to `METHOD_SETTINGS`."""

import io

import pytest
import torch

from segada.data.batch import Batch, to_batch
from segada.data.replay import ReplayBuffer
from segada.material import Material, prepare
from segada.methods.base import Method, MethodParts, State
from segada.methods.table import METHODS
from segada.models.build import build_segmentor
from segada.modulation.base import StepPlan
from segada.randomness import numpy_generator, torch_generator
from segada.settings import RunSettings

METHOD_SETTINGS: dict[str, dict[str, object]] = {
    "source_only": {"name": "source_only"},
    "batch_norm": {"name": "batch_norm"},
    "dacs": {"name": "dacs", "threshold": 0.1},
    "dacs with everything on": {
        "name": "dacs",
        "threshold": 0.1,
        "ignored_top": 0.1,
        "ignored_bottom": 0.2,
        "source_feature_distance": 0.1,
        "target_feature_distance": 0.1,
        "feature_distance_classes": "all",
        "entropy_weight": 0.1,
        "reference_checkpoint": "streets_tiny",
        "scored": "student",
    },
    "dacs of target frames alone": {"name": "dacs", "threshold": 0.1, "mixing": "target_only"},
    "dacs with the target's labels": {"name": "dacs", "target_labels": "ground_truth"},
    "dacs without mixing": {"name": "dacs", "mix_weight": 0.0},
    "supervised": {"name": "supervised"},
}
LEARNS = {name for name in METHOD_SETTINGS if name.startswith(("dacs", "supervised"))}


@pytest.fixture(scope="module")
def material(tiny_run: dict[str, object]) -> Material:
    return prepare(RunSettings.model_validate(tiny_run))


@pytest.fixture(params=METHOD_SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _built(name: str, material: Material, tiny_run: dict[str, object]) -> tuple[Method, MethodParts]:
    settings = RunSettings.model_validate(
        {
            **tiny_run,
            "method": METHOD_SETTINGS[name],
            "adapter": {"name": "adaptformer"},
            "model": {"freeze": "encoder"},
        }
    )
    parts = MethodParts(
        settings,
        build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation")),
        ReplayBuffer(material.source, settings.stream.replay, numpy_generator(0, "replay")),
        torch_generator(0, "class_mix"),
        torch_generator(0, "augmentation"),
        torch_generator(0, "restoration"),
        torch_generator(0, "initialisation"),
    )
    return METHODS[settings.method.name](parts), parts


def _batch(material: Material, start: int) -> Batch:
    return to_batch(material.visited["200mm"], torch.arange(start, start + 4).numpy())


def _drawn(parts: MethodParts) -> State:
    return {
        "replay": parts.replay.state_dict(),
        "class_mix": parts.class_mix.get_state(),
        "augmentation": parts.augmentation.get_state(),
    }


def _restore(parts: MethodParts, drawn: State) -> None:
    parts.replay.load_state_dict(drawn["replay"])
    parts.class_mix.set_state(drawn["class_mix"])
    parts.augmentation.set_state(drawn["augmentation"])


def test_logits_have_a_quarter_of_the_resolution_and_losses_are_finite(
    name: str, material: Material, tiny_run: dict[str, object]
) -> None:
    method, _ = _built(name, material, tiny_run)
    log = method.step(_batch(material, 0), StepPlan())
    assert all(value.isfinite().all() and not value.requires_grad for value in log.values())
    logits = method.predict(_batch(material, 4).images)
    assert logits.shape == (4, 19, 8, 16)
    assert logits.isfinite().all()


def test_predicting_changes_nothing(name: str, material: Material, tiny_run: dict[str, object]) -> None:
    method, _ = _built(name, material, tiny_run)
    first = method.predict(_batch(material, 0).images)
    assert torch.equal(first, method.predict(_batch(material, 0).images))


def test_state_goes_on_to_the_same_numbers(name: str, material: Material, tiny_run: dict[str, object]) -> None:
    method, parts = _built(name, material, tiny_run)
    method.step(_batch(material, 0), StepPlan())
    saved = _through_file({"method": method.state_dict(), **_drawn(parts)})
    method.step(_batch(material, 4), StepPlan(0.5))

    resumed, resumed_parts = _built(name, material, tiny_run)
    resumed.load_state_dict(saved["method"])
    _restore(resumed_parts, saved)
    resumed.step(_batch(material, 4), StepPlan(0.5))
    assert torch.equal(method.predict(_batch(material, 0).images), resumed.predict(_batch(material, 0).images))


def test_frozen_parameters_keep_their_bytes_and_learning_ones_move(
    name: str, material: Material, tiny_run: dict[str, object]
) -> None:
    method, parts = _built(name, material, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    for start in (0, 4):
        method.step(_batch(material, start), StepPlan())
    moved = {key for key, value in parts.network.named_parameters() if not torch.equal(value, before[key])}
    learning = {key for key, value in parts.network.named_parameters() if value.requires_grad}
    assert moved <= learning
    assert bool(moved) == (name in LEARNS)


def test_a_plan_of_rate_zero_moves_nothing(name: str, material: Material, tiny_run: dict[str, object]) -> None:
    method, parts = _built(name, material, tiny_run)
    before = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
    method.step(_batch(material, 0), StepPlan(0.0))
    assert all(torch.equal(value, before[key]) for key, value in parts.network.named_parameters())


def _through_file(state: State) -> State:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    loaded: State = torch.load(buffer, weights_only=True)
    return loaded
