"""Checks that nothing of a run needs the stages of an encoder if its network has none."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from segada.settings.adversarial import AdversarialSettings
from segada.settings.dacs import DacsSettings
from segada.settings.hamlet import HamletSettings
from segada.settings.learning import LearningSettings
from segada.settings.method import SupervisedSettings
from segada.settings.rmt import RmtSettings

if TYPE_CHECKING:
    from segada.settings.run import RunSettings

LIGHT = "a light exit"
STAGES = "an encoder with stages"


def check_stages(settings: "RunSettings") -> None:
    """Refuses settings that need the stages or the head of a network that has neither.

    Raises:
        ValueError: One does; the message says what is missing, and names both cures.
    """
    network = settings.model.network
    if network is None:
        return
    for setting, value, missing, neutral in _needs(settings):
        raise ValueError(
            f"{setting} is {value!r}, which needs {missing}, but model.network {network!r} has none that is known; set "
            f"{setting} to {neutral}, or take a model.encoder and a model.head in place of model.network"
        )


def _needs(settings: "RunSettings") -> Iterator[tuple[str, object, str, str]]:
    """Yields each setting in use that needs a part of encoder or head: its path, its value, what it needs, and the
    value that needs nothing."""
    if settings.adapter.name != "none":
        yield "adapter.name", settings.adapter.name, f"{STAGES} and blocks", "none"
    if settings.image_adapter.name != "none":
        yield "image_adapter.name", settings.image_adapter.name, f"{STAGES} and tokens", "none"
    if settings.model.freeze == "encoder":
        modules = "nothing or everything, name modules in model.frozen_modules"
        yield "model.freeze", "encoder", "an encoder beside a head", modules
    yield from _needs_of_method(settings)
    if isinstance(settings.controller, HamletSettings):
        yield from _needs_of_hamlet(settings.controller)


def _needs_of_method(settings: "RunSettings") -> Iterator[tuple[str, object, str, str]]:
    method = settings.method
    if isinstance(method, LearningSettings) and method.optimizer.head_factor != 1.0:
        factor = method.optimizer.head_factor
        modules = f"1 and name the modules in method.optimizer.module_factors, such as {{decoder: {factor:g}}}"
        yield "method.optimizer.head_factor", factor, "a head beside an encoder", modules
    if isinstance(method, DacsSettings):
        for name in ("source_fdist_lambda", "target_fdist_lambda"):
            if getattr(method, name) > 0.0:
                yield f"method.{name}", getattr(method, name), f"the features of {STAGES}", "0"
    if isinstance(method, RmtSettings) and method.contrast_weight > 0.0:
        yield "method.contrast_weight", method.contrast_weight, f"the features of {STAGES}", "0"
    if isinstance(method, AdversarialSettings) and method.features == "encoder":
        yield "method.features", "encoder", f"the features of {STAGES}", "decoder"
    if isinstance(method, SupervisedSettings) and method.light_weight > 0.0:
        yield "method.light_weight", method.light_weight, LIGHT, "0"


def _needs_of_hamlet(controller: HamletSettings) -> Iterator[tuple[str, object, str, str]]:
    if controller.detector.signal == "light":
        yield "controller.detector.signal", "light", LIGHT, "full"
    if controller.modular.policy != "none":
        yield "controller.modular.policy", controller.modular.policy, STAGES, "none"
    if controller.modular.head != "all":
        yield "controller.modular.head", controller.modular.head, "a head with projections of stages", "all"
