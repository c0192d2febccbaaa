"""Commented YAML of a proposal: the settings of a run, and a study of the search."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

import yaml

from segada.data.inspection.proposal import Proposal
from segada.settings.data import SplitSettings
from segada.settings.evaluation import EvaluationSettings
from segada.settings.nested import Tree, Value

WIDTH: Final = 118
LONG_VISIT: Final = 120
"""Number of frames of a domain above which a visit takes only so many, so that a first search is short."""
MOST_PASSES: Final = 4
TRAINING_PIXELS: Final = 200e6
"""Number of pixels that the source training sees at most, which takes a minute or two on one core."""
TRAINING_FRAMES: Final = 5000
"""Number of frames that it sees at most."""
TRAINING_VISITS: Final = 4
BATCH: Final = 8
DEFAULTS: Final[Tree] = {"names": [], "colors": [], "things": [], "first_id": 0, "ignored_ids": [255]}
"""Values of a set of classes that need not be written."""
SCORE: Final = "information_maximization"
"""Label-free score that a search without labels maximizes."""
NAME_THESE: Final = "name these"
"""Comment at classes that nothing names."""


def settings_text(proposal: Proposal, study: str) -> str:
    """Returns the file of settings.

    Args:
        proposal: The run.
        study: Name of the study file.
    """
    head = ["Settings of a run on the data that segada init found.", *proposal.notes]
    return _joined([*_comment(head), "", *_run(proposal, study)])


def study_text(proposal: Proposal, name: str) -> str:
    """Returns the study file.

    Args:
        proposal: The run of every trial.
        name: Name of the study.
    """
    head = ["Search for the settings of the adaptation to the data that segada init found.", *proposal.notes]
    run = [f"  {line}" if line else "" for line in (*_run(proposal, ""), _evaluation(proposal))]
    parts = (
        [*_comment(head), f"name: {_flow(name)}", "", "run:", *run],
        _training(proposal),
        _space(proposal),
        _search(proposal),
    )
    return _joined([line for part in parts if part for line in (*part, "")][:-1])


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _comment(paragraphs: Sequence[str], above: str = "") -> list[str]:
    return [
        f"{above}# {line}"
        for paragraph in paragraphs
        for line in wrap(paragraph, WIDTH - len(above), break_on_hyphens=False)
    ]


def _flow(value: Value) -> str:
    """Returns a value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _run(proposal: Proposal, study: str) -> Iterator[str]:
    height, width = max(proposal.images, key=lambda size: proposal.images[size], default=(0, 0))
    several = f", of {len(proposal.images)} sizes, most of them {width} x {height}" if len(proposal.images) > 1 else ""
    found = several or f" of {width} x {height}"
    yield "data:"
    about = f"Height and width of the frames that the network gets, multiples of 32; the images{found} are resized."
    yield from _comment([f"{about} Larger frames show more and take longer."], "  ")
    yield f"  size: {_flow(list(proposal.size))}"
    yield from _classes(proposal)
    yield from _domains(proposal)
    yield "stream:"
    yield from _comment(["The model is trained on the labelled source and adapted to the visits in this order."], "  ")
    yield f"  source: {_flow(proposal.source)}"
    yield f"  visits: {_flow(list(proposal.visits))}"
    yield from _frames(proposal)
    yield from _model(proposal, study)


def _domains(proposal: Proposal) -> Iterator[str]:
    roots = {tree.get("root") for tree in proposal.domains.values()}
    shared = roots.pop() if len(roots) == 1 else None
    if shared is not None:
        yield f"  root: {_flow(shared)}"
    yield "  # By shares the frames of a domain are divided into source, adapt, val and test."
    yield "  domains:"
    for name, tree in proposal.domains.items():
        labels = "without labels" if name in proposal.unlabelled else "with labels"
        yield f"    {_flow(name)}:  # {proposal.frames[name]} images {labels}"
        for key, value in tree.items():
            if key != "root" or shared is None:
                yield f"      {key}: {_flow(value)}"


def _classes(proposal: Proposal) -> Iterator[str]:
    content = proposal.classes.model_dump(mode="json")
    if isinstance(content, str):
        yield f"  classes: {content}"
        return
    yield "  # Classes in the order of the network's channels. If you change them, change both files."
    yield "  classes:"
    given = {key: value for key, value in content.items() if value != DEFAULTS[key]}
    colors = given.pop("colors", None)
    names = given.pop("names")
    yield "    names:" if proposal.is_named else f"    names:  # {NAME_THESE}"
    for place, name in enumerate(names):
        yield f"      - {_flow(name)}{'' if colors is None else f'  # {_flow(colors[place])}'}"
    if colors is not None:
        yield f"    colors: {_flow(colors)}"
    for key, value in given.items():
        yield f"    {key}: {_flow(value)}"


