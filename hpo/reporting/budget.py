"""Wording of a study's budget, the same in the terminal, in `hpo status` and in the report."""


from hpo.study.budget import ConfirmationBudget, TrialBudget
from segada.core.plurals import counted


def trials_line(budget: TrialBudget) -> str:
    """Returns what is over, what runs and what is left: `3 of 6 trials over (2 complete, 0 pruned, 1 failed), 2 running,
    1 to start`.
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
    return ", ".join(parts)


def confirmation_line(confirmation: ConfirmationBudget) -> str:
    """Returns how many confirmation runs are done: `3 of 8 runs done, 1 failed`."""
    most = "" if confirmation.is_final else "at most "
    failed = f", {confirmation.failed} failed" if confirmation.failed else ""
    return f"{confirmation.done} of {most}{counted(confirmation.planned, 'run')} done{failed}"


def cures(budget: TrialBudget) -> list[str]:
    """Returns what the budget leaves out and which option takes it in, a sentence each; empty for an ordinary one."""
    sentences = []
    if budget.beyond:
        waits = "enqueued trial waits" if budget.beyond == 1 else "enqueued trials wait"
        cure = WIDEN[budget.ended_by].format(trials=budget.started + budget.waiting)
        sentences.append(f"{budget.beyond} {waits} beyond the budget; to run {_them(budget.beyond)}: {cure}")
    elif budget.ended_by and budget.trials is not None and budget.started < budget.trials:
        cure = WIDEN[budget.ended_by].format(trials=budget.trials)
        missing = budget.trials - budget.started
        sentences.append(f"{ENDED[budget.ended_by]} before the last {counted(missing, 'trial')}; to go on: {cure}")
    return sentences


ENDED = {"": "", "hours": "budget.hours are over"}
"""Reasons why no further trial starts."""
WIDEN = {"": "--trials {trials}", "hours": "--trials {trials} --set budget.hours=N, with more hours"}
"""Options of the same command that continue a search which has ended."""


def _over(budget: TrialBudget) -> str:
    if budget.trials is None:
        return f"{counted(budget.over, 'trial')} over"
    if budget.started > budget.trials:
        return f"{counted(budget.over, 'trial')} over, for a budget of {budget.trials}"
    return f"{budget.over} of {counted(budget.trials, 'trial')} over"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"
