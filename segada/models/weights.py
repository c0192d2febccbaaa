"""Weights of a segmentor on disk: safetensors with the network's shape beside the numbers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from segada.atomic import write_bytes
from segada.models.encoder import has_adapter
from segada.models.freezing import check_part, names_part
from segada.models.segmentor import Segmentor

FACTS = "segada"
"""Name of the entry of the file's metadata that holds the facts, as JSON."""
LISTED_PARTS = 2
"""A head of which more parts than this do not fit is named as a whole."""
SHIPPED = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """The content of a checkpoint file, under our names.

    Attributes:
        tensors: by name, in the file's precision.
        facts: what the file says about itself: encoder, head, width, classes, settings hash.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """How the tensors of a file met those of a segmentor."""

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    """In the segmentor, not in the file."""
    unexpected: tuple[str, ...]
    """In the file, not in the segmentor."""
    reshaped: tuple[str, ...]
    """In both, with different shapes."""

    @property
    def complete(self) -> bool:
        """Whether the file says everything but adapters, which start as the identity, and nothing else."""
        return not self.unexpected and not self.reshaped and all(has_adapter(name) for name in self.missing)

    def without(self, parts: Sequence[str]) -> "LoadReport":
        """The report on all tensors but those of these parts."""
        kept = {
            field.name: tuple(
                name for name in getattr(self, field.name) if not any(names_part(name, part) for part in parts)
            )
            for field in fields(self)
        }
        return LoadReport(**kept)


def save_weights(segmentor: Segmentor, path: Path, settings_hash: str, dtype: torch.dtype = torch.float32) -> None:
    """Write all parameters and buffers, replacing the file in one step.

    Args:
        segmentor: the network; adapters are saved with it.
        path: ends with `.safetensors`; its folder is made if it is missing.
        settings_hash: of the run that made the weights.
        dtype: float32, or float16 for half the size. Running statistics stay float32.
    """
    parameters = {name for name, _ in segmentor.named_parameters()}
    tensors = {
        name: tensor.to("cpu", dtype if name in parameters else tensor.dtype).contiguous()
        for name, tensor in storable(segmentor).items()
    }
    facts = {key: str(value) for key, value in asdict(segmentor.shape).items()}
    # One entry, because safetensors writes several in an order of its own: the same network must give the same bytes.
    facts_as_json = json.dumps({**facts, "settings_hash": settings_hash})
    write_bytes(path, safetensors.torch.save(tensors, {FACTS: facts_as_json}))


def load_weights(
    segmentor: Segmentor, checkpoint: str, fresh: Sequence[str] = (), setting: str = "model.checkpoint"
) -> LoadReport:
    """Fill the segmentor from a shipped checkpoint (a bare name) or a file (a path).

    Args:
        segmentor: what is filled.
        checkpoint: the name or path.
        fresh: parts, as whole words of dotted names (`head.light_exit`), that keep the values they have.
        setting: what names the checkpoint, for the messages.

    Raises:
        ValueError: no such checkpoint, or not one of this network; names the file and the cure.
    """
    path = find_checkpoint(checkpoint, setting)
    stored = READERS[path.suffix](path)
    for part in fresh:
        # A part that only the file has is left out by the same word.
        check_part(part, (*storable(segmentor), *stored.tensors), "model.fresh")
    _refuse_other_shape(stored, segmentor, path, fresh, setting)
    report = compare(stored.tensors, segmentor).without(fresh)
    if not report.complete:
        raise ValueError(f"{path} does not fit this network: {_describe(report)}. {_cure(report, setting)}")
    segmentor.load_state_dict({name: stored.tensors[name] for name in report.matched}, strict=False)
    return report


def find_checkpoint(checkpoint: str, setting: str = "model.checkpoint") -> Path:
    """The file that `model.checkpoint`, or another setting of its kind, means.

    Raises:
        ValueError: no such file, an unknown format or an unknown name; lists what there is.
    """
    path = Path(checkpoint)
    if path.name == checkpoint and not path.suffix:
        names = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        if checkpoint not in names:
            raise ValueError(
                f"{setting}: no shipped checkpoint is called {checkpoint!r}; there is "
                f"{', '.join(names) or 'none'}. Give one of these, the path of a file, or null to do without"
            )
        return SHIPPED / f"{checkpoint}.safetensors"
    if path.suffix not in READERS:
        raise ValueError(f"{setting}: {checkpoint} must end with {' or '.join(READERS)}")
    if not path.is_file():
        raise ValueError(f"{setting}: there is no file {path}; give one, or the name of a shipped checkpoint")
    return path


def read_safetensors(path: Path) -> StoredWeights:
    """Our own format.

    Raises:
        ValueError: the file is damaged or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get(FACTS, "{}"))
            return StoredWeights({name: file.get_tensor(name) for name in file.keys()}, facts)  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a readable safetensors file ({error}); save or copy it again") from error


