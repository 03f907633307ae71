"""Recurrent networks: backpropagation through time for any number of steps, truncated, in batches, and forward (RTRL).

The network and its gradient are written in ``elman``; here are the documents' cases of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy import Rational

from derivations import draws, elman
from derivations.elman import CLASS_CROSS_ENTROPY, CROSS_ENTROPY, GENERAL, RELU, SIGMOID, TANH, network, squared
from derivations.sources import A, B, C, E
from gradproof.catalogue import Formula
from gradproof.symbolic import (
    Checked,
    Equation,
    System,
    arrays,
    delta,
    derivation,
    equal,
    gradient,
    index,
    relu_derivative,
    scalars,
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


def _by_lagrangian(argued: str = "") -> Callable[[Callable[[], Steps]], Derivation]:
    return derivation(argued=ARGUED + argued)


def _whole(net: elman.Network) -> Steps:
    """The network's theorem, and its program."""
    yield from net.theorem.steps()
    return net.system()


# ---- how networks are drawn ---------------------------------------------------------------------------------------


def _weights(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Such that a sum over the columns is of order 1: most units are neither linear nor saturated."""
    return draws.normal(rng, rows, columns) / np.sqrt(columns)


def _parameters(sizes: Sizes, rng: np.random.Generator, *, bias: bool = True) -> dict[str, Array]:
    n, d, m = sizes["n"], sizes["d"], sizes["m"]
    params = {"W": _weights(rng, n, n), "U": _weights(rng, n, d), "V": _weights(rng, m, n)}
    return {**params, **({"b": draws.normal(rng, n), "c": draws.normal(rng, m)} if bias else {})}


def _draw_layer(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    params = {**_parameters(sizes, rng), "h0": draws.normal(rng, sizes["n"])}
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


@_by_lagrangian(GENERAL_LOSS)
def _rnn_tanh() -> Steps:
    return (yield from _whole(_layer(TANH)))


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
    note="The source has no gradient by h[0]; it is ours. Its tau is our T.",
)


def _adjoints(phi: elman.Activation) -> Iterator[Checked]:
    """That nabla_h[t] is the gradient by h[t], for every t."""
    theorem = _states(phi).theorem
    theorem.check_complete()
    yield from (theorem.check(claim) for claim in ("output", "last", "step", "epsilon"))


@_by_lagrangian(GENERAL_LOSS)
def _rnn_sigmoid() -> Steps:
    yield from sigmoid_derivative()
    yield from _adjoints(SIGMOID)
    return (yield from _whole(_layer(SIGMOID)))


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
    note="Printed as code, without biases and with tanh's formulas in the other source; the general form is ours.",
)


@_by_lagrangian(
    GENERAL_LOSS
    + " ReLU' is the sign of ReLU's value, 1 or 0, on either side of 0, and constant in a neighbourhood of a point of the"
    " domain; at a pre-activation of 0 there is no derivative and nothing is claimed."
)
def _rnn_relu() -> Steps:
    yield from relu_derivative()
    yield from _adjoints(RELU)
    return (yield from _whole(_layer(RELU)))


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
    note="The source names ReLU as a choice of f and derives nothing for it; the gradient is ours.",
)


def _draw_states(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    weights, data = _draw_layer(sizes, rng)
    return {"eps": np.zeros((sizes["T"], sizes["n"]))}, {**weights, **data}


@_by_lagrangian(GENERAL_LOSS)
def _rnn_tanh_states() -> Steps:
    states = _states(TANH)
    yield from states.theorem.steps()
    return states.theorem.system(states.inputs, {"eps": elman.nabla_eps})


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
    note="The gradient by h[t] is that by eps[t] in h[t] = tanh(...) + eps[t], taken at eps = 0.",
)


# ---- squared error ------------------------------------------------------------------------------------------------

HALF_SQUARED = squared(Rational(1, 2))


@_by_lagrangian()
def _each_squared() -> Steps:
    return (yield from _whole(network(TANH, squared())))


@_by_lagrangian()
def _each_half_squared() -> Steps:
    return (yield from _whole(network(TANH, HALF_SQUARED)))


def _draw_each_squared(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    T, d, m = sizes["T"], sizes["d"], sizes["m"]
    return _parameters(sizes, rng), {"x": draws.normal(rng, T, d), "y": draws.normal(rng, T, m)}


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
    note="nabla_y[t] = yhat[t] - y[t] is ours; the source leaves the loss open.",
)


@_by_lagrangian()
def _last_squared() -> Steps:
    return (yield from _whole(network(TANH, squared(), last_only=True)))


def _draw_last_squared(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    return _parameters(sizes, rng), {"x": draws.normal(rng, sizes["T"], sizes["d"]), "y": draws.normal(rng, sizes["m"])}


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
    note="yhat is the output and y the target here; Exercise 1 of the source uses the letters the other way round. With"
    " several outputs 2 (yhat - y) V^T reads V^T 2 (yhat - y).",
)


@_by_lagrangian()
def _minibatch() -> Steps:
    return (yield from _whole(network(TANH, squared(), last_only=True, batch=True)))


def _draw_minibatch(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    B, T, d, m = (sizes[name] for name in "BTdm")
    return _parameters(sizes, rng), {"x": draws.normal(rng, B, T, d), "y": draws.normal(rng, B, m)}


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
    note="Printed as code. The gradients of the windows are added up, not averaged.",
)


# ---- sine prediction ----------------------------------------------------------------------------------------------


@_by_lagrangian()
def _sine() -> Steps:
    yield from sigmoid_derivative()
    return (yield from _whole(network(SIGMOID, HALF_SQUARED, last_only=True, bias=False, sine=True)))


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
    note="The input of step t is the vector that is 0 but for x[t] at place t. The printed backward pass is not the"
    " gradient of the printed loss (signal of the last step used for every t, W times state for an outer product); this"
    " is the gradient.",
)

TRUNCATION = (
    " What truncation after tau steps returns is the exact gradient of the loss with h[T - tau] held constant, that is,"
    " of the network that starts there; with the loss at the last step only these are the last tau terms of the full"
    " gradient, and for tau >= T all of them. It is not the gradient of the full loss, and added up over sliding"
    " windows it need not be the gradient of anything."
)


@_by_lagrangian(TRUNCATION)
def _sine_truncated() -> Steps:
    yield from sigmoid_derivative()
    yield from _kept_is_the_last_tau()
    return (yield from _whole(network(SIGMOID, HALF_SQUARED, last_only=True, bias=False, sine=True, truncated=True)))


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
    note="The source's backward pass is mistaken in more than the truncation; this is the truncated gradient of its"
    " loss. Its code truncates after five steps.",
)


# ---- the character network ----------------------------------------------------------------------------------------


def _character(*, bias: bool = True) -> elman.Network:
    return network(TANH, CROSS_ENTROPY, bias=bias)


def _seen_at_one_step(bias: bool) -> Iterator[Checked]:
    """B4: what step s alone contributes to the gradient by h[s]."""
    V, h, c, y, s, q, r = elman.V, elman.h, elman.c, elman.y, elman.s, elman.q, elman.r
    other, again, unit = index("l", elman.m), index("k", elman.m), index("i", elman.n)

    def logit(r: Any) -> Any:
        return total(V[r, unit] * h[s, unit], unit) + (c[r] if bias else 0)

    def softmax(r: Any) -> Any:
        return sp.exp(logit(r)) / total(sp.exp(logit(other)), other)

    yield gradient(
        "dL_s/dh_s = V^T (yhat_s - y_s)",
        -total(y[s, r] * sp.log(softmax(r)), r),
        h[s, q],
        total(V[again, q] * (softmax(again) - y[s, again]), again),
        given={total(y[s, r], r): 1},
    )


@_by_lagrangian()
def _character_rnn() -> Steps:
    yield from _seen_at_one_step(bias=True)
    return (yield from _whole(_character()))


@_by_lagrangian()
def _character_rnn_without_bias() -> Steps:
    yield from _seen_at_one_step(bias=False)
    return (yield from _whole(_character(bias=False)))


def _draw_character(sizes: Sizes, rng: np.random.Generator, *, bias: bool = True) -> Drawn:
    T, d, m = sizes["T"], sizes["d"], sizes["m"]
    x = draws.one_hot_rows(rng, T, d) if rng.random() < 0.5 else draws.normal(rng, T, d)
    return _parameters(sizes, rng, bias=bias), {"x": x, "y": draws.targets(rng, T, m)}


character_rnn = Formula(
    key="character-rnn",
    title="the character network, softmax and cross-entropy at every step",
    rows=("B1", "B2", "B4", "B6"),
    source=f"{B}, Question 1, Derivation (b)",
    printed=r"\frac{\partial L_{t+1}}{\partial h_{t+1}} = -W_{yh} (y_{t+1} - \hat{y}_{t+1})",
    domain_text="the rows of y sum to 1; all real parameters, x; h[0] = 0; n, d, m, T >= 1",
    derive=_character_rnn,
    system=_character_rnn.system,
    sizes=UNITS,
    draw=_draw_character,
    fixed=("y",),
    pinned=(LONG, VERY_LONG),
    note="A handwritten page, badly scanned: the reading is ours. It lacks a transpose: proved is W_yh^T (yhat - y).",
)

character_rnn_without_bias = Formula(
    key="character-rnn-without-bias",
    title="the character network without biases",
    rows=("B6",),
    source=f"{B}, Question 1, training without bias",
    printed=r"\frac{\partial L_{t+1}}{\partial h_{t+1}} = -W_{yh} (y_{t+1} - \hat{y}_{t+1})",
    domain_text="the rows of y sum to 1; all real parameters, x; h[0] = 0; n, d, m, T >= 1",
    derive=_character_rnn_without_bias,
    system=_character_rnn_without_bias.system,
    sizes=UNITS,
    draw=functools.partial(_draw_character, bias=False),
    fixed=("y",),
    pinned=(LONG, VERY_LONG),
    note="A handwritten page, badly scanned: the reading is ours. It lacks a transpose: proved is W_yh^T (yhat - y).",
)


# ---- real-time recurrent learning ---------------------------------------------------------------------------------

dh_db, dh_dW, dh_dU, seen = arrays("dh_db dh_dW dh_dU seen")  # noqa: N816 (the documents' letters)


@functools.cache
def _sensitivities() -> dict[str, tuple[Any, tuple[Any, ...], Any]]:
    """Parameter -> derivative of the states by it, its free indices, and what multiplies it in the pre-activation."""
    p, q, u = elman.p, elman.q, elman.u
    return {
        "b": (dh_db, (p,), lambda t: sp.S.One),
        "W": (dh_dW, (p, q), lambda t: elman.h[t - 1, q]),
        "U": (dh_dU, (p, u), lambda t: elman.x[t, u]),
    }


def _forward_step(parameter: str, t: Any, i: Any) -> Any:
    """The printed recursion: dh[t, i] from dh[t-1]."""
    dh, at, fed = _sensitivities()[parameter]
    j = elman.j
    carried = total(elman.W[i, j] * dh[t - 1, j, *at], j)
    return TANH.slope(elman.h[t, i]) * (delta(i, at[0]) * fed(t) + carried)


def _seen(t: Any, i: Any) -> Any:
    """dL_t/dh[t, i], what step t alone contributes to the gradient by h[t]."""
    return total(elman.V[elman.r, i] * elman.nabla_o[t, elman.r], elman.r)


def _forward_gradient(parameter: str) -> Any:
    """The printed gradient: sum over t of (dL_t/dh[t]) (dh[t]/dparameter)."""
    dh, at, _ = _sensitivities()[parameter]
    return total(seen[elman.t, elman.i] * dh[elman.t, elman.i, *at], elman.i, elman.t)


def _rtrl_is_bptt() -> Iterator[Checked]:
    """Each parameter's forward recursion, and that it leads to the gradient of backpropagation through time."""
    h, W, U, b, x = elman.h, elman.W, elman.U, elman.b, elman.x
    i, j, s, before = elman.i, elman.j, elman.s, elman.before
    row, past = index("a", elman.n), index("e", elman.n)
    nabla_h = elman.nabla_h

    state = sp.tanh(total(W[row, j] * h[s - 1, j], j) + total(U[row, elman.k] * x[s, elman.k], elman.k) + b[row])
    names = {state: h[s, row]}
    slope = TANH.slope
    yield gradient("dh_s/dh_{s-1}", state, h[s - 1, past], slope(h[s, row]) * W[row, past], names=names)
    for parameter, (dh, at, fed) in _sensitivities().items():
        variable = getattr(elman, parameter)[at]
        direct = slope(h[s, row]) * delta(row, at[0]) * fed(s)
        yield gradient(f"dh_s/d{parameter}, h_(s-1) held constant", state, variable, direct, names=names)
        through = total(slope(h[s, row]) * W[row, past] * dh[s - 1, past, *at], past)
        yield equal(f"recursion of dh/d{parameter}", direct + through, _forward_step(parameter, s, row))

        def signal(t: Any, at: Any = at, fed: Any = fed) -> Any:
            """Step t's term of the gradient in backpropagation through time."""
            return slope(h[t, at[0]]) * nabla_h[t, at[0]] * fed(t)

        one = sp.S.One
        at_first = _forward_step(parameter, one, i).xreplace({dh[0, j, *at]: sp.S.Zero})
        yield equal(f"{parameter}: after one step", total(nabla_h[1, i] * at_first, i), signal(one))
        carried = total(W[past, i] * slope(h[before + 1, past]) * nabla_h[before + 1, past], past)
        gained = (
            total(_seen(before, i) * dh[before, i, *at], i)
            - total((carried + _seen(before, i)) * dh[before, i, *at], i)
            + total(nabla_h[before + 1, i] * _forward_step(parameter, before + 1, i), i)
        )
        yield equal(f"{parameter}: from s to s + 1 steps", gained, signal(before + 1))


RTRL = (
    " The recursion forward is the chain rule for h[t] as a function of h[t-1] and the parameter. That both gradients"
    " agree is proved by induction over k = 1..T of: sum_{t<k} <dL_t/dh[t], dh[t]> + <nabla_h[k], dh[k]> equals the"
    " first k terms of backpropagation through time. SymPy checks k = 1 (where dh[0] = 0) and that both sides grow by"
    " the same from k = s to s + 1; k = T is the claim, since nabla_h[T] = dL_T/dh[T]."
)


def _rtrl_system() -> System:
    """The gradient computed forward: states and their derivatives side by side, nothing stored for later."""
    steps = _character()
    forward, backward = steps.theorem.forward, steps.theorem.backward
    t, i, n = elman.t, elman.i, elman.n
    equations = [*steps.theorem.constant, *forward, backward["output"], Equation(seen[t, i], _seen(t, i))]
    computed = {elman.h: ((sp.S.Zero, elman.T), *elman.upto(n))}
    for parameter, (dh, at, _) in _sensitivities().items():
        equations += [
            Equation(dh[0, i, *at], sp.S.Zero),
            Equation(dh[t, i, *at], _forward_step(parameter, t, i), along=t),
            Equation(steps.outputs[parameter][at], _forward_gradient(parameter)),
        ]
        computed[dh] = ((sp.S.Zero, elman.T), *elman.upto(n), *((i.lower, i.upper) for i in at))
    equations += [backward["V"], backward["c"]]
    return System(tuple(equations), steps.inputs, steps.outputs, computed)


@_by_lagrangian(RTRL)
def _character_rnn_rtrl() -> Steps:
    yield from _character_rnn().checked
    yield from _rtrl_is_bptt()
    return _rtrl_system()


character_rnn_rtrl = Formula(
    key="character-rnn-rtrl",
    title="the character network by real-time recurrent learning",
    rows=("B5",),
    source=f"{B}, Question 1, Derivation (b)",
    printed=r"\frac{\partial h_{t+1}}{\partial b_h} = \sigma_h'(z_{t+1}) \cdot \left( 1 + W_{hh}"
    r" \frac{\partial h_t}{\partial b_h} \right)",
    domain_text="the rows of y sum to 1; all real parameters, x; h[0] = 0; n, d, m, T >= 1",
    derive=_character_rnn_rtrl,
    system=_character_rnn_rtrl.system,
    sizes=UNITS,
    draw=_draw_character,
    fixed=("y",),
    pinned=(LONG, {"n": 2, "d": 1, "m": 1, "T": 200}),
    note="A handwritten page, badly scanned: the reading is ours, and so are the recursions for W and U.",
)


# ---- the sentiment network ----------------------------------------------------------------------------------------


def _by_jacobians() -> Iterator[Checked]:
    """How the source divides backpropagation through time: by Jacobians of the logits o = V h[T] + c."""
    W, U, V, h, x, b, o = elman.W, elman.U, elman.V, elman.h, elman.x, elman.b, elman.nabla_o
    i, j, k, r, p, q, u, v = elman.i, elman.j, elman.k, elman.r, elman.p, elman.q, elman.u, elman.v
    s, before, T = elman.s, elman.before, elman.T
    (do_dh,) = arrays("do_dh")

    state = sp.tanh(total(W[p, j] * h[s - 1, j], j) + total(U[p, k] * x[s, k], k) + b[p])
    slope = TANH.slope(h[s, p])
    for variable, fed in ((U[p, u], x[s, u]), (W[p, q], h[s - 1, q]), (b[p], 1)):
        yield gradient(f"dh_s/d{variable}, h_(s-1) held constant", state, variable, slope * fed, names={state: h[s, p]})
    yield gradient("do/dh_T = V", total(V[v, i] * h[T, i], i) + elman.c[v], h[T, q], V[v, q])

    def jacobian(r: Any, q: Any) -> Any:
        """do/dh at a step before the last, from the step after it."""
        return total(do_dh[before + 1, r, i] * TANH.slope(h[before + 1, i]) * W[i, q], i)

    backward = total(W[i, q] * TANH.slope(h[before + 1, i]) * total(o[r] * do_dh[before + 1, r, i], r), i)
    yield equal("do/dh_s from do/dh_(s+1), contracted with dL/do", total(o[r] * jacobian(r, q), r), backward)


@_by_lagrangian(
    " By induction nabla_h[t] = (do/dh[t])^T dL/do: it holds at t = T, where do/dh[T] = V, and SymPy checks that both"
    " sides pass from s + 1 to s alike."
)
def _sentiment() -> Steps:
    yield from _by_jacobians()
    return (yield from _whole(network(TANH, CLASS_CROSS_ENTROPY, last_only=True)))


def _draw_sentiment(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    x = draws.one_hot_rows(rng, sizes["T"], sizes["d"])
    return _parameters(sizes, rng), {"x": x, "label": int(rng.integers(sizes["m"]))}


sentiment_rnn = Formula(
    key="sentiment-rnn",
    title="the sentiment network, one class for a sequence of words",
    rows=("E1", "E3", "E4", "E5", "E6"),
    source=f"{E}, Back propagation, Gradients",
    printed=r"\frac{\partial y}{\partial h_t} = \frac{\partial y}{\partial h_{t+1}} (1 - h_t^2) W_{hh}, \quad"
    r" \frac{\partial L}{\partial W_{xh}} = \frac{\partial L}{\partial y} \sum_t \frac{\partial y}{\partial h_t}"
    r" \frac{\partial h_t}{\partial W_{xh}}",
    domain_text="label one of the m classes; all real parameters, x; h[0] = 0; n, d, m, T >= 1",
    derive=_sentiment,
    system=_sentiment.system,
    sizes=UNITS,
    draw=_draw_sentiment,
    fixed=("label",),
    pinned=(LONG, VERY_LONG),
    note="Printed with (1 - h_t^2) in the recursion of dy/dh_t; proved is (1 - h_(t+1)^2). The source's y are our"
    " logits o.",
)


# ---- clipping -----------------------------------------------------------------------------------------------------


@derivation(
    argued="If clip(grad f) were the gradient of some F near such a point, F would be twice continuously differentiable"
    " there and the Jacobian of clip(grad f) its Hessian, which is symmetric; it is not. f(a, b) = a b with |a| < 1 < b"
    " is enough."
)
def clipping_is_no_gradient() -> Iterator[Checked]:
    """E7: the gradient clipped to [-1, 1] element by element is the gradient of no function."""
    a, b = scalars("a b")
    large, low, high = scalars("u v w", positive=True)
    one_below = (low - high) / (low + high)  # every number between -1 and 1 has this form, and none else
    one_above = 1 + large

    def clip(z: Any) -> Any:
        """z cut off at -1 and 1."""
        return (abs(sp.factor(z + 1)) - abs(sp.factor(z - 1))) / 2

    yield gradient("df/da = b", a * b, a, b)
    yield gradient("df/db = a", a * b, b, a)
    yield equal("clip(b) = 1 for b > 1", clip(one_above), 1)
    yield equal("clip(a) = a for |a| < 1", clip(one_below), one_below)
    first, second = sp.S.One, a  # clip(grad f) where |a| < 1 < b
    yield gradient("d clip(df/da)/db = 0", first, b, 0)
    yield gradient("d clip(df/db)/da = 1", second, a, 1)
