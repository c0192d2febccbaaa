"""Repair of a damaged journal from all readable lines and the study file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from optuna.distributions import distribution_to_json
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import FrozenTrial, TrialState

from hpo.config.document import STUDY
from hpo.config.study_file import StudyFile, load_study
from hpo.samplers.history import OURS, promised
from hpo.search_space.given_points import accepted
from hpo.study.attributes import ENDED, IDENTITY, MIOU, REASON
from hpo.study.drivers import check_idle, joined
from hpo.study.file_lock import locked
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK, beside, is_journal
from hpo.study.journal.operations import Operation
from hpo.study.journal.recovery import SALVAGE, Recovery, recovered
from hpo.study.leases import OWNER
from hpo.study.storage import CURE
from hpo.study.trial_records import DIRECTIONS
from segada.core.atomic_io import write_bytes
from segada.errors import InputError

DAMAGED = "{name}.damaged-{number}"
"""Name of the file beside a journal that keeps it as it was before the repair."""


def salvage(out: Path) -> list[str]:
    """Makes the journal in a study's folder readable, and keeps the damaged one beside it.

    Returns:
        Sentences on what was done.

    Raises:
        InputError: there is no journal, none of it can be read, or a driver works in the folder.
    """
    path = out / JOURNAL
    if not path.is_file():
        raise InputError(f"{out}: has no {JOURNAL} to salvage; name the folder of a study")
    file = load_study(str(out / STUDY), runs=False) if (out / STUDY).exists() else None
    with joined(out) as driver, driver.exclusive():
        check_idle(out, driver.others())
        with locked(out / JOURNAL_LOCK):
            recovery = salvaged(path, file)
            former, text = path.read_bytes(), recovery.text()
            if former == text:
                return [f"{path}: every line can be read; there is nothing to salvage"]
            aside = beside(path, DAMAGED)
            write_bytes(aside, former)
            write_bytes(path, text)
    return [*account(recovery), f"{path}: is complete again; its former content is in {aside.name}"]


def salvaged(path: Path, file: StudyFile | None) -> Recovery:
    """Recovers a journal's readable lines, completed so that no trial counts with less than it had.

    Lost parameters are restored from the sampler's recorded proposal. A complete trial that still lacks a parameter or
    a constraint counts as running again: the next driver resumes it from its folder, which holds its report.

    Args:
        path: the journal.
        file: study file; None if it is lost too, and nothing is completed.

    Raises:
        InputError: none of it can be read.
    """
    if not is_journal(path):
        raise InputError(f"{path}: no line of it can be read; {CURE}")
    if file is None:
        recovery = recovered(path)
        if not recovery.storage().get_all_studies():
            raise InputError(f"{path}: the line that creates the study is lost, and so is study.yaml")
        return recovery
    recovery = recovered(path, (file.settings.name, [DIRECTIONS[one.goal] for one in file.settings.objectives]))
    if not recovery.losses:
        return recovery
    recovery = _with_parameters(recovery, file)
    recovery = _with_open_ends(recovery, file)
    return _with_identity(recovery, file)


def account(recovery: Recovery) -> list[str]:
    """Describes the losses in sentences."""
    lines = len({loss.line for loss in recovery.losses if loss.line})
    numbers = ", ".join(map(str, recovery.incomplete()))
    whole = f"{lines} line{'s' * (lines != 1)} could not be read"
    return [*map(str, recovery.losses), f"{whole}; trials that may be incomplete: {numbers or 'none'}"]


def _trials(recovery: Recovery, file: StudyFile) -> list[FrozenTrial]:
    """Returns the trials of the study that may be incomplete."""
    storage = recovery.storage()
    study = next(one._study_id for one in storage.get_all_studies() if one.study_name == file.settings.name)
    lost = set(recovery.incomplete())
    return [trial for trial in storage.get_all_trials(study, deepcopy=False) if trial.number in lost]


def _with_parameters(recovery: Recovery, file: StudyFile) -> Recovery:
    found = {trial._trial_id: [*_proposed(trial, file), *_ended(trial)] for trial in _trials(recovery, file)}
    operations: list[Operation] = []
    trials = 0
    for operation in recovery.operations:
        operations.append(operation)
        if operation["op_code"] == JournalOperation.CREATE_TRIAL:
            operations += found.get(trials, [])
            trials += 1
    return replace(recovery, operations=operations)


def _proposed(trial: FrozenTrial, file: StudyFile) -> Iterator[Operation]:
    """Yields the proposed parameters of a trial that it lacks."""
    distributions = file.space.distributions()
    known = {name: value for name, value in promised(trial).items() if name in distributions}
    try:
        accepted(file.space, known)
    except ValueError:
        # Another program enqueued it, or added it.
        return
    for name, value in file.space.active_values(known).items():
        if name not in trial.params:
            yield {
                "op_code": int(JournalOperation.SET_TRIAL_PARAM),
                "worker_id": SALVAGE,
                "trial_id": trial._trial_id,
                "param_name": name,
                "param_value_internal": float(distributions[name].to_internal_repr(value)),
                "distribution": distribution_to_json(distributions[name]),
            }


def _ended(trial: FrozenTrial) -> Iterator[Operation]:
    """Yields the mark of a trial whose end its driver recorded: what it records just before shows that it did."""
    is_told = REASON in trial.user_attrs or any(name.startswith(MIOU.format(domain="")) for name in trial.user_attrs)
    if trial.state.is_finished() and OWNER in trial.system_attrs and is_told and ENDED not in trial.system_attrs:
        yield {
            "op_code": int(JournalOperation.SET_TRIAL_SYSTEM_ATTR),
            "worker_id": SALVAGE,
            "trial_id": trial._trial_id,
            "system_attr": {ENDED: True},
        }


def _with_open_ends(recovery: Recovery, file: StudyFile) -> Recovery:
    opened = {trial._trial_id for trial in _trials(recovery, file) if _is_short(trial, file)}
    return replace(recovery, operations=[one for one in recovery.operations if not _ends(one, opened)])


def _is_short(trial: FrozenTrial, file: StudyFile) -> bool:
    """Returns True if a complete trial of a driver lacks a parameter or a constraint."""
    # The line that names its driver may be lost, too.
    if not any(name.startswith(OURS) for name in trial.system_attrs):
        return False
    limits = {constraint.text for constraint in file.settings.constraints}
    lacks = not file.space.is_complete(trial.params) or not limits <= set(trial.constraints)
    return trial.state == TrialState.COMPLETE and lacks


def _ends(operation: Operation, trials: set[int]) -> bool:
    is_ending = operation["op_code"] == JournalOperation.SET_TRIAL_STATE_VALUES and operation["state"] != 0
    return is_ending and operation["trial_id"] in trials


def _with_identity(recovery: Recovery, file: StudyFile) -> Recovery:
    code = int(JournalOperation.SET_STUDY_SYSTEM_ATTR)
    if any(IDENTITY in one["system_attr"] for one in recovery.operations if one["op_code"] == code):
        return recovery
    identity = {"op_code": code, "worker_id": SALVAGE, "study_id": 0, "system_attr": {IDENTITY: file.identity}}
    return replace(recovery, operations=[*recovery.operations, identity])
