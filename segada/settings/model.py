"""The network: encoder, head, weights, and the parts that are frozen."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from segada.settings.architectures import PYRAMID, check_encoder
from segada.settings.base import PathText, Sequence, Settings
from segada.settings.named_kinds import OrCode
from segada.settings.networks import check_network
from segada.settings.preprocessing import PreprocessingSettings

ClassMatch = Literal["position", "name"]
REPLACED: Final = ("encoder", "head", "head_width")
"""Settings in whose place `model.network` stands."""


class ModelSettings(Settings):
    """The segmentation network."""

    network: Annotated[PathText, AfterValidator(check_network)] | None = None
    """Whole network in place of encoder and head: `hf/FOLDER`, a folder of transformers for semantic segmentation, with
    its weights; `smp/Unet/resnet34`, an architecture of segmentation_models_pytorch on one of its encoders;
    `torchvision/deeplabv3_resnet50`; or `module:function` or `./file.py:function`, code of the user that returns a
    module from images [B, 3, H, W] to logits [B, K, h, w]. Null builds `encoder` and `head`."""
    encoder: Annotated[PathText, AfterValidator(check_encoder)] | None = "mit_tiny"
    """Encoder: `mit_tiny`, `mit_b0` to `mit_b5`; `timm/NAME`, a model of timm that gives maps of strides 4, 8, 16
    and 32, or a plain vision transformer (ViT, DeiT, DINO, EVA), whose tokens are resized to these strides, or, as
    `timm/NAME+pyramid`, go through a simple feature pyramid that is to be trained; or `module:attribute`, code of yours
    (docs/own_code.md). Null only with `network`."""
    head: Annotated[Literal["segformer", "multi_exit", "daformer", "daformer_conv1"], OrCode("head")] | None = (
        "segformer"
    )
    """Decode head. `multi_exit` is `segformer` with a light exit that reads the first stage alone, for domain-shift
    detectors; `daformer` has a larger receptive field and costs more; `daformer_conv1` is DAFormer's with a 1x1
    convolution in place of its context. `module:attribute` is code of yours. Null only with `network`."""
    head_width: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Embedding width of the head; null takes the width published for the encoder, and 256 for a timm encoder."""
    checkpoint: PathText | None = "streets_tiny"
    """Name of a shipped checkpoint, or path of a file or folder in a format listed in docs/weights.md; null starts from
    random weights. With `network`, a file of its state dict; null, the default then, takes the weights of `hf/FOLDER`,
    and random ones of others."""
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

    @model_validator(mode="before")
    @classmethod
    def _network_stands_alone(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("network") is None:
            return values
        given = next((name for name in REPLACED if values.get(name) is not None), None)
        if given is not None:
            raise ValueError(
                f"model.{given} is {values[given]!r}, but model.network {values['network']!r} stands in place of "
                f"encoder and head; leave one of the two out"
            )
        return {"encoder": None, "head": None, "checkpoint": None, **values}

    @model_validator(mode="after")
    def _a_light_exit_has_its_map(self) -> Self:
        if self.head == "multi_exit" and (self.encoder or "").endswith(PYRAMID):
            raise ValueError(
                f"model.head is 'multi_exit', but model.encoder {self.encoder!r} makes all maps from its last stage, "
                "and a light exit reads the first stage alone; set model.head to segformer, or leave the pyramid out"
            )
        return self

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        absent = next((name for name in REPLACED[:2] if getattr(self, name) is None), None)
        if self.network is None and absent is not None:
            raise ValueError(
                f"model.{absent} is null, but model.network names no network in its place; give one of them"
            )
        if self.network is not None and self.drop_path > 0.0:
            raise ValueError(
                f"model.drop_path is {self.drop_path}, but model.network {self.network!r} sets its own; set it to 0"
            )
        return self
