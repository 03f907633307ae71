"""Recurrent networks: backpropagation through time for any number of steps, truncated, in batches, and forward (RTRL).

The network and its gradient are written in ``elman``; here are the documents' cases of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sympy import Rational

from derivations import draws, elman
from derivations.elman import GENERAL, RELU, SIGMOID, TANH, network, squared
from derivations.sources import A, B, C
from gradproof.catalogue import Formula
from gradproof.symbolic import (
    Checked,
    delta,
    derivation,
    equal,
    index,
    relu_derivative,
    sigmoid_derivative,
    sizes,
    total,
)
from gradproof.symbolic.prove import Derivation, Steps
from gradproof.symbolic.recurrence import ARGUED

Array = np.ndarray
Drawn = tuple[dict[str, Any], dict[str, Any]]
Sizes = Mapping[str, int]

UNITS = {"n": (1, 5), "d": (1, 4), "m": (1, 3), "T": (1, 8)}
LONG = {"n": 2, "d": 3, "m": 1, "T": 30}
VERY_LONG = {"n": 2, "d": 1, "m": 1, "T": 200}

GENERAL_LOSS = (
    " For a general loss <upstream, y> stands in: upstream is the gradient of the loss by the outputs, frozen; by the"
    " chain rule both have the same gradient."
)


def by_lagrangian(argued: str = "") -> Callable[[Callable[[], Steps]], Derivation]:
    return derivation(argued=ARGUED + argued)


def whole(net: elman.Network) -> Steps:
    """The network's theorem, and its program."""
    yield from net.theorem.steps()
    return net.system()


# ---- how networks are drawn ---------------------------------------------------------------------------------------


