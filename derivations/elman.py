"""The simple recurrent network in index notation, and its backpropagation through time, each formula written once.

    h[t] = phi(W h[t-1] + U x[t] + b),   y[t] = V h[t] + c,   t = 1..T

W (n, n), U (n, d), b (n), V (m, n), c (m), x (T, d). The derivative of the loss by an array X is called nabla_X.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp
from sympy import exp, log, tanh

from gradproof.symbolic import (
    Backpropagation,
    Equation,
    Index,
    System,
    arrays,
    delta,
    index,
    relu,
    sigmoid,
    sizes,
    total,
)

n, d, m, T, B, tau = sizes("n d m T B tau")  # hidden units, inputs, outputs, steps, windows of a batch, truncation

i, j = index("i", n), index("j", n)  # these indices are summed ...
k, r = index("k", d), index("r", m)
t, w = index("t", lower=1, upper=T), index("w", B)

p, q = index("p", n), index("q", n)  # ... and these are free
u, v = index("u", d), index("v", m)
s, g = index("s", lower=1, upper=T), index("g", B)
before = index("s", lower=1, upper=T - 1)  # a step that is not the last
label = index("label", m)

W, U, b, V, c, h0, x, h = arrays("W U b V c h0 x h")
y, yhat, o, upstream = arrays("y yhat o upstream")
eps, kept, held, untruncated = arrays("epsilon kept held untruncated")
nabla_W, nabla_U, nabla_b, nabla_V, nabla_c, nabla_h0, nabla_h = arrays(  # noqa: N816 (the documents' letters)
    "nabla_W nabla_U nabla_b nabla_V nabla_c nabla_h0 nabla_h"
)
nabla_eps, nabla_y, nabla_yhat, nabla_o = arrays("nabla_epsilon nabla_y nabla_yhat nabla_o")

ALSO_CALLED = {
    "W": ("Whh", "W_hh", "weight_hh", "weight_hh_l0", "Wh", "W_h", "W_rec"),
    "U": ("Wxh", "W_xh", "Whx", "W_hx", "weight_ih", "weight_ih_l0", "Wx", "W_x", "W_ih", "W_in"),
    "V": ("Why", "W_hy", "Wyh", "W_yh", "Wo", "W_o", "Wy", "W_y", "W_out", "weight_ho"),
    "b": ("bh", "b_h", "bias_h", "bias_hh", "bias_ih", "hidden_bias"),
    "c": ("by", "b_y", "bo", "b_o", "b_out", "bias_y", "bias_o", "output_bias"),
    "h0": ("h_0", "hprev", "h_prev", "h_init", "initial_state"),
    "x": ("inputs", "input", "xs", "X", "sequence", "features"),
    "y": ("targets", "target", "y_true", "ys", "labels"),
    "label": ("target", "y", "target_index", "class_index", "true_class", "y_true"),
    "n": ("hidden_size", "hidden_state_size", "hidden_dim", "num_hidden", "n_hidden", "state_size", "hidden_units"),
    "d": ("input_size", "num_features", "input_dim", "num_inputs", "n_inputs", "n_features", "vocab_size"),
    "m": ("output_size", "output_dim", "num_outputs", "n_outputs", "num_classes", "n_classes"),
    "T": ("seq_len", "sequence_length", "num_steps", "n_steps", "timesteps"),
}
"""What parameters, data and sizes are called in other people's code."""
delta_h, carry, seen_h = arrays("delta carry seen")  # what the backward equations have in common


@dataclass(frozen=True)
class Activation:
    """An activation, and its derivative as a function of its value."""

    function: Callable[[Any], Any]
    slope: Callable[[Any], Any]


TANH = Activation(tanh, lambda h: 1 - h**2)
SIGMOID = Activation(sigmoid, lambda h: h * (1 - h))
RELU = Activation(relu, sp.sign)


@dataclass(frozen=True)
class Loss:
    """What is added up: ``term`` at a place of the output (its step, its window, neither or both), and its derivative.

    output: what V h + c is called, and the array of the derivatives by it. slope: the derivative by element v.
    """

    output: sp.IndexedBase
    nabla: sp.IndexedBase
    term: Callable[..., Any]
    slope: Callable[..., Any]
    given: Callable[..., Mapping[Any, Any]] = lambda *at: {}


