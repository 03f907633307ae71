"""The memory that loss and gradients take at most, beside the batch and the parameters, by the number of steps.

Each measurement is the first call in a process of its own, in which every library has been loaded and warmed up at a
small batch: results, buffers that are kept and what the library allocates all count.
"""

import pytest

from tests.benchmarks.child import FORGET, measured
from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.curves import Curve
from tests.benchmarks.pairs import calls_a_block
from tests.benchmarks.shapes import SHAPES

SHAPE, STEPS = SHAPES["middle"], (32, 64, 128, 256)
MEASURED = [contestant for contestant in CONTESTANTS.values() if contestant.name != "naive"]
"""The naive program keeps one sequence at a time, and would take minutes."""


@pytest.mark.skipif(not FORGET.exists(), reason="the peak of a process's memory is read from Linux")
@pytest.mark.parametrize("contestant", MEASURED, ids=str)
def test_memory(contestant, benchmark, admitted):
    call = admitted(contestant, SHAPE, "float64")
    benchmark.group = "memory"
    if benchmark.enabled:
        most = [measured("bytes", contestant.name, SHAPE.name, "float64", T) for T in STEPS]
        benchmark.extra_info |= {
            "shape": SHAPE.name,
            "dtype": "float64",
            "kernel": contestant.title,
            "curve": Curve("T", "bytes", STEPS, most).info(),
        }
    benchmark.pedantic(call, rounds=1, iterations=calls_a_block(call))
