"""The methods by the name that settings use."""

from collections.abc import Mapping

from segada.methods.base import Method
from segada.methods.batch_norm import BatchNorm
from segada.methods.dacs import Dacs
from segada.methods.source_only import SourceOnly
from segada.methods.supervised import Supervised

METHODS: Mapping[str, type[Method]] = {
    "source_only": SourceOnly,
    "batch_norm": BatchNorm,
    "dacs": Dacs,
    "supervised": Supervised,
}
