"""mmsegmentation, 0.x and 1.x: the encoder. Its SegFormer head is another function than the published one."""

from collections.abc import Mapping

from torch import Tensor

from segada.models.formats.contents import Reading
from segada.models.formats.naming import Naming

NAMES = Naming(
    (
        ("layers.{s}.0.projection", "encoder.stages.{s}.patch_embed.proj"),
        ("layers.{s}.0.norm", "encoder.stages.{s}.patch_embed.norm"),
        ("layers.{s}.1.{j}.norm1", "encoder.stages.{s}.blocks.{j}.norm1"),
        ("layers.{s}.1.{j}.attn.attn.q", "encoder.stages.{s}.blocks.{j}.attn.q"),
        ("layers.{s}.1.{j}.attn.attn.kv", "encoder.stages.{s}.blocks.{j}.attn.kv"),
        ("layers.{s}.1.{j}.attn.attn.out_proj", "encoder.stages.{s}.blocks.{j}.attn.proj"),
        ("layers.{s}.1.{j}.attn.sr", "encoder.stages.{s}.blocks.{j}.attn.sr"),
        ("layers.{s}.1.{j}.attn.norm", "encoder.stages.{s}.blocks.{j}.attn.norm"),
        ("layers.{s}.1.{j}.norm2", "encoder.stages.{s}.blocks.{j}.norm2"),
        ("layers.{s}.1.{j}.ffn.layers.0", "encoder.stages.{s}.blocks.{j}.mlp.fc1"),
        ("layers.{s}.1.{j}.ffn.layers.1", "encoder.stages.{s}.blocks.{j}.mlp.dwconv"),
        ("layers.{s}.1.{j}.ffn.layers.4", "encoder.stages.{s}.blocks.{j}.mlp.fc2"),
        ("layers.{s}.2", "encoder.stages.{s}.norm"),
    ),
    useless=((r"auxiliary_head\..*", "a head that only training uses"),),
    no_head=(
        "mmsegmentation's SegFormer head has a batch norm and a ReLU after the layer of each map, which is another "
        "function than the published head"
    ),
)


def read(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates the encoder's tensors to our names; 1x1 convolutions become linear layers."""
    split: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        stem, word, kind = name.partition("in_proj_")
        if word:
            width = len(tensor) // 3
            split[f"{stem}q.{kind}"], split[f"{stem}kv.{kind}"] = tensor[:width], tensor[width:]
        else:
            split[name] = tensor
    reading = NAMES.read(split)
    flat = {
        name: tensor.flatten(1) if name.endswith((".fc1.weight", ".fc2.weight")) else tensor
        for name, tensor in reading.tensors.items()
    }
    return Reading(flat, reading.left_out, reading.no_head)
