"""Check of a study's data by the engine before anything starts, in a child process: this package imports no torch."""

import subprocess
import sys
from collections.abc import Sequence, Set
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias

from pydantic import TypeAdapter
from rich.console import Console

from hpo.config.objectives import DOMAIN_PREFIX, LABEL_FREE_PREFIX, metrics_of, needs_visited_labels, scored_domain
from hpo.config.study_file import StudyFile
from segada.errors import InputError
from segada.records import DataCheck
from segada.settings import RunSettings
from segada.settings.domains import StreetsDomain
from segada.settings.label_free import computed

WITHOUT_LABELS: Final = "is undefined, because no held-out frame there has a labelled pixel"

Part: TypeAlias = Literal["run", "pretrain"]
"""Section of a study file that holds settings of runs."""


def check_data(file: StudyFile, console: Console) -> None:
    """Checks that the data let every run of a study start: trials, confirmation and source training.

    `python -m segada.data check --json` lists all frames and reads some of each split, in seconds. Nothing is checked
    if all domains are rendered. Findings that the runs start with all the same are printed.

    Raises:
        InputError: The first problem, with its line of the study file.
    """
    runs = _runs(file)
    if not any(_is_recorded(settings) for _, settings in runs):
        return
    with TemporaryDirectory(prefix="hpo-data-") as folder:
        names = [Path(folder) / f"{number}.yaml" for number in range(len(runs))]
        for name, (_, settings) in zip(names, runs, strict=True):
            name.write_text(settings.model_dump_json(), encoding="utf-8")
        checks = _checked(names)
    found = [(part, check) for (part, _), check in zip(runs, checks, strict=True)]
    problems = [placed(file, part, one.path, one.text) for part, check in found for one in check.problems]
    if problems:
        raise problems[0]
    _check_scores(file, {name for _, check in found for name, one in check.domains.items() if not one.is_labelled})
    notes = [str(placed(file, part, one.path, one.text)) for part, check in found for one in check.notes]
    for note in dict.fromkeys(notes):
        console.print(f"note: {note}", soft_wrap=True)


def _check_scores(file: StudyFile, unlabelled: Set[str]) -> None:
    """Refuses a study whose trials cannot be judged or pruned without the labels of these domains."""
    study, visits = file.settings, dict.fromkeys(file.segada_run().stream.all_visits())
    nowhere = unlabelled >= set(visits)
    judged = [(("objectives", index, "metric"), one.metric) for index, one in enumerate(study.objectives)]
    judged += [(("constraints", index, "metric"), one.metric) for index, one in enumerate(study.constraints)]
    for place, metric in judged:
        for name in metrics_of(metric):
            if scored_domain(name) in unlabelled:
                raise file.document.error(place, f"{name} {WITHOUT_LABELS}; judge by another metric")
            if nowhere and needs_visited_labels(name):
                raise file.document.error(
                    place, f"{name} of {', '.join(visits)} {WITHOUT_LABELS}; {_cure(file, unlabelled)}"
                )
    if nowhere and study.pruning is not None:
        raise file.document.error(
            ("pruning",),
            f"uses the gain in mIoU on {', '.join(visits)}, which {WITHOUT_LABELS}; write pruning: null",
        )


def _cure(file: StudyFile, unlabelled: Set[str]) -> str:
    """Returns by which metrics trials can be judged although no visited domain has labels."""
    run = file.segada_run()
    scores = [f"{LABEL_FREE_PREFIX}{score}" for score in computed(run.evaluation)]
    labelled = [f"{DOMAIN_PREFIX}{name}" for name in run.scored_domains() if name not in unlabelled]
    by_score = f"a score without labels ({', '.join(scores) or 'name one in run.evaluation.label_free'})"
    by_domain = f"the mIoU of a domain with labels ({', '.join(labelled) or 'name one in run.evaluation.domains'})"
    return f"check the labels, or judge by {by_score} or by {by_domain}"


def placed(file: StudyFile, part: Part, path: Sequence[str], text: str) -> InputError:
    """Returns an error about a setting of runs, with its line of the study file.

    Args:
        file: Study.
        part: Section whose runs have the problem; settings that `pretrain` does not give are those of `run`.
        path: Path of the setting in the settings of a run.
        text: The problem.
    """
    document = file.document
    known = {*document.lines, *document.given}
    places = [(part, *path), ("run", *path)]
    whole = max(places, key=lambda place: sum(place[:end] in known for end in range(1, len(place) + 1)))
    return document.error(whole, text)


def _runs(file: StudyFile) -> list[tuple[Part, RunSettings]]:
    """Returns the settings of which one run each reads what all runs of the study read."""
    training = file.pretrain_settings()
    runs: list[tuple[Part, RunSettings]] = [] if training is None else [("pretrain", training)]
    return [*runs, *(("run", file.segada_run(None, {"evaluation": {"split": split}})) for split in ("val", "test"))]


def _is_recorded(settings: RunSettings) -> bool:
    return any(not isinstance(settings.data.domains[name], StreetsDomain) for name in settings.used_domains())


def _checked(files: Sequence[Path]) -> list[DataCheck]:
    command = [sys.executable, "-m", "segada.data", "check", "--json", *map(str, files)]
    # A session of its own: a terminal's Ctrl-C is for this process, which waits the seconds until the child ends.
    ended = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    if not ended.stdout:
        raise InputError(f"the data cannot be checked: {(ended.stderr.splitlines() or ['no output'])[-1]}")
    found = TypeAdapter(dict[str, DataCheck]).validate_json(ended.stdout)
    return [found[str(file)] for file in files]
