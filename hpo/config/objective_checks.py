"""Checks of a study's objectives, constraints and pruning against what its runs compute."""

import json
from collections.abc import Sequence

from hpo.config.code_metric import problem_of
from hpo.config.formula import FormulaError
from hpo.config.objectives import (
    DOMAIN_PREFIX,
    GAIN_PREFIX,
    LABEL_FREE_PREFIX,
    METRICS,
    PREQUENTIAL,
    ObjectiveSettings,
    is_predicted,
    metrics_of,
    needs_held_out,
)
from hpo.config.schema import StudySettings
from hpo.pruners.code_pruner import CodePruner
from hpo.pruners.settings import PairedSettings
from segada.core.named_code import is_code
from segada.settings import RunSettings
from segada.settings.evaluation import HIGHER_IS_BETTER, EvaluationSettings
from segada.settings.files import Document
from segada.settings.label_free import computed
from segada.settings.schema import nearest
from segada.settings.validation_errors import shown


def check_objectives(document: Document, settings: StudySettings, run: RunSettings) -> None:
    """Checks that objectives and constraints name what every run reports, and that pruning can judge by it.

    Args:
        document: Study file, for its lines.
        settings: Settings of the study.
        run: Settings of its runs.

    Raises:
        InputError: One line with the path of what cannot be computed or judged.
    """
    # Without held-out frames, metrics of visited domains are refused by their own cure.
    known = run.scored_domains() if run.evaluation.holds_out else run.stream.visits
    domains = [f"{prefix}{domain}" for prefix in (DOMAIN_PREFIX, GAIN_PREFIX) for domain in known]
    scores = [f"{LABEL_FREE_PREFIX}{score}" for score in computed(run.evaluation)]
    metrics = [name for name in METRICS if name not in PREQUENTIAL or run.evaluation.online]
    valid = [*metrics, *domains, *scores]
    for place, metric in _judged(settings):
        check_metric(document, place, metric, valid)
        held_out = next((name for name in metrics_of(metric) if needs_held_out(name)), None)
        if held_out is not None and not run.evaluation.holds_out:
            cure = " or ".join([*(PREQUENTIAL if run.evaluation.online else ()), *scores])
            raise document.error(
                place,
                f"asks for {held_out!r}, but run.evaluation.domains is [], and then no held-out frame is scored; "
                f"{f'judge by {cure}, or ' if cure else ''}leave run.evaluation.domains null",
            )
    _check_pruning(document, settings, run)


def check_scores(document: Document, settings: StudySettings, evaluation: EvaluationSettings) -> None:
    """Checks that every value of searched evaluation settings keeps the label-free scores that trials are judged by.

    Raises:
        InputError: One does not; it names the path of the parameter, and the value.
    """
    metrics = dict.fromkeys(name for _, text in _judged(settings) for name in metrics_of(text))
    asked = [name.removeprefix(LABEL_FREE_PREFIX) for name in metrics if name.startswith(LABEL_FREE_PREFIX)]
    asked += [name for name in metrics if name in PREQUENTIAL or needs_held_out(name)]
    for key in ("online", "label_free", "domains"):
        path = f"evaluation.{key}"
        for value in settings.space[path].options() if path in settings.space else ():
            changed = evaluation.model_copy(update={key: value})
            found = (*computed(changed), *(PREQUENTIAL if changed.online else ()))
            held_out = asked if changed.holds_out else ()
            missing = next((one for one in asked if one not in (*found, *filter(needs_held_out, held_out))), None)
            if missing is not None:
                raise document.error(
                    ("space", path),
                    f"can be {json.dumps(value)}, and then no run computes {missing!r}, by which trials are judged; "
                    f"fix run.{path}",
                )


def _judged(settings: StudySettings) -> list[tuple[tuple[str | int, ...], str]]:
    """Returns place and text of the metrics by which trials are judged."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    found += [(("objectives", index, "metric"), one.metric) for index, one in enumerate(settings.objectives)]
    found += [(("constraints", index, "metric"), one.metric) for index, one in enumerate(settings.constraints)]
    return found


def check_metric(document: Document, place: tuple[str | int, ...], text: str, valid: Sequence[str]) -> None:
    """Raises InputError if a text is neither a valid metric nor a formula over valid metrics."""
    try:
        names = metrics_of(text)
    except FormulaError as problem:
        raise document.error(place, f"{shown(text)} {problem}") from None
    for name in names:
        if is_code(name):
            if unfit := problem_of(name):
                cure = "; a formula has no code: compute it in the function" if " " in name else ""
                raise document.error(place, f"{unfit}{cure}")
            continue
        if name in PREQUENTIAL and name not in valid:
            raise document.error(place, f"asks for {name!r}, which no run computes; leave run.evaluation.online true")
        score = name.removeprefix(LABEL_FREE_PREFIX)
        if name not in valid and name != score and score in HIGHER_IS_BETTER:
            raise document.error(
                place,
                f"asks for {score!r}, which no run computes: name it in run.evaluation.label_free, and leave "
                "run.evaluation.online true",
            )
        if name not in valid:
            raise document.error(place, f"there is no metric {shown(name)}; {nearest(name, valid)}")


def check_predicted(document: Document, objectives: Sequence[ObjectiveSettings], min_visits: int, visits: int) -> None:
    """Raises InputError if trials with these objectives cannot be pruned after `min_visits` of a stream of `visits`."""
    if not any(map(is_predicted, objectives)):
        metrics = " or ".join(objective.metric for objective in objectives)
        raise document.error(
            ("pruning",), f"uses the gain in mIoU, which does not predict {metrics}; write pruning: null"
        )
    if min_visits >= visits:
        raise document.error(
            ("pruning", "min_visits"), f"must be below the {visits} visits of the stream, but is {min_visits}"
        )


def _check_pruning(document: Document, settings: StudySettings, run: RunSettings) -> None:
    if settings.pruning is None:
        return
    if isinstance(settings.pruning, PairedSettings) and len(settings.objectives) > 1:
        raise document.error(
            ("pruning", "name"),
            "paired compares with the best trial, which several objectives do not define; write halving",
        )
    if isinstance(settings.pruning, CodePruner) and len(settings.objectives) > 1:
        raise document.error(
            ("pruning", "name"),
            "pruners of Optuna read the values of one objective, but there are several; write halving",
        )
    check_predicted(document, settings.objectives, settings.pruning.min_visits, len(run.stream.all_visits()))
