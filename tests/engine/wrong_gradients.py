"""Gradients that are wrong on purpose, for the tests of the checker: data, no tests.

Each is what a person might write: a factor forgotten, an array reused, a case that only one size or dtype meets. None
warns: what is wrong shows in what is returned, or in what happens to the arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.problem import Implementation
from implementations import classification, graphs, regression
from implementations.activations import sigmoid, softmax, tanh_derivative

RIGHT = {
    record.key: record.gradients
    for topic in (graphs, regression, classification)
    for record in vars(topic).values()
    if isinstance(record, Implementation)
}


@dataclass(frozen=True)
class Wrong:
    """One wrong gradient.

    name: what is wrong. key: the formula it claims to implement. make: returns it fresh, without a memory of other
    runs. kinds: kinds of finding, one of which at least must be reported, and beside which none may be.
    """

    name: str
    key: str
    make: Callable[[], Any]
    kinds: frozenset[str]

    def __repr__(self) -> str:
        return f"Wrong({self.name!r}, {self.key!r})"


WRONG: list[Wrong] = []


def wrong(name: str, key: str, *kinds: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """File the decorated factory; a class is its own factory."""

    def file(make: Callable[[], Any]) -> Callable[[], Any]:
        WRONG.append(Wrong(name, key, make, frozenset(kinds)))
        return make

    return file


# Right code, spoiled -------------------------------------------------------------------------------------------------


def right(key: str) -> Callable[..., dict[str, Any]]:
    """The right gradients of a formula as a plain function, also where they are an object with two passes."""
    code = RIGHT[key]
    if not hasattr(code, "forward"):
        return lambda *args: dict(code(*args))

    def gradients(params: Any, data: Any, *upstream: Any) -> dict[str, Any]:
        _, cache = code.forward(params, data)
        return dict(code.backward(*upstream, cache) if upstream else code.backward(params, data, cache))

    return gradients


def patched(name: str, key: str, change: Callable[..., Any], *kinds: str) -> None:
    """File right gradients g that pass through ``change(g, params, data[, upstream])`` before they are returned."""

    def make() -> Callable[..., Any]:
        correct = right(key)
        return lambda *args: change(correct(*args), *args)

    wrong(name, key, *(kinds or ("value",)))(make)


def scaled(name: str, key: str, factor: Any, only: str = "", when: Callable[..., Any] = lambda *args: True) -> None:
    """File right gradients times a factor, of the parameter ``only`` (all if empty), where ``when(params, data)``."""

    def change(g: Any, params: Any, data: Any, *upstream: Any) -> Any:
        if not when(params, data):
            return g
        by = factor(params, data) if callable(factor) else factor
        return {name: grad * by if only in ("", name) else grad for name, grad in g.items()}

    patched(name, key, change)


def replaced(name: str, key: str, parameter: str, value: Callable[..., Any], *kinds: str) -> None:
    """File right gradients but for one parameter's, which is ``value(g, params, data[, upstream])``."""
    patched(name, key, lambda g, *args: {**g, parameter: value(g, *args)}, *kinds)


def entry(array: Any, index: int, change: Callable[[Any], Any]) -> Any:
    """A copy with one entry changed, counted through the flattened array."""
    array = np.array(array)
    array.flat[index] = change(array.flat[index])
    return array


def rows(data: Any) -> int:
    return len(data["X"])


# A factor, a sign ----------------------------------------------------------------------------------------------------

scaled("sign flipped", "logistic-regression", -1)
scaled("twice too large", "softmax-cross-entropy", 2)
scaled("half: the 2 of the square forgotten", "linear-regression", 0.5)
scaled("sum for mean: 1/m missing", "logistic-regression", lambda p, d: rows(d))
scaled("1/m twice", "multiple-linear-regression", lambda p, d: 1 / rows(d))
scaled("sum for mean on the bias only", "logistic-regression", lambda p, d: rows(d), only="b")
scaled("mean for sum on the bias only", "softmax-cross-entropy", lambda p, d: 1 / len(d["y"]), only="b_y")
scaled("y - yp without the minus it brings", "linear-regression-reversed", -1)
scaled("one parameter's sign", "tanh-log-ratio", -1, only="y")