READERS: dict[str, Callable[[Path], StoredWeights]] = {".safetensors": read_safetensors}
"""How a checkpoint file is read, by the end of its name."""


def storable(segmentor: Segmentor) -> dict[str, Tensor]:
    """Parameters and running statistics by name, without the state of generators, which belongs to a run."""
    return {name: tensor for name, tensor in segmentor.state_dict().items() if not name.endswith("_extra_state")}


def compare(tensors: Mapping[str, Tensor], segmentor: Segmentor) -> LoadReport:
    """What of a file would go where in a segmentor; changes nothing."""
    own = storable(segmentor)
    both = [name for name in own if name in tensors]
    return LoadReport(
        matched=tuple(name for name in both if own[name].shape == tensors[name].shape),
        missing=tuple(name for name in own if name not in tensors),
        unexpected=tuple(name for name in tensors if name not in own),
        reshaped=tuple(name for name in both if own[name].shape != tensors[name].shape),
    )


def _refuse_other_shape(
    stored: StoredWeights, segmentor: Segmentor, path: Path, fresh: Sequence[str], setting: str
) -> None:
    settings = {"encoder": "model.encoder", "head": "model.head", "width": "model.head_width"}
    # A part of the head that starts fresh is why a file may be of another head.
    excused = {"head", "width", "classes"} if any(part.split(".")[0] == "head" for part in fresh) else set()
    for name, wanted in asdict(segmentor.shape).items():
        found = stored.facts.get(name, str(wanted))
        if found != str(wanted) and name not in excused:
            report = compare(stored.tensors, segmentor)
            cures = [f"set {settings[name]} to {found}"] if name in settings else []
            cures += [*_fresh_cures(report), f"choose another {setting}"]
            raise ValueError(
                f"{path} holds weights for {settings.get(name, name)} {found}, but the settings ask for {wanted}: "
                f"{_describe(report)}; {', or '.join(cures)}"
            )


def _fresh_cures(report: LoadReport) -> list[str]:
    """What `model.fresh` would have to name, if it is the head alone that does not fit."""
    misfits = [name for name in (*report.missing, *report.unexpected, *report.reshaped) if not has_adapter(name)]
    if any(not name.startswith("head.") for name in misfits):
        return []
    parts = list(dict.fromkeys(".".join(name.split(".")[:2]) for name in misfits))
    named = ", ".join(parts) if len(parts) <= LISTED_PARTS else "head"
    return [f"let what the file cannot fill start from random weights with model.fresh: [{named}]"]


def _describe(report: LoadReport) -> str:
    parts = []
    for field in fields(report):
        names: tuple[str, ...] = asdict(report)[field.name]
        example = f" (first: {names[0]})" if names and field.name != "matched" else ""
        parts.append(f"{len(names)} {field.name}{example}")
    return ", ".join(parts)


def _cure(report: LoadReport, setting: str) -> str:
    if all(has_adapter(name) for name in (*report.missing, *report.unexpected, *report.reshaped)):
        return "The file carries other adapters than the network: take the adapter settings of the run that saved it"
    return f"Set model.encoder and model.head_width to those it was trained with, or choose another {setting}"
