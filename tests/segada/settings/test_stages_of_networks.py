"""Settings that need stages, a head or a light exit are refused in one line beside a whole network."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from segada.settings import RunSettings
from segada.settings.files import read_yaml
from segada.settings.model import ModelSettings

NETWORK = "smp/Unet/resnet34"
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "adapter": (
        {"adapter": {"name": "lora"}},
        (
            "adapter.name is 'lora', which needs an encoder with stages and blocks, but model.network "
            "'smp/Unet/resnet34' has none that is known; set adapter.name to none, or take a model.encoder and a "
            "model.head in place of model.network"
        ),
    ),
    "image adapter": ({"image_adapter": {"name": "visual_prompt"}}, "image_adapter.name is 'visual_prompt', which"),
    "preset": ({"preset": "adpt1"}, "adapter.name is 'adaptformer', which needs an encoder with stages and blocks"),
    "frozen encoder": ({"model": {"freeze": "encoder"}}, "model.freeze is 'encoder', which needs an encoder beside a"),
    "source distance": ({"method": {"source_fdist_lambda": 0.1}}, "method.source_fdist_lambda is 0.1, which needs the"),
    "target distance": ({"method": {"target_fdist_lambda": 0.1}}, "features of an encoder with stages"),
    "discriminator of features": (
        {"method": {"name": "adversarial", "features": "encoder"}},
        "method.features is 'encoder', which needs the features of an encoder with stages",
    ),
    "factor of the head": (
        {"method": {"optimizer": {"head_factor": 10.0}}},
        "name the modules in method.optimizer.module_factors, such as {decoder: 10}",
    ),
    "light exit": ({"method": {"name": "supervised", "light_weight": 0.5}}, "which needs a light exit"),
    "light signal": (
        {"controller": {"name": "hamlet", "detector": {"signal": "light"}}},
        "controller.detector.signal is 'light', which needs a light exit",
    ),
    "modular training": (
        {"controller": {"name": "hamlet", "modular": {"policy": "random"}}},
        "controller.modular.policy is 'random', which needs an encoder with stages",
    ),
    "projections": (
        {"controller": {"name": "hamlet", "modular": {"head": "projections"}}},
        "controller.modular.head is 'projections', which needs a head with projections of stages",
    ),
    "encoder": (
        {"model": {"encoder": "mit_b0"}},
        "model.encoder is 'mit_b0', but model.network 'smp/Unet/resnet34' stands in place of encoder and head; leave",
    ),
    "head": ({"model": {"head": "daformer"}}, "model.head is 'daformer', but model.network"),
    "width": ({"model": {"head_width": 8}}, "model.head_width is 8, but model.network"),
    "depth": ({"model": {"drop_path": 0.1}}, "model.drop_path is 0.1, but model.network 'smp/Unet/resnet34' sets its"),
    "form": ({"model": {"network": "smp/Unet"}}, "'smp/Unet' names no network; write smp/ARCHITECTURE/ENCODER"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_needs_stages_is_refused_in_one_line(case: str) -> None:
    changes, expected = REFUSED[case]
    model = {"network": NETWORK, **changes.get("model", {})}  # type: ignore[dict-item]
    with pytest.raises(ValidationError) as refusal:
        RunSettings.model_validate({**changes, "model": model})
    (error,) = refusal.value.errors()
    assert expected in error["msg"]
    assert "\n" not in error["msg"]


def test_without_a_network_encoder_and_head_cannot_be_null() -> None:
    for name in ("encoder", "head"):
        with pytest.raises(
            ValidationError, match=rf"model\.{name} is null, but model\.network names no network in its"
        ):
            ModelSettings.model_validate({name: None})


def test_hamlet_without_stages_is_taken() -> None:
    hamlet = {"name": "hamlet", "learning_rate": {"policy": "adaptive_slope"}, "mix": {"policy": "dynamic"}}
    settings = RunSettings.model_validate({"controller": hamlet, "model": {"network": NETWORK}})
    assert settings.controller.name == "hamlet"


def test_a_file_is_told_the_line(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("seed: 1\nmodel:\n  network: smp/Unet/resnet34\n  head: daformer\n")
    document = read_yaml(path)
    with pytest.raises(ValueError, match=r"run\.yaml:4: model\.head: is 'daformer', but model\.network"):
        document.build(RunSettings, document.tree)