def _frames(proposal: Proposal) -> Iterator[str]:
    least, most = (pick(proposal.frames[name] for name in proposal.visits) for pick in (min, max))
    if most > LONG_VISIT:
        yield f"  frames: {LONG_VISIT}  # of each visit; null takes all"
        return
    yield "  frames: null  # all of a domain"
    passes = min(MOST_PASSES, LONG_VISIT // max(least, 1))
    if passes > 1:
        yield f"  passes: {passes}  # over the frames of a visit, since they are few"


def _model(proposal: Proposal, study: str) -> Iterator[str]:
    if proposal.checkpoint is not None:
        about = "The shipped model has the classes of Cityscapes and was trained on rendered streets at 64 x 128"
        trained = (
            ""
            if study or proposal.source is None
            else "; the section pretrain trains it further on the source, before the search"
        )
        yield from _comment([f"{about}{trained}."])
        yield f"model: {{checkpoint: {proposal.checkpoint}}}"
    else:
        about = "No shipped model has these classes."
        cure = f"The study {study} trains one from random weights first" if study else "pretrain trains one first"
        own = "to use your own, write its path here" + ("" if study else " and remove pretrain")
        yield from _comment([f"{about} {cure}; {own}."])
        yield "model: {checkpoint: null}"
    if proposal.source is None:
        yield "method: {name: cotta}  # needs no source frames"


def _evaluation(proposal: Proposal) -> str:
    scores: Tree = {"label_free": [*EvaluationSettings().label_free, SCORE]} if _is_blind(proposal) else {}
    return f"evaluation: {_flow({'split': 'val', **scores})}"


def _is_blind(proposal: Proposal) -> bool:
    """Returns True if no visited domain has labels."""
    return set(proposal.visits) <= set(proposal.unlabelled)


def _training(proposal: Proposal) -> list[str]:
    """Returns the section of the source training; empty if there is no source."""
    if proposal.source is None:
        return []
    frames = min(TRAINING_FRAMES, TRAINING_PIXELS / (proposal.size[0] * proposal.size[1]))
    in_pass = min(proposal.frames[proposal.source], SplitSettings().source) * TRAINING_VISITS
    stream: Tree = {
        "split": "source",
        "visits": [proposal.source] * TRAINING_VISITS,
        "frames": None,
        "passes": max(2, round(frames / in_pass)),
        "batch_size": BATCH,
    }
    evaluation: Tree = {"split": "val", "online": False, **({"label_free": []} if _is_blind(proposal) else {})}
    rate = 3e-3 if proposal.checkpoint is None else 1e-3
    about = (
        "The source model is trained first, once for the whole study, on the labelled frames of the source. These "
        "settings change run. More passes give a better model."
    )
    return [
        *_comment([about]),
        "pretrain:",
        f"  stream: {_flow(stream)}",
        f"  method: {{name: supervised, optimizer: {{lr: {rate:g}}}, color: {{jitter: 0.4}}}}",
        "  controller: {name: one_cycle}",
        f"  evaluation: {_flow(evaluation)}",
    ]


SPACE: Final = """\
space:
  method.optimizer.lr: {type: float, low: 3e-5, high: 1e-2, log: true, default: 3e-4}
  method.mix_weight: {type: float, low: 0.0, high: 2.0, default: 1.0}
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.99, default: 0.968}
  method.ema_alpha: {type: float, low: 0.9, high: 0.999, default: 0.99}
  method.evaluated_network: {type: choice, choices: [student, teacher], default: teacher}"""
SPACE_WITHOUT_SOURCE: Final = """\
space:
  method.optimizer.lr: {type: float, low: 3e-5, high: 1e-2, log: true, default: 3e-4}
  method.ema_alpha: {type: float, low: 0.9, high: 0.999, default: 0.99}"""


def _space(proposal: Proposal) -> list[str]:
    about = "What is searched. Every setting of a run can be, by its path: python -m hpo.space schema."
    return [*_comment([about]), *(SPACE_WITHOUT_SOURCE if proposal.source is None else SPACE).split("\n")]


def _search(proposal: Proposal) -> Iterator[str]:
    yield "sampler: {name: tpe, seed: 0}"
    if _is_blind(proposal):
        yield "# No visited domain has labels: the score that ranked trials best without any (docs/label_free.md)."
        yield f"objectives: [{{metric: label_free/{SCORE}, goal: maximize}}]"
    else:
        yield "objectives: [{metric: mean_miou, goal: maximize}]"
    yield "budget: {trials: 12}"
    yield "pruning: null"
    yield "# The best trial is run again with new seeds on the split test, which the search never reads."
    yield "confirm: {top: 1, seeds: 2}"
