"""The kernels, at the documents' networks and two larger ones, against other ways to compute loss and gradients.

In ``extra_info``, ``ratio`` is the peer's time over the kernel's, how many times faster the kernel is: the median over
pairs of blocks, with its interquartile range ``iqr``. ``seconds`` are those of a call, the kernel's first.
"""

import numpy as np
import pytest

from tests.benchmarks.contestants import KERNELS, PEERS
from tests.benchmarks.pairs import calls_a_block, paired
from tests.benchmarks.shapes import DTYPES, SHAPES

CASES = [(shape, dtype, kernel) for shape in SHAPES.values() for dtype in DTYPES for kernel in KERNELS.values()]
PAIRS = [(*case, peer) for case in CASES for peer in PEERS.values() if not peer.lacks(case[0])]


def identified(case):
    return "-".join(map(str, case))


@pytest.mark.parametrize("case", PAIRS, ids=identified)
def test_kernel(case, benchmark, admitted):
    """One thread, warm caches, the same batch for both."""
    shape, dtype, kernel, peer = case
    other = admitted(peer, shape, dtype)
    publish(benchmark, shape, dtype, kernel, peer.title, admitted(kernel, shape, dtype), other)


@pytest.mark.parametrize("case", CASES, ids=identified)
def test_roofline(case, benchmark, admitted):
    """Against the required matrix products alone, at the speed of a large one in the same run."""
    shape, dtype, kernel = case
    a, b = np.random.default_rng(0).normal(size=(2, 512, 512)).astype(dtype)
    out = np.empty_like(a)
    share = shape.required_flops / (2 * 512**3)
    publish(
        benchmark, shape, dtype, kernel, "matrix products", admitted(kernel, shape, dtype), lambda: a.dot(b, out), share
    )


def publish(benchmark, shape, dtype, kernel, peer, call, other, share=1.0):
    """Time the two calls; the peer's work is so many times the other call's."""
    benchmark.group = f"{shape} {dtype}"
    if benchmark.enabled:
        result = paired(call, other)
        benchmark.extra_info |= {
            "shape": shape.name,
            "sizes": shape.sizes,
            "dtype": dtype,
            "kernel": kernel.title,
            "peer": peer,
            "ratio": result.ratio * share,
            "iqr": [end * share for end in result.iqr],
            "seconds": [result.first, result.second * share],
        }
    benchmark.pedantic(call, rounds=5, iterations=calls_a_block(call))
