"""The loop: one run over its stream, visit by visit."""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.controllers.base import ControllerParts, StepView
from segada.controllers.registry import CONTROLLERS
from segada.core.named_code import named
from segada.core.rng import numpy_generator, torch_generator
from segada.core.timer import NULL_TIMER, Timer
from segada.core.torch_setup import set_up_torch
from segada.data.batch import Batch
from segada.data.frame_schedule import Step
from segada.data.replay import ReplayBuffer
from segada.engine.batch_statistics import check_training
from segada.engine.best_checkpoint import BestCheckpoint
from segada.engine.divergence import Diverged, check_parameters, finite_values
from segada.engine.followed_stream import StreamEnded, stream_of
from segada.engine.kept_areas import KeptAreas
from segada.engine.report import evaluable, run_result
from segada.engine.run_data import RunData, prepare_data, run_data_key
from segada.engine.step_scores import LabelFree
from segada.engine.visit_metrics import VisitMetrics
from segada.engine.visit_pictures import VisitPictures
from segada.evaluation.evaluator import Scores, evaluate
from segada.loggers.base import SeenStep, Watcher
from segada.loggers.registry import watchers
from segada.methods.base import MethodParts, State
from segada.methods.registry import METHODS
from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters, source_copy
from segada.models.peak_memory import memory_meter
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.records import RunReport, VisitRecord
from segada.settings import RunSettings

PURPOSES: Final = ("class_mix", "augmentation", "restoration", "modulation", "source_frames", "masking", "windows")
"""Names of the generators whose state a checkpoint holds; the replay buffer saves its own generator."""


