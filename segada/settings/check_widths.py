"""Checks that adapters and image adapters fit the widths of an encoder's stages, before anything is built."""

from collections.abc import Iterable, Sequence

from segada.settings.adapter import AdapterSettings, LoraSettings, VidaSettings
from segada.settings.image_adapter import HighFrequencySettings, ImageAdapterSettings, VitAdapterSettings


def check_adapter(settings: AdapterSettings, widths: Sequence[int], encoder: str) -> None:
    """Checks that the rank of low-rank updates does not exceed the width of a stage.

    Args:
        settings: Settings of the adapter.
        widths: Widths of the encoder's stages.
        encoder: Name of the encoder in the message.

    Raises:
        ValueError: The rank is too large; the message names the setting, the stage and the greatest value that fits.
    """
    if isinstance(settings, LoraSettings):
        _check_narrow("adapter.rank", settings.rank, settings.stages, widths, encoder)
    if isinstance(settings, VidaSettings):
        _check_narrow("adapter.low_rank", settings.low_rank, settings.stages, widths, encoder)


def check_image_adapter(settings: ImageAdapterSettings, widths: Sequence[int], encoder: str) -> None:
    """Checks that the reduction leaves a channel, and that attention heads divide the width of the stage.

    Raises:
        ValueError: A value does not fit; the message names the setting, the stage and the values that fit.
    """
    if isinstance(settings, HighFrequencySettings):
        # The images pass through all earlier stages on the way to a stage.
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
