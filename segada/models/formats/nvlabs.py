"""NVlabs' SegFormer: `mit_bX.pth`, an encoder trained on ImageNet, and whole networks for Cityscapes and ADE20K.

segmentation_models.pytorch, Hamlet and DAFormer use the same names for the encoder.
"""

from segada.models.formats.naming import Naming

ENCODER = (
    ("patch_embed{i}.proj", "encoder.stages.{s}.patch_embed.proj"),
    ("patch_embed{i}.norm", "encoder.stages.{s}.patch_embed.norm"),
    ("block{i}.{j}.norm1", "encoder.stages.{s}.blocks.{j}.norm1"),
    ("block{i}.{j}.attn.q", "encoder.stages.{s}.blocks.{j}.attn.q"),
    ("block{i}.{j}.attn.kv", "encoder.stages.{s}.blocks.{j}.attn.kv"),
    ("block{i}.{j}.attn.proj", "encoder.stages.{s}.blocks.{j}.attn.proj"),
    ("block{i}.{j}.attn.sr", "encoder.stages.{s}.blocks.{j}.attn.sr"),
    ("block{i}.{j}.attn.norm", "encoder.stages.{s}.blocks.{j}.attn.norm"),
    ("block{i}.{j}.norm2", "encoder.stages.{s}.blocks.{j}.norm2"),
    ("block{i}.{j}.mlp.fc1", "encoder.stages.{s}.blocks.{j}.mlp.fc1"),
    ("block{i}.{j}.mlp.dwconv.dwconv", "encoder.stages.{s}.blocks.{j}.mlp.dwconv"),
    ("block{i}.{j}.mlp.fc2", "encoder.stages.{s}.blocks.{j}.mlp.fc2"),
    ("norm{i}", "encoder.stages.{s}.norm"),
)
FUSION = (
    ("decode_head.linear_fuse.conv", "head.linear_fuse.conv"),
    ("decode_head.linear_fuse.bn", "head.linear_fuse.bn"),
    ("decode_head.linear_pred", "head.linear_pred"),
)
IMAGENET = (r"head\.(weight|bias)", "classifier of ImageNet's classes")
UNUSED = (r"decode_head\.conv_seg\.(weight|bias)", "a layer that the head never calls")
AUXILIARY = (r"auxiliary_head\..*", "a head that only training uses")

WHOLE = Naming(
    ENCODER,
    head=(("decode_head.linear_c{i}.proj", "head.linear_c{i}.proj"), *FUSION),
    useless=(UNUSED, AUXILIARY),
)
ALONE = Naming(
    ENCODER,
    encoder_words=("backbone", "encoder"),
    head_words=("decode_head", "decoder", "segmentation_head"),
    useless=(IMAGENET, AUXILIARY),
)
"""Names of the encoder alone; a head beside it is of no known kind."""
