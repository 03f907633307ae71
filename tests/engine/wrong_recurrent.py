"""Backpropagation through time, wrong on purpose, for the tests of the checker: data, no tests.

Each is what a person might write, in code that is right but for one piece. Letters as in ``implementations.recurrent``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.problem import Implementation
from implementations import recurrent
from implementations.activations import softmax
from implementations.errata.pieces import Pieces, with_network
from implementations.recurrent import Network, WithLoss, at_last_step
from tests.engine.wrong_gradients import Wrong

RIGHT = {record.key: record.gradients for record in vars(recurrent).values() if isinstance(record, Implementation)}
WRONG: list[Wrong] = []


def wrong(name: str, key: str, *kinds: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """File the decorated factory; a class is its own factory."""

    def file(make: Callable[[], Any]) -> Callable[[], Any]:
        WRONG.append(Wrong(name, key, make, frozenset(kinds or ("value",))))
        return make

    return file


# Right code, taken apart ---------------------------------------------------------------------------------------------


def in_pieces(key: str, kind: type[Pieces] = Pieces) -> Any:
    """The right gradients of a formula, but for the pieces that ``kind`` replaces."""
    return with_network(RIGHT[key], lambda network: kind(network.phi, network.slope_at))


def spoiled(name: str, key: str, *kinds: str, **pieces: Callable[..., Any]) -> None:
    """File gradients with some pieces replaced, each by a function of the piece's own arguments."""
    methods = {piece: lambda self, *args, f=f: f(*args) for piece, f in pieces.items()}
    wrong(name, key, *kinds)(lambda: in_pieces(key, type("Spoiled", (Pieces,), methods)))


def patched(name: str, key: str, change: Callable[[Any, Any], Any], *kinds: str) -> None:
    """File right gradients g that pass through ``change(g, cache)`` before they are returned."""
    spoiled(name, key, *kinds, finished=lambda g, nabla_y, cache: change(g, cache))


# The carry to the step before ----------------------------------------------------------------------------------------

for network in "rnn-tanh", "rnn-sigmoid", "rnn-relu", "rnn-tanh-states", "sine-rnn", "sentiment-rnn":
    spoiled("W for its transpose", network, carried=lambda delta, nabla_h, t, cache, u: cache.params["W"] @ delta)
spoiled("no carry", "rnn-tanh", carried=lambda delta, *rest: np.zeros_like(delta))
spoiled("no carry", "weather-rnn-minibatch", carried=lambda delta, *rest: np.zeros_like(delta))
spoiled(
    "the carry ends after one step",
    "character-rnn",
    carried=lambda delta, nabla_h, t, cache, u: (
        cache.params["W"].T @ (cache.slope[t - 1] * (cache.params["V"].T @ u[t - 1]))
    ),
)
spoiled("the carry without phi'", "rnn-tanh", carried=lambda delta, nabla_h, t, cache, u: cache.params["W"].T @ nabla_h)
spoiled(
    "phi' of step t for t + 1",
    "rnn-tanh",
    carried=lambda delta, nabla_h, t, cache, u: cache.params["W"].T @ (cache.slope[max(t - 2, 0)] * nabla_h),
)
spoiled("half the carry", "rnn-relu", carried=lambda delta, nabla_h, t, cache, u: cache.params["W"].T @ delta / 2)
spoiled(
    "the carry cut after 20 steps",
    "rnn-relu",
    carried=lambda delta, nabla_h, t, cache, u: cache.params["W"].T @ delta * (len(cache.x) - t < 20),
)
spoiled(
    "the carry clipped",
    "rnn-tanh",
    "value",
    "nonlinear",
    carried=lambda delta, nabla_h, t, cache, u: np.clip(cache.params["W"].T @ delta, -1, 1),
)
spoiled(
    "a carry of float32",
    "rnn-tanh",
    carried=lambda delta, nabla_h, t, cache, u: (cache.params["W"].T @ delta).astype(np.float32).astype(cache.h.dtype),
)

# The activation's derivative -----------------------------------------------------------------------------------------


def pre_activation(t: int, cache: Any) -> Any:
    params = cache.params
    return params["W"] @ cache.h[t - 1] + params["U"] @ cache.x[t - 1] + params.get("b", 0)


def sigmoid_slope(s: Any) -> Any:
    return s * (1 - s)


