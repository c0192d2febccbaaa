"""Which label-free scores a run can have."""

from segada.settings.cotta import CottaSettings
from segada.settings.dacs import DacsSettings
from segada.settings.evaluation import EvaluationSettings, LabelFreeName
from segada.settings.method import MethodSettings

WITH_TEACHER = (CottaSettings, DacsSettings)
"""Methods of two networks, student and teacher, of which one is scored."""
WITHOUT_PREDICTIONS = (*EvaluationSettings().label_free, "source_miou")
"""What may be named where no frame is predicted: the default, which then says nothing, and what needs no prediction."""


def check_label_free(evaluation: EvaluationSettings, method: MethodSettings, source: str) -> None:
    """Whether the run makes what the scores that it asks for are made of.

    Args:
        evaluation: What is asked for.
        method: What is scored.
        source: Name of the source domain.

    Raises:
        ValueError: names the score, what it lacks, and a way out.
    """
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
        if name == "agreement" and not isinstance(method, WITH_TEACHER):
            raise ValueError(
                f"evaluation.label_free names 'agreement', but method.name {method.name!r} has no teacher that could "
                "agree; leave it out, or set method.name to dacs or cotta"
            )


def computed(evaluation: EvaluationSettings) -> tuple[LabelFreeName, ...]:
    """The scores that every visit of the run has."""
    return tuple(name for name in evaluation.label_free if evaluation.online or name == "source_miou")