# Wrong only sometimes ------------------------------------------------------------------------------------------------

scaled("doubled when there is one row", "logistic-regression", 2, when=lambda p, d: rows(d) == 1)
scaled("doubled when there is one feature", "multiple-linear-regression", 2, when=lambda p, d: p["w"].size == 1)
scaled("doubled when K is 1", "cross-entropy", 2, when=lambda p, d: p["yhat"].shape[1] == 1)
scaled("halved when m = n", "logistic-regression", 0.5, when=lambda p, d: rows(d) == p["w"].size)
scaled("rows beyond the 32nd counted in m only", "multiple-linear-regression", 0.9, when=lambda p, d: rows(d) > 32)
scaled("off by 1e-3 in float32", "logistic-regression", 1.001, when=lambda p, d: p["w"].dtype == np.float32)
scaled("off by 1e-9 in float64", "linear-regression", 1 + 1e-9, when=lambda p, d: p["w"].dtype == np.float64)
scaled("zero beyond |x| = 30", "sigmoid-chain", 0, when=lambda p, d: abs(p["x"]) > 30)
scaled("zero where the sine is negative", "exp-trigonometric", 0, when=lambda p, d: np.sin(p["x"]) < 0)
scaled("ReLU leaks", "relu-neuron", 0.99, when=lambda p, d: p["b"] < 0)


@wrong("zero where |z| > 30", "one-feature-logistic", "value")
def vanishing() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        z = params["w"] * data["x"] + params["b"]
        dz = (sigmoid(z) - data["y"].astype(z.dtype)) * (np.abs(z) <= 30)
        return {"w": np.mean(dz * data["x"]), "b": np.mean(dz)}

    return gradients


@wrong("NaN where exp overflows", "sigmoid-chain", "non-finite", "value")
def overflowing() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        with np.errstate(all="ignore"):
            b = np.exp(-params["x"])
            return {"x": b / (1 + b) ** 2}

    return gradients


@wrong("NaN where a softmax without its shift overflows", "class-cross-entropy", "non-finite", "value")
def unshifted() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        with np.errstate(all="ignore"):
            e = np.exp(params["y"])
            return {"y": entry(e / np.sum(e), data["c"], lambda p: p - 1)}

    return gradients


@wrong("NaN where the activation rounds to 0 or 1", "logistic-neuron", "non-finite", "value")
def unsimplified() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        a = sigmoid(regression.neuron(params, data))
        with np.errstate(all="ignore"):
            dz = (-data["y"] / a + (1 - data["y"]) / (1 - a)) * (a * (1 - a))
        dz = dz.astype(a.dtype)
        return {"w1": dz * data["x1"], "w2": dz * data["x2"], "b": dz}

    return gradients


replaced("infinite bias", "multiple-linear-regression", "b", lambda g, *_: g["b"] * np.inf, "non-finite")

# Off by little, or in one place --------------------------------------------------------------------------------------

replaced(
    "first entry off by 1e-7", "softmax-cross-entropy", "o", lambda g, *_: entry(g["o"], 0, lambda v: v * (1 + 1e-7))
)
replaced(
    "last entry off by 1e-10",
    "multiple-linear-regression",
    "w",
    lambda g, *_: entry(g["w"], -1, lambda v: v * (1 + 1e-10)),
)
replaced("last entry zero", "logistic-regression", "w", lambda g, *_: entry(g["w"], -1, lambda v: 0))
replaced("regularised", "logistic-regression", "w", lambda g, p, d: g["w"] + 1e-6 * p["w"])
replaced("a constant off", "quartic", "x", lambda g, p, d: g["x"] - 1)
scaled("off by 1e-12", "two-branch-graph", 1 + 1e-12, only="b")
patched(
    "clipped to [-1, 1]",
    "multiple-linear-regression",
    lambda g, *_: {name: np.clip(grad, -1, 1) for name, grad in g.items()},
)

# Another formula -----------------------------------------------------------------------------------------------------

