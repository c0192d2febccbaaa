"""Methods that say themselves what learns, and what was added for learning, or to control it, all the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from segada.settings.adapter import AdapterSettings
from segada.settings.adversarial import AdversarialSettings
from segada.settings.controller import ControllerSettings
from segada.settings.image_adapter import ImageAdapterSettings
from segada.settings.method import BatchNormSettings, MethodSettings, SourceOnlySettings
from segada.settings.tent import TentSettings

IDLE: Final[Mapping[str, str]] = {"budget": "none", "learning_rate": "constant", "modular": "none"}
"""The policies of Hamlet's parts that do nothing."""

SCHEDULES: Final = ("one_cycle", "poly")
"""Controllers that plan a rate and nothing else."""


@dataclass(frozen=True, slots=True)
class OwnChoice:
    """How a method says what learns.

    Attributes:
        setting: Path and value, as in a message.
        learns: What that is, as a clause.
        cure: Path and value that leave it to `model.freeze` and its like.
        network: Whether anything of the network learns.
    """

    setting: str
    learns: str
    cure: str
    network: bool


def own_choice(method: MethodSettings) -> OwnChoice | None:
    """How the method says what learns; None if it leaves that to `model.freeze` and its like."""
    if isinstance(method, TentSettings) and method.parameters == "norms":
        setting = "method.parameters"
        return OwnChoice(f"{setting} 'norms'", "nothing but norms learns", f"{setting} to learning", network=True)
    if isinstance(method, AdversarialSettings) and method.discriminator_training == "only":
        setting = "method.discriminator_training"
        learns = "nothing but the discriminator learns"
        return OwnChoice(f"{setting} 'only'", learns, f"{setting} to both", network=False)
    if isinstance(method, SourceOnlySettings | BatchNormSettings):
        return OwnChoice(f"method.name {method.name!r}", "no parameter learns", "method.name to dacs", network=False)
    return None


def check_added(method: MethodSettings, adapter: AdapterSettings, image_adapter: ImageAdapterSettings) -> None:
    """An adapter or a prompt that never learns would stay the identity.

    Raises:
        ValueError: names it, the setting that keeps it from learning, and a way out.
    """
    choice = own_choice(method)
    for section, name in (("adapter", adapter.name), ("image_adapter", image_adapter.name)):
        if choice is not None and name != "none":
            raise ValueError(
                f"{section}.name is {name!r}, but with {choice.setting} {choice.learns}; set {choice.cure}, or "
                f"{section}.name to none"
            )


def check_controlled(method: MethodSettings, controller: ControllerSettings) -> None:
    """A plan of how to learn that the method reads nothing of would change nothing.

    Raises:
        ValueError: names what is planned, the method, and a way out.
    """
    choice = own_choice(method)
    if choice is None or choice.network:
        return
    rated = isinstance(method, AdversarialSettings)
    if controller.name in SCHEDULES and not rated:
        raise ValueError(
            f"controller.name is {controller.name!r}, but with {choice.setting} {choice.learns}, at whatever rate; set "
            f"{choice.cure}, or controller.name to always"
        )
    if controller.name != "hamlet":
        return
    policies: dict[str, str] = {"learning_rate": controller.learning_rate.policy, "modular": controller.modular.policy}
    if isinstance(method, SourceOnlySettings):
        # Its detector may be of use all the same: its signal is reported.
        policies["budget"] = controller.budget.policy
    for part, policy in policies.items():
        if policy != IDLE[part]:
            raise ValueError(
                f"controller.{part}.policy is {policy!r}, but with {choice.setting} {choice.learns}; set "
                f"{choice.cure}, or the policy to {IDLE[part]}"
            )