def _weights(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Such that a sum over the columns is of order 1: most units are neither linear nor saturated."""
    return draws.normal(rng, rows, columns) / np.sqrt(columns)


def draw_parameters(sizes: Sizes, rng: np.random.Generator, *, bias: bool = True) -> dict[str, Array]:
    n, d, m = sizes["n"], sizes["d"], sizes["m"]
    params = {"W": _weights(rng, n, n), "U": _weights(rng, n, d), "V": _weights(rng, m, n)}
    return {**params, **({"b": draws.normal(rng, n), "c": draws.normal(rng, m)} if bias else {})}


def _draw_layer(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    params = {**draw_parameters(sizes, rng), "h0": draws.normal(rng, sizes["n"])}
    return params, {"x": draws.normal(rng, sizes["T"], sizes["d"])}


# ---- a general loss of the outputs --------------------------------------------------------------------------------

HIDDEN_GRADIENTS = (
    r"\nabla_{\mathbf{h}^{[\tau]}} \mathcal{L} = \mathbf{V}^{T} (\nabla_{\mathbf{y}^{[\tau]}} \mathcal{L}), \quad"
    r" \nabla_{\mathbf{h}^{[t]}} \mathcal{L} = \mathbf{W}^{T} \operatorname{diag} \left( 1 - \left( \mathbf{h}^{[t+1]}"
    r" \right)^{2} \right) (\nabla_{\mathbf{h}^{[t+1]}} \mathcal{L}) + \mathbf{V}^{T}"
    r" (\nabla_{\mathbf{y}^{[t]}} \mathcal{L})"
)
PARAMETER_GRADIENTS = (
    r"\nabla_{\mathbf{c}} \mathcal{L} = \sum_{t=1}^{\tau} \nabla_{\mathbf{y}^{[t]}} \mathcal{L}, \quad"
    r" \nabla_{\mathbf{b}} \mathcal{L} = \sum_{t=1}^{\tau} \operatorname{diag} \left( 1 - \left( \mathbf{h}^{[t]}"
    r" \right)^{2} \right) \nabla_{\mathbf{h}^{[t]}} \mathcal{L}, \quad"
    r" \nabla_{\mathbf{V}} \mathcal{L} = \sum_{t=1}^{\tau} (\nabla_{\mathbf{y}^{[t]}} \mathcal{L})"
    r" \mathbf{h}^{[t]^{T}}, \quad"
    r" \nabla_{\mathbf{W}} \mathcal{L} = \sum_{t=1}^{\tau} \operatorname{diag} \left( 1 - \left( \mathbf{h}^{[t]}"
    r" \right)^{2} \right) (\nabla_{\mathbf{h}^{[t]}} \mathcal{L}) \mathbf{h}^{[t-1]^{T}}, \quad"
    r" \nabla_{\mathbf{U}} \mathcal{L} = \sum_{t=1}^{\tau} \operatorname{diag} \left( 1 - \left( \mathbf{h}^{[t]}"
    r" \right)^{2} \right) (\nabla_{\mathbf{h}^{[t]}} \mathcal{L}) \mathbf{x}^{[t]^{T}}"
)


def _layer(phi: elman.Activation) -> elman.Network:
    return network(phi, GENERAL, initial=True)


def _states(phi: elman.Activation) -> elman.Network:
    """The same with epsilon[t] added to h[t]: its gradient is that by h[t]."""
    return network(phi, GENERAL, initial=True, disturbed=True)


@by_lagrangian(GENERAL_LOSS)
def _rnn_tanh() -> Steps:
    return (yield from whole(_layer(TANH)))


rnn_tanh = Formula(
    key="rnn-tanh",
    title="simple RNN with tanh, any loss of its outputs",
    rows=("C1", "C2", "C3"),
    source=f"{C}, Exercise 1",
    printed=PARAMETER_GRADIENTS,
    domain_text="all real parameters and x; n, d, m, T >= 1",
    derive=_rnn_tanh,
    system=_rnn_tanh.system,
    sizes=UNITS,
    draw=_draw_layer,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="The source has no gradient by h[0]; it is ours. Its tau is our T.",
)


def _adjoints(phi: elman.Activation) -> Iterator[Checked]:
    """That nabla_h[t] is the gradient by h[t], for every t."""
    theorem = _states(phi).theorem
    theorem.check_complete()
    yield from (theorem.check(claim) for claim in ("output", "last", "step", "epsilon"))


@by_lagrangian(GENERAL_LOSS)
def _rnn_sigmoid() -> Steps:
    yield from sigmoid_derivative()
    yield from _adjoints(SIGMOID)
    return (yield from whole(_layer(SIGMOID)))


rnn_sigmoid = Formula(
    key="rnn-sigmoid",
    title="simple RNN with the sigmoid, any loss of its outputs",
    rows=("A6", "C3"),
    source=f"{A}, Sequence Prediction using RNN, forward pass; {C}, Exercise 1, with the sigmoid's derivative",
    printed=r"s_t = \sigma(U x_t + W s_{t-1}), \quad \hat{y} = V s_t",
    domain_text="all real parameters and x; n, d, m, T >= 1",
    derive=_rnn_sigmoid,
    system=_rnn_sigmoid.system,
    sizes=UNITS,
    draw=_draw_layer,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="Printed as code, without biases and with tanh's formulas in the other source; the general form is ours.",
)


@by_lagrangian(
    GENERAL_LOSS
    + " ReLU' is the sign of ReLU's value, 1 or 0, on either side of 0, and constant in a neighbourhood of a point of"
    " the domain; at a pre-activation of 0 there is no derivative and nothing is claimed."
)
def _rnn_relu() -> Steps:
    yield from relu_derivative()
    yield from _adjoints(RELU)
    return (yield from whole(_layer(RELU)))


def _clear_of_kinks(params: Any, data: Any) -> bool:
    """No pre-activation is 0, or the small difference of large numbers."""
    W, U, b, h, x = params["W"], params["U"], params["b"], params["h0"], data["x"]
    for row in x:
        a = W @ h + U @ row + b
        terms = abs(W) @ abs(h) + abs(U) @ abs(row) + abs(b)
        if not np.all(abs(a) > 0.01 * terms):
            return False
        h = np.maximum(a, 0)
    return True


def _draw_relu(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    for _ in range(100):
        params, data = _draw_layer(sizes, rng)
        if _clear_of_kinks(params, data):
            break
    return params, data


rnn_relu = Formula(
    key="rnn-relu",
    title="simple RNN with ReLU, any loss of its outputs",
    rows=("B1",),
    source=f"{B}, Architecture of RNN",
    printed=r"h(t) = f(W_{xh} x(t) + W_{hh} h(t-1) + b_h), \quad o(t) = W_{yh} h_t + b",
    domain_text="no pre-activation W h[t-1] + U x[t] + b is 0, or the small difference of large numbers",
    derive=_rnn_relu,
    system=_rnn_relu.system,
    sizes=UNITS,
    draw=_draw_relu,
    domain=_clear_of_kinks,
    pinned=(LONG,),
    also_called=elman.ALSO_CALLED,
    note="The source names ReLU as a choice of f and derives nothing for it; the gradient is ours.",
)


def _draw_states(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    weights, data = _draw_layer(sizes, rng)
    return {"eps": np.zeros((sizes["T"], sizes["n"]))}, {**weights, **data}


@by_lagrangian(GENERAL_LOSS)
def _rnn_tanh_states() -> Steps:
    states = _states(TANH)
    yield from states.theorem.steps()
    return states.theorem.system(states.inputs, {"eps": elman.nabla_eps}, states.shared)


rnn_tanh_states = Formula(
    key="rnn-tanh-states",
    title="simple RNN with tanh: the gradient by every hidden state",
    rows=("C2",),
    source=f"{C}, Exercise 1",
    printed=HIDDEN_GRADIENTS,
    domain_text="all real parameters and x; n, d, m, T >= 1",
    derive=_rnn_tanh_states,
    system=_rnn_tanh_states.system,
    sizes=UNITS,
    draw=_draw_states,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="The gradient by h[t] is that by eps[t] in h[t] = tanh(...) + eps[t], taken at eps = 0.",
)


# ---- squared error ------------------------------------------------------------------------------------------------

HALF_SQUARED = squared(Rational(1, 2))


@by_lagrangian()
def _each_squared() -> Steps:
    return (yield from whole(network(TANH, squared())))


@by_lagrangian()
def _each_half_squared() -> Steps:
    return (yield from whole(network(TANH, HALF_SQUARED)))


def _draw_each_squared(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    T, d, m = sizes["T"], sizes["d"], sizes["m"]
    return draw_parameters(sizes, rng), {"x": draws.normal(rng, T, d), "y": draws.normal(rng, T, m)}


rnn_tanh_each_squared = Formula(
    key="rnn-tanh-each-squared",
    title="simple RNN with tanh, squared error at every step",
    rows=("C1", "C3"),
    source=f"{C}, Exercise 1, with the loss of Exercise 2 at each step",
    printed=PARAMETER_GRADIENTS,
    domain_text="all real parameters, x, y; h[0] = 0; n, d, m, T >= 1",
    derive=_each_squared,
    system=_each_squared.system,
    sizes=UNITS,
    draw=_draw_each_squared,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="nabla_y[t] = 2 (yhat[t] - y[t]) is ours; the source leaves the loss open.",
)

rnn_tanh_each_half_squared = Formula(
    key="rnn-tanh-each-half-squared",
    title="simple RNN with tanh, half the squared error at every step",
    rows=("C1", "C3"),
    source=f"{C}, Exercise 1",
    printed=PARAMETER_GRADIENTS,
    domain_text="all real parameters, x, y; h[0] = 0; n, d, m, T >= 1",
    derive=_each_half_squared,
    system=_each_half_squared.system,
    sizes=UNITS,
    draw=_draw_each_squared,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="nabla_y[t] = yhat[t] - y[t] is ours; the source leaves the loss open.",
)


@by_lagrangian()
def _last_squared() -> Steps:
    return (yield from whole(network(TANH, squared(), last_only=True)))


def _draw_last_squared(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    return draw_parameters(sizes, rng), {
        "x": draws.normal(rng, sizes["T"], sizes["d"]),
        "y": draws.normal(rng, sizes["m"]),
    }


rnn_tanh_last_squared = Formula(
    key="rnn-tanh-last-squared",
    title="simple RNN with tanh, squared error at the last step",
    rows=("C5",),
    source=f"{C}, Exercise 2",
    printed=r"\nabla_{\mathbf{h}^{[\tau]}} \mathcal{L} = 2(\hat{y} - y) \mathbf{V}^{T}, \quad"
    r" \nabla_{\mathbf{h}^{[t]}} \mathcal{L} = \mathbf{W}^{T} \cdot \operatorname{diag} \left( 1 -"
    r" \mathbf{h}^{[t+1]^{2}} \right) \cdot \nabla_{\mathbf{h}^{[t+1]}} \mathcal{L}, \quad"
    r" \nabla_{\mathbf{c}} \mathcal{L} = 2(\hat{y} - y), \quad"
    r" \nabla_{\mathbf{V}} \mathcal{L} = 2(\hat{y} - y) \mathbf{h}^{[\tau]^{T}}",
    domain_text="all real parameters, x, y; h[0] = 0; n, d, m, T >= 1",
    derive=_last_squared,
    system=_last_squared.system,
    sizes=UNITS,
    draw=_draw_last_squared,
    pinned=(LONG, VERY_LONG),
    also_called=elman.ALSO_CALLED,
    note="yhat is the output and y the target here; Exercise 1 of the source uses the letters the other way round,"
    " C-E3. With several outputs 2 (yhat - y) V^T reads V^T 2 (yhat - y).",
)


@by_lagrangian()
def _minibatch() -> Steps:
    return (yield from whole(network(TANH, squared(), last_only=True, batch=True)))


def _draw_minibatch(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    B, T, d, m = (sizes[name] for name in "BTdm")
    return draw_parameters(sizes, rng), {"x": draws.normal(rng, B, T, d), "y": draws.normal(rng, B, m)}


weather_rnn_minibatch = Formula(
    key="weather-rnn-minibatch",
    title="the gradients of a batch of windows, accumulated",
    rows=("C6",),
    source=f"{C}, Exercise 3, training",
    printed=r"\nabla_{\mathbf{h}^{[\tau]}} \mathcal{L} = 2(\hat{y} - y) \mathbf{V}^{T}",
    domain_text="all real parameters, x, y; h[0] = 0 in every window; B, n, d, m, T >= 1",
    derive=_minibatch,
    system=_minibatch.system,
    sizes={"B": (1, 5), **UNITS},
    draw=_draw_minibatch,
    pinned=({"B": 48, "n": 3, "d": 2, "m": 1, "T": 4}, {"B": 2, **LONG}),
    also_called=elman.ALSO_CALLED,
    note="Printed as code. The gradients of the windows are added up, not averaged.",
)


# ---- sine prediction ----------------------------------------------------------------------------------------------


@by_lagrangian()
def _sine() -> Steps:
    yield from sigmoid_derivative()
    return (yield from whole(network(SIGMOID, HALF_SQUARED, last_only=True, bias=False, sine=True)))


def _draw_sine(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    n, m, T = sizes["n"], sizes["m"], sizes["T"]
    params = {"U": draws.normal(rng, n, T), "W": _weights(rng, n, n), "V": _weights(rng, m, n)}
    return params, {"x": np.sin(rng.integers(200) + np.arange(T)), "y": draws.normal(rng, m)}


SINE_UNITS = {"n": (1, 5), "m": (1, 3), "T": (1, 8)}

sine_rnn = Formula(
    key="sine-rnn",
    title="the sine network, all steps",
    rows=("A6", "A7"),
    source=f"{A}, Sequence Prediction using RNN, forward pass and backpropagation through time",
    printed=r"dmulv = (mulv - y), \quad dV_t = dmulv \, s_t^T, \quad dsv = V^T dmulv, \quad dprev\_s = W^T dmulw",
    domain_text="all real parameters, x, y; h[0] = 0; n, m, T >= 1",
    derive=_sine,
    system=_sine.system,
    sizes=SINE_UNITS,
    draw=_draw_sine,
    pinned=({"n": 2, "m": 1, "T": 30}, {"n": 2, "m": 1, "T": 200}),
    also_called=elman.ALSO_CALLED,
    note="The input of step t is the vector that is 0 but for x[t] at place t. The printed backward pass is not the"
    " gradient of the printed loss, A-E2 to A-E13; this is the gradient.",
)

TRUNCATION = (
    " What truncation after tau steps returns is the exact gradient of the loss with h[T - tau] held constant, that is,"
    " of the network that starts there; with the loss at the last step only these are the last tau terms of the full"
    " gradient, and for tau >= T all of them. It is not the gradient of the full loss, and added up over sliding"
    " windows it need not be the gradient of anything."
    " In the proof kept[t] is 1 for the last tau steps and 0 before them, where h[t] is no longer phi of its arguments:"
    " each term that takes it for that has the factor 0."
)


@by_lagrangian(TRUNCATION)
def _sine_truncated() -> Steps:
    yield from sigmoid_derivative()
    yield from _kept_is_the_last_tau()
    return (yield from whole(network(SIGMOID, HALF_SQUARED, last_only=True, bias=False, sine=True, truncated=True)))


def _kept_is_the_last_tau() -> Iterator[Checked]:
    """The proved sums run over all steps with a factor kept[t], 0 before the window; here for the gradient by W."""
    tau, cut = sizes("tau cut")  # the steps kept and the steps left out
    t, late = index("t", lower=1, upper=cut + tau), index("late", lower=cut + 1, upper=cut + tau)

    def term(t: Any) -> Any:
        return SIGMOID.slope(elman.h[t, elman.p]) * elman.nabla_h[t, elman.p] * elman.h[t - 1, elman.q]

    kept = total(delta(t, late), late)  # 1 for the last tau steps, else 0
    yield equal("sum of the kept terms = sum of the last tau", total(kept * term(t), t), total(term(late), late))


def _draw_truncated(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    params, data = _draw_sine(sizes, rng)
    return params, {**data, "tau": int(rng.integers(1, sizes["T"] + 2))}


def _frozen_state(params: Any, data: Any) -> Mapping[str, Any]:
    """h_frozen: the state that the last tau steps start from, in whatever numbers the parameters are."""
    U, W, x = params["U"], params["W"], data["x"]
    h = np.zeros_like(W[0])
    for t in range(len(x) - data["tau"]):
        h = (1 + np.tanh((W @ h + U[:, t] * x[t]) / 2)) / 2
    return {"h_frozen": h}


sine_rnn_truncated = Formula(
    key="sine-rnn-truncated",
    title="the sine network, truncated after tau steps",
    rows=("A7",),
    source=f"{A}, Sequence Prediction using RNN, truncated backpropagation through time",
    printed=r"dmulv = (mulv - y), \quad dsv = V^T dmulv, \quad dprev\_s = W^T dmulw, \quad bptt\_truncate = 5",
    domain_text="all real parameters, x, y; tau >= 1; h[T - tau] is held constant; n, m, T >= 1",
    derive=_sine_truncated,
    system=_sine_truncated.system,
    sizes=SINE_UNITS,
    draw=_draw_truncated,
    frozen=_frozen_state,
    pinned=({"n": 2, "m": 1, "T": 30}, {"n": 2, "m": 1, "T": 200}),
    also_called=elman.ALSO_CALLED,
    note="The source's backward pass is mistaken in more than the truncation; this is the truncated gradient of its"
    " loss. Its code truncates after five steps.",
)
