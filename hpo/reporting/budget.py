"""Wording of a study's budget, the same in the terminal, in `hpo status` and in the report."""

from hpo.reporting.wording import counted
from hpo.study.budget import ConfirmationBudget, TrialBudget


def trials_line(budget: TrialBudget) -> str:
    """Returns what is over, what runs and what is left, as in `3 of 6 trials over (2 complete, 0 pruned, 1 failed), 2
    running, 1 to start`.
    """
    counts = f"({budget.complete} complete, {budget.pruned} pruned, {budget.failed} failed)"
    parts = [f"{_over(budget)} {counts}"]
    if budget.running:
        parts.append(f"{budget.running} running")
    if budget.to_start:
        enqueued = f" ({budget.enqueued} enqueued)" if budget.enqueued else ""
        parts.append(f"{budget.to_start} to start{enqueued}")
    if budget.ended_by and (budget.trials is None or budget.started < budget.trials):
        parts.append(f"none to start: {ENDED[budget.ended_by]}")
    if budget.retries:
        parts.append(f"retries to end: {budget.retries}")
    if budget.uncounted:
        parts.append(f"{budget.uncounted} more outside the budget")
    return ", ".join(parts)


def confirmation_line(confirmation: ConfirmationBudget) -> str:
    """Returns how many confirmation runs are done: `3 of 8 runs done, 1 failed`."""
    most = "" if confirmation.is_final else "at most "
    failed = f", {confirmation.failed} failed" if confirmation.failed else ""
    return f"{confirmation.done} of {most}{counted(confirmation.planned, 'run')} done{failed}"


def cures(budget: TrialBudget) -> list[str]:
    """Returns what the budget leaves out and which options of the same command take it in, a sentence each; empty for
    a budget that was used up by its trials.
    """
    missing = 0 if budget.trials is None or not budget.ended_by else max(budget.trials - budget.started, 0)
    if missing:
        return [f"{ENDED[budget.ended_by]} before the last {counted(missing, 'trial')}; {CURES[budget.ended_by]}"]
    if budget.beyond:
        verb = "waits" if budget.beyond == 1 else "wait"
        cure = f"--trials {budget.started + budget.waiting} runs {'it' if budget.beyond == 1 else 'them'}"
        return [f"{counted(budget.beyond, 'enqueued trial')} {verb} beyond the budget; {cure}"]
    return []


ENDED = {"": "", "hours": "budget.hours are over", "space": "the search space is exhausted"}
"""Reasons why no further trial starts."""
CURES = {
    "": "",
    "hours": "--set budget.hours=N, with another number, goes on",
    "space": "a wider space is another study, which can take over these results (start_from)",
}
"""Options that continue a search which has ended before its last trial."""


def _over(budget: TrialBudget) -> str:
    if budget.trials is None:
        return f"{counted(budget.over, 'trial')} over"
    if budget.started > budget.trials:
        return f"{counted(budget.over, 'trial')} over, for a budget of {budget.trials}"
    return f"{budget.over} of {counted(budget.trials, 'trial')} over"
