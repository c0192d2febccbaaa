"""Tables of a search space for the terminal: its parameters, the number of configurations, example points."""

import json
import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from hpo.config.runs import searched_tree
from hpo.config.study_file import StudyFile
from hpo.search_space.conditions import Clauses, in_words
from hpo.search_space.configuration import Configuration
from hpo.search_space.each import EachParameter
from hpo.search_space.kinds import Parameter
from hpo.search_space.size import cardinality
from hpo.search_space.space import Space
from segada.settings.nested import Value, at_path


def print_space(space: Space, console: Console) -> None:
    """Prints a row per parameter, the forbidden combinations, and the number of configurations."""
    if not space.parameters:
        console.print("no parameters: one configuration, the settings of the run")
        return
    table = _table("parameter", "kind", "values", "when", "default", "count")
    table.columns[-1].justify = "right"
    for path, parameter in space.parameters.items():
        default = _shown(parameter.first) if parameter.has_default else ""
        when = " or ".join(filter(None, map(_clauses, parameter.alternatives)))
        table.add_row(path, parameter.type, parameter.described, when, default, _count(parameter))
    console.print(table)
    for clauses in space.forbidden:
        console.print(f"forbidden: {_clauses(clauses)}")
    number, exact = cardinality(space)
    least = "" if exact else "at most "
    several = "parameters" if len(space.parameters) > 1 else "parameter"
    console.print(f"{len(space.parameters)} {several}, {least}{_number(number)} configurations")


def print_points(file: StudyFile, points: Sequence[Configuration], console: Console) -> None:
    """Prints, for each point, the settings in which its run differs from the fixed settings of the study."""
    fixed = searched_tree(file.run_settings())
    table = _table("", "settings", "changed settings")
    for number, point in enumerate(points):
        settings = file.run_settings(point)
        changed = [
            f"{path}={_shown(value)}"
            for path, value in point.values.items()
            if at_path(fixed, path.split(".")) != at_path(searched_tree(settings), path.split("."))
        ]
        table.add_row(str(number), settings.settings_hash(), ", ".join(changed) or "nothing")
    console.print(table)


def _table(*columns: str) -> Table:
    # A table without lines reads the same in a file as in a terminal.
    table = Table(box=None, padding=(0, 3, 0, 0), title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _clauses(clauses: Clauses) -> str:
    return ", ".join(f"{path} {in_words(test)}" for path, test in clauses.items())


def _count(parameter: Parameter) -> str:
    if isinstance(parameter, EachParameter):
        return f"{len(parameter.choices)} each"
    return _number(parameter.cardinality({}))


def _number(number: float) -> str:
    return "infinitely many" if math.isinf(number) else f"{number:,.0f}"


def _shown(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
