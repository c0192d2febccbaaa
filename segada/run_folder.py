"""The folder of one run: what it leaves behind, in the names that people and scripts read."""

import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml

from segada.atomic import write_bytes, write_text
from segada.records import RunReport, StepRecord, VisitRecord
from segada.settings import RunSettings


class RunFolder:
    """Reads and writes `settings.yaml`, `visits.jsonl`, `areas.npz`, `report.json`, `log.txt` and `checkpoint/`.

    And what `watch` asks for: `frames.jsonl`, `panels/` and `tables/`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def weights(self) -> Path:
        """Where the scored network goes when the run is finished."""
        return self._path / "weights.safetensors"

    @property
    def panels(self) -> Path:
        """The folder of pictures; absent if none was made."""
        return self._path / "panels"

    def claim(self, settings: RunSettings) -> None:
        """Writes the settings, or finds the same ones.

        Raises:
            ValueError: if the folder holds a run of other settings.
        """
        path = self._path / "settings.yaml"
        if not path.exists():
            write_text(path, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
            self.log(f"settings {settings.settings_hash()}, seed {settings.seed}")
            return
        found = RunSettings.model_validate(yaml.safe_load(path.read_text()))
        if found != settings:
            raise ValueError(
                f"{path}: holds a run of other settings (hash {found.settings_hash()}, not "
                f"{settings.settings_hash()}); choose another folder"
            )

    def is_published(self, visits: int, finished: bool) -> bool:
        """Whether everything is there that a run leaves behind after so many visits: a kill may have come before."""
        lines = self._path / "visits.jsonl"
        written = len(lines.read_text().splitlines()) if lines.exists() else 0
        return written == visits and (not finished or (self._path / "report.json").exists())

    def write_visits(self, records: Sequence[VisitRecord]) -> None:
        """Writes `visits.jsonl`, a line per visit."""
        write_text(self._path / "visits.jsonl", "".join(record.model_dump_json() + "\n" for record in records))

    def write_areas(self, areas: Sequence[npt.NDArray[np.int64]]) -> None:
        """Writes `areas.npz`, what a bootstrap over frames needs.

        `visit<k>` is int64 [frames, 3, 19]: intersection, predicted and labelled pixels per class on the visited
        domain's held-out frames after visit k.
        """
        buffer = io.BytesIO()
        named = {f"visit{visit}": array for visit, array in enumerate(areas)}
        np.savez_compressed(buffer, allow_pickle=False, **named)
        write_bytes(self._path / "areas.npz", buffer.getvalue())

    def write_report(self, report: RunReport) -> None:
        """Writes `report.json`."""
        write_text(self._path / "report.json", json.dumps(report.model_dump(mode="json"), indent=1) + "\n")

    def write_checkpoint(self, state: dict[str, Any]) -> None:
        """Replaces the checkpoint of the visit before."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self._checkpoint, buffer.getvalue())

    def read_checkpoint(self) -> dict[str, Any] | None:
        """The state after the last visit that was saved; None before the first."""
        if not self._checkpoint.exists():
            return None
        state: dict[str, Any] = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        return state

    def keep_steps(self, steps: int) -> None:
        """Cuts `frames.jsonl` down to so many lines: a visit that was broken off is made again from its first step."""
        if not self._steps.exists():
            return
        lines = self._steps.read_text().splitlines(keepends=True)
        if len(lines) > steps:
            write_text(self._steps, "".join(lines[:steps]))

    def add_step(self, record: StepRecord) -> None:
        """Adds a line to `frames.jsonl`."""
        with self._steps.open("a") as file:
            file.write(record.model_dump_json() + "\n")

    def write_panel(self, name: str, png: bytes) -> None:
        """Writes `panels/<name>.png`."""
        write_bytes(self.panels / f"{name}.png", png)

    def write_table(self, name: str, text: str) -> None:
        """Writes `tables/<name>.csv`."""
        write_text(self._path / "tables" / f"{name}.csv", text)

    def log(self, line: str) -> None:
        """Adds a line, with the time of day, to `log.txt`."""
        self._path.mkdir(parents=True, exist_ok=True)
        with (self._path / "log.txt").open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    @property
    def _steps(self) -> Path:
        return self._path / "frames.jsonl"

    @property
    def _checkpoint(self) -> Path:
        return self._path / "checkpoint" / "state.pt"