GENERAL = Loss(
    y,
    nabla_y,
    lambda *at: total(upstream[*at, r] * y[*at, r], r),
    lambda *at: upstream[*at, v],
)


@functools.cache
def squared(factor: Any = 1) -> Loss:
    """``factor`` times the sum of squares of yhat - y."""
    return Loss(
        yhat,
        nabla_yhat,
        lambda *at: factor * total((yhat[*at, r] - y[*at, r]) ** 2, r),
        lambda *at: 2 * factor * (yhat[*at, v] - y[*at, v]),
    )


def softmax(at: tuple[Any, ...], element: Any) -> Any:
    """The probability of one class from the logits o at a place."""
    other = index("l", m)
    return exp(o[*at, element]) / total(exp(o[*at, other]), other)


CROSS_ENTROPY = Loss(
    o,
    nabla_o,
    lambda *at: -total(y[*at, r] * log(softmax(at, r)), r),
    lambda *at: softmax(at, v) - y[*at, v],
    lambda *at: {total(y[*at, r], r): 1},
)

CLASS_CROSS_ENTROPY = Loss(
    o,
    nabla_o,
    lambda *at: -log(softmax(at, label)),
    lambda *at: softmax(at, v) - delta(v, label),
)


@dataclass(frozen=True)
class Network:
    """A network with its loss: the theorem about its gradient, and what its program is given and returns."""

    theorem: Backpropagation
    inputs: Mapping[str, tuple[Any, tuple[tuple[Any, Any], ...]]]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[Any, Any] = field(default_factory=dict)

    def system(self) -> System:
        return self.theorem.system(self.inputs, self.outputs, self.shared)


def upto(*counts: Any) -> tuple[tuple[Any, Any], ...]:
    """Axes of places 0 .. count - 1."""
    return tuple((sp.S.Zero, count - 1) for count in counts)


STEPS = ((sp.S.One, T),)  # the axis of arrays that hold one row for each step