replaced("h_a = a", "product-plus", "a", lambda g, p, d: p["a"] * 1)
replaced("only one of two paths", "two-branch-graph", "a", lambda g, p, d: 30 * p["a"])
replaced(
    "1 - tanh for 1 - tanh^2", "tanh-log-ratio", "z", lambda g, p, d: g["z"] / (1 + graphs.tanh_log_ratio_loss(p, d))
)
replaced("ReLU taken for the identity", "relu-neuron", "b", lambda g, p, d: np.ones_like(p["b"]))
replaced("y left out of -y/yhat", "cross-entropy", "yhat", lambda g, p, d: -1 / p["yhat"])
replaced(
    "only the gradient before the step",
    "gradient-descent-step",
    "eta",
    lambda g, p, d: -np.sum(regression.squared_error_gradient(d["X"], d["y"], d["w"]) ** 2),
)


def from_slope(slope: Callable[[Any], Any]) -> Callable[..., Any]:
    def change(g: Any, params: Any, data: Any) -> Any:
        da_dv = slope(graphs.pre_activation(params, data))
        return {"w": da_dv * data["x"], "b": da_dv * 1}

    return change


patched("sigmoid derivative taken of the pre-activation", "sigmoid-neuron", from_slope(lambda v: v * (1 - v)))
patched("sigmoid derivative missing", "sigmoid-neuron", from_slope(np.ones_like))
patched("sigmoid in place of its derivative", "sigmoid-neuron", from_slope(sigmoid))


def with_rows(name: str, key: str, x: str, change: Callable[[Any], Any]) -> None:
    """File gradients that see other rows x and targets y, and still divide by the true number of rows."""

    def gradients(g: Any, params: Any, data: Any) -> Any:
        kept = {x: change(data[x]), "y": change(data["y"])}
        share = len(kept["y"]) / len(data["y"])
        if not share:
            return {name: np.zeros_like(value) for name, value in params.items()}
        return {name: grad * share for name, grad in right(key)(params, {**data, **kept}).items()}

    patched(name, key, gradients)


with_rows("first row dropped", "linear-regression", "x", lambda rows: rows[1:])
with_rows("last row dropped", "one-feature-logistic", "x", lambda rows: rows[:-1])
with_rows("rows sorted, each column for itself", "linear-regression", "x", np.sort)
patched(
    "labels flipped",
    "logistic-regression",
    lambda g, params, data: right("logistic-regression")(params, {**data, "y": 1 - data["y"]}),
)
patched(
    "class off by one",
    "class-cross-entropy",
    lambda g, params, data: right("class-cross-entropy")(params, {"c": (data["c"] + 1) % len(params["y"])}),
)

# X for its transpose -------------------------------------------------------------------------------------------------


def residual(params: Any, data: Any) -> Any:
    return data["X"] @ params["w"] + params["b"] - data["y"]


def transposed_when_square(g: Any, params: Any, data: Any) -> Any:
    X = data["X"]
    return 2 * (X @ residual(params, data)) / len(X) if X.shape[0] == X.shape[1] else g["w"]


replaced("X for X^T where it fits", "multiple-linear-regression", "w", transposed_when_square)