spoiled("phi' missing", "rnn-tanh", slope=lambda t, cache: 1)
spoiled("phi' missing", "rnn-relu", slope=lambda t, cache: 1)
spoiled("phi' missing in the sums only", "rnn-sigmoid", summed=lambda delta, nabla_h: nabla_h)
spoiled("phi' of the pre-activation", "rnn-tanh", slope=lambda t, cache: 1 - pre_activation(t, cache) ** 2)
spoiled("phi' of the pre-activation", "sine-rnn", slope=lambda t, cache: sigmoid_slope(pre_activation(t, cache)))
spoiled("phi' as if h were the pre-activation", "rnn-tanh", slope=lambda t, cache: 1 - np.tanh(cache.h[t]) ** 2)
spoiled("phi' of the last step at every step", "rnn-sigmoid", slope=lambda t, cache: cache.slope[-1])
spoiled("the sigmoid's phi'", "character-rnn", slope=lambda t, cache: sigmoid_slope(cache.h[t]))
spoiled("tanh's phi'", "rnn-sigmoid", slope=lambda t, cache: 1 - cache.h[t] ** 2)
spoiled("1 - h for 1 - h^2", "rnn-tanh-last-squared", slope=lambda t, cache: 1 - cache.h[t])
spoiled("phi' kept above 1e-3", "rnn-tanh", slope=lambda t, cache: np.maximum(cache.slope[t - 1], 1e-3))
spoiled("ReLU leaks", "rnn-relu", slope=lambda t, cache: np.maximum(cache.slope[t - 1], 0.01))

# The sums over the steps ---------------------------------------------------------------------------------------------

for parameter in "WUbVc":
    spoiled(
        f"= for += in d{parameter}",
        "rnn-tanh",
        add=lambda name, total, term, t, T, only=parameter: term if name == only else total + term,
    )
    spoiled(
        f"+= for = in d{parameter}: a step counted twice",
        "character-rnn",
        add=lambda name, total, term, t, T, only=parameter: total + term * (2 if name == only and t == T else 1),
    )
spoiled("first step dropped", "rnn-tanh", add=lambda name, total, term, t, T: total + term * (t > 1))
spoiled("last step dropped", "rnn-tanh", add=lambda name, total, term, t, T: total + term * (t < T))
spoiled("last step dropped", "sine-rnn", add=lambda name, total, term, t, T: total + term * (t < T or name == "V"))
spoiled(
    "bias missing the first step",
    "sentiment-rnn",
    add=lambda name, total, term, t, T: total + term * (t > 1 or name != "b"),
)
spoiled(
    "h0's part of dW left out", "rnn-tanh", add=lambda name, total, term, t, T: total + term * (t > 1 or name != "W")
)
spoiled("mean for sum over the steps", "rnn-tanh-each-squared", add=lambda name, total, term, t, T: total + term / T)
spoiled("wrong for T = 1 only", "rnn-sigmoid", add=lambda name, total, term, t, T: total + term * (T > 1))
spoiled("wrong from T = 30 on only", "rnn-tanh", add=lambda name, total, term, t, T: total + term * (t < 30))

# The states and inputs in the sums -----------------------------------------------------------------------------------

spoiled("h[t] for h[t-1] in dW", "rnn-tanh", before=lambda t, cache: cache.h[t])
spoiled("h[t] for h[t-1] in dW", "sine-rnn", before=lambda t, cache: cache.h[t])
spoiled("h[-1] for h[0] in dW", "rnn-tanh", before=lambda t, cache: cache.h[t - 1 if t > 1 else -1])
spoiled("h[t-1] for h[t] in dV", "rnn-tanh-last-squared", state=lambda t, cache: cache.h[t - 1])
spoiled("x[t-1] for x[t] in dU", "rnn-tanh", input=lambda t, cache: cache.x[t - 2])
spoiled("x[T] at every step in dU", "weather-rnn-minibatch", input=lambda t, cache: cache.x[-1])
spoiled("wrong where h0 is not zero", "rnn-sigmoid", before=lambda t, cache: cache.h[t - 1] * (t > 1))

# The outputs ---------------------------------------------------------------------------------------------------------

spoiled(
    "V for its transpose", "rnn-tanh", "exception", "value", reached=lambda u, t, cache: cache.params["V"] @ u[t - 1]
)
spoiled("the first output only", "rnn-tanh", reached=lambda u, t, cache: cache.params["V"][0] * u[t - 1, 0])
spoiled("the next step's output", "rnn-tanh", reached=lambda u, t, cache: cache.params["V"].T @ u[min(t, len(u) - 1)])
for network in "rnn-tanh-last-squared", "sine-rnn":
    spoiled("the last step's error at every step", network, reached=lambda u, t, cache: cache.params["V"].T @ u[-1])
