"""What the fast kernel's plans could get wrong beside the numbers: whose the results are, what is kept, threads."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import numpy as np
import pytest

from implementations.kernels import clear, fast
from implementations.kernels.augmented import Augmented
from implementations.kernels.chunked import Chunked
from implementations.kernels.pointwise import Vanishing

PLANS = {"chosen": fast.rnn_gradients, **fast.FAST_PLANS}

plans = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch):
    monkeypatch.setattr(fast, "PLANS", fast.Plans())


def batch(B=3, T=5, d=2, n=4, m=2, seed=0, dtype="float64", scale=1.0):
    """Parameters, x, targets for each output."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (n, n), "U": (n, d), "b": (n,), "V": (m, n), "c": (m,)}
    params = {name: (scale * rng.normal(size=shape)).astype(dtype) for name, shape in shapes.items()}
    return params, rng.normal(size=(T, B, d)).astype(dtype), rng.normal(size=(T, B, m)).astype(dtype)


EACH = {"outputs": "each"}


def assert_same(results, expected, rtol=1e-11):
    (value, gradients), (expected_value, expected_gradients) = results, expected
    assert gradients.keys() == expected_gradients.keys()
    np.testing.assert_allclose(value, expected_value, rtol)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected_gradients[name], rtol, atol=rtol)


# The plans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("B", "n", "kind"), [(1, 300, Augmented), (500, 4, Augmented), (8, 64, Chunked)])
def test_the_sizes_choose_the_plan(B, n, kind):
    params, x, target = batch(B=B, n=n)
    fast.rnn_gradients(params, x, target, **EACH)
    (plan,) = fast.PLANS.kept.values()
    assert isinstance(plan, kind)


def test_sequences_of_different_lengths_are_cut_into_chunks():
    params, x, target = batch()
    fast.rnn_gradients(params, x, target, **EACH, lengths=np.array([5, 2, 3]))
    (plan,) = fast.PLANS.kept.values()
    assert isinstance(plan, Chunked)


@pytest.mark.parametrize("least", [1, 7, 30, 1000])
def test_chunks_cover_every_state_once(least):
    params, x, target = batch(B=6, T=9)
    kernel = partial(fast.planned, partial(Chunked, least=least))
    kernel(params, x, target, **EACH, lengths=np.array([1, 4, 4, 9, 7, 2]))
    (plan,) = fast.PLANS.kept.values()
    rows = np.concatenate([np.arange(chunk.rows.start, chunk.rows.stop) for chunk in plan.chunks])
    assert rows.tolist() == list(range(6, 6 + 1 + 4 + 4 + 9 + 7 + 2))
    assert [t for chunk in plan.chunks for t in chunk.levels] == list(range(1, 10))
    assert all(chunk.rows.stop - chunk.rows.start >= least for chunk in plan.chunks[:-1])


# Whose memory -----------------------------------------------------------------------------------------------------


@plans
def test_results_stay_when_the_plan_is_used_again(plan):
    params, x, target = batch()
    value, gradients = plan(params, x, target, **EACH)
    before = {name: gradient.copy() for name, gradient in gradients.items()}
    other, *rest = batch(seed=1)
    again_value, again = plan(other, *rest, **EACH)
    assert len(fast.PLANS.kept) == 1
    assert value != again_value
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, before[name])
        assert not any(np.shares_memory(gradient, later) for later in again.values())


@plans
def test_results_can_be_overwritten(plan):
    params, x, target = batch()
    expected = clear.rnn_gradients(params, x, target, **EACH)
    for _ in range(2):
        value, gradients = plan(params, x, target, **EACH)
        assert_same((value, gradients), expected)
        for gradient in gradients.values():
            gradient[...] = np.nan


# What is kept -----------------------------------------------------------------------------------------------------


def test_a_thread_keeps_a_bounded_number_of_plans():
    for T in range(1, 2 * fast.MOST_PLANS):
        params, x, target = batch(T=T)
        fast.rnn_gradients(params, x, target, **EACH)
    assert len(fast.PLANS.kept) == fast.MOST_PLANS


def test_the_plan_that_was_used_longest_ago_goes(monkeypatch):
    monkeypatch.setattr(fast, "MOST_PLANS", 2)
    for T in (1, 2, 1, 3):
        params, x, target = batch(T=T)
        fast.rnn_gradients(params, x, target, **EACH)
    assert [plan.task.T for plan in fast.PLANS.kept.values()] == [1, 3]


def test_a_thread_keeps_a_bounded_number_of_bytes(monkeypatch):
    monkeypatch.setattr(fast, "MOST_BYTES", 20_000)
    for T in (10, 11, 12, 500):
        params, x, target = batch(T=T)
        fast.rnn_gradients(params, x, target, **EACH)
        assert fast.PLANS.nbytes <= 20_000 or len(fast.PLANS.kept) == 1
    (plan,) = fast.PLANS.kept.values()
    assert plan.task.T == 500