def layer(backward: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """Gradients of the layer tanh(A x + d) from ``backward(A, slope, upstream)``."""

    def change(g: Any, params: Any, data: Any, upstream: Any) -> Any:
        return {"x": backward(data["A"], tanh_derivative(data["A"] @ params["x"] + data["d"]), upstream)}

    return change


patched(
    "A for A^T, right shape only when square",
    "vector-chain-rule",
    layer(lambda A, slope, u: A @ (slope * u)),
    "value",
    "exception",
)
patched(
    "A for A^T when square, right when A is symmetric",
    "vector-chain-rule",
    layer(lambda A, slope, u: (A if len(A) == len(A.T) else A.T) @ (slope * u)),
)
patched("reshape for transpose", "vector-chain-rule", layer(lambda A, slope, u: A.reshape(A.T.shape) @ (slope * u)))
patched(
    "X read in the order it lies in memory",
    "multiple-linear-regression",
    lambda g, params, data: right("multiple-linear-regression")(
        params, {**data, "X": data["X"].ravel(order="K").reshape(data["X"].shape)}
    ),
)

# Layers: the upstream gradient ---------------------------------------------------------------------------------------


def upstream_is(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return layer(lambda A, slope, u: A.T @ (slope * change(u)))


patched("upstream averaged", "vector-chain-rule", upstream_is(lambda u: np.full_like(u, np.mean(u))))
patched("upstream clipped", "vector-chain-rule", upstream_is(lambda u: np.clip(u, -1, 1)), "nonlinear", "value")
patched("upstream squared", "vector-chain-rule", upstream_is(lambda u: u * u), "nonlinear", "value")
patched("upstream reversed", "vector-chain-rule", upstream_is(lambda u: u[::-1]))
replaced("adds a constant", "softmax-jacobian", "o", lambda g, *_: g["o"] + 1e-5, "nonlinear", "value")
replaced(
    "adds a constant in a corner",
    "vector-chain-rule",
    "x",
    lambda g, *_: entry(g["x"], -1, lambda v: v + 1),
    "nonlinear",
    "value",
)


def softmax_layer(backward: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda g, params, data, u: {"o": backward(softmax(params["o"]), u)}


patched("softmax without the term i = j", "softmax-jacobian", softmax_layer(lambda p, u: -p * np.sum(u * p)))
patched("softmax with the term i = j alone", "softmax-jacobian", softmax_layer(lambda p, u: p * (1 - p) * u))
patched("upstream ignored", "softmax-jacobian", softmax_layer(lambda p, u: p * (1 - p)), "nonlinear", "value")

# Precision -----------------------------------------------------------------------------------------------------------


def computed_in(dtype: Any) -> Callable[..., Any]:
    """The whole computation in a lower precision, the result in the parameters' own."""

    def cast(value: Any) -> Any:
        return value.astype(dtype) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    def change(key: str) -> Callable[..., Any]:
        def gradients(g: Any, params: Any, data: Any, *upstream: Any) -> Any:
            low = ({name: cast(value) for name, value in part.items()} for part in (params, data))
            with np.errstate(all="ignore"):
                found = right(key)(*low, *map(cast, upstream))
                return {name: grad.astype(params[name].dtype) for name, grad in found.items()}

        return gradients

    return change


patched("float32 inside", "logistic-regression", computed_in(np.float32)("logistic-regression"))
patched(
    "float16 inside",
    "vector-chain-rule",
    computed_in(np.float16)("vector-chain-rule"),
    "value",
    "non-finite",
    "nonlinear",
)

# Form ----------------------------------------------------------------------------------------------------------------

patched("b missing", "logistic-regression", lambda g, *_: {"w": g["w"]}, "missing")
replaced("b is None", "linear-regression", "b", lambda *_: None, "missing")
replaced("a gradient of X too", "logistic-regression", "X", lambda g, p, d: np.zeros_like(d["X"]), "unexpected")
replaced("a list", "multiple-linear-regression", "w", lambda g, *_: g["w"].tolist(), "dtype")
replaced("integers", "softmax-cross-entropy", "b_y", lambda g, *_: np.rint(g["b_y"]).astype(int), "dtype")
replaced("float64 for float32", "logistic-neuron", "w1", lambda g, *_: np.float64(g["w1"]), "dtype")
replaced("a column", "multiple-linear-regression", "w", lambda g, *_: g["w"][:, None], "shape")
replaced("a row too many", "softmax-cross-entropy", "b_y", lambda g, *_: g["b_y"][None], "shape")
replaced("shape (1,) for a scalar", "linear-regression", "b", lambda g, *_: np.array([g["b"]]), "shape")
patched("a tuple for a mapping", "linear-regression", lambda g, *_: (g["w"], g["b"]), "missing")


@wrong("raises", "cross-entropy", "exception")
def raising() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        raise ValueError("operands could not be broadcast together")

    return gradients


@wrong("raises when m < n", "logistic-regression", "exception")
def choosy() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        if rows(data) < params["w"].size:
            raise ValueError("fewer rows than features")
        return right("logistic-regression")(params, data)

    return gradients


# Writing where it must not -------------------------------------------------------------------------------------------


def in_place(name: str, key: str, write: Callable[..., Any]) -> None:
    """File right gradients of code that writes into an argument on its way."""

    def change(g: Any, *args: Any) -> Any:
        write(*args)
        return g

    patched(name, key, change, "mutates-input")


def shrink(array: Any) -> None:
    array *= 0.5


in_place("updates the parameters", "multiple-linear-regression", lambda p, d: shrink(p["w"]))
in_place("updates a 0-d parameter", "linear-regression", lambda p, d: shrink(p["b"]))
in_place("scales the data", "linear-regression", lambda p, d: shrink(d["x"]))
in_place(
    "turns the probabilities into the gradient", "cross-entropy", lambda p, d: np.divide(1, p["yhat"], out=p["yhat"])
)
in_place("scales the upstream", "softmax-jacobian", lambda p, d, u: shrink(u))
in_place("sorts the data", "one-feature-logistic", lambda p, d: d["x"].sort())

# Memory that is shared -----------------------------------------------------------------------------------------------

replaced("h_a is b itself", "product-plus", "a", lambda g, p, d: p["b"], "aliases")
replaced(
    "dw is x itself where the neuron fires", "relu-neuron", "w", lambda g, p, d: d["x"] if g["b"] else g["w"], "aliases"
)


@wrong("one array under two names", "sum", "aliases")
def twins() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        one = np.ones_like(params["x"])
        return {"x": one, "y": one}

    return gradients


@wrong("one gradient is a view of another when T is 1", "softmax-cross-entropy", "aliases")
def view() -> Any:
    def gradients(params: Any, data: Any) -> Any:
        g = right("softmax-cross-entropy")(params, data)
        return {**g, "b_y": g["o"][0]} if len(g["o"]) == 1 else g

    return gradients


@wrong("one buffer for all calls", "logistic-regression", "aliases", "stale", "nondeterministic")
class Buffered:
    def __init__(self) -> None:
        self.buffers: dict[Any, Any] = {}

    def __call__(self, params: Any, data: Any) -> Any:
        g = right("logistic-regression")(params, data)
        buffer = self.buffers.setdefault((g["w"].shape, g["w"].dtype), np.empty_like(g["w"]))
        buffer[...] = g["w"]
        return {**g, "w": buffer}


# Memory of earlier calls ---------------------------------------------------------------------------------------------


class Memoised:
    """Right gradients, computed once for each value of ``signature(params, data)``."""

    def __init__(self, key: str, signature: Callable[..., Any]) -> None:
        self.correct, self.signature = right(key), signature
        self.known: dict[Any, Any] = {}

    def __call__(self, params: Any, data: Any, *upstream: Any) -> Any:
        signature = self.signature(params, data)
        if signature not in self.known:
            # The arguments are kept, or another array could get the id of one that is gone.
            self.known[signature] = self.correct(params, data, *upstream), params, data
        return {name: np.array(grad) for name, grad in self.known[signature][0].items()}


@wrong("the first call's result, once for each size", "linear-regression", "stale", "value")
def memoised_by_shape() -> Any:
    return Memoised("linear-regression", lambda p, d: (d["x"].shape, d["x"].dtype))


@wrong("the result of the same array objects", "logistic-regression", "stale")
def memoised_by_id() -> Any:
    return Memoised("logistic-regression", lambda p, d: (id(p["w"]), id(p["b"]), id(d["X"]), id(d["y"])))


@wrong("the result of the same parameters, whatever the data", "multiple-linear-regression", "stale", "value")
def memoised_by_parameters() -> Any:
    return Memoised("multiple-linear-regression", lambda p, d: (id(p["w"]), id(p["b"]), d["X"].shape))


@wrong("the upstream of the first call", "vector-chain-rule", "stale", "value", "nonlinear")
def memoised_upstream() -> Any:
    return Memoised("vector-chain-rule", lambda p, d: (p["x"].tobytes(), d["A"].tobytes(), d["d"].tobytes()))


@wrong("noise of 1e-9", "one-feature-logistic", "nondeterministic", "stale", "value")
def noisy() -> Any:
    rng = np.random.default_rng(0)

    def gradients(params: Any, data: Any) -> Any:
        g = right("one-feature-logistic")(params, data)
        return {name: grad * grad.dtype.type(1 + 1e-9 * rng.standard_normal()) for name, grad in g.items()}

    return gradients


@wrong("accumulates over calls, as torch's .grad does", "linear-regression", "nondeterministic", "value", "stale")
class Accumulating:
    def __init__(self) -> None:
        self.sums: dict[Any, Any] = {}

    def __call__(self, params: Any, data: Any) -> Any:
        for name, grad in right("linear-regression")(params, data).items():
            self.sums[name, grad.dtype] = self.sums.get((name, grad.dtype), 0) + grad
        return {name: self.sums[name, value.dtype] for name, value in params.items()}


# Forward and backward passes -----------------------------------------------------------------------------------------


@wrong("the latest forward pass instead of the cache", "softmax-cross-entropy", "stale", "value")
class Forgetful(classification.SoftmaxCrossEntropy):
    latest: Any = None

    def forward(self, params: Any, data: Any) -> Any:
        loss, self.latest = super().forward(params, data)
        return loss, None

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        return super().backward(params, data, self.latest)


@wrong("the cache of a layer kept on the layer", "vector-chain-rule", "stale", "value")
class ForgetfulLayer(classification.VectorChainRule):
    latest: Any = None

    def forward(self, params: Any, data: Any) -> Any:
        output, self.latest = super().forward(params, data)
        return output, None

    def backward(self, upstream: Any, cache: Any) -> Any:
        return super().backward(upstream, self.latest)


@wrong("the cached rows in reverse", "logistic-regression", "value")
class Reversed(regression.LogisticRegression):
    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        a, y = cache
        return super().backward(params, data, (a[::-1], y))


@wrong("a second backward pass adds to the first", "logistic-regression", "nondeterministic")
class AddingUp(regression.LogisticRegression):
    def forward(self, params: Any, data: Any) -> Any:
        loss, cache = super().forward(params, data)
        return loss, (cache, {})

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        first, sums = cache
        for name, grad in super().backward(params, data, first).items():
            sums[name] = sums.get(name, 0) + grad
        return dict(sums)


@wrong("the backward pass works in the cache's memory", "softmax-cross-entropy", "nondeterministic", "aliases")
class InCache(classification.SoftmaxCrossEntropy):
    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        yhat, y = cache
        yhat -= y
        return {"o": yhat.copy(), "b_y": np.sum(yhat, axis=0)}


@wrong("the loss summed, its gradient averaged", "logistic-regression", "loss")
class Summed(regression.LogisticRegression):
    def forward(self, params: Any, data: Any) -> Any:
        loss, cache = super().forward(params, data)
        return loss * rows(data), cache


@wrong("the loss off by 1e-6", "multiple-linear-regression", "loss")
class Offset(regression.MultipleLinearRegression):
    def forward(self, params: Any, data: Any) -> Any:
        loss, cache = super().forward(params, data)
        return loss + 1e-6, cache


@wrong("the output of another activation", "vector-chain-rule", "loss")
class OtherOutput(classification.VectorChainRule):
    def forward(self, params: Any, data: Any) -> Any:
        output, cache = super().forward(params, data)
        return np.sin(output), cache


@wrong("no loss", "softmax-cross-entropy", "loss", "exception")
class Lossless(classification.SoftmaxCrossEntropy):
    def forward(self, params: Any, data: Any) -> Any:
        return None, super().forward(params, data)[1]


@wrong("forward returns no cache", "multiple-linear-regression", "exception")
class Cacheless(regression.MultipleLinearRegression):
    def forward(self, params: Any, data: Any) -> Any:
        return super().forward(params, data)[0]


@wrong("forward centres the data in place", "logistic-regression", "mutates-input")
class Centring(regression.LogisticRegression):
    def forward(self, params: Any, data: Any) -> Any:
        result = super().forward(params, data)
        shrink(data["X"])
        return result


@wrong("backward scales the upstream in place", "vector-chain-rule", "mutates-input")
class ScalingUpstream(classification.VectorChainRule):
    def backward(self, upstream: Any, cache: Any) -> Any:
        g = super().backward(upstream, cache)
        shrink(upstream)
        return g
