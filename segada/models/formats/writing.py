"""Writes weights that were read from any format: as our safetensors, or as a folder of HF transformers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch

from segada.core.atomic_io import write_bytes, write_folder
from segada.data.labels import IGNORE
from segada.models.encoders.base import has_adapter
from segada.models.encoders.mix_block import MLP_RATIO, PATCH_EPS
from segada.models.encoders.mix_transformer import PATCHES
from segada.models.formats.contents import StoredWeights
from segada.models.formats.hugging_face import file_names
from segada.models.formats.opening import CLASS_NAMES, CONFIG, FACTS, PROCESSOR
from segada.models.preprocessing import Preprocessing, Triple
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.class_sets import CITYSCAPES


def write_safetensors(stored: StoredWeights, path: Path, origin: Mapping[str, str]) -> None:
    """Writes our own format, in the precision of the weights that were read; replaces the file atomically.

    Args:
        stored: Weights.
        path: File that ends with `.safetensors`.
        origin: Facts about the origin of the weights, which are added to their own.
    """
    facts: dict[str, Any] = {**stored.facts, **origin, **stored.preprocessing.facts()}
    if stored.class_names:
        facts[CLASS_NAMES] = stored.class_names
    tensors = {name: tensor.contiguous() for name, tensor in stored.tensors.items()}
    write_bytes(path, safetensors.torch.save(tensors, {FACTS: json.dumps(facts)}))


def write_hugging_face(stored: StoredWeights, path: Path, origin: Mapping[str, str]) -> None:
    """Writes a folder that `SegformerForSemanticSegmentation.from_pretrained` opens, in any version; float32.

    The modules of transformers add 1e-5 to a variance in every norm, regardless of their configuration, where the
    published network adds 1e-6 in most: logits are equal up to that.

    Args:
        stored: Weights of a Mix Transformer and a SegFormer head.
        path: Folder that does not exist yet, or is empty.
        origin: Facts about the origin of the weights, for the metadata of the file.

    Raises:
        ValueError: transformers has no such network; the message names the reason.
    """
    _check_expressible(stored)
    stored = _in_rgb(stored)
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.tensors.items()
    }
    metadata = {"format": "pt", FACTS: json.dumps(dict(origin), sort_keys=True)}
    write_folder(
        path,
        {
            "model.safetensors": safetensors.torch.save(file_names(tensors), metadata),
            PROCESSOR: _as_json(_processor(stored.preprocessing)),
            CONFIG: _as_json(_config(stored)),
        },
    )


WRITERS: Mapping[str, Callable[[StoredWeights, Path, Mapping[str, str]], None]] = {
    "safetensors": write_safetensors,
    "hf": write_hugging_face,
}
"""Writers of weights, by the name that the command line uses."""

FIRST_CONVOLUTION = "encoder.stages.0.patch_embed.proj.weight"


def _check_expressible(stored: StoredWeights) -> None:
    encoder, head = stored.facts.get("encoder", ""), stored.facts.get("head", "none")
    if "network" in stored.facts:
        raise ValueError(f"it is of the network {stored.facts['network']}, and only a SegFormer is written as hf")
    if encoder not in MIX_TRANSFORMERS:
        raise ValueError(f"its encoder is {encoder}, but SegFormer of HF transformers has a Mix Transformer")
    if head != "segformer":
        more = "; --leave-out head.light_exit makes it one" if head == "multi_exit" else ""
        raise ValueError(f"its head is {head}, but SegFormer of HF transformers has the head segformer{more}")
    adapter = next((name for name in stored.tensors if has_adapter(name)), None)
    if adapter is not None:
        raise ValueError(f"it carries adapters (first: {adapter}), which HF transformers does not have")


def _in_rgb(stored: StoredWeights) -> StoredWeights:
    """Returns weights whose network reads red, green and blue: SegFormer's processor does not reorder channels, but the
    first convolution can."""
    pixels = stored.preprocessing
    if pixels.channel_order == "rgb":
        return stored
    tensors = {**stored.tensors, FIRST_CONVOLUTION: stored.tensors[FIRST_CONVOLUTION].flip(1)}
    turned = Preprocessing(_turned(pixels.mean), _turned(pixels.std), "rgb", pixels.source)
    return replace(stored, tensors=tensors, preprocessing=turned)


def _turned(values: Triple) -> Triple:
    first, second, third = values
    return third, second, first


def _processor(preprocessing: Preprocessing) -> dict[str, Any]:
    return {
        "image_processor_type": "SegformerImageProcessor",
        # The file does not hold the size that its network was trained at; images are not resized.
        "do_resize": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": preprocessing.mean,
        "image_std": preprocessing.std,
        "do_reduce_labels": False,
    }


def _config(stored: StoredWeights) -> dict[str, Any]:
    architecture = MIX_TRANSFORMERS[stored.facts["encoder"]]
    classes = int(stored.facts["classes"])
    names = stored.class_names or _assumed_names(classes)
    kernels, strides = zip(*PATCHES, strict=True)
    return {
        "model_type": "segformer",
        "architectures": ["SegformerForSemanticSegmentation"],
        "num_channels": 3,
        "num_encoder_blocks": len(architecture.widths),
        "depths": architecture.depths,
        "hidden_sizes": architecture.widths,
        "num_attention_heads": architecture.heads,
        "sr_ratios": architecture.reductions,
        "mlp_ratios": [MLP_RATIO] * len(architecture.widths),
        "patch_sizes": kernels,
        "strides": strides,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "classifier_dropout_prob": 0.0,
        "drop_path_rate": 0.0,
        "layer_norm_eps": PATCH_EPS,
        "reshape_last_stage": True,
        "decoder_hidden_size": int(stored.facts["width"]),
        "semantic_loss_ignore_index": IGNORE,
        "dtype": "float32",
        "torch_dtype": "float32",
        "id2label": {str(index): name for index, name in enumerate(names)},
        "label2id": {name: index for index, name in enumerate(names)},
    }


def _assumed_names(classes: int) -> Sequence[str]:
    """Returns the names of Cityscapes for its number of classes, and numbers for any other."""
    return CITYSCAPES.names if classes == len(CITYSCAPES) else [f"LABEL_{index}" for index in range(classes)]


def _as_json(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, indent=2)}\n".encode()