patched("dV transposed", "rnn-tanh", lambda g, cache: {**g, "V": g["V"].T.copy()}, "shape", "value")
spoiled(
    "dV from the last step's error and all states",
    "sine-rnn",
    finished=lambda g, u, cache: {**g, "V": np.outer(u[-1], np.sum(cache.h[1:], axis=0))},
)
spoiled("dc from the last step only", "character-rnn", finished=lambda g, u, cache: {**g, "c": u[-1].copy()})

# The first state -----------------------------------------------------------------------------------------------------

patched("no gradient of h0", "rnn-tanh", lambda g, cache: {n: d for n, d in g.items() if n != "h0"}, "missing")
patched("zero gradient of h0", "rnn-sigmoid", lambda g, cache: {**g, "h0": np.zeros_like(g["h0"])})


@wrong("nabla h[1] for nabla h[0]", "rnn-tanh")
def one_step_short() -> Any:
    class Short(Pieces):
        def carried(self, delta: Any, nabla_h: Any, t: int, cache: Any, nabla_y: Any) -> Any:
            return nabla_h if t == 1 else super().carried(delta, nabla_h, t, cache, nabla_y)

    return in_pieces("rnn-tanh", Short)


# Every nabla h -------------------------------------------------------------------------------------------------------

patched("the steps' nabla h in reverse", "rnn-tanh-states", lambda g, cache: {"eps": g["eps"][::-1].copy()})
patched("delta for nabla h", "rnn-tanh-states", lambda g, cache: {"eps": g["eps"] * cache.slope})
patched("nabla h of the next step", "rnn-tanh-states", lambda g, cache: {"eps": np.roll(g["eps"], -1, axis=0)})

# The loss ------------------------------------------------------------------------------------------------------------


def derivative(name: str, key: str, change: Callable[[Any, Any, Any], Any], *kinds: str) -> None:
    """File gradients whose loss has the derivative ``change(nabla_y, yhat, data)`` by the outputs."""

    def make() -> Any:
        code = RIGHT[key]

        def loss(yhat: Any, data: Any) -> Any:
            value, nabla_y = code.loss(yhat, data)
            return value, change(nabla_y, yhat, data)

        return replace(code, loss=loss)

    wrong(name, key, *kinds)(make)


derivative("the 2 of the square missing", "rnn-tanh-each-squared", lambda u, yhat, data: u / 2)
derivative("a 2 where there is a half", "rnn-tanh-each-half-squared", lambda u, yhat, data: 2 * u)
derivative("y - yhat", "rnn-tanh-last-squared", lambda u, yhat, data: -u)
derivative(
    "the first step's loss left out", "character-rnn", lambda u, yhat, data: u * (np.arange(len(u)) > 0)[:, None]
)
derivative("yhat for yhat - y", "character-rnn-without-bias", lambda u, yhat, data: softmax(yhat))
derivative("mean over the classes", "character-rnn", lambda u, yhat, data: u / u.shape[1])
derivative("the classes mixed up", "sentiment-rnn", lambda u, yhat, data: np.roll(u, 1, axis=1))


@wrong("the loss of the first output", "rnn-tanh-last-squared", "value", "loss")
def first_step() -> Any:
    def at_first(yhat: Any, data: Any) -> Any:
        value, nabla_y = at_last_step(recurrent.squared_error)(yhat[::-1], data)
        return value, nabla_y[::-1].copy()

    return WithLoss(recurrent.TANH, at_first)


# The forward pass ----------------------------------------------------------------------------------------------------


@wrong("the sequence backwards", "rnn-tanh", "value", "loss")
class Backwards(Pieces):
    def __init__(self) -> None:
        super().__init__(recurrent.TANH.phi, recurrent.TANH.slope_at)

    def forward(self, params: Any, data: Any) -> Any:
        return super().forward(params, {**data, "x": data["x"][::-1]})


@wrong("outputs one step late", "rnn-sigmoid", "value", "loss")
class Late(Pieces):
    def __init__(self) -> None:
        super().__init__(recurrent.SIGMOID.phi, recurrent.SIGMOID.slope_at)

    def forward(self, params: Any, data: Any) -> Any:
        _, cache = super().forward(params, data)
        return cache.h[:-1] @ params["V"].T + params["c"], cache


