"""HF transformers' SegFormer: the names in its files, and those of its modules since version 5."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from segada.models.encoders.mix_transformer import PATCHES
from segada.models.formats.contents import Reading
from segada.models.formats.naming import Naming, written_out
from segada.settings.architectures import MIX_TRANSFORMERS

HEAD = (
    ("decode_head.linear_fuse", "head.linear_fuse.conv"),
    ("decode_head.batch_norm", "head.linear_fuse.bn"),
    ("decode_head.classifier", "head.linear_pred"),
)
IMAGENET = (r"classifier\.(weight|bias)", "classifier of ImageNet's classes")

IN_FILES = Naming(
    (
        ("encoder.patch_embeddings.{s}.proj", "encoder.stages.{s}.patch_embed.proj"),
        ("encoder.patch_embeddings.{s}.layer_norm", "encoder.stages.{s}.patch_embed.norm"),
        ("encoder.block.{s}.{j}.layer_norm_1", "encoder.stages.{s}.blocks.{j}.norm1"),
        ("encoder.block.{s}.{j}.attention.self.query", "encoder.stages.{s}.blocks.{j}.attn.q"),
        ("encoder.block.{s}.{j}.attention.self.key", "encoder.stages.{s}.blocks.{j}.attn.k"),
        ("encoder.block.{s}.{j}.attention.self.value", "encoder.stages.{s}.blocks.{j}.attn.v"),
        ("encoder.block.{s}.{j}.attention.output.dense", "encoder.stages.{s}.blocks.{j}.attn.proj"),
        ("encoder.block.{s}.{j}.attention.self.sr", "encoder.stages.{s}.blocks.{j}.attn.sr"),
        ("encoder.block.{s}.{j}.attention.self.layer_norm", "encoder.stages.{s}.blocks.{j}.attn.norm"),
        ("encoder.block.{s}.{j}.layer_norm_2", "encoder.stages.{s}.blocks.{j}.norm2"),
        ("encoder.block.{s}.{j}.mlp.dense1", "encoder.stages.{s}.blocks.{j}.mlp.fc1"),
        ("encoder.block.{s}.{j}.mlp.dwconv.dwconv", "encoder.stages.{s}.blocks.{j}.mlp.dwconv"),
        ("encoder.block.{s}.{j}.mlp.dense2", "encoder.stages.{s}.blocks.{j}.mlp.fc2"),
        ("encoder.layer_norm.{s}", "encoder.stages.{s}.norm"),
    ),
    encoder_words=("segformer",),
    head=(("decode_head.linear_c.{s}.proj", "head.linear_c{i}.proj"), *HEAD),
    useless=(IMAGENET,),
)
IN_MODULES = Naming(
    (
        ("stages.{s}.patch_embeddings.proj", "encoder.stages.{s}.patch_embed.proj"),
        ("stages.{s}.patch_embeddings.layer_norm", "encoder.stages.{s}.patch_embed.norm"),
        ("stages.{s}.blocks.{j}.layernorm_before", "encoder.stages.{s}.blocks.{j}.norm1"),
        ("stages.{s}.blocks.{j}.attention.q_proj", "encoder.stages.{s}.blocks.{j}.attn.q"),
        ("stages.{s}.blocks.{j}.attention.k_proj", "encoder.stages.{s}.blocks.{j}.attn.k"),
        ("stages.{s}.blocks.{j}.attention.v_proj", "encoder.stages.{s}.blocks.{j}.attn.v"),
        ("stages.{s}.blocks.{j}.attention.o_proj", "encoder.stages.{s}.blocks.{j}.attn.proj"),
        (
            "stages.{s}.blocks.{j}.attention.sequence_reduction.sequence_reduction",
            "encoder.stages.{s}.blocks.{j}.attn.sr",
        ),
        ("stages.{s}.blocks.{j}.attention.sequence_reduction.layer_norm", "encoder.stages.{s}.blocks.{j}.attn.norm"),
        ("stages.{s}.blocks.{j}.layernorm_after", "encoder.stages.{s}.blocks.{j}.norm2"),
        ("stages.{s}.blocks.{j}.mlp.fc1", "encoder.stages.{s}.blocks.{j}.mlp.fc1"),
        ("stages.{s}.blocks.{j}.mlp.dwconv.dwconv", "encoder.stages.{s}.blocks.{j}.mlp.dwconv"),
        ("stages.{s}.blocks.{j}.mlp.fc2", "encoder.stages.{s}.blocks.{j}.mlp.fc2"),
        ("stages.{s}.layer_norm", "encoder.stages.{s}.norm"),
    ),
    encoder_words=("segformer",),
    head=(("decode_head.linear_projections.{s}.proj", "head.linear_c{i}.proj"), *HEAD),
    useless=(IMAGENET,),
)


def read_files_names(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors to our names, from those that `save_pretrained` writes in every version."""
    return _joined(IN_FILES.read(tensors))


def read_modules_names(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors to our names, from a state dict of version 5."""
    return _joined(IN_MODULES.read(tensors))


def file_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Translates tensors to the names that `from_pretrained` opens in every version.

    Args:
        tensors: Tensors of a Mix Transformer and a SegFormer head, under our names.
    """
    theirs = {ours: name for name, ours in written_out((*IN_FILES.encoder, *IN_FILES.head)).items()}
    found = {}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        for part, values in _halved(module, tensor).items():
            word = "segformer." if part.startswith("encoder.") else ""
            found[f"{word}{theirs[part]}.{leaf}"] = values.contiguous()
    return found


def check_config(config: Mapping[str, Any], encoder: str) -> None:
    """Checks the properties of the encoder that the shapes of tensors do not show.

    Args:
        config: Content of the folder's `config.json`.
        encoder: Name of our encoder with the shapes of the tensors.

    Raises:
        ValueError: The number of attention heads or another property differs; the message names it.
    """
    hidden = {
        "num_attention_heads": list(MIX_TRANSFORMERS[encoder].heads),
        "hidden_act": "gelu",
        "strides": [stride for _, stride in PATCHES],
    }
    for name, ours in hidden.items():
        if config.get(name, ours) != ours:
            raise ValueError(
                f"its config.json says {name} {config[name]}, but {encoder}, whose shapes the tensors have, is built "
                f"with {ours}: the same numbers would be another function"
            )


def _joined(reading: Reading) -> Reading:
    """Joins keys and values into one matrix, keys first."""
    tensors = dict(reading.tensors)
    for keys in [name for name in tensors if ".attn.k." in name]:
        values = keys.replace(".attn.k.", ".attn.v.")
        if values in tensors:
            pair = tensors.pop(keys), tensors.pop(values)
            tensors[keys.replace(".attn.k.", ".attn.kv.")] = torch.cat(pair)
    return Reading(tensors, reading.left_out, reading.no_head)


def _halved(module: str, tensor: Tensor) -> dict[str, Tensor]:
    """Splits a joined matrix into keys and values; returns any other unchanged."""
    if not module.endswith(".attn.kv"):
        return {module: tensor}
    stem = module.removesuffix("kv")
    keys, values = tensor.chunk(2)
    return {f"{stem}k": keys, f"{stem}v": values}
