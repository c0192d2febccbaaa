"""The network: encoder, head, weights, and what of it may learn."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from segada.settings.architectures import check_encoder
from segada.settings.base import PathText, Sequence, Settings


class ModelSettings(Settings):
    """The segmentation network."""

    encoder: Annotated[PathText, AfterValidator(check_encoder)] = "mit_tiny"
    """`mit_tiny`, `mit_b0` to `mit_b5`, or `timm/NAME`: a model of timm that gives maps of strides 4, 8, 16 and 32."""
    head: Literal["segformer", "multi_exit", "daformer"] = "segformer"
    """`multi_exit` is `segformer` with a light exit that reads the first stage alone, for detectors of domain shifts;
    `daformer` sees further around each pixel, and computes more."""
    head_width: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Embedding width of the head; null takes the width published for the encoder, 256 for one of timm."""
    checkpoint: PathText | None = "streets_tiny"
    """Name of a shipped checkpoint, or path of a file or folder of a format that docs/weights.md lists; null starts
    from random weights."""
    reinitialize: Sequence[str] = ()
    """Parts that start from random weights whatever the checkpoint holds, such as `head` or `head.light_exit`."""
    drop_path: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Greatest probability of stochastic depth while learning; rises linearly over the blocks."""
    freeze: Literal["nothing", "encoder", "everything"] = "nothing"
    """Which parameters of the source model stay as they are. Adapters learn, and batch norms' statistics go on."""
    frozen_modules: Sequence[str] = ()
    """Further parts that stay as they are, as whole words of dotted names: `encoder.stages.0`, `head.linear_fuse`."""
    trainable_modules: Sequence[str] = ()
    """Exceptions from `freeze` and `frozen_modules`, named in the same way: `norm1` lets only these norms learn."""
