"""Reasons why weights do not fit a segmentor, in one sentence each, with the cure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from segada.models.class_match import CLASSIFIERS
from segada.models.encoders.base import has_adapter
from segada.models.formats.contents import StoredWeights
from segada.models.load_report import LoadReport
from segada.models.staged_segmentor import SegmentorShape
from segada.settings.architectures import MIX_TRANSFORMERS, TIMM
from segada.settings.class_sets import plain

LISTED_PARTS = 2
"""Number of parts up to which misfitting parts of a head are listed; with more, the head is named as a whole."""
SETTINGS = {"encoder": "model.encoder", "head": "model.head", "width": "model.head_width"}
"""Setting of each field of a segmentor's shape."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Weights, and the segmentor that they are loaded into.

    Attributes:
        path: Path of the weights.
        setting: Path of the setting that names `path`.
        stored: The weights.
        shape: Shape of the segmentor.
        class_names: Names of the segmentor's classes.
        fresh: Parts that keep their present values.
        whole: Comparison of all tensors.
    """

    path: Path
    setting: str
    stored: StoredWeights
    shape: SegmentorShape
    class_names: tuple[str, ...]
    fresh: tuple[str, ...]
    whole: LoadReport

    @property
    def report(self) -> LoadReport:
        """Comparison of the tensors that belong to no fresh part."""
        return self.whole.without(self.fresh)

    def check(self) -> None:
        """Raises ValueError, with the counts and the cure, unless the weights contain all that the segmentor needs."""
        checks = (
            self._whole_network,
            self._other_shape,
            self._no_head,
            self._other_tensors,
            self._other_classes,
            self._no_numbers,
        )
        for check in checks:
            problem = check()
            if problem:
                raise ValueError(f"{self.path} ({self.stored.format}) {problem}")

    def _whole_network(self) -> str:
        network = self.stored.facts.get("network")
        if network is None:
            return ""
        return f"holds weights of a whole network; set model.network to {network} in place of model.encoder and head"

    def _other_shape(self) -> str:
        # If a part of the head starts from random weights, the file may have another head.
        excused = {"head", "width", "classes"} if any(part.split(".")[0] == "head" for part in self.fresh) else set()
        excused |= {"encoder"} & set(self.fresh)
        for name, wanted in asdict(self.shape).items():
            found = self.stored.facts.get(name, str(wanted))
            if found != str(wanted) and name not in excused:
                match = ["take the rows of equal names with model.class_match: name"] if self._has_equal_names() else []
                cures = [*_setting_cures(name, found), *match, *_fresh_cures(self.whole)]
                cures = [*cures, f"choose another {self.setting}"]
                return (
                    f"holds weights for {SETTINGS.get(name, name)} {found}, but the settings ask for {wanted}: "
                    f"{self.whole.counts}; {', or '.join(cures)}"
                )
        return ""

    def _has_equal_names(self) -> bool:
        return not {*map(plain, self.stored.class_names)}.isdisjoint(map(plain, self.class_names))

    def _no_head(self) -> str:
        if self.stored.has_head or not any(name.startswith("head.") for name in self.report.missing):
            return ""
        reason = self.stored.no_head or "it is of an encoder alone"
        return (
            f"fills no head: {reason} ({self.report.counts}); let the head start from random weights with "
            f"model.reinitialize: [head], or choose another {self.setting}"
        )

    def _other_tensors(self) -> str:
        if self.report.complete:
            return ""
        if all(has_adapter(name) for name in self.report.mismatches):
            cure = (
                "The file carries other adapters than the network: take the adapter settings of the run that saved it"
            )
        else:
            cure = (
                f"Set model.encoder and model.head_width to those it was trained with, or choose another {self.setting}"
            )
        return f"does not fit this network: {self.report.counts}. {cure}"

    def _other_classes(self) -> str:
        """Finds classifier rows that belong to other classes than ours: such a file would load without an error, and be
        wrong."""
        names = self.stored.class_names
        if len(names) != self.shape.classes or CLASSIFIERS.isdisjoint(self.report.matched):
            return ""
        theirs, ours = ([plain(name) for name in each] for each in (names, self.class_names))
        moved = [index for index, name in enumerate(theirs) if name in ours and ours[index] != name]
        if not moved and not set(theirs).isdisjoint(ours):
            return ""
        index = moved[0] if moved else 0
        classifiers = ", ".join(sorted(name.rpartition(".")[0] for name in CLASSIFIERS & set(self.report.matched)))
        return (
            f"predicts other classes: its class {index} is {names[index]!r}, and ours is {self.class_names[index]!r}; "
            f"take the rows of equal names with model.class_match: name, or let the classifier start from random "
            f"weights with model.reinitialize: [{classifiers}]"
        )

    def _no_numbers(self) -> str:
        names = [name for name in self.report.matched if not self.stored.tensors[name].isfinite().all()]
        if not names:
            return ""
        return (
            f"holds numbers that are not finite in {len(names)} tensors (first: {names[0]}); take a checkpoint from "
            "before the training diverged"
        )


def _setting_cures(name: str, found: str) -> list[str]:
    names_ours = name != "encoder" or found in MIX_TRANSFORMERS or found.startswith(TIMM)
    return [f"set {SETTINGS[name]} to {found}"] if name in SETTINGS and names_ours else []


def _fresh_cures(report: LoadReport) -> list[str]:
    """Returns cures with `model.reinitialize`, if only the head does not fit."""
    mismatches = [name for name in report.mismatches if not has_adapter(name)]
    if any(not name.startswith("head.") for name in mismatches):
        return []
    parts = list(dict.fromkeys(_part(name, report.reshaped) for name in mismatches))
    named = ", ".join(parts) if len(parts) <= LISTED_PARTS else "head"
    return [f"let what the file cannot fill start from random weights with model.reinitialize: [{named}]"]


def _part(name: str, reshaped: Sequence[str]) -> str:
    """Returns the layer of a tensor of another shape, such as a classifier, or the whole part of a missing one."""
    return name.rpartition(".")[0] if name in reshaped else ".".join(name.split(".")[:2])
