"""Runs tests as they would run on other processors, as far as the one at hand can stand for them.

Numeric libraries choose their code by what a processor can do, and each code rounds in its own way. No test may pass or
fail by that.

    python tests/processors.py [OPTIONS OF PYTEST]     without options: the tests with the marker `rounding`
"""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Processor:
    """A kind of processor that another one can stand for.

    Attributes:
        needs: Flags in Linux's /proc/cpuinfo without which its code is an illegal instruction.
        environment: Has the libraries choose its code.
    """

    needs: frozenset[str]
    environment: Mapping[str, str]


def _dispatched_by_numpy() -> str:
    """The instructions for which this build of numpy has code of its own, and which are at hand."""
    return ",".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))


PROCESSORS = {
    "SSE 4.2": Processor(
        frozenset({"sse4_1", "sse4_2"}),
        {
            "OPENBLAS_CORETYPE": "Nehalem",
            "ATEN_CPU_CAPABILITY": "default",
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "MKL_CBWR": "COMPATIBLE",
            "NPY_DISABLE_CPU_FEATURES": _dispatched_by_numpy(),
            "OPENCV_CPU_DISABLE": "AVX2,FMA3",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
        },
    ),
    "AVX2": Processor(
        frozenset({"avx2", "fma"}),
        {
            "OPENBLAS_CORETYPE": "Haswell",
            "ATEN_CPU_CAPABILITY": "avx2",
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "MKL_CBWR": "AVX2",
        },
    ),
    "AVX-512": Processor(
        frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}),
        {
            "OPENBLAS_CORETYPE": "SkylakeX",
            "ATEN_CPU_CAPABILITY": "avx512",
            "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
            "MKL_CBWR": "AVX512",
        },
    ),
}
"""By the instructions after which libraries choose. What a library does not know of these variables it ignores."""


def flags_at_hand() -> frozenset[str]:
    """The flags of the processor at hand; none where the system does not say them as Linux on x86 does."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def available(flags: Collection[str]) -> dict[str, Processor]:
    """The processors that one with these flags can stand for."""
    return {name: processor for name, processor in PROCESSORS.items() if processor.needs <= set(flags)}


def marked() -> list[str]:
    """The files with the marker: to collect all others takes longer than to run these."""
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    return [str(path) for path in files if "pytest.mark.rounding" in path.read_text()]


def main(options: list[str]) -> int:
    """Runs pytest for each; returns 1 if it failed for any of them."""
    at_hand = available(flags_at_hand())
    failed = []
    for name in PROCESSORS:
        print(f"== {name}{'' if name in at_hand else ': not at hand'}", flush=True)
        if name in at_hand:
            command = [sys.executable, "-m", "pytest", "-q", *(options or ["-m", "rounding", *marked()])]
            if subprocess.run(command, check=False, env={**os.environ, **at_hand[name].environment}).returncode:
                failed.append(name)
    if failed:
        print(f"failed as on {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
