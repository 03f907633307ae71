"""Each oracle against the gradient checks people use, at a network of 42, 181 and 10,301 parameters.

``ratio`` in ``extra_info`` is the peer's time over the oracle's; ``error`` the norm of the oracle's distance from the
exact gradient as a share of it. gradcheck takes half a minute at 10,301 parameters: it is timed once there, and ``iqr``
is the range over the oracle's timings.
"""

import statistics
from functools import cache

import pytest

from gradproof.errors import NotRun
from tests.benchmarks.checks import ORACLES, PEERS, SIZES, SLOW, case, error, exact
from tests.benchmarks.curves import Curve
from tests.benchmarks.pairs import Paired, block, calls_a_block, paired

ONCE = ("gradcheck", 10_301)
GROWING = ("reference with its bound", "derivation", "forward mode, all entries", "autograd")
STATES = (4, 6, 9, 14, 20, 30, 45, 67, 100)
"""The n of the networks by which growth is measured, with d = m = 1 and T = 50."""


def prepared(make, at):
    try:
        call = make(at)
        call()
    except NotRun as reason:
        pytest.skip(str(reason))
    return call


@cache
def seconds_of_one_call(peer, entries):
    return block(PEERS[peer](case(**SIZES[entries])), 1)


def against_one_call(call, seconds):
    """The oracle timed seven times against a peer that was timed once."""
    times = [block(call, calls_a_block(call)) for _ in range(7)]
    low, _, high = statistics.quantiles([seconds / t for t in times], n=4)
    middle = statistics.median(times)
    return Paired(middle, seconds, seconds / middle, (low, high))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("entries", SIZES)
def test_oracle(entries, oracle, peer, benchmark, show_ratio):
    if entries > SLOW.get(oracle, entries):
        pytest.skip(f"{oracle} are for networks of up to {SLOW[oracle]} parameters")
    at = case(**SIZES[entries])
    call = prepared(ORACLES[oracle], at)
    once = (peer, entries) == ONCE
    if once:
        result = against_one_call(call, prepared_seconds(peer, entries))
    else:
        result = paired(call, prepared(PEERS[peer], at))
    benchmark.group = f"{entries} parameters"
    benchmark.extra_info |= {
        "shape": f"{entries} parameters",
        "dtype": "float64",
        "kernel": oracle,
        "peer": peer,
        "entries": at.entries,
        "ratio": result.ratio,
        "iqr": result.iqr,
        "seconds": (result.first, result.second),
        "error": error(call(), exact(entries, oracle)),
        "timings of the peer": 1 if once else "alternating",
    }
    benchmark.pedantic(call, rounds=3, iterations=1)


def prepared_seconds(peer, entries):
    try:
        return seconds_of_one_call(peer, entries)
    except NotRun as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("oracle", GROWING)
def test_growth_with_the_parameters(oracle, benchmark):
    cases = [case(n=n, d=1, m=1, T=50) for n in STATES]
    calls = [prepared(ORACLES[oracle], at) for at in cases]
    rounds = [[block(call, calls_a_block(call)) for call in calls] for _ in range(3)]
    seconds = [statistics.median(times) for times in zip(*rounds, strict=True)]
    curve = Curve("parameters", "seconds", [at.entries for at in cases], seconds)
    benchmark.group = "growth with the parameters"
    benchmark.extra_info |= {"kernel": oracle, "dtype": "float64", "curve": curve.info(), "growth": curve.slope}
    benchmark.pedantic(calls[-1], rounds=3, iterations=1)
