"""How the time of loss and gradients grows with the steps T, the states n and the sequences B, each alone.

The sizes are timed in turns. ``curve`` in ``extra_info`` has the seconds at each, and the slope of their logarithms
over the upper half of the sizes: 1 where the time grows as the size, 2 as its square.
"""

import statistics

import pytest

from tests.benchmarks.contestants import KERNELS, PEERS
from tests.benchmarks.curves import Curve
from tests.benchmarks.pairs import block, calls_a_block
from tests.benchmarks.shapes import SHAPES, Shape

START = Shape("growth", 16, 32, 16, 64, 16, formulas=SHAPES["middle"].formulas)
SIZES = {
    "T": (8, 16, 32, 64, 128, 256, 512),
    "n": (8, 16, 32, 64, 128, 256, 512),
    "B": (1, 2, 4, 8, 16, 32, 64, 128),
}
ROUNDS = 7

GROWING = [*KERNELS.values(), PEERS["clear"], PEERS["nn-rnn"]]


@pytest.mark.parametrize("contestant", GROWING, ids=str)
@pytest.mark.parametrize("by", SIZES)
def test_growth(by, contestant, benchmark, admitted):
    sizes = SIZES[by]
    call = admitted(contestant, START, "float64")
    calls = [contestant.prepare(START.but(**{by: size}).draw("float64")) for size in sizes]
    benchmark.group = f"growth with {by}"
    if benchmark.enabled:
        counts = [calls_a_block(each) for each in calls]
        rounds = [[block(each, count) for each, count in zip(calls, counts, strict=True)] for _ in range(ROUNDS)]
        seconds = [statistics.median(times) for times in zip(*rounds, strict=True)]
        benchmark.extra_info |= {
            "shape": f"{START.sizes}",
            "dtype": "float64",
            "kernel": contestant.title,
            "curve": Curve(by, "seconds", sizes, seconds).info(),
        }
    benchmark.pedantic(call, rounds=5, iterations=calls_a_block(call))
