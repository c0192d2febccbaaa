"""Source training: `python -m segada.pretrain` is the supervised method over a one-domain stream."""

import argparse
import sys
from importlib import resources
from pathlib import Path

import torch
from rich.console import Console

from segada.adapt import adapt, print_report
from segada.command import exit_code
from segada.destination import check_file, check_folder
from segada.models.build import build_segmentor
from segada.models.weights import save_weights
from segada.randomness import torch_generator
from segada.run_folder import RunFolder
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.files import InputError, load_run_settings
from segada.settings.method import SupervisedSettings
from segada.stopping import Asked, never, stopping


def pretrain(settings: RunSettings, folder: Path, console: Console | None = None, asked_to_stop: Asked = never) -> Path:
    """Trains a source model, or finishes what a former call began, and says where its weights are.

    Args:
        settings: Of the training; `method.name` is `supervised`.
        folder: Everything that a run leaves behind, `weights.safetensors` among it.
        console: Where progress is printed; nowhere if None.
        asked_to_stop: As of `adapt`.

    Raises:
        InputError: the method is another, data are missing, the folder holds another run, or a loss is not finite.
    """
    if not isinstance(settings.method, SupervisedSettings):
        raise InputError(f"method.name is {settings.method.name!r}, but a source training is 'supervised'")
    console = console or Console(quiet=True)
    print_report(adapt(settings, folder, console, asked_to_stop), console)
    return RunFolder(folder).weights


def halve(settings: RunSettings, weights: Path, path: Path) -> None:
    """Writes the weights of a run once more, in half precision: how shipped checkpoints are made."""
    model = settings.model.model_copy(update={"checkpoint": str(weights), "fresh": ()})
    network = build_segmentor(
        model, settings.adapter, torch_generator(settings.seed, "initialisation"), settings.prompt
    )
    save_weights(network, path, settings.settings_hash(), torch.float16)


def _check_half(path: Path) -> None:
    if path.suffix != ".safetensors":
        raise InputError(f"--half {path}: must end with .safetensors, as model.checkpoint, which is to name it, asks")
    check_file(path, "--half")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m segada.pretrain", description=__doc__)
    parser.add_argument("settings", nargs="?", help="settings of the run (YAML); default: the shipped streets recipe")
    parser.add_argument("--out", type=Path, default=Path("runs/pretrain"), help="folder of the run")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="assignments")
    parser.add_argument("--half", type=Path, metavar="FILE", help="also write the weights here, in half precision")
    arguments = parser.parse_args()

    def command() -> None:
        recipe = arguments.settings or str(resources.files("segada") / "recipes" / "pretrain_streets.yaml")
        settings = load_run_settings(recipe, parse_assignments(arguments.assignments))
        check_folder(arguments.out)
        if arguments.half is not None:
            _check_half(arguments.half)
        console = Console(highlight=False)
        with stopping() as asked_to_stop:
            weights = pretrain(settings, arguments.out, console, asked_to_stop)
        console.print(f"weights in {weights}")
        if arguments.half is not None:
            halve(settings, weights, arguments.half)
            console.print(f"in half precision in {arguments.half}")

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
