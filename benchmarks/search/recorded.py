"""Recorded trials, each run to the end of its stream, as a function that can be searched without running anything."""

import lzma
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter, ValidationError
from scipy.stats import spearmanr

from hpo.config.rung_values import RUNG_VALUES
from hpo.samplers.surrogate import Coordinates
from hpo.search_space import Space
from hpo.search_space.conditions import Clauses
from hpo.search_space.kinds import Parameter
from hpo.search_space.parameter import Raw
from segada.core.atomic_io import write_bytes
from segada.errors import InputError
from segada.records import Record

SHIPPED = Path(__file__).with_name("tables") / "random_dacs.jsonl.xz"
"""Random trials of the study random_dacs.yaml."""


class RecordedVisit(Record):
    """Duration and results of a visit."""

    domain: str
    frames: int
    seconds: float
    """Wall time of adaptation and evaluation, with as many parallel trials as the recording had workers."""
    miou: dict[str, float]
    """mIoU of every evaluated domain on the `val` frames, after the visit."""
    label_free: dict[str, float]
    """Label-free scores."""


class RecordedTrial(Record):
    """A configuration and its whole run: a line of the table."""

    values: dict[str, JsonValue]
    """Values of active parameters, by path into the settings of a run."""
    visits: tuple[RecordedVisit, ...]


class Recording(Record):
    """Origin of a table and facts that its trials share: the table's first line."""

    study: str
    """Name of the study."""
    command: str
    """Command that ran its trials."""
    provenance: tuple[str, ...]
    """Revision, versions of packages, and processor."""
    space: dict[str, JsonValue]
    """Parameters as in a study file."""
    forbidden: tuple[dict[str, JsonValue], ...]
    visits: tuple[str, ...]
    """Domains in the order of the stream."""
    source_only: dict[str, float]
    """mIoU per domain of the source model, on the same frames."""
    relevance: dict[str, float]
    """Relevance of every dimension of the space to the result; they sum to 1."""


class RecordedTable:
    """Recorded trials as a function on their space.

    No model replaces measurements: a proposed configuration is mapped to the nearest recorded one, with each dimension
    weighted by its relevance to the result.
    """

    def __init__(self, recording: Recording, trials: Sequence[RecordedTrial]) -> None:
        self.recording = recording
        self.trials = tuple(trials)
        self.space = space_of(recording.space, recording.forbidden)
        self._coordinates = Coordinates(self.space)
        self._scale = np.sqrt(self._coordinates.by_column(recording.relevance))
        self.raw = tuple(self.space.encode(trial.values) for trial in trials)
        """Configurations as a study stores them."""
        self._points = np.array([self._place(raw) for raw in self.raw])

    def nearest(self, raw: Mapping[str, Raw], among: Collection[int]) -> int:
        """Returns the index, among the given ones, of the recorded trial nearest to a configuration in storage form."""
        indices = np.array(sorted(among))
        return int(indices[np.argmin(self._distances(self._place(raw))[indices])])

    def rung_value(self, row: int, visits: int, value: str) -> float:
        """Returns the rung value of a recorded trial after a number of visits: a key of `rung_values.RUNG_VALUES`."""
        return float(self._rung_values[value][row, visits - 1])

    @cached_property
    def mean_miou(self) -> NDArray[np.float64]:
        """Mean over visits of the mIoU on the domain being visited, for every trial, in [0, 1]."""
        source_only = [self.recording.source_only[name] for name in self.recording.visits]
        return np.asarray(self._rung_values["gain_so_far"][:, -1] + np.mean(source_only))

    @cached_property
    def _rung_values(self) -> dict[str, NDArray[np.float64]]:
        """Rung values, trials × visits, by name."""
        route, before = self.recording.visits, self.recording.source_only
        counts = range(1, len(route) + 1)
        return {
            name: np.array([[value(one.visits[:count], before, route) for count in counts] for one in self.trials])
            for name, value in RUNG_VALUES.items()
        }

    @property
    def frames(self) -> int:
        """Number of frames of a whole trial."""
        return sum(visit.frames for visit in self.trials[0].visits)

    def fidelity(self) -> float:
        """Returns Spearman's correlation of each trial's result with its nearest other trial's, in [-1, 1]."""
        everything = set(range(len(self.trials)))
        nearest = [self.nearest(raw, everything - {index}) for index, raw in enumerate(self.raw)]
        return float(spearmanr(self.mean_miou, self.mean_miou[nearest]).statistic)

    def _place(self, raw: Mapping[str, Raw]) -> NDArray[np.float64]:
        return np.asarray(self._scale * self._coordinates.of(raw))

    def _distances(self, point: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(((self._points - point) ** 2).sum(axis=1))


def space_of(space: Mapping[str, JsonValue], forbidden: Sequence[Mapping[str, JsonValue]]) -> Space:
    """Returns the space described by the parameters and forbidden combinations of a study file."""
    parameters = TypeAdapter(dict[str, Parameter]).validate_python(space)
    return Space(parameters, TypeAdapter(tuple[Clauses, ...]).validate_python(forbidden))


def read_table(path: Path) -> RecordedTable:
    """Reads a table from its file.

    Raises:
        InputError: if the file is missing, or is not a table.
    """
    try:
        first, *lines = lzma.decompress(path.read_bytes()).splitlines()
        recording = Recording.model_validate_json(first)
        return RecordedTable(recording, [RecordedTrial.model_validate_json(line) for line in lines])
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}; `python -m benchmarks.search record` writes one"
        ) from None
    except (lzma.LZMAError, ValueError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InputError(f"{path}: is not a table of recorded trials ({problem})") from None


def write_table(recording: Recording, trials: Sequence[RecordedTrial], path: Path) -> None:
    """Writes a table; the same trials give the same bytes."""
    lines = [record.model_dump_json() for record in (recording, *trials)]
    write_bytes(path, lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
