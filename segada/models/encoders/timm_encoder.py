"""Encoders of the timm library: pyramids of feature maps, run stage by stage."""

import inspect
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.base import STRIDES, Guide
from segada.models.encoders.block_encoder import BlockEncoder
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.timm_vit import VitEncoder, build_vit, unfit
from segada.models.encoders.tokens import as_image, as_tokens
from segada.settings.architectures import PYRAMID, TIMM
from segada.settings.schema import nearest

FLATTENED = ("EfficientNetFeatures", "MobileNetV3Features")
"""Classes of timm's feature pyramids that are a single part each, unless timm is asked to flatten their blocks."""
UNEVEN = (37, 66)
"""Height and width that are multiples of no stride: a model that can process such images can process all sizes."""
SUGGESTED = (
    "choose one like timm/resnet18, timm/convnext_atto, timm/pvt_v2_b0, timm/vit_tiny_patch16_224 or "
    "timm/swin_tiny_patch4_window7_224"
)


class TimmEncoder(BlockEncoder):
    """Encoder of timm with random weights; its parameters have timm's names below `stages.N.`.

    Args:
        name: Name of the model in timm.
        stages: Stages, each of which outputs one map.
        channels: Width of each stage's map.
        generator: Generator of stochastic depth, which draws only where gradients are recorded in train mode.
    """

    def __init__(
        self, name: str, stages: Sequence["TimmStage"], channels: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.name = name
        self.stages = nn.ModuleList(stages)
        self.channels = channels
        self.generator = generator

    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:
        """Returns the feature maps of the stages from `first` up to, not including, `end`; x is the input of stage
        `first`.

        Raises:
            ValueError: The model can only process images of one size, and these have another.
        """
        assert guide is None
        if first == 0 and self.size not in (None, tuple(x.shape[-2:])):
            raise ValueError(
                f"model.encoder is {TIMM}{self.name}, which reads only images of {self.size} pixels (height, width), "
                f"but these have {tuple(x.shape[-2:])}; set data.size to {list(self.size or ())}, or {SUGGESTED}"
            )
        features = []
        for stage in self.stages[first:end]:
            x = stage(x)
            features.append(x)
        return features

    @torch.no_grad()
    def reads(self, size: tuple[int, int]) -> bool:
        """Returns True if the model computes maps of the right shapes from images of a size; call it in evaluation
        mode."""
        x = torch.zeros(1, 3, *size)
        for stage, channels, stride in zip(self.stages, self.channels, STRIDES, strict=True):
            try:
                x = stage(x)
            except (AssertionError, RuntimeError):  # how timm's models report an unsupported size
                return False
            shape = (1, channels, *(-(-side // stride) for side in size))
            if not isinstance(x, Tensor) or x.shape != shape:
                return False
        return True


class TimmStage(nn.Sequential):
    """The parts of a model between two maps: [B, C, H, W] to [B, C', ceil(H / stride), ceil(W / stride)].

    The input is first padded with zeros, at the bottom and at the right, to a multiple of the stride: some models crop
    the remainder, others refuse it. Padding copies the input, so that parts that work in place do not modify a map that
    several networks read.

    Args:
        parts: Modules run one after the other, by timm's names.
        stride: Stride of this stage alone.
        tokens_in: True if the first part reads [B, H, W, C].
        tokens_out: True if the last part outputs [B, H, W, C].
    """

    def __init__(self, parts: Mapping[str, nn.Module], stride: int, *, tokens_in: bool, tokens_out: bool) -> None:
        super().__init__(OrderedDict(parts))
        self.stride = stride
        self.tokens_in = tokens_in
        self.tokens_out = tokens_out

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        x = functional.pad(x, (0, -width % self.stride, 0, -height % self.stride))
        x = as_tokens(x) if self.tokens_in else x
        for part in self:
            x = part(x)
        return as_image(x) if self.tokens_out else x


def build_timm_encoder(
    name: str, drop_path: float, depth: torch.Generator, initialization: torch.Generator
) -> TimmEncoder | VitEncoder:
    """Builds an encoder with random weights on the CPU; `depth` is the generator of stochastic depth.

    Raises:
        ValueError: timm has no such model, or it gives no maps of the four strides and is no plain vision transformer,
            cannot be run stage by stage, or has no stochastic depth though `drop_path` is above 0.
    """
    seed = int(torch.randint(2**62, (), generator=initialization))
    whole, name = name, name.removesuffix(PYRAMID)
    # timm's constructors draw from the global generator, whose state is restored afterwards.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model, patch = _model(name, drop_path)
    _quieten(model, depth)
    if drop_path > 0.0 and not any(isinstance(part, DropPath) for part in model.modules()):
        raise ValueError(f"model.drop_path is {drop_path}, but {TIMM}{name} has no stochastic depth; set it to 0")
    model.to(memory_format=torch.channels_last)
    if patch is not None:
        encoder = _plain(name, model, patch, depth)
        if whole != name:
            encoder.add_pyramid(initialization)
        return encoder.train()
    if whole != name:
        raise _misfit(whole, "its maps have four strides already, and a pyramid is for a plain vision transformer")
    return _staged(name, model, depth).train()


def _plain(name: str, model: Any, patch: int, depth: torch.Generator) -> VitEncoder:
    encoder = build_vit(name, model.eval(), patch, depth)
    if encoder is None:
        raise _misfit(name, f"timm computes more than its blocks ({type(model).__name__})")
    return encoder


def _staged(name: str, pyramid: Any, depth: torch.Generator) -> TimmEncoder:
    encoder = TimmEncoder(name, _stages(pyramid), tuple(pyramid.feature_info.channels()), depth).eval()
    if not encoder.reads(UNEVEN):
        _, height, width = pyramid.pretrained_cfg["input_size"]
        encoder.size = (height, width)
        if not encoder.reads(encoder.size):
            raise _misfit(name, "its maps are not a 4th, 8th, 16th and 32nd of the images' size")
    return encoder


def _model(name: str, drop_path: float) -> tuple[Any, int | None]:
    """Returns timm's model, and the side of its patches.

    A pyramid is a `ModuleDict` of parts that run in sequence, some of whose outputs are the four maps, and has no
    patches (None). Others are plain vision transformers.
    """
    import timm  # only here, because it takes seconds and most runs need none of it
    from timm.models import FeatureDictNet

    names = timm.list_models()
    if name not in names:
        near = nearest(TIMM + name, [TIMM + valid for valid in names])
        raise ValueError(f"model.encoder is {TIMM}{name}, but timm has no model of that name; {near}")
    with torch.device("meta"):
        accepted = _accepted(type(timm.create_model(name)))
        probe: Any = timm.create_model(name, features_only=True)
    indices = dict(zip(probe.feature_info.reduction(), probe.feature_info.out_indices, strict=True))
    # Forces shifted windows in every stage: built for 224 pixels, timm would leave the last stage unshifted at any
    # size.
    wanted = {"drop_path_rate": drop_path, "drop_rate": 0.0, "strict_img_size": False, "always_partition": True}
    options: dict[str, Any] = {option: value for option, value in wanted.items() if option in accepted}
    if len(indices) == 1:
        if "dynamic_img_size" not in accepted:
            raise _misfit(name, "its tokens have one resolution, and timm builds it for one size of images")
        model: Any = timm.create_model(name, pretrained=False, num_classes=0, dynamic_img_size=True, **options)
        reason = unfit(model)
        if reason is not None:
            raise _misfit(name, reason)
        return model, next(iter(indices))
    if not set(STRIDES) <= set(indices):
        raise _misfit(name, f"its maps have strides of {list(indices)}, and a head reads {list(STRIDES)}")
    if type(probe).__name__ in FLATTENED:
        options["feature_cfg"] = {"flatten_sequential": True, "feature_cls": "list"}
    taken = tuple(indices[stride] for stride in STRIDES)
    pyramid = timm.create_model(name, pretrained=False, features_only=True, out_indices=taken, **options)
    if not isinstance(pyramid, FeatureDictNet):
        kind = type(pyramid).__name__
        raise _misfit(name, f"timm runs it as a whole ({kind}), so that its frozen stages could not be shared")
    return pyramid, None


def _accepted(kind: type) -> set[str]:
    """Returns the names of a model's options, those that it passes on included."""
    names: set[str] = set()
    for one in kind.__mro__:
        parameters = inspect.signature(one).parameters
        names |= set(parameters)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return names


def _misfit(name: str, reason: str) -> ValueError:
    return ValueError(f"model.encoder is {TIMM}{name}, but {reason}; {SUGGESTED}")


def _quieten(pyramid: nn.Module, depth: torch.Generator) -> None:
    """Makes stochastic depth draw from the given generator, and disables dropout, so that nothing else draws.

    Attention that could apply its layer's weights without a call of the layer calls it, so that adapters can join.
    """
    from timm.layers.drop import DropPath as TimmDropPath

    for module in list(pyramid.modules()):
        for name, part in module.named_children():
            if isinstance(part, TimmDropPath):
                setattr(module, name, DropPath(part.drop_prob, depth))
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        if hasattr(module, "qkv_bias_separate"):
            setattr(module, "qkv_bias_separate", True)  # noqa: B010 - an attribute of timm's


def _stages(pyramid: Any) -> list[TimmStage]:
    tokens = pyramid.output_fmt == "NHWC"
    stages: list[TimmStage] = []
    parts: dict[str, nn.Module] = {}
    for name, part in pyramid.items():
        parts[name] = part
        if name in pyramid.return_layers:
            stride = STRIDES[0] if not stages else 2
            stages.append(TimmStage(parts, stride, tokens_in=tokens and bool(stages), tokens_out=tokens))
            parts = {}
    return stages
