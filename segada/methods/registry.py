"""Table of the methods by their names in settings."""

from collections.abc import Mapping

from segada.methods.adversarial import Adversarial
from segada.methods.base import Method
from segada.methods.batch_norm import BatchNorm
from segada.methods.cotta import Cotta
from segada.methods.dacs import Dacs
from segada.methods.eata import Eata
from segada.methods.rmt import Rmt
from segada.methods.rotta import Rotta
from segada.methods.sar import Sar
from segada.methods.source_only import SourceOnly
from segada.methods.supervised import Supervised
from segada.methods.svdp import Svdp
from segada.methods.tent import Tent

METHODS: Mapping[str, type[Method]] = {
    "source_only": SourceOnly,
    "batch_norm": BatchNorm,
    "tent": Tent,
    "eata": Eata,
    "sar": Sar,
    "cotta": Cotta,
    "svdp": Svdp,
    "rmt": Rmt,
    "rotta": Rotta,
    "dacs": Dacs,
    "adversarial": Adversarial,
    "supervised": Supervised,
}
