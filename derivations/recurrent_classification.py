"""Recurrent networks that classify: characters, also with the gradient forward in time (RTRL), and sentiment."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import sympy as sp

from derivations import draws, elman
from derivations.elman import CLASS_CROSS_ENTROPY, CROSS_ENTROPY, TANH, network
from derivations.recurrent import LONG, UNITS, VERY_LONG, Drawn, Sizes, by_lagrangian, draw_parameters, whole
from derivations.sources import B, E
from gradproof.catalogue import Formula
from gradproof.symbolic import (
    Checked,
    Equation,
    System,
    arrays,
    delta,
    equal,
    gradient,
    index,
    total,
)
from gradproof.symbolic.prove import Steps

LONG_SEQUENCES = ({**LONG, "m": 2}, {**VERY_LONG, "m": 2})
"""Of two classes: the softmax of a single one is always 1, and every gradient would be zero."""

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


@by_lagrangian()
def _character_rnn() -> Steps:
    yield from _seen_at_one_step(bias=True)
    return (yield from whole(_character()))


@by_lagrangian()
def _character_rnn_without_bias() -> Steps:
    yield from _seen_at_one_step(bias=False)
    return (yield from whole(_character(bias=False)))


def _draw_character(sizes: Sizes, rng: np.random.Generator, *, bias: bool = True) -> Drawn:
    T, d, m = sizes["T"], sizes["d"], sizes["m"]
    x = draws.one_hot_rows(rng, T, d) if rng.random() < 0.5 else draws.normal(rng, T, d)
    return draw_parameters(sizes, rng, bias=bias), {"x": x, "y": draws.targets(rng, T, m)}


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
    pinned=LONG_SEQUENCES,
    also_called=elman.ALSO_CALLED,
    note="A handwritten page, badly scanned: the reading is ours. It lacks a transpose, B-E1: proved is"
    " W_yh^T (yhat - y).",
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
    pinned=LONG_SEQUENCES,
    also_called=elman.ALSO_CALLED,
    note="A handwritten page, badly scanned: the reading is ours. It lacks a transpose, B-E1: proved is"
    " W_yh^T (yhat - y).",
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


@by_lagrangian(RTRL)
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
    pinned=LONG_SEQUENCES,
    also_called=elman.ALSO_CALLED,
    note="A handwritten page, badly scanned: the reading is ours, also of the 1 (B-E14); the recursions for W, U too.",
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


@by_lagrangian(
    " By induction nabla_h[t] = (do/dh[t])^T dL/do: it holds at t = T, where do/dh[T] = V, and SymPy checks that both"
    " sides pass from s + 1 to s alike."
)
def _sentiment() -> Steps:
    yield from _by_jacobians()
    return (yield from whole(network(TANH, CLASS_CROSS_ENTROPY, last_only=True)))


def _draw_sentiment(sizes: Sizes, rng: np.random.Generator) -> Drawn:
    x = draws.one_hot_rows(rng, sizes["T"], sizes["d"])
    return draw_parameters(sizes, rng), {"x": x, "label": int(rng.integers(sizes["m"]))}


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
    pinned=LONG_SEQUENCES,
    also_called=elman.ALSO_CALLED,
    note="Printed with (1 - h_t^2) in the recursion of dy/dh_t, E-E1; proved is (1 - h_(t+1)^2). The source's y are our"
    " logits o.",
)
