"""Films of colored fields, written with PyAV."""

from pathlib import Path

import av
import numpy as np

SIZE = (48, 96)
"""Height and width of the frames."""


def write_film(path: Path, frames: int, rate: int = 10, codec: str = "libx264", seed: int = 0, keys: int = 12) -> Path:
    """Writes a film whose frames all differ, with a key frame every `keys` frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.gop_size = keys
        for _ in range(frames):
            fields = generator.integers(60, 220, (6, 12, 3), dtype=np.uint8)
            pixels = np.repeat(np.repeat(fields, 8, axis=0), 8, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def cut_off(path: Path, share: float = 0.5) -> Path:
    """Keeps the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path
