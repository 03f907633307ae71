"""What is timed computes the same: every contestant agrees with the clear kernel at every shape, made small."""

import numpy as np
import pytest

from tests.benchmarks import gate
from tests.benchmarks.contestants import CONTESTANTS, KERNELS, PEERS, Contestant
from tests.benchmarks.shapes import DTYPES, SHAPES, Shape

SMALL = [shape.but(B=min(shape.B, 5), T=min(shape.T, 7), n=min(shape.n, 6)) for shape in SHAPES.values()]
TIMED = [(c, shape) for c in CONTESTANTS.values() for shape in SMALL if not c.lacks(shape)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("contestant", "shape"), TIMED, ids=str)
def test_it_agrees_with_the_clear_kernel(contestant, shape, dtype):
    if contestant.absent:
        pytest.skip(contestant.absent)
    point = shape.draw(dtype)
    loss, gradients = gate.in_numpy(contestant.prepare(point)())
    assert loss.dtype == dtype
    assert {name: (g.shape, g.dtype) for name, g in gradients.items()} == {
        name: (theta.shape, theta.dtype) for name, theta in point.params.items()
    }
    clear = CONTESTANTS["clear"].prepare(point)()
    assert gate.distance((loss, gradients), clear) <= gate.allowed(shape, dtype)


@pytest.mark.parametrize("name", ["W", "U", "b", "V", "c"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_wrong_gradient_is_no_agreement(name, dtype):
    shape = SHAPES["middle"].but(B=2, T=4)
    loss, gradients = CONTESTANTS["clear"].prepare(shape.draw(dtype))()
    wrong = {**gradients, name: gradients[name] * 1.05}
    assert gate.distance((loss, wrong), (loss, gradients)) > gate.allowed(shape, dtype)


# The gate ------------------------------------------------------------------------------------------------------------

RAGGED = SHAPES["sentiment-58"].but(formulas=())


@pytest.fixture
def spoiled(monkeypatch):
    """``spoiled(when)``: a kernel that hands out the transpose of W's gradient where ``when(point)``."""

    def kernel(when):
        def prepare(point):
            def call():
                loss, gradients = CONTESTANTS["clear"].prepare(point)()
                return loss, {**gradients, "W": gradients["W"].T.copy()} if when(point) else gradients

            return call

        contestant = Contestant(f"spoiled {id(when)}", "a spoiled kernel", prepare)
        monkeypatch.setitem(CONTESTANTS, contestant.name, contestant)
        monkeypatch.setitem(KERNELS, contestant.name, contestant)
        return contestant

    return kernel


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (lambda point: True, "dW equals the exact one transposed"),
        (lambda point: point.params["W"].shape[0] == 64, "away from clear NumPy"),
    ],
    ids=["wrong everywhere", "wrong at the timed batch"],
)
def test_no_timing_of_a_wrong_kernel(spoiled, admitted, when, said):
    with pytest.raises(pytest.fail.Exception, match=said):
        admitted(spoiled(when), RAGGED, "float64")


def test_a_right_kernel_is_admitted(spoiled, admitted):
    loss, _ = admitted(spoiled(lambda point: False), RAGGED, "float64")()
    assert np.isfinite(loss)


def test_what_is_not_installed_is_skipped_with_the_reason(admitted):
    missing = Contestant("missing", "a missing one", None, needs="no_such_package")
    with pytest.raises(pytest.skip.Exception, match="no_such_package is not installed"):
        admitted(missing, SHAPES["middle"], "float64")


# The shapes ----------------------------------------------------------------------------------------------------------


def test_what_is_not_timed_has_a_reason():
    assert PEERS["nn-rnn"].lacks(SHAPES["sine-1"]) == "torch nn.RNN has no sigmoid"
    assert PEERS["naive"].lacks(SHAPES["big"]) == "naive NumPy takes too long at big"
    assert not any(kernel.lacks(shape) for kernel in KERNELS.values() for shape in SHAPES.values())


def test_a_ragged_batch_has_sequences_of_every_length():
    shape = SHAPES["sentiment-58"]
    assert set(shape.lengths) == set(range(1, shape.T + 1))


def test_the_same_shape_is_the_same_batch():
    first, second = (SHAPES["sentiment-58"].draw("float32") for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    assert first.x.dtype == first.params["W"].dtype == np.float32


def test_required_operations_are_those_of_the_matrix_products():
    T, B, d, n, m = 3, 2, 5, 7, 11
    forward = T * B * (2 * n * n + 2 * n * d + 2 * m * n)
    backward = T * B * (2 * m * n + 2 * n * n)
    gradients = T * B * (2 * n * n + 2 * n * d + 2 * m * n)
    assert Shape("one", B, T, d, n, m).required_flops == forward + backward + gradients
    last = Shape("one", B, T, d, n, m, outputs="last").required_flops
    assert last == forward + backward + gradients - (T - 1) * B * 6 * m * n


@pytest.mark.parametrize(("name", "value"), [("OMP_NUM_THREADS", "2"), ("MKL_NUM_THREADS", "")])
def test_several_threads_are_refused_with_what_to_set(monkeypatch, name, value):
    for each in gate.THREADS:
        monkeypatch.setenv(each, "1")
    assert not gate.not_single_threaded()
    monkeypatch.setenv(name, value)
    assert f"set {name}=1" in gate.not_single_threaded()
