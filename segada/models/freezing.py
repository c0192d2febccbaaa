"""Freezing of the source model's parameters, by rule and by module."""

from collections.abc import Callable, Iterable, Mapping

from segada.models.segmentor import Segmentor
from segada.settings.model import ModelSettings
from segada.settings.schema import nearest

RULES: Mapping[str, Callable[[Segmentor], Iterable[str]]] = {
    "nothing": lambda _: (),
    "encoder": lambda _: ("encoder",),
    "everything": lambda segmentor: dict(segmentor.named_children()),
}
"""Modules of a network in which all parameters are frozen, by the value of `model.freeze`.

Only parameters are frozen. The head's batch norm re-estimates its running statistics in train mode under every rule,
unless `method.batch_norm` says otherwise: the batch-norm baseline relies on it.
"""


def freeze(segmentor: Segmentor, model: ModelSettings) -> None:
    """Applies `model.freeze`, then `model.frozen_modules`, then `model.trainable_modules`, which names exceptions to
    both.

    Raises:
        ValueError: A name matches no module of this network; the message suggests the nearest.
    """
    for name in (*RULES[model.freeze](segmentor), *model.frozen_modules):
        _switch(segmentor, name, "model.frozen_modules", learns=False)
    for name in model.trainable_modules:
        _switch(segmentor, name, "model.trainable_modules", learns=True)


def names_part(parameter: str, part: str) -> bool:
    """Returns True if a parameter's dotted name contains the part: `head`, `encoder.stages.0` or `norm1`, as whole
    components."""
    return f".{part}." in f".{parameter}."


def check_part(part: str, parameters: Iterable[str], setting: str) -> None:
    """Refuses a part that matches no parameter.

    Args:
        part: Part, as whole components of dotted names.
        parameters: Names of all parameters.
        setting: Path of the setting that names the part.

    Raises:
        ValueError: No parameter matches; the message suggests the nearest part.
    """
    names = list(parameters)
    if not any(names_part(name, part) for name in names):
        words = [name.split(".") for name in names]
        parts = dict.fromkeys(".".join(name[:end]) for name in words for end in range(1, len(name)))
        raise ValueError(f"{setting}: no parameter of this network has {part!r} in its name; {nearest(part, parts)}")


def _switch(segmentor: Segmentor, part: str, setting: str, *, learns: bool) -> None:
    parameters = dict(segmentor.named_parameters())
    check_part(part, parameters, setting)
    for name, parameter in parameters.items():
        if names_part(name, part):
            parameter.requires_grad = learns
