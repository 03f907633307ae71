"""What the compiled kernel is made of: its functions to the last digits, its products, and what its loops are given.

That its gradients are right is tested with those of all kernels.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import mpmath
import numpy as np
import pytest

from implementations.kernels import clear, compiled, compiled_loops, compiled_vectors

DTYPES = (np.float32, np.float64)
EACH = {"outputs": "each", "loss": "cross-entropy"}


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def network(rng, dtype, T=5, B=3, d=2, n=5, m=3):
    shapes = {"W": (n, n), "U": (n, d), "b": (n,), "V": (m, n), "c": (m,)}
    params = {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    return params, rng.normal(size=(T, B, d)).astype(dtype), rng.integers(0, m, size=(T, B))


def assert_same(first, second):
    assert first[0] == second[0]
    assert first[1].keys() == second[1].keys()
    for name, gradient in first[1].items():
        np.testing.assert_array_equal(gradient, second[1][name], err_msg=name)


def assert_close(first, second, dtype):
    """The same up to rounding: the two sum in another order."""
    assert first[1].keys() == second[1].keys()
    for a, b in [(first[0], second[0]), *((first[1][name], second[1][name]) for name in first[1])]:
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=200 * np.finfo(dtype).eps * np.max(np.abs(b)))


# As plain Python --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_uncompiled_loops_compute_the_same(activation, dtype, rng, monkeypatch):
    monkeypatch.setattr(compiled, "compiled", lambda dtype: compiled_loops.loss_and_gradients)
    monkeypatch.setattr(compiled, "PLANS", {})
    call = *network(rng, dtype), {"activation": activation, "lengths": np.array([2, 5, 4]), **EACH}
    assert_close(compiled.rnn_gradients(*call[:3], **call[3]), clear.rnn_gradients(*call[:3], **call[3]), dtype)


def test_without_numba_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setitem(sys.modules, "numba.extending", None)
    with pytest.raises(ImportError, match=r"gradproof\[compiled\]"):
        compiled.made_known_to_numba.__wrapped__()


def points(dtype, largest):
    """Numbers of both signs and of every magnitude, dense where the reduction changes from one k to the next."""
    steps = np.arange(1, 64) * (np.log(2) / 4)
    beside = [np.nextafter(dtype(s), dtype(side)) for s in steps for side in (0, largest)]
    magnitudes = np.concatenate(
        [np.geomspace(np.finfo(dtype).tiny, largest, 500), np.linspace(0, 25, 500), steps, beside]
    )
    return np.concatenate([-magnitudes, magnitudes]).astype(dtype)


def error_in_ulps(values, exact):
    """The largest error, in units in the last place of the exact value; below the normal numbers in those there."""
    rounded = np.array([values.dtype.type(float(e)) for e in exact])
    ulp = np.spacing(np.maximum(np.abs(rounded), np.finfo(values.dtype).tiny))
    return max(float(abs(mpmath.mpf(float(v)) - e) / float(u)) for v, e, u in zip(values, exact, ulp, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("function", "exactly", "largest"),
    [
        (compiled_vectors.tanh_of, mpmath.tanh, 1e4),
        (compiled_vectors.sigmoid_of, lambda z: 1 / (1 + mpmath.exp(-z)), 80),
        (compiled_vectors.exp_of_negative, lambda a: mpmath.exp(-a), 80),
    ],
    ids=["tanh", "sigmoid", "exp"],
)
def test_functions_have_all_digits(function, exactly, largest, dtype):
    z = points(dtype, largest)
    z = np.abs(z) if function is compiled_vectors.exp_of_negative else z
    with mpmath.workdps(60):
        exact = [exactly(mpmath.mpf(float(v))) for v in z]
        assert error_in_ulps(np.array([function(v, dtype) for v in z]), exact) < 3


# Compiled ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numba():
    numba = pytest.importorskip("numba", reason="the loops are compiled by numba")
    compiled.made_known_to_numba()
    return numba


@pytest.fixture(scope="module")
def activated(numba):
    activate = compiled_vectors.activate
    call = numba.njit(lambda z, sigmoid: activate(z, 0, z.shape[0], sigmoid))

    def activated(z, sigmoid):
        values = z.reshape(1, -1).copy()
        call(values, sigmoid)
        return values[0]

    return activated


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_functions_have_all_digits(dtype, activated):
    with mpmath.workdps(60):
        z = points(dtype, 1e4)
        assert error_in_ulps(activated(z, 0), [mpmath.tanh(mpmath.mpf(float(v))) for v in z]) < 3
        z = points(dtype, 80)
        assert error_in_ulps(activated(z, 1), [1 / (1 + mpmath.exp(-mpmath.mpf(float(v)))) for v in z]) < 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_of_what_is_not_finite(dtype, activated):
    z = np.array([np.inf, -np.inf, np.nan, 0, 1e30, -1e30] * 4, dtype)  # in whole vectors, and in what is left
    np.testing.assert_array_equal(activated(z, 0), np.array([1, -1, np.nan, 0, 1, -1] * 4))
    np.testing.assert_array_equal(activated(z, 1), np.array([1, 0, np.nan, 0.5, 1, 0] * 4))


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 8])
@pytest.mark.parametrize("terms", [4, 64, 132])  # less than a chunk, one, and more
def test_products(rows, terms, numba, rng):
    dots, add_products = compiled_vectors.dots, compiled_vectors.add_products

    @numba.njit
    def products(dotted, added, turned, a, b, c):
        dots(dotted, 1, a, 2, dotted.shape[0] - 1, b)
        add_products(added, 1, a, 2, added.shape[0] - 1, c, 0, c.shape[0])
        add_products(turned, 0, a.T, 0, turned.shape[0], a, 0, a.shape[0] // 4 * 4)

    a, b, c = rng.normal(size=(rows + 2, terms)), rng.normal(size=(8, terms)), rng.normal(size=(terms, 8))
    dotted, added, turned = rng.normal(size=(rows + 1, 8)), rng.normal(size=(rows + 1, 8)), np.zeros((terms, terms))
    first = dotted[0].copy(), added.copy()
    products(dotted, added, turned, a, b, c)
    some = a[: (rows + 2) // 4 * 4]
    np.testing.assert_allclose(dotted[1:], a[2:] @ b.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(added[1:], first[1][1:] + a[2:] @ c, rtol=0, atol=1e-12)
    np.testing.assert_allclose(turned, some.T @ some, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(dotted[0], first[0])
    np.testing.assert_array_equal(added[0], first[1][0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_more_states_than_a_chunk_has(activation, dtype, numba, rng):
    params, x, labels = network(rng, dtype, T=7, B=6, d=20, n=70, m=5)
    params["W"] *= dtype(0.05)
    call = params, x, labels
    options = {"activation": activation, **EACH}
    assert_close(compiled.rnn_gradients(*call, **options), clear.rnn_gradients(*call, **options), dtype)


def test_arrays_as_they_come(numba, rng):
    """Read-only, strided, not aligned, integers: all that ``clear`` takes."""
    params, x, labels = network(rng, np.float64)
    wanted = compiled.rnn_gradients(params, x, labels, **EACH)

    def unaligned(a):
        bytes_ = np.empty(a.nbytes + 1, np.uint8)
        moved = bytes_[1:].view(a.dtype).reshape(a.shape)
        moved[...] = a
        return moved

    def frozen(a):
        a = a.copy()
        a.flags.writeable = False
        return a

    def every_second(a):
        wide = np.empty([2 * s for s in a.shape], a.dtype)[tuple(slice(None, None, 2) for _ in a.shape)]
        wide[...] = a
        return wide

    for arranged in (frozen, every_second, unaligned, np.asfortranarray, lambda a: np.flip(np.flip(a).copy())):
        given = {name: arranged(value) for name, value in params.items()}
        assert_same(compiled.rnn_gradients(given, arranged(x), arranged(labels.astype(np.int32)), **EACH), wanted)


def test_what_lies_beyond_the_ends_is_not_looked_at(numba, rng):
    params, x, labels = network(rng, np.float64)
    lengths = np.array([2, 5, 3])
    wanted = compiled.rnn_gradients(params, x, labels, lengths=lengths, **EACH)
    beyond = np.arange(5)[:, None] >= lengths
    x[beyond], labels[beyond] = np.nan, -1
    assert_same(compiled.rnn_gradients(params, x, labels, lengths=lengths, **EACH), wanted)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class(label, numba, rng):
    params, x, labels = network(rng, np.float64)
    labels[4, 1] = label
    with pytest.raises(ValueError, match="class numbers must be between 0 and 2"):
        compiled.rnn_gradients(params, x, labels, **EACH)


def test_threads_do_not_meet(numba, rng):
    calls = [network(rng, np.float64, T=50, n=20) for _ in range(4)]
    alone = [compiled.rnn_gradients(*call, **EACH) for call in calls]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda k: compiled.rnn_gradients(*calls[k % 4], **EACH), range(400)))
    for k, result in enumerate(together):
        assert_same(result, alone[k % 4])


def test_an_infinite_input_saturates_the_states_and_nothing_else(numba, rng):
    """Zeros that fill up rows and columns do not meet the infinity."""
    params, x, labels = network(rng, np.float64)
    x[0, 1, 0] = np.inf
    with np.errstate(invalid="ignore"):
        wanted = clear.rnn_gradients(params, x, labels, **EACH)
    value, gradients = compiled.rnn_gradients(params, x, labels, **EACH)
    assert_close((value, {"V": gradients["V"]}), (wanted[0], {"V": wanted[1]["V"]}), np.float64)


def test_plans_are_not_kept_without_end(numba, rng, monkeypatch):
    monkeypatch.setattr(compiled, "PLANS", {})
    monkeypatch.setattr(compiled, "MOST_PLANS", 3)
    for T in range(1, 9):
        params, x, labels = network(rng, np.float64, T=T)
        assert_close(
            compiled.rnn_gradients(params, x, labels, **EACH),
            clear.rnn_gradients(params, x, labels, **EACH),
            np.float64,
        )
        assert len(compiled.PLANS) <= 3
