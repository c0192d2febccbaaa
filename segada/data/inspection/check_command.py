"""Checks the data of a run, or shows the data sets in a folder: `python -m segada.data check`."""

import argparse
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from segada.cli.console import PlainConsole, wide_terminal
from segada.data.datasets.left_out import counted, merged
from segada.data.inspection.findings import print_findings, print_run_check, summary
from segada.data.inspection.inspection import Inspection, inspect
from segada.data.inspection.recognition import Recognized, nothing_known, recognized
from segada.data.inspection.run_check import check_run
from segada.data.inspection.suggestion import suggested
from segada.errors import InputError
from segada.records import DataCheck, DomainCheck, SettingProblem
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.data import DataSettings
from segada.settings.files import Document, read_yaml
from segada.settings.inputs import checked_path

YAML: Final = (".yaml", ".yml")
"""Endings of files of settings."""


def check(arguments: argparse.Namespace) -> None:
    """Prints what a run finds of its data, or the data sets in a folder with the settings that use them.

    Raises:
        InputError: A run with these settings would not start, or the folder has no known layout, or files are missing
            or cannot be used.
    """
    console = PlainConsole(quiet=True) if arguments.json else wide_terminal()
    found: dict[str, DataCheck] = {}
    wrong: list[str] = []
    for path in arguments.paths:
        is_file = checked_path(path, "").is_file() or (path.suffix in YAML and not path.is_dir())
        _refuse_options(arguments, path, is_file=is_file)
        record, problem = (_settings if is_file else _folder)(path, arguments, console)
        found[str(path)] = record
        wrong += [problem] if problem else []
    if arguments.json:
        print(TypeAdapter(dict[str, DataCheck]).dump_json(found, indent=1).decode())
    if wrong:
        raise InputError(wrong[0])


def _refuse_options(arguments: argparse.Namespace, path: Path, *, is_file: bool) -> None:
    of_folders = {"--dataset": arguments.dataset, "--labels": arguments.labels}
    given = of_folders if is_file else {"--set": arguments.assignments}
    kind = "folders" if is_file else "files of settings"
    for option, value in given.items():
        if value:
            raise InputError(f"{option} is for {kind}, and {path} is none; leave it out")


def _settings(path: Path, arguments: argparse.Namespace, console: PlainConsole) -> tuple[DataCheck, str]:
    document = read_yaml(path).with_overrides(parse_assignments(arguments.assignments))
    if "run" in document.tree:
        raise document.error(("run",), "is a section of a study; a study is checked by hpo space check")
    run, data = _run_and_data(document)
    found = check_run(data, run, everything=arguments.all)
    print_run_check(document, found, console)
    errors = [document.error(one.path, str(one)) for one in found.problems]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return found.record(), f"{errors[0]}{more}" if errors else ""


def _run_and_data(document: Document) -> tuple[RunSettings | None, DataSettings]:
    """Returns the settings of a run and its data; no run for a file of domains alone, as an evaluation takes it."""
    tree = document.tree.get("data")
    if isinstance(tree, dict) and "domains" in tree and "stream" not in document.tree:
        return None, document.build(DataSettings, tree, ("data",))
    run = document.build(RunSettings, document.tree)
    return run, run.data


def _folder(path: Path, arguments: argparse.Namespace, console: PlainConsole) -> tuple[DataCheck, str]:
    data_sets = recognized(path, arguments.dataset, arguments.labels)
    if not data_sets:
        for line in nothing_known(path):
            console.print(line, soft_wrap=True)
        raise InputError(
            f"{path}: is no data set in a known layout; give patterns of its files with dataset: folders, and check "
            "the file of settings that has them"
        )
    found = [(data_set, inspect(data_set, everything=arguments.all)) for data_set in data_sets]
    for data_set, inspection in found:
        print_findings(data_set, inspection, console)
    console.print("", "# settings that use it: python -m segada.adapt FILE, or run: of a study", sep="\n")
    if not arguments.json:
        # Not with the console, which would wrap lines.
        print(suggested(found), end="")
    problems = summary([inspection for _, inspection in found])
    text = f"{path}: {problems}; they are listed above: copy them again, or remove them with their images or labels"
    return _record(found, problems), text if problems else ""


def _record(found: list[tuple[Recognized, Inspection]], problems: str) -> DataCheck:
    domains = {
        f"{name} in {data_set.root}" if len(found) > 1 else name: DomainCheck(
            dataset=data_set.layout,
            needed=[],
            frames=dict(inspection.counts[name]),
            read=len(inspection.looks),
            unreadable=len(inspection.unusable),
        )
        for data_set, inspection in found
        for name in data_set.domains
    }
    wrong = [SettingProblem(path=(), text=problems)] if problems else []
    left_out = counted(merged(inspection.left_out for _, inspection in found))
    return DataCheck(domains=domains, problems=wrong, notes=[], left_out=left_out)