class Run:
    """One run: a model that visits the domains of a stream in order.

    Iterating runs the visits that are left and yields their records. With a folder, all files are written after each
    visit, and a new object on the folder continues after the last of them, to the same numbers as an unstopped run.

    Attributes:
        stream: The visits and their batches.

    Example:
        >>> import segada
        >>> data = {"size": (32, 64), "splits": {"source": 4, "adapt": 4, "test": 2}}
        >>> stream = {"visits": ("clear", "25mm"), "frames": 4}
        >>> settings = segada.RunSettings.model_validate({"data": data, "stream": stream})
        >>> run = segada.Run(settings, out="runs/doctest")
        >>> for visit in run:
        ...     print(visit.visit, visit.domain, 0.0 <= visit.visited_miou <= 1.0)
        0 clear True
        1 25mm True
    """

    def __init__(
        self,
        settings: RunSettings,
        run_data: RunData | None = None,
        out: str | Path | None = None,
        timer: Timer = NULL_TIMER,
        evaluation_batch: int | None = None,
        validate: bool = True,
    ) -> None:
        """Builds the model and the method, and restores them from the checkpoint in the folder, if there is one.

        Args:
            settings: Settings of the run.
            run_data: Frames of the run, from `prepare_data`, which several runs can share; None prepares them.
            out: Folder of the run; None writes nothing.
            timer: Receives the beginning and end of each part of a step.
            evaluation_batch: Frames of a batch in the place of `evaluation.batch_size`, where memory is short.
            validate: Whether the held-out frames are scored after every visit, or after the last one alone.

        Raises:
            ValueError: data or weights are missing, or the folder or the data belong to other settings.
        """
        run_data = prepare_data(settings) if run_data is None else run_data
        if run_data.key != run_data_key(settings):
            raise ValueError(f"data {run_data.key} were prepared from other settings; prepare them from these")
        set_up_torch(settings.runtime)
        self._settings, classes = settings, settings.data.classes
        self._class_names, self._timer = classes.names, timer
        self._run_data, self._validate = run_data, validate
        self._device = torch.device(settings.runtime.device)
        self._evaluation_batch = evaluation_batch or settings.evaluation.batch_size
        made = self._generators = {purpose: torch_generator(settings.seed, purpose) for purpose in PURPOSES}
        frames, drawn_by, method = run_data.source, numpy_generator(settings.seed, "replay"), settings.method.name
        self._replay = ReplayBuffer(frames, settings.stream.replay, len(classes), drawn_by, self._device, method)
        initialization = torch_generator(settings.seed, "initialisation")
        network = build_segmentor(settings.model, settings.adapter, initialization, settings.image_adapter, classes)
        self._network = network.to(self._device)
        self._memory = memory_meter(network)
        given = {purpose: made[purpose] for purpose in PURPOSES if purpose != "modulation"}
        parts = MethodParts(settings, network, self._replay, initialization=initialization, timer=timer, **given)
        # The method is built first: it may decide what learns, and a controller's static model copies that.
        self._method = named(METHODS, method)(parts)
        planned = ControllerParts(settings, partial(source_copy, network), made["modulation"])
        self._controller = named(CONTROLLERS, settings.controller.name)(planned)
        self._label_free = LabelFree(settings, network, self._method)
        learning = learning_parameters(network)
        self._trainable = sum(parameter.numel() for parameter in learning.values())
        self._best = BestCheckpoint(settings, learning)
        self.stream = stream_of(settings, run_data)
        check_training(network, settings, self.stream.smallest_batch())
        self._records: list[VisitRecord] = []
        self._areas = KeptAreas(run_data, len(classes))
        self._saved: dict[str, Any] = {"method": self._method, "replay": self._replay, "controller": self._controller}
        self._saved |= {"memory": self._memory, "best": self._best}
        self._folder = None if out is None else RunDir(Path(out))
        self._pictures = VisitPictures(settings, run_data, self._folder, network)
        self._watchers: list[Watcher] = []
        if self._folder is not None:
            self._resume(self._folder)
            self._watchers = watchers(settings, self._folder, self._method)

    @property
    def visits_done(self) -> int:
        """Number of completed visits, resumed ones included."""
        return len(self._records)

    @property
    def network(self) -> Segmentor:
        """The adapting network, with learning parameters as the method set them."""
        return self._network

    @property
    def finished(self) -> bool:
        """True if every visit of the stream is done."""
        return self.stream.is_over(self.visits_done)

    def next_visit(self) -> VisitRecord:
        """Adapts to the frames of the next visit, then evaluates every domain, unless `validate` is False.

        Raises:
            Diverged: if a loss or parameter is not finite. Files of earlier visits remain in the folder.
            StreamEnded: if a followed stream was stopped, or ended, before a frame came; all files are written.
        """
        assert not self.finished
        visit, domain, started = self.visits_done, self.stream.domain(self.visits_done), time.perf_counter()
        try:
            metrics = self._adapt(visit, domain)
        except Diverged as failure:
            if self._folder is not None:
                self._folder.log(f"stopped: {failure}")
            raise
        if not metrics.frames:
            self._save()
            raise StreamEnded
        adapted = time.perf_counter()
        scores = self._evaluate() if self._validate or self.stream.is_over(visit + 1) else {}
        miou = {name: score.miou for name, score in scores.items()}
        record = VisitRecord(
            visit=visit,
            domain=domain,
            miou=miou,
            iou={name: score.iou_by_class(self._class_names) for name, score in scores.items()},
            label_free=metrics.label_free | self._label_free.of_visit(miou),
            controller=self._controller.watched(),
            peak_memory=self._memory.mebibytes,
            seconds=time.perf_counter() - started,
            frames_per_second=metrics.frames / (adapted - started),
            **metrics.facts,
        )
        self._pictures.draw(visit, domain, self._method.predict)
        self._records.append(record)
        self._areas.add(domain, scores, metrics)
        self._save(record)
        return record

    def __iter__(self) -> Iterator[VisitRecord]:
        """Runs the visits that are left, and yields the record of each when it is saved; raises `Diverged`."""
        with suppress(StreamEnded):
            while not self.finished:
                yield self.next_visit()

    def report(self) -> RunReport:
        """Returns the report of the visits done so far."""
        unread = self.stream.unreadable()
        return run_result(self._settings, self._records, self._run_data, self._trainable, unread)

    def save_weights(self, path: Path) -> None:
        """Writes the evaluated network, adapters included, as safetensors."""
        save_weights(self._method.evaluated_network, path, self._settings.settings_hash())

    def _adapt(self, visit: int, domain: str) -> VisitMetrics:
        metrics = VisitMetrics(self._class_names, self._settings.evaluation.speed_frames)
        if self._records and self._records[-1].domain != domain:
            self._method.enter_domain()
        for step, ready in self.stream.steps(visit, self._device):
            with self._timer.step(), self._memory.step():
                with self._timer.part("frames"):
                    batch = ready()
                self._take(step, visit, domain, batch, metrics)
        check_parameters(self._method.evaluated_network, f"visit {visit} ({domain})")
        return metrics

    def _take(self, step: Step, visit: int, domain: str, batch: Batch, metrics: VisitMetrics) -> None:
        logits = self._prediction(batch, metrics.frames)
        label_free: dict[str, Tensor] = {}
        # Only the first pass is scored: later passes have learned from these frames.
        if self._settings.evaluation.online and logits is not None and not step.repeats:
            with self._timer.part("prequential scores"):
                label_free = self._label_free.of(batch.images, logits)
                metrics.score(logits, batch, step, label_free)
        with self._timer.part("controller"):
            plan = self._controller.plan(StepView(step.number, self.stream.total_steps, batch.images, logits))
        with self._memory.part(len(step.frames), plan.trains, plan.first_stage, plan.trains_fusion):
            log = finite_values(self._method.step(batch, plan), f"visit {visit} ({domain}), step {step.number}")
        self._controller.observe(log)
        rates, counts = self._method.rates(plan), self._method.label_counts()
        if self._watchers:
            controller = self._controller.watched()
            scores = {name: float(values.mean()) for name, values in label_free.items()}
            seen = SeenStep(
                visit, domain, step, metrics.frames, batch, logits, scores, plan, rates, log, counts, controller
            )
            with self._timer.part("logging"):
                for watcher in self._watchers:
                    watcher.see(seen)
        metrics.add(len(step.frames), log, rates, counts)

    def _prediction(self, batch: Batch, first: int) -> Tensor | None:
        watched = any(watcher.needs_prediction(first, len(batch.images)) for watcher in self._watchers)
        if not (watched or self._settings.evaluation.online or self._controller.watches_predictions):
            return None
        with self._timer.part("prediction"), self._memory.part("prediction", len(batch.images)):
            return self._method.predict(batch.images)

    def _evaluate(self) -> dict[str, Scores]:
        return {
            name: evaluate(self._method.predict, frames, self._evaluation_batch, self._device)
            for name, frames in self._run_data.held_out.items()
        }

    def _save(self, record: VisitRecord | None = None) -> None:
        """Writes everything, after a visit or after one that ended before a frame came."""
        if self._folder is None:
            return
        if record is not None and record.miou:
            self._best.see(record, self._method.evaluated_network)
        self._folder.write_checkpoint(self._state(), self._settings.settings_hash())
        for line in self.stream.news():
            self._folder.log(line)
        if record is not None:
            self._folder.log(record.line(evaluable(self._settings, self._run_data)))
        if self._records:
            self._publish(self._folder)

    def _publish(self, folder: RunDir) -> None:
        """Writes all files derived from the state; the report is last, because it marks a finished run."""
        self._areas.write(folder)
        folder.write_visits(self._records)
        self._best.publish(folder, self._method.evaluated_network)
        if self.finished:
            self.save_weights(folder.weights)
            folder.write_report(self.report())

    def _state(self) -> State:
        return {
            "records": [record.model_dump(mode="json") for record in self._records],
            **self._areas.state_dict(),
            **{purpose: generator.get_state() for purpose, generator in self._generators.items()},
            **{name: part.state_dict() for name, part in self._saved.items()},
            **self._network.preprocessing.facts(),
            **self.stream.state_dict(),
        }

    def _resume(self, folder: RunDir) -> None:
        news = [self._network.origin] if folder.claim(self._settings) else []
        for line in (*news, *self._run_data.shortfalls()):
            folder.log(line)
        if (state := folder.read_checkpoint()) is None:
            return
        self._network.preprocessing.check_begun(state)
        self._records = [VisitRecord.model_validate(record) for record in state["records"]]
        self._areas.load_state_dict(state)
        for purpose in self._generators.keys() & state:  # Older checkpoints have fewer.
            self._generators[purpose].set_state(state[purpose])
        for name, part in self._saved.items():
            part.load_state_dict(state.get(name, {}))  # Older checkpoints have no memory.
        self.stream.load_state_dict(state)
        self._publish(folder)
