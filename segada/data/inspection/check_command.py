"""Shows the data sets in a folder and how a run can use them: `python -m segada.data check`."""

import argparse

from segada.cli.console import wide_terminal
from segada.data.inspection.findings import print_findings, summary
from segada.data.inspection.inspection import inspect
from segada.data.inspection.recognition import nothing_known, recognized
from segada.data.inspection.suggestion import suggested
from segada.errors import InputError
from segada.settings.inputs import checked_path


def check(arguments: argparse.Namespace) -> None:
    """Prints the data sets in a folder, the problems of its files, and the settings that use it.

    Raises:
        InputError: The folder has no known layout, or files are missing or cannot be used.
    """
    console = wide_terminal()
    path = checked_path(arguments.path, "")
    data_sets = recognized(path, arguments.dataset, arguments.labels)
    if not data_sets:
        for line in nothing_known(path):
            console.print(line, soft_wrap=True)
        raise InputError(f"{path}: is no data set in a known layout; give patterns of its files with dataset: folders")
    found = [(data_set, inspect(data_set, everything=arguments.all)) for data_set in data_sets]
    for data_set, inspection in found:
        print_findings(data_set, inspection, console)
    console.print("", "# settings that use it: python -m segada.adapt FILE, or run: of a study", sep="\n")
    # Not with the console, which would wrap lines.
    print(suggested(found), end="")
    problems = summary([inspection for _, inspection in found])
    if problems:
        raise InputError(
            f"{path}: {problems}; they are listed above: copy them again, or remove them with their images or labels"
        )
