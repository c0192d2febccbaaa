"""segmentation_models.pytorch: its Segformer on a Mix Transformer. Encoders alone have the names of NVlabs."""

from segada.models.formats.naming import Naming
from segada.models.formats.nvlabs import ENCODER

WHOLE = Naming(
    ENCODER,
    encoder_words=("encoder",),
    head=(
        # Its list begins with the deepest map, like our concatenation.
        ("decoder.mlp_stage.{r}.linear", "head.linear_c{i}.proj"),
        ("decoder.fuse_stage.0", "head.linear_fuse.conv"),
        ("decoder.fuse_stage.1", "head.linear_fuse.bn"),
        ("segmentation_head.0", "head.linear_pred"),
    ),
    head_words=("decoder", "segmentation_head"),
)