@functools.cache
def network(
    phi: Activation,
    loss: Loss,
    *,
    last_only: bool = False,
    bias: bool = True,
    initial: bool = False,
    batch: bool = False,
    disturbed: bool = False,
    sine: bool = False,
    truncated: bool = False,
) -> Network:
    """The network and the printed formulas of its gradient.

    last_only: the loss reads the output of the last step only, otherwise of each step. bias: with b and c. initial:
    h[0] is the parameter h0, otherwise zero. batch: the loss is added up over the windows of a batch. disturbed:
    epsilon[t] is added to h[t], so that the derivative by epsilon[t] is that by h[t]. sine: the input of step t is x[t]
    at place t and 0 elsewhere. truncated: h[T - tau] is held constant, and nothing before it counts.
    """
    one, any_one = ((w,), (g,)) if batch else ((), ())  # the window, summed and free

    def over(expr: Any, *steps: Index) -> Any:
        return total(expr, *steps, *one)

    # ---- forward ----

    def next_state(h: Any) -> Any:
        fed = U[i, t] * x[t] if sine else total(U[i, k] * x[*one, t, k], k)
        return phi.function(total(W[i, j] * h[*one, t - 1, j], j) + fed + (b[i] if bias else 0))

    state = next_state(h)
    step_value = kept[t] * state + held[t, i] if truncated else state + (eps[t, i] if disturbed else 0)
    start = h0[i] if initial else held[0, i] if truncated else 0
    at_start = Equation(h[*one, 0, i], sp.sympify(start))

    when: tuple[Any, ...] = () if last_only else (t,)  # the places of the output, summed
    free_when: tuple[Any, ...] = () if last_only else (s,)
    read = T if last_only else t

    forward = (
        Equation(h[*one, t, i], step_value, along=t),
        Equation(loss.output[*one, *when, r], total(V[r, i] * h[*one, read, i], i) + (c[r] if bias else 0)),
    )

    # ---- backward ----

    nabla_out = loss.nabla

    def signal(t: Any, i: Any, *one: Any) -> Any:
        """diag(phi'(h[t])) nabla_h[t]: what step t passes on to its arguments."""
        value = h[*one, t, i] - eps[t, i] if disturbed else h[*one, t, i]
        return (kept[t] if truncated else 1) * phi.slope(value) * nabla_h[*one, t, i]

    def carried(t: Any) -> Any:
        """What reaches h[t] from step t + 1."""
        return total(W[i, q] * signal(t + 1, i, *any_one), i)

    def seen(*at: Any) -> Any:
        """What reaches h from the output there."""
        return total(V[r, q] * nabla_out[*any_one, *at, r], r)

    backward = {
        "output": Equation(nabla_out[*any_one, *free_when, v], loss.slope(*any_one, *free_when)),
        "last": Equation(nabla_h[*any_one, T, q], seen(*([] if last_only else [T]))),
        "step": Equation(
            nabla_h[*any_one, before, q],
            carried(before) + (0 if last_only else seen(before)),
            along=before,
            down=True,
        ),
        "W": Equation(nabla_W[p, q], over(signal(t, p, *one) * h[*one, t - 1, q], t)),
        "U": Equation(nabla_U[p, s], signal(s, p) * x[s])
        if sine
        else Equation(nabla_U[p, u], over(signal(t, p, *one) * x[*one, t, u], t)),
        "V": Equation(nabla_V[v, q], over(nabla_out[*one, *when, v] * h[*one, read, q], *when)),
    }
    if bias:
        backward["b"] = Equation(nabla_b[p], over(signal(t, p, *one), t))
        backward["c"] = Equation(nabla_c[v], over(nabla_out[*one, *when, v], *when))
    if initial:
        backward["h0"] = Equation(nabla_h0[q], carried(sp.S.Zero))
    if disturbed:
        backward["epsilon"] = Equation(nabla_eps[s, q], nabla_h[s, q])

    theorem = Backpropagation(
        loss=over(loss.term(*one, *when), *when),
        forward=forward,
        backward=backward,
        derivative_of={
            nabla_h: h,
            nabla_out: loss.output,
            nabla_W: W,
            nabla_U: U,
            nabla_V: V,
            nabla_b: b,
            nabla_c: c,
            nabla_h0: h[0],
            nabla_eps: eps,
        },
        constant=(*(_truncation(next_state(untruncated)) if truncated else ()), at_start),
        names={state: h[*one, t, i] - (eps[t, i] if disturbed else 0)},
        given=loss.given(*one, *when),
    )

    windows = upto(B) if batch else ()
    places = (*windows, *(() if last_only else STEPS))
    inputs = {
        "W": (W, upto(n, n)),
        "U": (U, (*upto(n), *STEPS) if sine else upto(n, d)),
        "V": (V, upto(m, n)),
        "x": (x, STEPS if sine else (*windows, *STEPS, *upto(d))),
        **({"b": (b, upto(n)), "c": (c, upto(m))} if bias else {}),
        **({"h0": (h0, upto(n))} if initial else {}),
        **({"eps": (eps, (*STEPS, *upto(n)))} if disturbed else {}),
        **({"tau": (tau, ())} if truncated else {}),
    }
    if loss is CLASS_CROSS_ENTROPY:
        inputs["label"] = (label, ())
    elif loss is GENERAL:
        inputs["upstream"] = (upstream, (*places, *upto(m)))
    else:
        inputs["y"] = (y, (*places, *upto(m)))
    parameters = {"W": nabla_W, "U": nabla_U, "b": nabla_b, "V": nabla_V, "c": nabla_c, "h0": nabla_h0}
    outputs = {name: nabla for name, nabla in parameters.items() if name in backward}
    shared = {delta_h[*any_one, s, p]: signal(s, p, *any_one), carry[*any_one, s, q]: carried(s)}
    if not last_only:
        shared[seen_h[*any_one, s, q]] = seen(s)
    return Network(theorem, inputs, outputs, shared)


def _truncation(next_state: Any) -> tuple[Equation, ...]:
    """What truncation holds constant: the states are computed once; ``held`` has the one that the last tau start from.

    kept[t] is 1 for the last tau steps and 0 before them. All steps are kept where tau > T.
    """
    late, place = index("late", lower=T - tau + 1, upper=T), index("place", T + 1)
    return (
        Equation(untruncated[0, i], sp.S.Zero),
        Equation(untruncated[t, i], next_state, along=t),
        Equation(kept[t], total(delta(t, late), late)),
        Equation(held[place, i], delta(place, T - tau) * untruncated[place, i]),
    )