@wrong("the inputs scaled in place", "rnn-relu", "mutates-input")
class Scaling(Pieces):
    def __init__(self) -> None:
        super().__init__(recurrent.RELU.phi, recurrent.RELU.slope_at)

    def forward(self, params: Any, data: Any) -> Any:
        x = data["x"]
        x /= 1 + np.max(np.abs(x))
        return super().forward(params, {**data, "x": x})


# The cache -----------------------------------------------------------------------------------------------------------


@wrong("the cache of the latest forward pass", "rnn-tanh", "stale")
class Latest(Network):
    def __init__(self) -> None:
        super().__init__(recurrent.TANH.phi, recurrent.TANH.slope_at)

    def forward(self, params: Any, data: Any) -> Any:
        y, cache = super().forward(params, data)
        object.__setattr__(self, "cache", cache)
        return y, cache

    def backward(self, nabla_y: Any, cache: Any) -> Any:
        return super().backward(nabla_y, self.cache)


@wrong("the first forward pass remembered", "character-rnn", "stale", "value")
def remembered() -> Any:
    seen: dict[Any, Any] = {}

    class First(Network):
        def forward(self, params: Any, data: Any) -> Any:
            y, cache = super().forward(params, data)
            kind = (y.shape, params["U"].shape, y.dtype)
            return y, seen.setdefault(kind, cache)

    return with_network(RIGHT["character-rnn"], lambda network: First(network.phi, network.slope_at))


@wrong("gradients never reset between calls", "rnn-tanh-last-squared", "value", "nondeterministic", "stale")
def accumulating() -> Any:
    right, sums = RIGHT["rnn-tanh-last-squared"], {}

    class Accumulating(WithLoss):
        def backward(self, params: Any, data: Any, cache: Any) -> Any:
            for name, gradient in super().backward(params, data, cache).items():
                total = sums.get((name, gradient.shape, gradient.dtype), 0) + gradient
                sums[name, gradient.shape, gradient.dtype] = total
            return {n: sums[n, theta.shape, theta.dtype].copy() for n, theta in params.items()}

    return Accumulating(right.network, right.loss)


@wrong("the backward pass adds up in the cache", "rnn-sigmoid", "nondeterministic")
class SumsInCache(Network):
    def __init__(self) -> None:
        super().__init__(recurrent.SIGMOID.phi, recurrent.SIGMOID.slope_at)

    def forward(self, params: Any, data: Any) -> Any:
        y, cache = super().forward(params, data)
        return y, (cache, {name: np.zeros_like(theta) for name, theta in params.items()})

    def backward(self, nabla_y: Any, cache: Any) -> Any:
        cache, sums = cache
        for name, gradient in super().backward(nabla_y, cache).items():
            sums[name] += gradient
        return {name: gradient.copy() for name, gradient in sums.items()}


@wrong("delta written over the cached phi'", "rnn-tanh", "nondeterministic")
class InCache(Network):
    def __init__(self) -> None:
        super().__init__(recurrent.TANH.phi, recurrent.TANH.slope_at)

    def backward(self, nabla_y: Any, cache: Any) -> Any:
        gradients = super().backward(nabla_y, cache)
        cache.slope[...] *= nabla_y @ cache.params["V"]
        return gradients


@wrong("the cached states turned around in place", "sentiment-rnn", "nondeterministic")
class Reversed(WithLoss):
    def __init__(self) -> None:
        super().__init__(recurrent.TANH, RIGHT["sentiment-rnn"].loss)

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        gradients = super().backward(params, data, cache)
        cache[1].h[...] = cache[1].h[::-1].copy()
        return gradients


@wrong("gradients in buffers of its own", "rnn-tanh-each-squared", "aliases", "nondeterministic", "stale")
def reused() -> Any:
    buffers: dict[Any, Any] = {}

    class Reused(Pieces):
        def finished(self, gradients: Any, nabla_y: Any, cache: Any) -> Any:
            for name, gradient in gradients.items():
                buffers.setdefault((name, gradient.shape, gradient.dtype), np.empty_like(gradient))[...] = gradient
            return {name: buffers[name, g.shape, g.dtype] for name, g in gradients.items()}

    return in_pieces("rnn-tanh-each-squared", Reused)


# The minibatch -------------------------------------------------------------------------------------------------------


