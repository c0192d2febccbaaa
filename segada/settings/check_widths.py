"""Whether adapters and prompts fit the widths of an encoder's stages: plain arithmetic, before anything is built."""

from collections.abc import Iterable, Sequence

from segada.settings.adapter import AdapterSettings, LoraSettings, VidaSettings
from segada.settings.image_adapter import HighFrequencySettings, ImageAdapterSettings, VitAdapterSettings


def check_adapter(settings: AdapterSettings, widths: Sequence[int], encoder: str) -> None:
    """An update whose rank is above the width is none of low rank.

    Args:
        settings: of the adapter.
        widths: of the encoder's stages.
        encoder: what the message calls it.

    Raises:
        ValueError: names the setting, the stage and the greatest value that fits.
    """
    if isinstance(settings, LoraSettings):
        _check_narrow("adapter.rank", settings.rank, settings.stages, widths, encoder)
    if isinstance(settings, VidaSettings):
        _check_narrow("adapter.low_rank", settings.low_rank, settings.stages, widths, encoder)


def check_image_adapter(settings: ImageAdapterSettings, widths: Sequence[int], encoder: str) -> None:
    """The same for prompts: something must be left after the reduction, and heads share the width evenly.

    Raises:
        ValueError: names the setting, the stage and the values that fit.
    """
    if isinstance(settings, HighFrequencySettings):
        # The images come down to a stage through all stages before it.
        above = range(max(settings.stages) + 1)
        _check_narrow("image_adapter.reduction", settings.reduction, above, widths, encoder)
    if isinstance(settings, VitAdapterSettings) and settings.heads is not None:
        width = widths[settings.stage]
        if width % settings.heads:
            divisors = ", ".join(str(heads) for heads in range(1, width + 1) if width % heads == 0)
            raise ValueError(
                f"image_adapter.heads is {settings.heads}, but stage {settings.stage} of {encoder} is {width} wide; "
                f"choose "
                f"one of {divisors}, or null"
            )


def _check_narrow(path: str, value: int, stages: Iterable[int], widths: Sequence[int], encoder: str) -> None:
    stage = min(stages, key=lambda index: widths[index])
    if value > widths[stage]:
        raise ValueError(
            f"{path} is {value}, but stage {stage} of {encoder} is {widths[stage]} wide; choose at most "
            f"{widths[stage]}, or other stages"
        )
