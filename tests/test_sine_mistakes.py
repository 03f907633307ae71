"""The sine network's printed backward pass, taken apart: what each mistake does alone, with others, and in training."""

import numpy as np
import pytest

from gradproof import verify
from implementations.errata.sine import ALL, DoubleLoop, Mistake, SineAsPrinted, SineByDoubleLoop
from implementations.recurrent import SineRNN
from reproductions.sine import loss_per_record, predictions, train_and_validation, weights_by_fan_in
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

BY_W_OR_U = (Mistake.WEIGHTS_TIMES_STATE, Mistake.WEIGHTS_TIMES_INPUT)
IN_SIGNAL_OR_LOOPS = [m for m in Mistake if m not in (*BY_W_OR_U, Mistake.OUTPUT_WEIGHTS_AT_EVERY_STEP)]
PROBLEM = FORMULAS["sine-rnn"].problem(IMPLEMENTATIONS["sine-rnn"])


def drawn(T, tau, seed=0, units=3):
    rng = np.random.default_rng(seed)
    shapes = {"U": (units, T), "W": (units, units), "V": (1, units)}
    params = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return params, {"x": rng.normal(size=T), "y": rng.normal(size=1), "tau": tau}


def gradients(code, params, data):
    _, cache = code.forward(params, data)
    return code.backward(params, data, cache)


@pytest.mark.parametrize("mistake", IN_SIGNAL_OR_LOOPS, ids=lambda m: m.name)
def test_mending_one_mistake_of_the_signal_or_the_loops_leaves_no_trace_of_the_error(mistake):
    """The printed dW and dU do not read the error: with any other mistake mended, another target changes nothing."""
    params, data = drawn(7, 5)
    mended = SineByDoubleLoop(ALL - {mistake})
    one, other = gradients(mended, params, data), gradients(mended, params, {**data, "y": data["y"] + 100})
    for name in "W", "U":
        np.testing.assert_array_equal(one[name], other[name])


@pytest.mark.parametrize(
    "mistake", [Mistake.SLOPE_OF_PRE_ACTIVATION, Mistake.SLOPE_OF_LAST_STEP, Mistake.ERROR_AT_EVERY_INNER_STEP]
)
def test_mending_one_mistake_of_the_signal_changes_nothing_at_all(mistake):
    params, data = drawn(7, 5)
    printed, mended = SineByDoubleLoop(ALL), SineByDoubleLoop(ALL - {mistake})
    before, after = gradients(printed, params, data), gradients(mended, params, data)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


@pytest.mark.parametrize("mistake", BY_W_OR_U, ids=lambda m: m.name)
def test_only_an_outer_product_brings_the_error_back(mistake):
    params, data = drawn(7, 5)
    mended = SineByDoubleLoop(ALL - {mistake})
    name = "W" if mistake is Mistake.WEIGHTS_TIMES_STATE else "U"
    one, other = gradients(mended, params, data), gradients(mended, params, {**data, "y": data["y"] + 100})
    assert np.max(np.abs(one[name] - other[name])) > 1


def test_sums_that_are_never_reset_do_no_harm_to_a_loss_at_the_last_step():
    verify(PROBLEM, SineByDoubleLoop(frozenset({Mistake.SUMS_NEVER_RESET})), budget="quick").require()


@pytest.mark.parametrize(("T", "tau"), [(1, 5), (2, 1), (6, 1), (7, 5), (9, 2), (12, 5), (4, 40)])
def test_two_loops_without_a_mistake_are_truncated_backpropagation(T, tau):
    params, data = drawn(T, tau)
    expected, given = gradients(SineRNN(), params, data), gradients(SineByDoubleLoop(), params, data)
    for name in expected:
        np.testing.assert_allclose(given[name], expected[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("T", "tau"), [(1, 5), (2, 1), (6, 1), (7, 5), (9, 2), (12, 5), (4, 40)])
def test_the_sum_that_trains_is_the_loops_with_all_mistakes(T, tau):
    params, data = drawn(T, tau)
    expected, given = gradients(SineByDoubleLoop(ALL), params, data), gradients(SineAsPrinted(), params, data)
    for name in expected:
        np.testing.assert_allclose(given[name], expected[name], rtol=1e-12, atol=1e-15)


def test_of_one_step_there_is_nothing_to_reset_and_no_earlier_step():
    params, data = drawn(1, 5)
    wrong = SineByDoubleLoop(frozenset({Mistake.SUMS_NEVER_RESET, Mistake.SLOPE_OF_LAST_STEP}))
    for name, gradient in gradients(SineRNN(), params, data).items():
        np.testing.assert_allclose(gradients(wrong, params, data)[name], gradient, rtol=1e-12)


def test_the_layer_without_a_mistake_has_every_gradient_of_the_network():
    formula = FORMULAS["rnn-sigmoid"]
    params, data = formula.draw({"n": 3, "d": 2, "m": 2, "T": 4}, np.random.default_rng(0))
    right, loops = IMPLEMENTATIONS["rnn-sigmoid"].gradients, DoubleLoop()
    outputs, cache = right.forward(params, data)
    upstream = np.random.default_rng(1).normal(size=outputs.shape)
    expected, given = right.backward(upstream, cache), loops.backward(upstream, loops.forward(params, data)[1])
    assert expected.keys() == given.keys()
    for name in expected:
        np.testing.assert_allclose(given[name], expected[name], rtol=1e-12)


def test_predictions_are_those_that_the_training_compares():
    records, validation = train_and_validation()
    assert (len(records), len(validation)) == (100, 50)
    params = weights_by_fan_in(np.random.default_rng(1))
    expected = np.mean([SineRNN().forward(params, record)[0] for record in records])
    np.testing.assert_allclose(loss_per_record(predictions(params, records), records), expected, rtol=1e-12)
