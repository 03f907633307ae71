"""Timing in pairs: the ratio is that of the two, and slow calls get fewer pairs."""

import pytest

from tests.benchmarks import pairs


@pytest.fixture
def clock(monkeypatch):
    """A clock that calls move on: ``clock(seconds)`` is a function that takes so long."""

    class Clock:
        now, calls = 0.0, 0

    monkeypatch.setattr(pairs.time, "perf_counter", lambda: Clock.now)

    def taking(seconds):
        def call():
            Clock.now += seconds
            Clock.calls += 1

        return call

    taking.counted = Clock
    return taking


def test_the_ratio_is_second_over_first(clock):
    result = pairs.paired(clock(0.001), clock(0.003))
    assert result.ratio == pytest.approx(3)
    assert result.iqr == pytest.approx((3, 3))
    assert (result.first, result.second) == pytest.approx((0.001, 0.003))


@pytest.mark.parametrize(("seconds", "count"), [(0.05, 30), (0.3, 10), (5.0, 7)])
def test_slow_calls_get_fewer_pairs(clock, seconds, count):
    pairs.paired(clock(seconds), clock(seconds))
    assert clock.counted.calls == 2 * (count + 3)  # each was called twice to see how long it takes, once for the pairs
