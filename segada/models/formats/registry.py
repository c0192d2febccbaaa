"""The known formats of checkpoints, and the names by which each is recognized."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from segada.models.formats import hamlet, hugging_face, mmsegmentation, nvlabs, ours, plain_vit, smp, swin, timm_pyramid
from segada.models.formats.contents import Reading


@dataclass(frozen=True, slots=True)
class Format:
    """One way to name the tensors of a network.

    Attributes:
        title: Name in messages.
        marks: Patterns of beginnings of names, as whole components, all of which a file of this format has.
        read: Function that translates the tensors of one network to our names.
        without: Marks that it does not have.
        check: Function that compares a `config.json` with the encoder that the shapes indicate; raises ValueError if
            they differ.
    """

    title: str
    marks: Sequence[str]
    read: Callable[[Mapping[str, Tensor]], Reading]
    without: Sequence[str] = ()
    check: Callable[[Mapping[str, object], str], None] | None = None


MIX = "backbone\\.patch_embed1\\.proj"
OURS = r"encoder\.stages\.\d+\.\w+"
HEADS = (r"decode_head\.linear_c1", r"decode_head\.linear_c\.0", r"decode_head\.embed_layers\.0")
SMP_DECODER = r"decoder\.mlp_stage\.0"
SWIN_BLOCK = r"(?:backbone\.)?layers[._]0\.blocks\.0\.attn\.relative_position_bias_table"
VIT_BLOCK = r"(?:backbone\.)?blocks\.0\.attn\.(?:qkv|q_proj)"
SWIN_EARLY = r"(?:backbone\.)?layers[._]0\.downsample"

FORMATS: Sequence[Format] = (
    Format("segada", (OURS,), ours.read),
    Format("NVlabs SegFormer", (MIX, HEADS[0]), nvlabs.WHOLE.read),
    Format("Hamlet or DAFormer with a SegFormer head", (MIX, HEADS[1]), hamlet.read_segformer),
    Format("DAFormer", (MIX, HEADS[2]), hamlet.DAFORMER.read),
    Format("segmentation_models.pytorch Segformer", (r"encoder\.patch_embed1\.proj", SMP_DECODER), smp.WHOLE.read),
    Format(
        "Mix Transformer encoder, as NVlabs and segmentation_models.pytorch name it",
        (r"(?:backbone\.|encoder\.)?patch_embed1\.proj",),
        nvlabs.ALONE.read,
        without=(*HEADS, SMP_DECODER),
    ),
    Format("mmsegmentation Mix Transformer", (r"(?:backbone\.)?layers\.0\.0\.projection",), mmsegmentation.read),
    Format(
        "HF transformers SegFormer, names of its files",
        (r"(?:segformer\.)?encoder\.patch_embeddings\.0\.proj",),
        hugging_face.read_files_names,
        check=hugging_face.check_config,
    ),
    Format(
        "HF transformers SegFormer, names of its modules",
        (r"(?:segformer\.)?stages\.0\.patch_embeddings\.proj",),
        hugging_face.read_modules_names,
        check=hugging_face.check_config,
    ),
    Format("timm Swin Transformer", (SWIN_BLOCK, r"(?:backbone\.)?layers[._]3\.downsample"), swin.read_timm),
    Format("official Swin Transformer", (SWIN_BLOCK, SWIN_EARLY), swin.read_official),
    Format(
        "plain vision transformer, as timm, DINO and DINOv2 name it",
        (r"(?:backbone\.)?patch_embed\.proj", VIT_BLOCK),
        plain_vit.read,
    ),
    Format(
        "EfficientNet, as efficientnet_pytorch names it",
        ("_conv_stem", r"_blocks\.0\._depthwise_conv"),
        timm_pyramid.read_efficientnet,
    ),
)
TIMM_NAMES = Format("timm", (), timm_pyramid.read_timm)
"""Format of a file under the names of the model of timm that it is loaded into, which is all they have in common."""
