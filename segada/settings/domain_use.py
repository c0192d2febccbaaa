"""Checks that a run asks of its domains only what they have: labels, source frames."""

from collections.abc import Iterator, Mapping
from typing import Final

from segada.settings.adversarial import AdversarialSettings
from segada.settings.check_trainable import SCHEDULES
from segada.settings.dacs import DacsSettings
from segada.settings.data import DomainSettings
from segada.settings.domains import FoldersDomain
from segada.settings.evaluation import EvaluationSettings
from segada.settings.learning import LearningSettings
from segada.settings.method import CodeMethod, MethodSettings, SupervisedSettings
from segada.settings.rmt import RmtSettings
from segada.settings.stream import ReplaySettings, StreamSettings

READ_SOURCE: Final = (DacsSettings, RmtSettings, AdversarialSettings, SupervisedSettings)
"""Settings of methods that learn from source frames."""
SOURCE_FREE: Final = ("source_only", "batch_norm", "tent", "sar", "cotta", "svdp", "rotta")
"""Methods that need no source frames, by their names in settings."""
CURE: Final = "name a domain with labels in stream.source"


def check_labels(
    domains: Mapping[str, DomainSettings],
    stream: StreamSettings,
    evaluation: EvaluationSettings,
    method: MethodSettings,
) -> None:
    """Checks that domains whose labels the run reads have some.

    Raises:
        ValueError: One has none; the message names it and the cure.
    """
    if stream.source is not None and not domains[stream.source].has_labels():
        raise ValueError(
            f"stream.source is {stream.source!r}, which has no labels to learn from; {CURE}, or set stream.source to "
            "null for a run without source frames"
        )
    blank = [name for name in evaluation.domains or () if not domains[name].has_labels(held_out=True)]
    if blank:
        raise ValueError(
            f"evaluation.domains names {blank[0]!r}, which has no labels and cannot be scored; leave it out, or give "
            "its labels"
        )
    unlabelled = [name for name in stream.visits if not domains[name].has_labels()]
    if isinstance(method, DacsSettings) and method.target_labels == "ground_truth" and unlabelled:
        raise ValueError(
            f"method.target_labels is 'ground_truth', but {unlabelled[0]!r} has no labels; set it to pseudo, or give "
            "the labels"
        )


def check_source_free(stream: StreamSettings, evaluation: EvaluationSettings, method: MethodSettings) -> None:
    """Checks that nothing needs source frames, if the run has none.

    Raises:
        ValueError: Something does; the message names it and the cure.
    """
    reason = next(_source_needed(stream, evaluation, method), None)
    if stream.source is None and reason is not None:
        raise ValueError(f"stream.source is null, but {reason}")


def source_asked_for(method: str) -> str:
    """Returns the problem of a run without source frames whose method asks for some, with the cure.

    Args:
        method: Its name in settings.
    """
    return (
        f"stream.source is null, but method.name {method!r} asks for source frames; {CURE}, or set method.name to one "
        f"that needs none: {', '.join(SOURCE_FREE)}"
    )


def source_frames(method: MethodSettings) -> str:
    """Returns how a method uses labelled source frames while it adapts: `replayed`, read `once` at the beginning, or
    `none`; empty for code of the user, which may do either."""
    if isinstance(method, CodeMethod):
        return ""
    if isinstance(method, READ_SOURCE):
        return "replayed"
    consolidates = isinstance(method, LearningSettings) and method.consolidation.weight > 0.0
    return "once" if consolidates else "none"


def check_followed(domains: Mapping[str, DomainSettings], stream: StreamSettings, controller: str) -> None:
    """Checks that a stream without an end has frames that can appear, and nothing that counts on its end.

    Raises:
        ValueError: It has not; the message names the setting and the cure.
    """
    if stream.follow is None:
        return
    domain = domains[stream.visits[0]]
    if not isinstance(domain, FoldersDomain) or domain.has_labels():
        raise ValueError(
            f"stream.follow is given, but {stream.visits[0]!r} is not dataset: folders with labels: null; new frames "
            "come as image files without labels"
        )
    if domain.weather != "clear":
        raise ValueError(
            f"stream.follow is given, but the weather of {stream.visits[0]!r} is {domain.weather!r}, which is not "
            "rendered onto frames that arrive; set it to clear"
        )
    if controller in SCHEDULES:
        raise ValueError(
            f"controller.name is {controller!r}, a schedule over the whole stream, but with stream.follow it has no "
            "end; set controller.name to constant or hamlet"
        )


def _source_needed(stream: StreamSettings, evaluation: EvaluationSettings, method: MethodSettings) -> Iterator[str]:
    if isinstance(method, READ_SOURCE):
        yield (
            f"method.name {method.name!r} learns from source frames; {CURE}, or set method.name to one that needs "
            f"none: {', '.join(SOURCE_FREE)}"
        )
    if isinstance(method, LearningSettings) and method.consolidation.weight > 0.0:
        yield (
            f"method.consolidation.weight is {method.consolidation.weight:g}, and source frames say which parameters "
            f"matter; {CURE}, or set the weight to 0"
        )
    if "source_miou" in evaluation.label_free:
        yield f"evaluation.label_free names 'source_miou'; leave it out, or {CURE}"
    if stream.replay != ReplaySettings():
        yield f"stream.replay is given, and there is nothing to replay; leave it out, or {CURE}"
    if stream.split == "source":
        yield f"stream.split is 'source', the split of frames with labels; set it to adapt, or {CURE}"
