"""Checks that adapters and controllers have an effect under methods that determine by themselves what learns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from segada.settings.adapter import AdapterSettings, VidaSettings
from segada.settings.adversarial import AdversarialSettings
from segada.settings.controller import ControllerSettings
from segada.settings.eata import EataSettings
from segada.settings.hamlet import HamletSettings
from segada.settings.image_adapter import ImageAdapterSettings
from segada.settings.label_free import WITH_TEACHER
from segada.settings.method import BatchNormSettings, MethodSettings, SourceOnlySettings
from segada.settings.rotta import RottaSettings
from segada.settings.sar import SarSettings
from segada.settings.tent import TentSettings

IDLE: Final[Mapping[str, str]] = {"budget": "none", "learning_rate": "constant", "modular": "none"}
"""Policy of each of Hamlet's parts that has no effect."""

SCHEDULES: Final = ("one_cycle", "poly")
"""Controllers that only schedule the learning rate."""


@dataclass(frozen=True, slots=True)
class OwnChoice:
    """Choice of the trainable parameters made by a method's own settings.

    Attributes:
        setting: Path and value of the deciding setting, as in a message.
        learns: Clause that says what learns.
        cure: Path and value that leave the choice to `model.freeze` and related settings.
        network: True if any part of the network learns.
    """

    setting: str
    learns: str
    cure: str
    network: bool


def own_choice(method: MethodSettings) -> OwnChoice | None:
    """Returns the method's own choice of what learns; None if `model.freeze` and related settings decide."""
    if isinstance(method, TentSettings) and method.parameters == "norms":
        setting = "method.parameters"
        return OwnChoice(f"{setting} 'norms'", "nothing but norms learns", f"{setting} to learning", network=True)
    if isinstance(method, EataSettings | SarSettings | RottaSettings):
        return OwnChoice(
            f"method.name {method.name!r}", "nothing but norms learns", "method.name to dacs", network=True
        )
    if isinstance(method, AdversarialSettings) and method.discriminator_training == "only":
        setting = "method.discriminator_training"
        learns = "nothing but the discriminator learns"
        return OwnChoice(f"{setting} 'only'", learns, f"{setting} to both", network=False)
    if isinstance(method, SourceOnlySettings | BatchNormSettings):
        return OwnChoice(f"method.name {method.name!r}", "no parameter learns", "method.name to dacs", network=False)
    return None


def check_added(method: MethodSettings, adapter: AdapterSettings, image_adapter: ImageAdapterSettings) -> None:
    """Checks that an adapter or image adapter is trained; otherwise it would stay the identity.

    Raises:
        ValueError: It is never trained; the message names it, the setting that prevents it, and a way out.
    """
    uncertain = isinstance(adapter, VidaSettings) and adapter.allotment == "uncertainty"
    if uncertain and not isinstance(method, WITH_TEACHER):
        raise ValueError(
            f"adapter.allotment is 'uncertainty', which is that of a teacher, but method.name {method.name!r} has "
            "none; set method.name to dacs, cotta or rmt, or adapter.allotment to constant"
        )
    choice = own_choice(method)
    for section, name in (("adapter", adapter.name), ("image_adapter", image_adapter.name)):
        if choice is not None and name != "none":
            raise ValueError(
                f"{section}.name is {name!r}, but with {choice.setting} {choice.learns}; set {choice.cure}, or "
                f"{section}.name to none"
            )


def check_controlled(method: MethodSettings, controller: ControllerSettings) -> None:
    """Checks that the controller's schedule has an effect on the method.

    Raises:
        ValueError: It has none; the message names the schedule, the method, and a way out.
    """
    choice = own_choice(method)
    if choice is None or choice.network:
        return
    rated = isinstance(method, AdversarialSettings)
    if controller.name in SCHEDULES and not rated:
        raise ValueError(
            f"controller.name is {controller.name!r}, but with {choice.setting} {choice.learns}, at any rate; set "
            f"{choice.cure}, or controller.name to constant"
        )
    if not isinstance(controller, HamletSettings):
        return
    policies: dict[str, str] = {"learning_rate": controller.learning_rate.policy, "modular": controller.modular.policy}
    if isinstance(method, SourceOnlySettings):
        # A detector may be of use without learning: its signal is reported.
        policies["budget"] = controller.budget.policy
    for part, policy in policies.items():
        if policy != IDLE[part]:
            raise ValueError(
                f"controller.{part}.policy is {policy!r}, but with {choice.setting} {choice.learns}; set "
                f"{choice.cure}, or the policy to {IDLE[part]}"
            )
