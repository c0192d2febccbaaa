"""Source models of a study: one, several trainings, or several checkpoints."""

from collections.abc import Mapping

from pydantic import JsonValue

from hpo.config.schema import StudySettings
from segada.settings.files import Document
from segada.settings.nested import at_path

CHECKPOINT = "model.checkpoint"


def checkpoints(settings: StudySettings) -> tuple[str, ...]:
    """Returns the checkpoints that `source_models` lists; none if it is a number."""
    return () if isinstance(settings.source_models, int) else settings.source_models


def count(settings: StudySettings) -> int:
    """Returns the number of source models of a study."""
    return len(checkpoints(settings)) or _number(settings)


def with_first(document: Document, settings: StudySettings, run: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Returns the settings that the runs share, with the first listed checkpoint as that of the search.

    Raises:
        InputError: `source_models` contradicts other sections.
    """
    _check_number(document, settings)
    listed = checkpoints(settings)
    if not listed:
        return dict(run)
    given = at_path(document.tree, ("run", "model", "checkpoint"))
    if given is not None and given != listed[0]:
        raise document.error(
            ("source_models",), f"begins with {listed[0]}, but run.model.checkpoint is {given}; remove that one"
        )
    model = run.get("model")
    return {**run, "model": {**(model if isinstance(model, dict) else {}), "checkpoint": listed[0]}}


def _check_number(document: Document, settings: StudySettings) -> None:
    listed, place = checkpoints(settings), ("source_models",)
    if len(set(listed)) < len(listed):
        raise document.error(place, "names a checkpoint twice; a source model counts once")
    if listed and settings.pretrain is not None:
        raise document.error(
            place, f"lists checkpoints, but pretrain trains the source models; write {place[0]}: {len(listed)}"
        )
    if not listed and _number(settings) > 1 and settings.pretrain is None:
        raise document.error(
            place, f"is {_number(settings)}, but without pretrain none is trained; list checkpoints, or add pretrain"
        )
    if CHECKPOINT in settings.space and count(settings) > 1:
        raise document.error(place, f"names the source models, so that {CHECKPOINT} cannot be searched; remove one")


def _number(settings: StudySettings) -> int:
    assert isinstance(settings.source_models, int)
    return settings.source_models
