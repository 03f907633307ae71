"""What more threads bring: the kernels at the larger shapes, with as many BLAS threads as there are cores or fewer.

Their number is fixed when NumPy is imported, so each measurement is a process of its own; the processes take turns.
"""

import os
import statistics

import pytest

from tests.benchmarks.child import measured
from tests.benchmarks.contestants import KERNELS, PEERS
from tests.benchmarks.curves import Curve
from tests.benchmarks.pairs import calls_a_block
from tests.benchmarks.shapes import SHAPES

CORES = os.cpu_count() or 1
THREADS = [count for count in (1, 2, 4, 8, 16) if count <= CORES]
ROUNDS = 3


@pytest.mark.skipif(CORES < 2, reason="this machine has one core")
@pytest.mark.parametrize("contestant", [*KERNELS.values(), PEERS["nn-rnn"]], ids=str)
def test_threads(contestant, benchmark, admitted):
    shape = SHAPES["middle"]
    call = admitted(contestant, shape, "float64")
    benchmark.group = "threads"
    if benchmark.enabled:
        where = contestant.name, shape.name, "float64"
        rounds = [[measured("seconds", *where, threads=count) for count in THREADS] for _ in range(ROUNDS)]
        seconds = [statistics.median(times) for times in zip(*rounds, strict=True)]
        benchmark.extra_info |= {
            "shape": shape.name,
            "dtype": "float64",
            "kernel": contestant.title,
            "curve": Curve("threads", "seconds", THREADS, seconds).info(),
        }
    benchmark.pedantic(call, rounds=3, iterations=calls_a_block(call))
