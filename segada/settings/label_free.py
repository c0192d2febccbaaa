"""Validation of the label-free scores that a run can compute."""

from collections.abc import Sequence

from segada.core.named_code import is_code
from segada.settings.cotta import AveragedTeacherSettings
from segada.settings.dacs import DacsSettings
from segada.settings.evaluation import HIGHER_IS_BETTER, EvaluationSettings, score_name
from segada.settings.method import CodeMethod, MethodSettings
from segada.settings.rmt import RmtSettings
from segada.settings.rotta import RottaSettings

WITH_TEACHER = (AveragedTeacherSettings, RmtSettings, RottaSettings, DacsSettings)
"""Methods with two networks, student and teacher, of which one is evaluated."""
WITHOUT_PREDICTIONS = (*EvaluationSettings().label_free, "source_miou")
"""Scores that may be named while `evaluation.online` is false: the default ones, which are then left out, and those
that need no predictions."""


def check_label_free(evaluation: EvaluationSettings, method: MethodSettings, source: str | None) -> None:
    """Checks that the run computes the inputs of the label-free scores that it names.

    Args:
        evaluation: Evaluation settings with the names of the scores.
        method: Settings of the method that is scored.
        source: Name of the source domain; None if there is none.

    Raises:
        ValueError: A score cannot be computed; the message names it, the missing input, and a way out.
    """
    _check_names(evaluation.label_free)
    for name in evaluation.label_free:
        if not evaluation.online and name not in WITHOUT_PREDICTIONS:
            raise ValueError(
                f"evaluation.label_free names {name!r}, but evaluation.online is false, and then no frame is predicted "
                "before it is learned from; set evaluation.online to true, or leave evaluation.label_free out"
            )
        if name == "source_miou" and evaluation.domains is not None and source not in evaluation.domains:
            raise ValueError(
                f"evaluation.label_free names 'source_miou', but evaluation.domains leaves out the source {source!r}; "
                "add it, or leave evaluation.domains null"
            )
        if name == "agreement" and not isinstance(method, (*WITH_TEACHER, CodeMethod)):
            raise ValueError(
                f"evaluation.label_free names 'agreement', but method.name {method.name!r} has no teacher that could "
                "agree; leave it out, or set method.name to dacs, rmt, rotta, svdp or cotta"
            )


def _check_names(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        equals = [other for other in (*names[:index], *HIGHER_IS_BETTER) if score_name(other) == score_name(name)]
        if is_code(name) and equals:
            raise ValueError(
                f"evaluation.label_free names {name!r} beside {equals[0]!r}, but both would be reported as "
                f"{score_name(name)!r}; rename the function"
            )


def computed(evaluation: EvaluationSettings) -> tuple[str, ...]:
    """Returns the names by which every visit of the run reports its scores."""
    return tuple(score_name(name) for name in evaluation.label_free if evaluation.online or name == "source_miou")
