"""Checks that the code which a study names as its sampler or pruner makes one."""

from hpo.config.schema import StudySettings
from hpo.pruners.code_pruner import CodePruner
from hpo.samplers.code_sampler import CodeSampler
from segada.core.named_code import CodeFailure
from segada.settings.files import Document
from segada.settings.named_kinds import UnreadCode


def check_parts(document: Document, settings: StudySettings) -> None:
    """Calls the code that makes the sampler and the pruner once; code that is not imported is not called.

    Args:
        document: Study file, for its lines.
        settings: Settings of the study.

    Raises:
        InputError: It fails, or returns something else; one line with the place of its name.
    """
    sampler, pruning = settings.sampler, settings.pruning
    part = "sampler"
    try:
        if isinstance(sampler, CodeSampler) and not isinstance(sampler, UnreadCode):
            sampler.made(sampler.seed)
        part = "pruning"
        if isinstance(pruning, CodePruner) and not isinstance(pruning, UnreadCode):
            pruning.made()
    except CodeFailure as failure:
        raise document.error((part, "name"), str(failure)) from None
