"""Measures one contestant in a process of its own, where threads are set before NumPy starts and memory is fresh.

    python -m tests.benchmarks.child seconds CONTESTANT SHAPE DTYPE
    python -m tests.benchmarks.child bytes CONTESTANT SHAPE DTYPE T

prints the seconds of a call, or by how much the memory of the process grows at most during the first call with T steps.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BLOCKS = 9
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def measured(what: str, contestant: str, shape: str, dtype: str, *sizes: int, threads: int = 1) -> float:
    """What a fresh process prints. Raises CalledProcessError with its errors where it fails."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    command = [sys.executable, "-m", "tests.benchmarks.child", what, contestant, shape, dtype, *map(str, sizes)]
    environment = os.environ | dict.fromkeys(names, str(threads))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=300)
    return float(done.stdout)


def main(what: str, contestant: str, shape: str, dtype: str, *sizes: str) -> None:
    from tests.benchmarks.contestants import CONTESTANTS
    from tests.benchmarks.shapes import SHAPES

    prepare, found = CONTESTANTS[contestant].prepare, SHAPES[shape]
    if what == "seconds":
        sys.stdout.write(f"{seconds(prepare(found.draw(dtype)))}\n")
    else:
        prepare(found.but(B=1, T=2).draw(dtype))()  # libraries load and compile what they need once
        sys.stdout.write(f"{grown(prepare(found.but(T=int(*sizes)).draw(dtype)))}\n")


def seconds(call: Any) -> float:
    from tests.benchmarks.pairs import block, calls_a_block

    calls = calls_a_block(call)
    return statistics.median(block(call, calls) for _ in range(BLOCKS))


def grown(call: Any) -> int:
    """Bytes between the memory before a call and its peak during it; Linux keeps the peak, and forgets it when told."""
    gc.collect()
    FORGET.write_text("5", encoding="ascii")
    before = kilobytes("VmRSS")
    call()
    return 1024 * max(kilobytes("VmHWM") - before, 0)


def kilobytes(name: str) -> int:
    (line,) = (line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