def batched(name: str, *kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """File a minibatch whose backward pass is the decorated function of (each window's gradients)."""

    def file(backward: Callable[..., Any]) -> Callable[..., Any]:
        class Batch(recurrent.Minibatch):
            def backward(self, params: Any, data: Any, cache: Any) -> Any:
                return backward([self.one.backward(params, data, of_one) for of_one in cache])

        wrong(name, "weather-rnn-minibatch", *kinds)(lambda: Batch(RIGHT["weather-rnn-minibatch"].one))
        return backward

    return file


@batched("mean for sum over the batch")
def mean_of(each: Any) -> Any:
    return {name: (sum(g[name] for g in each) / len(each)).astype(each[0][name].dtype) for name in each[0]}


@batched("the first window only")
def first_of(each: Any) -> Any:
    return each[0]


@batched("= for +=: the last window only")
def last_of(each: Any) -> Any:
    return each[-1]


@wrong("the state carried on from window to window", "weather-rnn-minibatch", "value", "loss")
class NotReset(recurrent.Minibatch):
    def __init__(self) -> None:
        super().__init__(RIGHT["weather-rnn-minibatch"].one)

    def forward(self, params: Any, data: Any) -> Any:
        total, caches, h0 = 0, [], np.zeros_like(params["b"])
        for x, y in zip(data["x"], data["y"], strict=True):
            loss, cache = self.one.forward({**params, "h0": h0}, {"x": x, "y": y})
            total, h0 = total + loss, cache[1].h[-1]
            caches.append(cache)
        return total, caches

    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        gradients = super().backward(params, data, cache)
        return {name: gradients[name] for name in params}


# Truncated backpropagation -------------------------------------------------------------------------------------------


def window(name: str, tau: Callable[[int, int], int]) -> None:
    """File truncated backpropagation that goes back ``tau(tau, T)`` steps."""

    class Window(recurrent.SineRNN):
        def forward(self, params: Any, data: Any) -> Any:
            return super().forward(params, {**data, "tau": tau(data["tau"], len(data["x"]))})

    wrong(name, "sine-rnn-truncated")(Window)


window("one step too far", lambda tau, T: tau + 1)
window("one step too short", lambda tau, T: max(tau - 1, 1))
window("not truncated", lambda tau, T: T)
window("the last step only", lambda tau, T: 1)
window("wrong where tau = T only", lambda tau, T: tau - 1 if tau == T > 1 else tau)


@wrong("dU's columns counted from the window's start", "sine-rnn-truncated")
class Shifted(recurrent.SineRNN):
    def backward(self, params: Any, data: Any, cache: Any) -> Any:
        gradients, tau = super().backward(params, data, cache), int(data["tau"])
        return {**gradients, "U": np.roll(gradients["U"], tau - len(data["x"]), axis=1)}


@wrong("started from zero, not from h[T - tau]", "sine-rnn-truncated", "value", "loss")
class Forgetful(recurrent.SineRNN):
    def forward(self, params: Any, data: Any) -> Any:
        tau = data["tau"]
        last_steps = np.diag(data["x"])[-tau:]
        return self.one.forward(params, {"x": last_steps, "y": data["y"]})


# Real-time recurrent learning ----------------------------------------------------------------------------------------


def learning(name: str, change: Callable[..., Any]) -> None:
    """File real-time recurrent learning whose next dh is ``change(W, x, h, dh, after, slope)``."""

    class Learning(recurrent.RealTimeRecurrentLearning):
        def step(self, params: Any, x: Any, h: Any, dh: Any) -> Any:
            after, _ = super().step(params, x, h, dh)
            return after, change(params["W"], x, h, dh, after, 1 - after**2)

    wrong(name, "character-rnn-rtrl")(Learning)


def derivatives(W: Any, x: Any, h: Any, dh: Any, after: Any, slope: Any) -> Any:
    """The right ones."""
    one = np.eye(len(h), dtype=h.dtype)
    direct = {"W": np.multiply.outer(one, h), "U": np.multiply.outer(one, x), "b": one}
    return {n: np.einsum("i,i...->i...", slope, direct[n] + np.tensordot(W, dh[n], axes=1)) for n in dh}


learning("only the direct terms", lambda W, *rest: derivatives(0 * W, *rest))
learning("W for its transpose", lambda W, *rest: derivatives(W.T, *rest))
learning("phi' missing", lambda W, x, h, dh, after, slope: derivatives(W, x, h, dh, after, np.ones_like(slope)))
learning("phi' of the last state", lambda W, x, h, dh, after, slope: derivatives(W, x, h, dh, after, 1 - h**2))
learning(
    "the new state in W's direct term", lambda W, x, h, dh, after, slope: derivatives(W, x, after, dh, after, slope)
)