def test_lengths_of_another_dtype_are_checked_again():
    params, x, target = batch(B=1)
    fast.rnn_gradients(params, x, target, **EACH, lengths=np.array([3]))
    with pytest.raises(ValueError, match="lengths must be 1 integers"):
        fast.rnn_gradients(params, x, target, **EACH, lengths=np.array([3, 0], np.int32))


@plans
def test_class_numbers_are_checked_at_every_call(plan):
    params, x, _ = batch()
    options = {"outputs": "last", "loss": "cross-entropy"}
    plan(params, x, np.array([0, 1, 1]), **options)
    for wrong in ([0, 2, 1], [0, -1, 1]):
        with pytest.raises(ValueError, match="class numbers must be between 0 and 1"):
            plan(params, x, np.array(wrong), **options)


# Threads ----------------------------------------------------------------------------------------------------------


@plans
def test_threads_do_not_disturb_each_other(plan):
    batches = [batch(B=8, T=40, n=16, seed=seed) for seed in range(4)]
    alone = [plan(*b, **EACH) for b in batches]
    ready = Barrier(len(batches))

    def calls(b):
        ready.wait()
        return [plan(*b, **EACH) for _ in range(20)]

    with ThreadPoolExecutor(len(batches)) as pool:
        for results, (value, gradients) in zip(pool.map(calls, batches), alone, strict=True):
            for again_value, again in results:
                assert again_value == value
                for name, gradient in gradients.items():
                    np.testing.assert_array_equal(again[name], gradient)


# Inputs -----------------------------------------------------------------------------------------------------------


@plans
@pytest.mark.parametrize("outputs", ["each", "last"])
def test_what_lies_beyond_the_end_is_not_looked_at(plan, outputs):
    params, x, target = batch(B=4, T=6)
    target = target if outputs == "each" else target[0]
    lengths = np.array([2, 5, 1, 4])
    expected = clear.rnn_gradients(params, x, target, outputs=outputs, lengths=lengths)
    beyond = np.arange(6)[:, None] >= lengths
    x[beyond] = np.nan
    if outputs == "each":
        target[beyond] = np.nan
    assert_same(plan(params, x, target, outputs=outputs, lengths=lengths), expected)


@plans
def test_class_numbers_beyond_the_end_may_be_none(plan):
    params, x, _ = batch(B=4, T=6)
    lengths = np.array([2, 5, 1, 4])
    numbers = np.ones((6, 4), int)
    options = {"outputs": "each", "loss": "cross-entropy", "lengths": lengths}
    expected = clear.rnn_gradients(params, x, numbers, **options)
    numbers[np.arange(6)[:, None] >= lengths] = -100
    assert_same(plan(params, x, numbers, **options), expected)


@plans
@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W", (4, 3), "W must be"),
        ("U", (4, 3), "U must be"),
        ("b", (3,), "b must be"),
        ("V", (2, 3), "V must be"),
        ("c", (3,), "c must be"),
        ("x", (5, 3), "targets must be"),
        ("target", (5, 3, 3), "targets must be"),
    ],
)
def test_an_error_names_what_does_not_fit(plan, name, shape, message):
    params, x, target = batch()
    given = {**params, "x": x, "target": target} | {name: np.ones(shape)}
    x, target = given.pop("x"), given.pop("target")
    with pytest.raises(ValueError, match=message):
        plan(given, x if name != "x" else np.ones((5, 2)), target, **EACH)


@plans
def test_parameters_of_two_dtypes_are_refused(plan):
    params, x, target = batch()
    plan(params, x, target, **EACH)
    with pytest.raises(TypeError, match="all be float32 or all float64"):
        plan({**params, "b": params["b"].astype("float32")}, x, target, **EACH)


@plans
@pytest.mark.parametrize("only", ["b", "c"])
def test_one_of_the_biases_alone(plan, only):
    params, x, target = batch()
    params = {name: value for name, value in params.items() if name in {"W", "U", "V", only}}
    assert_same(plan(params, x, target, **EACH), clear.rnn_gradients(params, x, target, **EACH))


# Small numbers ----------------------------------------------------------------------------------------------------


@plans
def test_deltas_that_vanish_are_rounded_away(plan, monkeypatch):
    """From the last output of a long sequence the deltas fall through all of float32."""
    rounded = []
    monkeypatch.setattr(Vanishing, "rounded", recording(Vanishing.rounded, rounded))
    params, x, target = batch(B=2, T=200, n=3, dtype="float32", scale=0.5)
    options = {"activation": "sigmoid", "outputs": "last"}
    in_float64 = {name: value.astype("float64") for name, value in params.items()}
    value, gradients = plan(params, x, target[0], **options)
    assert_same((value, gradients), clear.rnn_gradients(in_float64, x, target[0], **options), rtol=1e-5)
    smallest = np.finfo("float32").tiny
    assert rounded
    assert all(np.all((delta == 0) | (np.abs(delta) >= smallest)) for delta in rounded)
    assert any(np.all(delta == 0) for delta in rounded)


def recording(method, seen):
    def recorded(self, delta):
        method(self, delta)
        seen.append(delta.copy())

    return recorded
