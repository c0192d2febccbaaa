"""Small whole networks of every kind, for the contract of `model.network`."""

import json
import random
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import SegformerConfig, SegformerForSemanticSegmentation

CODE = Path(__file__)
KINDS = ("hf", "smp", "torchvision", "own")


def network_name(kind: str, folder: Path, classes: tuple[str, ...]) -> str:
    """Returns a value of `model.network`; the folder gets what the network is read from."""
    names = {
        "smp": "smp/Unet/tu-test_resnet",
        "torchvision": "torchvision/lraspp_mobilenet_v3_large",
        "own": f"{CODE}:plain",
    }
    return names[kind] if kind in names else f"hf/{tiny_segformer(folder, classes)}"


def tiny_segformer(folder: Path, classes: tuple[str, ...]) -> Path:
    """Writes a SegFormer of transformers with random weights, as `save_pretrained` does, and returns its folder."""
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 24, 32],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(classes)),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        network = SegformerForSemanticSegmentation(config)
    network.save_pretrained(folder)
    processor = {"image_processor_type": "SegformerImageProcessor", "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def plain(classes: int) -> nn.Module:
    """Returns a network of three convolutions with a batch norm and dropout."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Conv2d(8, classes, 1),
    )


class Answer(nn.Module):
    """A network whose output is made by a function from logits [B, 19, H/4, W/4]."""

    def __init__(self, made: object) -> None:
        super().__init__()
        self.inner, self.made = plain(19), made

    def forward(self, images: Tensor) -> object:
        assert callable(self.made)
        return self.made(self.inner(images))


def nineteen() -> nn.Module:
    """Returns a network of 19 classes, whatever is asked for."""
    return plain(19)


def in_a_mapping() -> nn.Module:
    """Returns a network with its logits in a mapping, as torchvision's are."""
    return Answer(lambda logits: {"out": logits, "aux": None})


def in_a_list() -> nn.Module:
    """Returns a network with its logits in a list, which may hold anything."""
    return Answer(lambda logits: [logits])


def by_class_and_pixel() -> nn.Module:
    """Returns a network with logits of three dimensions."""
    return Answer(lambda logits: logits.flatten(2))


def not_a_number() -> nn.Module:
    """Returns a network whose logits are not finite."""
    return Answer(lambda logits: logits / 0.0)


class Deep(nn.Module):
    """A network with a further output during training."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = plain(19)

    def forward(self, images: Tensor) -> object:
        logits = self.inner(images)
        return [logits, logits] if self.training else logits


class Tied(nn.Module):
    """A network whose two convolutions share their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.classify = nn.Conv2d(3, 3, 3, padding=1), plain(19)
        self.second = nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.second(self.first(images)))
        return logits


class Drawing(Answer):
    """A network that draws from the global generator of Python."""

    def __init__(self) -> None:
        super().__init__(lambda logits: logits)

    def forward(self, images: Tensor) -> object:
        random.random()
        return super().forward(images)


class Unused(Answer):
    """A network with a layer that it does not use."""

    def __init__(self) -> None:
        super().__init__(lambda logits: logits)
        self.unused = nn.Conv2d(3, 3, 1)


class Joining(Answer):
    """A network whose images see each other."""

    def __init__(self) -> None:
        super().__init__(lambda logits: logits - logits.mean(dim=0, keepdim=True) / 2)


def refusing(classes: int) -> nn.Module:
    """Returns a network that raises an error of two lines for every image."""
    return nn.Sequential(nn.Conv2d(4, classes, 1))


def pooled(classes: int) -> nn.Module:
    """Returns a network with a batch norm after an average of the whole map."""
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8))
    return nn.Sequential(pool, nn.Conv2d(8, classes, 1), nn.Upsample((16, 16)))


def failing(classes: int) -> nn.Module:
    """Returns nothing: raises an error of two lines."""
    raise KeyError("no such backbone\nand more")


def with_a_default(width: int = 8) -> nn.Module:
    """Returns a network of 19 classes; its parameter is no number of classes."""
    return nn.Conv2d(3, 19 if width == 8 else 1, 3, padding=1)


def no_module(num_classes: int = 3) -> int:
    """Returns a number in place of a network."""
    return num_classes
