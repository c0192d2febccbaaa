"""Checks before the first run of several that their data are there and their networks can be built.

`python -m segada.engine.preflight` reads a `Preflight` from standard input and prints its findings, a JSON mapping of
names to problems: for programs that do not import torch themselves.
"""

import json
import sys

from segada.cli.exit_codes import exit_code
from segada.core.rng import torch_generator
from segada.data.run_frames import check_counts
from segada.engine.batch_statistics import check_training
from segada.models.batch_norm import normalize_by
from segada.models.build import build_segmentor
from segada.records import Preflight
from segada.settings import RunSettings
from segada.settings.method import batch_norm_statistics


def problems(wanted: Preflight) -> dict[str, str]:
    """Returns what is wrong, by name; empty if every run can begin. Reads no frame.

    Args:
        wanted: Settings whose data are counted, and settings whose networks are built, by name.
    """
    found = {name: _data_problem(RunSettings.model_validate(tree)) for name, tree in wanted.data.items()}
    found |= {name: _network_problem(RunSettings.model_validate(tree)) for name, tree in wanted.networks.items()}
    return {name: problem for name, problem in found.items() if problem is not None}


def _data_problem(settings: RunSettings) -> str | None:
    try:
        check_counts(settings)
    except ValueError as error:
        return str(error)
    return None


def _network_problem(settings: RunSettings) -> str | None:
    generator = torch_generator(0, "initialisation")
    try:
        network = build_segmentor(
            settings.model, settings.adapter, generator, settings.image_adapter, settings.data.classes
        )
        network.check_output(settings.data.size)
        if (statistics := batch_norm_statistics(settings.method)) is not None:
            normalize_by(network, statistics)
        check_training(network, settings, settings.stream.batch_size)
    except ValueError as error:
        return str(error)
    return None


def main() -> int:
    """Runs the command line. Returns 0 whether problems were found or not."""

    def command() -> None:
        print(json.dumps(problems(Preflight.model_validate_json(sys.stdin.read()))))

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
