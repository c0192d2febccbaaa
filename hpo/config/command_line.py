"""From the options of a command line to a study file."""

import argparse

from hpo.config.document import files_of, path_in_file, read_document
from hpo.config.schema import StudySettings
from hpo.config.study_file import StudyFile, load_study
from hpo.config.sweep_import import notes_on
from segada.core.printing import tell
from segada.errors import InputError
from segada.settings.assignments import parse_assignments


def study_file(arguments: argparse.Namespace, *, runs: bool = True) -> StudyFile:
    """Reads the study with what the options change; a `--set` path outside the study's own parts leads into `run`.

    Args:
        arguments: Parsed by `hpo.cli.options.run_parser`.
        runs: Whether the study is run on this machine, so that its data must be here.

    Raises:
        InputError: The file or an option is wrong.
    """
    given = parse_assignments(arguments.assignments)
    for path in given:
        if path.startswith("space."):
            cure = f"copy {arguments.space} and change it there"
            raise InputError(f"--set {path}: the space stands in the study file alone; {cure}")
    overrides = {path_in_file(path, StudySettings.model_fields): value for path, value in given.items()}
    options = dict.fromkeys(overrides, "--set")
    for option, value, paths in (
        ("--trials", arguments.trials, ["budget.trials"]),
        ("--seed", arguments.seed, [_seed_of_runs(arguments.space), "sampler.seed"]),
        ("--storage", arguments.storage, ["storage"]),
    ):
        if value is not None:
            overrides |= dict.fromkeys(paths, value)
            options |= dict.fromkeys(paths, option)
    file = load_study(arguments.space, overrides, options, runs=runs)
    for found in files_of(arguments.space):
        for note in notes_on(found.path):
            tell(f"note: {note}")
    return file


def _seed_of_runs(space: str) -> str:
    """Returns the path of the seed of a study's runs."""
    return "run.seed" if read_document(space).tree.get("engine") is None else "engine.seed"
