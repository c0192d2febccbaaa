"""Methods that say themselves what learns, and what was added for learning all the same."""

from dataclasses import dataclass

from segada.settings.adapter import AdapterSettings
from segada.settings.adversarial import AdversarialSettings
from segada.settings.method import MethodSettings
from segada.settings.prompt import PromptSettings
from segada.settings.tent import TentSettings


@dataclass(frozen=True, slots=True)
class OwnChoice:
    """How a method says what learns.

    Attributes:
        setting: Path and value, as in a message.
        learns: What that is.
        cure: Path and value that leave it to `model.freeze` and its like.
    """

    setting: str
    learns: str
    cure: str


def own_choice(method: MethodSettings) -> OwnChoice | None:
    """How the method says what learns; None if it leaves that to `model.freeze` and its like."""
    if isinstance(method, TentSettings) and method.parameters == "norms":
        return OwnChoice("method.parameters 'norms'", "norms", "method.parameters to learning")
    if isinstance(method, AdversarialSettings) and method.discriminator_training == "only":
        setting = "method.discriminator_training"
        return OwnChoice(f"{setting} 'only'", "the discriminator", f"{setting} to both")
    return None


def check_added(method: MethodSettings, adapter: AdapterSettings, prompt: PromptSettings) -> None:
    """An adapter or a prompt that never learns would stay the identity.

    Raises:
        ValueError: names it, the setting that keeps it from learning, and a way out.
    """
    choice = own_choice(method)
    for room, name in (("adapter", adapter.name), ("prompt", prompt.name)):
        if choice is not None and name != "none":
            raise ValueError(
                f"{room}.name is {name!r}, but with {choice.setting} nothing but {choice.learns} learns; set "
                f"{choice.cure}, or {room}.name to none"
            )
