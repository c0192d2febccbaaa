"""Coordinator of a study's runs: baselines, trials, confirmation. It is independent of how runs are executed."""

import math
import time
from collections.abc import Callable, Sequence
from operator import methodcaller

from optuna.trial import TrialState

from hpo.config.code_metric import failure_of
from hpo.config.objectives import objective_value
from hpo.config.rung_values import RUNG_VALUES, rung_losses
from hpo.config.runs import searched_tree
from hpo.orchestration.run_queue import RunQueue
from hpo.pruners.settings import judged_by
from hpo.study.jobs import OUTCOMES, Job, Observer, Outcome, RunUpdate
from hpo.study.leases import PATIENCE
from hpo.study.origin import account
from hpo.study.plan import Plan
from hpo.study.recording import SoFar
from hpo.study.study import Study
from segada.records import RunReport
from segada.settings.nested import at_path


class RunCoordinator:
    """Hands out jobs and takes in their results, in any order.

    `next_job` is called whenever a worker is free; `visited` after each visit of a job, until the job is over, or
    `broke` is called instead. Finished jobs are recorded in the study or in their folders, so the coordinator of a
    later driver on the same study hands out only the rest. Coordinators of several drivers share a study; each job is
    handed out by one of them.
    """

    def __init__(self, study: Study, plan: Plan, observers: Sequence[Observer]) -> None:
        """Finds the baselines that are done and the trials that lack files, and starts the clock of `budget.hours`."""
        self._study = study
        hours = study.file.settings.budget.hours
        self._deadline = math.inf if hours is None else time.monotonic() + 3600 * hours
        self._plan = plan
        self._observers = observers
        self._news: list[Callable[[Observer], None]] = []
        self._running: dict[str, Job] = {}
        self._returned: list[Job] = []
        self._baselines = RunQueue(plan.baselines(), study.leases)
        self._repairs = RunQueue(plan.repairs(study), study.leases)
        self._references = RunQueue(plan.confirmed_baselines(), study.leases)
        self._confirmations: RunQueue | None = None
        self._confirmed: list[int] = []
        self._is_done = False
        self._stopped = False
        self._is_exhausted = study.exhaustion() is not None
        self._idle_until = -math.inf
        self._waits_for: list[str] = []
        self.obstacle: RunUpdate | None = None
        """Update with the reason why no run of this study can be done; None while there is none."""
        self.lost: str | None = None
        """Lost resource without which this driver's jobs cannot continue; the same command resumes elsewhere."""

    @property
    def study_name(self) -> str:
        """Name of the study."""
        return self._study.file.settings.name

    @property
    def is_over(self) -> bool:
        """True if `next_job` will never again return a job."""
        return self._stopped or self._is_done

    @property
    def is_stopped(self) -> bool:
        """True if the coordinator was stopped before everything was done."""
        return self._stopped

    @property
    def running(self) -> int:
        """Number of jobs that are handed out and not over."""
        return len(self._running)

    @property
    def failures(self) -> dict[str, str]:
        """Failed baselines and confirmation runs, with the reason, by name. Failed trials are recorded in the study."""
        return self._study.leases.failures()

    def stop(self) -> None:
        """Hands out no more jobs and ends every job after its current visit; unfinished jobs stay resumable."""
        self._stopped = True

    def lose(self, what: str) -> None:
        """Stops because of a lost resource that all jobs of this driver need; the jobs do not count as failed."""
        self.lost = what
        self.stop()

    def next_job(self) -> Job | None:
        """Returns the next job; None if there is none now (see `is_over`)."""
        if self._stopped or time.monotonic() < self._idle_until:
            return None
        if self._returned:
            return self._returned.pop(0)
        with self._study.drivers.exclusive():
            job = self._next()
            if job is None:
                self._wait()
        if job is not None:
            self._running[job.name] = job
            self._waits_for = []
            self._tell(lambda observer: observer.started(job))
        self._publish()
        return job

    def visited(self, job: Job, progress: RunUpdate) -> bool:
        """Takes in a visit; returns True if the job goes on."""
        with self._study.drivers.exclusive():
            if self._is_ours(job):
                self._take_in(job, progress)
        self._publish()
        if self._stopped and job.name in self._running:
            # Tune may repeat the last visit of a stopped job; the repetition contains nothing new.
            self._leave(job)
        return job.name in self._running

    def recovered(self, job: Job, reason: str) -> None:
        """Records why the job's worker died and tells the observers that another worker resumes the job."""
        with self._study.drivers.exclusive():
            # A worker may die after the final update of a job; then there is nothing to resume.
            if self._is_ours(job):
                self._note(job, f"its worker died: {reason}")
                self._tell(lambda observer: observer.recovered(job))
        self._publish()

    def returned(self, job: Job) -> None:
        """Requeues an abandoned job as the next one to be handed out."""
        if job.name in self._running:
            self._returned.append(job)
            self._idle_until = -math.inf

    def broke(self, job: Job, reason: str, *, passes: bool = False) -> None:
        """Records that the job failed in every attempt; `passes` as in `RunUpdate`."""
        with self._study.drivers.exclusive():
            if self._is_ours(job):
                self._fail(job, None, reason, passes=passes)
        self._publish()

    def _next(self) -> Job | None:
        job = self._baselines.next() or self._repairs.next() or self._trial() or self._references.next()
        if job is not None or not self._study.is_search_over():
            return job
        best = [trial.number for trial in self._study.best(self._study.file.settings.confirm.top)]
        # People may exclude a trial, or repeat one, while the best are confirmed.
        if self._confirmations is None or best != self._confirmed:
            self._confirmations = RunQueue(self._plan.confirmations(self._study), self._study.leases)
            self._confirmed = best
        job = self._confirmations.next()
        self._is_done = all(queue.is_empty for queue in self._queues())
        return job

    def _trial(self) -> Job | None:
        if time.monotonic() >= self._deadline and not self._study.is_search_over():
            self._study.close()
        proposal = self._study.ask()
        for number, reason in self._study.take_refused().items():
            job, outcome = self._plan.refused(number), Outcome("fail", None, reason)
            self._news += [methodcaller("started", job), methodcaller("ended", job, outcome)]
        if proposal is not None:
            return self._plan.trial(proposal)
        end = self._study.exhaustion()
        if end is not None and not self._is_exhausted:
            self._is_exhausted = True
            self._tell(lambda observer: observer.exhausted(str(end)))
        return None

    def _queues(self) -> list[RunQueue]:
        queues = (self._baselines, self._repairs, self._references, self._confirmations)
        return [queue for queue in queues if queue is not None]

    def _wait(self) -> None:
        """Sets the time of the next attempt, and tells the observers which drivers this one waits for."""
        self._idle_until = time.monotonic() + PATIENCE
        if self._running or self._is_done:
            return
        busy = self._study.owners().union(*(queue.owners() for queue in self._queues()))
        drivers = self._study.drivers
        others = sorted(drivers.title(driver) for driver in busy - {drivers.id})
        if others != self._waits_for:
            self._waits_for = others
            self._tell(lambda observer: observer.waiting(others))

    def _is_ours(self, job: Job) -> bool:
        """Returns True if this driver still has the job, which is not over.

        A job that another driver took during a long silence is dropped; a trial that was closed from outside ends.
        """
        if job.name not in self._running:
            return False
        searched = job.trial if job.kind == "trial" else None
        has = self._study.leases.owns(job.name) if searched is None else self._study.has(searched)
        if not has:
            self._leave(job)
            self._tell(lambda observer: observer.dropped(job))
        return has and not self._was_closed(job)

    def _was_closed(self, job: Job) -> bool:
        """Ends the job of a trial that a user or another program has closed; returns False if the trial runs."""
        closed = self._study.ended(job.trial) if job.kind == "trial" and job.trial is not None else None
        if closed is None:
            return False
        self._end(job, Outcome(OUTCOMES[closed.state], None, account(closed)))
        return True

    def _note(self, job: Job, incident: str) -> None:
        if job.kind == "trial" and job.trial is not None:
            self._study.note(job.trial, incident)

    def _take_in(self, job: Job, progress: RunUpdate) -> None:
        if progress.incident is not None:
            self._note(job, progress.incident)
        if progress.concerns_all or (progress.fails_alike and self._shares_no_parameter(job)):
            self.obstacle = progress
            self.stop()
        elif progress.failure is not None:
            self._fail(job, progress.report, progress.failure, passes=progress.passes)
        elif progress.report is not None:
            report = progress.report
            self._tell(lambda observer: observer.visited(job, report))
            if progress.finished:
                self._complete(job, report)
            elif job.kind == "trial" and self._is_hopeless(job, report):
                assert job.trial is not None
                self._end(job, Outcome("pruned", report, self._study.reason(job.trial)))

    def _shares_no_parameter(self, job: Job) -> bool:
        """Returns True if no parameter of a job has the value of the fixed settings, and so is the reason of a failure
        that both have."""
        fixed = searched_tree(self._plan.search_settings())
        return all(at_path(fixed, path.split(".")) != value for path, value in job.parameters.items())

    def _is_hopeless(self, job: Job, report: RunReport) -> bool:
        assert job.trial is not None
        settings, route = self._study.file.settings, job.settings.stream.all_visits()
        judge = RUNG_VALUES[judged_by(settings.pruning)]
        # A retry after a worker's death reports earlier visits again, of which some may not have been judged.
        for visits in range(1, len(report.visits) + 1):
            value = judge(report.visits[:visits], report.source_only, route)
            losses = rung_losses(settings.objectives, report, visits, value)
            so_far = SoFar.of(report, visits, settings.objectives, route)
            if self._study.report(job.trial, visits, value, losses, so_far):
                return True
        return False

    def _describe(self, job: Job, report: RunReport) -> None:
        assert job.trial is not None
        objectives, route = self._study.file.settings.objectives, job.settings.stream.all_visits()
        self._study.describe(job.trial, len(report.visits), SoFar.of(report, len(report.visits), objectives, route))

    def _complete(self, job: Job, report: RunReport) -> None:
        if job.kind != "trial" or job.trial is None:
            for queue in self._queues():
                queue.close(job.name)
            self._end(job, Outcome("complete", report))
            return
        objectives, constraints = self._study.file.settings.objectives, self._study.file.settings.constraints
        if failure := failure_of(self._study.file.settings.metrics(), report):
            self._fail(job, report, failure, passes=False)
            return
        values = [objective_value(one.metric, report) for one in objectives]
        violations = [constraint.violation(report) for constraint in constraints]
        self._describe(job, report)
        state = self._study.complete(job.trial, values, violations)
        if state == TrialState.FAIL:
            self._end(job, Outcome("fail", report, "an objective is not finite"))
        else:
            self._end(job, Outcome("complete", report))

    def _fail(self, job: Job, report: RunReport | None, reason: str, *, passes: bool) -> None:
        if job.kind == "trial" and job.trial is not None:
            if report is not None:
                self._describe(job, report)
            self._study.fail(job.trial, reason, passes=passes)
        else:
            self._study.leases.fail(job.name, reason)
        self._end(job, Outcome("fail", report, reason))

    def _end(self, job: Job, outcome: Outcome) -> None:
        self._leave(job)
        self._tell(lambda observer: observer.ended(job, outcome))

    def _leave(self, job: Job) -> None:
        del self._running[job.name]
        self._idle_until = -math.inf

    def _tell(self, message: Callable[[Observer], None]) -> None:
        self._news.append(message)

    def _publish(self) -> None:
        """Tells the observers the news outside `exclusive`: they may be slow, and other drivers wait for decisions."""
        news, self._news = self._news, []
        for message in news:
            for observer in self._observers:
                message(observer)
