"""The processor at hand stands for others, and the libraries compute as on these."""

import os
import subprocess
import sys

import processors
import pytest

PROGRAM = """
import numpy, torch
from threadpoolctl import threadpool_info
print(*{one["architecture"] for one in threadpool_info() if one["internal_api"] == "openblas"})
print(torch.backends.cpu.get_cpu_capability().lower())
"""


@pytest.mark.parametrize("name", processors.PROCESSORS)
def test_libraries_compute_as_on_the_processor_that_is_stood_for(name: str) -> None:
    if name not in processors.available(processors.flags_at_hand()):
        pytest.skip(f"the processor at hand has no {name}")
    chosen = processors.PROCESSORS[name].environment
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **chosen}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [chosen["OPENBLAS_CORETYPE"], chosen["ATEN_CPU_CAPABILITY"]]


def test_what_the_processor_lacks_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def run(command: list[str], check: bool, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
        ran.append((env["OPENBLAS_CORETYPE"], command[3:]))
        return subprocess.CompletedProcess(command, 1 if env["OPENBLAS_CORETYPE"] == "Haswell" else 0)

    monkeypatch.setattr(processors.subprocess, "run", run)
    monkeypatch.setattr(processors, "flags_at_hand", lambda: {"sse4_1", "sse4_2", "avx2", "fma", "avx512f"})
    assert processors.main([]) == 1
    assert ran == [(core, ["-q", "-m", "rounding", *processors.marked()]) for core in ("Nehalem", "Haswell")]
    assert any("test_samplers" in path for path in processors.marked())
    assert capsys.readouterr().out.splitlines()[2:] == ["== AVX-512: not at hand", "failed as on AVX2"]
    monkeypatch.setattr(processors, "flags_at_hand", frozenset)
    assert processors.main(["tests/contracts"]) == 0
