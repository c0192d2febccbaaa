"""What the main job has left to do: baselines, trials, confirmation. Knows nothing of who does it."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

from optuna.trial import TrialState

from hpo.jobs import Job, Observer, Outcome, Progress
from hpo.objectives import objective_value, rung_losses, rung_value
from hpo.plan import Plan, undone
from hpo.study import Study
from segada.records import RunReport


class Agenda:
    """Hands out jobs and takes their results, in whatever order these come.

    `next_job` is called whenever a worker is free; `visited` after each visit of a job, until the job is over, or
    `broke` is called instead. What is over stands in the study or in the job's folder, so that an agenda of a later
    driver on the same study hands out the rest only.
    """

    def __init__(self, study: Study, plan: Plan, observers: Sequence[Observer]) -> None:
        """Looks up which baselines are done; the clock of `budget.hours` starts."""
        self._study = study
        hours = study.file.settings.budget.hours
        self._deadline = math.inf if hours is None else time.monotonic() + 3600 * hours
        self._plan = plan
        self._observers = observers
        self._running: dict[str, Job] = {}
        self._waiting = deque(undone(plan.baselines()))
        self._searching = True
        self._confirming = False
        self._stopped = False
        self._failures: dict[str, str] = {}
        self.obstacle: str | None = None
        """Why no run of this study can be done, once that has turned out."""

    @property
    def is_over(self) -> bool:
        """Whether `next_job` will never again have one."""
        return self._stopped or (self._confirming and not self._waiting)

    @property
    def is_stopped(self) -> bool:
        """Whether it ended before everything was done."""
        return self._stopped

    @property
    def running(self) -> int:
        """Jobs that are handed out and not over."""
        return len(self._running)

    @property
    def failures(self) -> dict[str, str]:
        """Baselines and confirmation runs that failed, with the reason, by name. Failed trials stand in the study."""
        return dict(self._failures)

    def stop(self) -> None:
        """Hands out nothing more and ends every job after its current visit; what is not finished stays resumable."""
        self._stopped = True

    def next_job(self) -> Job | None:
        """The next job; None if there is none now: see `is_over`."""
        if self._stopped:
            return None
        job = self._next()
        if job is not None:
            self._running[job.name] = job
            self._tell(lambda observer: observer.started(job))
        return job

    def visited(self, job: Job, progress: Progress) -> bool:
        """Takes in a visit and says whether the job goes on."""
        if job.name not in self._running:
            return False
        if progress.concerns_all:
            self.obstacle = progress.failure
            self.stop()
        elif progress.failure is not None:
            self._fail(job, progress.report, progress.failure)
        elif progress.report is not None:
            report = progress.report
            self._tell(lambda observer: observer.visited(job, report))
            if progress.finished:
                self._complete(job, report)
            elif job.kind == "trial" and self._is_hopeless(job, report):
                self._end(job, Outcome("pruned", report, f"stopped after visit {len(report.visits)}"))
        return job.name in self._running and not self._stopped

    def recovered(self, job: Job) -> None:
        """Passes on that the job's worker died and another one goes on."""
        # A worker may die after its last word on a job: there is nothing to go on with then.
        if job.name in self._running:
            self._tell(lambda observer: observer.recovered(job))

    def broke(self, job: Job, reason: str) -> None:
        """Takes in that nobody could finish the job."""
        if job.name in self._running:
            self._fail(job, None, reason)

    def _next(self) -> Job | None:
        if self._waiting:
            return self._waiting.popleft()
        if self._searching:
            if time.monotonic() >= self._deadline:
                self._study.close()
            proposal = self._study.ask()
            if proposal is not None:
                return self._plan.trial(proposal)
            self._searching = False
            self._waiting.extend(undone(self._plan.confirmed_baselines()))
            return self._next()
        if not self._confirming and not any(job.kind == "trial" for job in self._running.values()):
            self._confirming = True
            self._waiting.extend(undone(self._plan.confirmations(self._study)))
            return self._next()
        return None

    def _is_hopeless(self, job: Job, report: RunReport) -> bool:
        assert job.trial is not None
        # A retry after a worker's death reports visits that nobody has seen yet, together with the newest.
        for visits in range(1, len(report.visits) + 1):
            gain = rung_value(report.visits[:visits], report.source_only)
            losses = rung_losses(self._study.file.settings.objectives, report, visits)
            if self._study.report(job.trial, visits, gain, losses):
                return True
        return False

    def _complete(self, job: Job, report: RunReport) -> None:
        if job.kind != "trial" or job.trial is None:
            self._end(job, Outcome("complete", report))
            return
        objectives = self._study.file.settings.objectives
        values = [objective_value(one.metric, report) for one in objectives]
        violations = [constraint.violation(report) for constraint in self._study.file.settings.constraints]
        state = self._study.complete(job.trial, values, violations)
        if state == TrialState.FAIL:
            self._end(job, Outcome("fail", report, "an objective is not finite"))
        else:
            self._end(job, Outcome("complete", report))

    def _fail(self, job: Job, report: RunReport | None, reason: str) -> None:
        if job.kind == "trial" and job.trial is not None:
            self._study.fail(job.trial, reason)
        else:
            self._failures[job.name] = reason
        self._end(job, Outcome("fail", report, reason))

    def _end(self, job: Job, outcome: Outcome) -> None:
        del self._running[job.name]
        self._tell(lambda observer: observer.ended(job, outcome))

    def _tell(self, message: Callable[[Observer], None]) -> None:
        for observer in self._observers:
            message(observer)
