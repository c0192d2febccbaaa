"""The network: encoder, head, weights, and the parts that are frozen."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from segada.settings.architectures import check_encoder
from segada.settings.base import PathText, Sequence, Settings
from segada.settings.preprocessing import PreprocessingSettings

ClassMatch = Literal["position", "name"]


class ModelSettings(Settings):
    """The segmentation network."""

    encoder: Annotated[PathText, AfterValidator(check_encoder)] = "mit_tiny"
    """Encoder: `mit_tiny`, `mit_b0` to `mit_b5`, or `timm/NAME`, a model of timm that gives maps of strides 4, 8, 16
    and 32, or a plain vision transformer (ViT, DeiT, DINO, EVA), whose tokens are resized to these strides."""
    head: Literal["segformer", "multi_exit", "daformer"] = "segformer"
    """Decode head. `multi_exit` is `segformer` with a light exit that reads the first stage alone, for domain-shift
    detectors; `daformer` has a larger receptive field and costs more."""
    head_width: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Embedding width of the head; null takes the width published for the encoder, and 256 for a timm encoder."""
    checkpoint: PathText | None = "streets_tiny"
    """Name of a shipped checkpoint, or path of a file or folder in a format listed in docs/weights.md; null starts from
    random weights."""
    reinitialize: Sequence[str] = ()
    """Parts that start from random weights even if the checkpoint has them, such as `head` or `head.light_exit`."""
    preprocessing: PreprocessingSettings | None = None
    """Preprocessing of pixels; null takes that which the checkpoint states, as `python -m segada.convert CHECKPOINT`
    prints it, and ImageNet's where it states none or there is no checkpoint."""
    class_match: ClassMatch = "position"
    """Assignment of the checkpoint's classes to `data.classes`. `position`: its first class is our first; both must be
    equal. `name`: rows of its classifier are taken by the names of the classes, and those of other classes start from
    random weights."""
    drop_path: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Greatest probability of stochastic depth during training, in [0, 1); rises linearly over the blocks."""
    freeze: Literal["nothing", "encoder", "everything"] = "nothing"
    """Parameters of the source model that are not trained. Adapters still learn, and batch-norm statistics are still
    updated."""
    frozen_modules: Sequence[str] = ()
    """Further parts that are not trained, as whole components of dotted names: `encoder.stages.0`,
    `head.linear_fuse`."""
    trainable_modules: Sequence[str] = ()
    """Parts that are trained in spite of `freeze` and `frozen_modules`, named in the same way: `norm1` trains only
    these norms."""
