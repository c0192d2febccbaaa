"""Objects that training codes save beside weights, and the inert objects that take their places when a file is read.

A name in these tables is never looked up: nothing of its library is imported or called.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

NAMES: Final[Mapping[str, str]] = {
    "argparse": "Namespace",
    "optparse": "Values",
    "types": "SimpleNamespace",
    "typing": "Any",
    "pathlib": "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
    "pathlib._local": "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath",
    "datetime": "datetime date time timedelta timezone",
    "zoneinfo": "ZoneInfo ZoneInfo._unpickle",
    "uuid": "UUID SafeUUID",
    "decimal": "Decimal",
    "fractions": "Fraction",
    # Types as values, such as that of an option; `getattr` is how a pickle finds the methods of a class.
    "builtins": "int float bool str bytes list dict tuple type object slice range frozenset Ellipsis getattr",
    # Version 1 of numpy wrote `core`, version 2 `_core`.
    "numpy": "ndarray dtype matrix bool bool_ object_ str_ bytes_ void datetime64 timedelta64 "
    "float16 float32 float64 float128 longdouble int8 int16 int32 int64 longlong uint8 uint16 uint32 uint64 "
    "ulonglong complex64 complex128",
    "numpy.core.multiarray": "scalar _reconstruct",
    "numpy._core.multiarray": "scalar _reconstruct",
    "numpy.dtypes": "BoolDType Float16DType Float32DType Float64DType Int8DType Int16DType Int32DType Int64DType "
    "UInt8DType UInt16DType UInt32DType UInt64DType StrDType ObjectDType",
    "numpy.ma": "MaskedArray",
    "numpy.ma.core": "MaskedArray _mareconstruct",
    "numpy.random": "RandomState Generator",
    "numpy.random._pickle": "__randomstate_ctor __generator_ctor __bit_generator_ctor",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "torch.torch_version": "TorchVersion",
    "packaging.version": "Version _Version",
    # The log of losses.
    "mmengine.logging.history_buffer": "HistoryBuffer",
    "omegaconf.base": "ContainerMetadata Metadata",
    "omegaconf.dictconfig": "DictConfig",
    "omegaconf.listconfig": "ListConfig",
    "omegaconf.nodes": "AnyNode StringNode IntegerNode FloatNode BooleanNode BytesNode PathNode",
}
"""Names of objects that weights do not need, by module, separated by spaces; each is replaced by a `Forgotten`."""
MAPPINGS: Final[Mapping[str, str]] = {
    "collections": "defaultdict",
    "addict.addict": "Dict",
    "easydict": "EasyDict",
    "munch": "Munch",
    "yacs.config": "CfgNode",
    "fvcore.common.config": "CfgNode",
    "detectron2.config.config": "CfgNode",
    "mmcv.utils.config": "ConfigDict",
    "mmengine.config.config": "ConfigDict",
    "pytorch_lightning.utilities.parsing": "AttributeDict",
    "lightning.pytorch.utilities.parsing": "AttributeDict",
    "lightning_fabric.utilities.data": "AttributeDict",
    "lightning.fabric.utilities.data": "AttributeDict",
}
"""Names of kinds of mappings; their content is kept."""
SEQUENCES: Final[Mapping[str, str]] = {"collections": "deque"}
"""Names of kinds of sequences; their content is kept."""
CONFIGURATIONS: Final[Mapping[str, str]] = {"mmcv.utils.config": "Config", "mmengine.config.config": "Config"}
"""Names of configurations that hold a mapping; it is kept."""


class Forgotten:
    """Placeholder for objects that weights do not need: accepts any arguments and any state, and does nothing."""

    def __init__(self, *ignored: object) -> None: ...

    def __setstate__(self, ignored: object) -> None: ...


class PlainMapping:
    """Constructor of an ordered dict in the place of another kind of mapping, to which torch adds the items."""

    def __new__(cls, *arguments: object) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        """Returns the items of the first argument that is a mapping; factories of default values are ignored."""
        return OrderedDict(next((one for one in arguments if isinstance(one, dict)), {}))


class PlainSequence:
    """Constructor of a list in the place of another kind of sequence, to which torch adds the items."""

    def __new__(cls, *arguments: object) -> list[Any]:  # type: ignore[misc]
        """Returns the items of the first argument that is a list; lengths are ignored."""
        return list(next((one for one in arguments if isinstance(one, list)), []))


class KeptConfiguration(dict[Any, Any]):
    """A mapping in the place of a configuration object."""

    def __setstate__(self, state: object) -> None:
        """Takes the first mapping of the object's state, beside which are the name and the text of its file."""
        parts: Sequence[object] = state if isinstance(state, tuple) else (state,)
        self.update(next((part for part in parts if isinstance(part, dict)), {}))


PLACEHOLDERS: Final[list[Callable[..., Any] | tuple[Callable[..., Any], str]]] = [
    (kind, f"{module}.{name}")
    for kind, table in (
        (Forgotten, NAMES),
        (PlainMapping, MAPPINGS),
        (PlainSequence, SEQUENCES),
        (KeptConfiguration, CONFIGURATIONS),
    )
    for module, names in table.items()
    for name in names.split()
]
"""All objects other than tensors and plain data that a file may refer to, each with what takes its place."""
