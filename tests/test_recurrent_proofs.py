"""Every wrong formula of backpropagation through time is refused, with numbers at which it is wrong."""

import time
from dataclasses import replace

import pytest
import sympy as sp

from derivations import elman, recurrent_classification
from derivations.elman import (
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    GENERAL,
    RELU,
    SIGMOID,
    TANH,
    B,
    T,
    V,
    W,
    before,
    g,
    h,
    i,
    kept,
    m,
    n,
    nabla_h,
    nabla_o,
    nabla_y,
    nabla_yhat,
    network,
    o,
    p,
    q,
    r,
    s,
    softmax,
    squared,
    t,
    u,
    untruncated,
    v,
    w,
    x,
    y,
    yhat,
)
from gradproof.symbolic import Disproved, delta, index, total

ACTIVATIONS = {"tanh": TANH, "sigmoid": SIGMOID, "relu": RELU}
OTHER = {"tanh": SIGMOID, "sigmoid": TANH, "relu": TANH}
late = index("t", lower=2, upper=T)
early = index("t", lower=1, upper=T - 1)
first, second, half = sp.S.One, sp.Integer(2), sp.Rational(1, 2)


def require_refusal(net, claim, wrong):
    """Put ``wrong`` in the place of a proved formula; what comes of it must be a counterexample."""
    equation = net.theorem.backward[claim]
    assert wrong != equation.value
    theorem = replace(net.theorem, backward={**net.theorem.backward, claim: replace(equation, value=wrong)})
    with pytest.raises(Disproved, match=rf"{claim}: .+ is false\. Remainder: .+\. Counterexample at .+: it is .+, not"):
        theorem.check(claim)


def wrong_formulas(phi, other):
    """(claim, mistake) -> the formula with the mistake, for a general loss of each step's output."""

    def signal(t, i, slope=phi.slope, at=None, unit=None, adjoint=None):
        """diag(phi') nabla_h at step t, unit i; phi' may be taken at another step or unit, nabla_h at another step."""
        value = h[t if at is None else at, i if unit is None else unit]
        return slope(value) * nabla_h[t if adjoint is None else adjoint, i]

    def none(value):
        return sp.S.One

    ahead = before + 1
    seen = total(V[r, q] * nabla_y[before, r], r)
    carried = total(W[i, q] * signal(ahead, i), i)

    def back(term, weight=W[i, q]):
        return total(weight * term, i) + seen

    def weights(term=signal, over=t, past=lambda t: h[t - 1, q]):
        return total(term(over, p) * past(over), over)

    def inputs(term=signal, over=t, fed=lambda t: x[t, u]):
        return total(term(over, p) * fed(over), over)

    def bias(term=signal, over=t):
        return total(term(over, p), over)

    def readout(over=t, adjoint=lambda t: nabla_y[t, v], state=lambda t: h[t, q]):
        return total(adjoint(over) * state(over), over)

    return {
        ("last", "V for its transpose"): total(V[q, r] * nabla_y[T, r], r),
        ("last", "phi' put on the output's part"): phi.slope(h[T, q]) * total(V[r, q] * nabla_y[T, r], r),
        ("last", "factor 2"): 2 * total(V[r, q] * nabla_y[T, r], r),
        ("last", "the output before the last"): total(V[r, q] * nabla_y[T - 1, r], r),
        ("last", "a step after the last"): total(V[r, q] * nabla_y[T, r], r) + total(W[i, q] * signal(T + 1, i), i),
        ("last", "nothing"): sp.S.Zero,
        ("step", "W for its transpose"): back(signal(ahead, i), W[q, i]),
        ("step", "phi' at h[t] for h[t+1]"): back(signal(ahead, i, at=before)),
        ("step", "no phi'"): back(signal(ahead, i, none)),
        ("step", "phi' of another activation"): back(signal(ahead, i, other.slope)),
        ("step", "phi' at the unit arrived at"): back(signal(ahead, i, unit=q)),
        ("step", "phi' outside of W^T"): back(nabla_h[ahead, i]) * 1 - seen + seen * phi.slope(h[before, q]),
        ("step", "output's part forgotten"): carried,
        ("step", "output's part subtracted"): carried - seen,
        ("step", "output's part of the next step"): carried + total(V[r, q] * nabla_y[ahead, r], r),
        ("step", "output's part of the last step"): carried + total(V[r, q] * nabla_y[T, r], r),
        ("step", "V for its transpose"): carried + total(V[q, r] * nabla_y[before, r], r),
        ("step", "carry forgotten"): seen,
        ("step", "carry twice"): 2 * carried + seen,
        ("step", "carry halved"): carried / 2 + seen,
        ("step", "carry subtracted"): seen - carried,
        ("step", "adjoint two steps on"): back(signal(ahead, i, adjoint=before + 2)),
        ("step", "one unit for the sum over units"): W[q, q] * signal(ahead, q) + seen,
        ("W", "no phi'"): weights(lambda t, i: signal(t, i, none)),
        ("W", "phi' of another activation"): weights(lambda t, i: signal(t, i, other.slope)),
        ("W", "phi' at h[t-1]"): weights(lambda t, i: signal(t, i, at=t - 1)),
        ("W", "phi' at the other unit"): weights(lambda t, i: signal(t, i, unit=q)),
        ("W", "factor 2"): 2 * weights(),
        ("W", "factor 1/2"): weights() / 2,
        ("W", "sign"): -weights(),
        ("W", "outer product transposed"): total(signal(t, q) * h[t - 1, p], t),
        ("W", "h[t] for h[t-1]"): weights(past=lambda t: h[t, q]),
        ("W", "sum from 2"): weights(over=late),
        ("W", "sum to T-1"): weights(over=early),
        ("W", "= for +=: the last step only"): signal(T, p) * h[T - 1, q],
        ("W", "= for +=: the first step only"): signal(first, p) * h[0, q],
        ("W", "mean over the steps"): weights() / T,
        ("W", "adjoint of the next step"): weights(lambda t, i: signal(t, i, adjoint=t + 1)),
        ("W", "adjoint of the step before"): weights(lambda t, i: signal(t, i, adjoint=t - 1)),
        ("U", "x[t-1] for x[t]"): inputs(fed=lambda t: x[t - 1, u]),
        ("U", "x[t+1] for x[t]"): inputs(fed=lambda t: x[t + 1, u]),
        ("U", "h[t-1] for x[t]"): inputs(fed=lambda t: h[t - 1, u]),
        ("U", "no phi'"): inputs(lambda t, i: signal(t, i, none)),
        ("U", "outer product transposed"): total(signal(t, u) * x[t, p], t),
        ("U", "sum from 2"): inputs(over=late),
        ("U", "the last step only"): signal(T, p) * x[T, u],
        ("b", "no phi'"): bias(lambda t, i: signal(t, i, none)),
        ("b", "sign"): -bias(),
        ("b", "without the first step"): bias(over=late),
        ("b", "without the last step"): bias(over=early),
        ("b", "the last step only"): signal(T, p),
        ("b", "mean over the steps"): bias() / T,
        ("b", "times h[t-1]"): weights(past=lambda t: h[t - 1, p]),
        ("b", "times the number of units"): n * bias(),
        ("V", "h[t-1] for h[t]"): readout(state=lambda t: h[t - 1, q]),
        ("V", "nabla_y of the step before"): readout(adjoint=lambda t: nabla_y[t - 1, v]),
        ("V", "outer product transposed"): total(nabla_y[t, q] * h[t, v], t),
        ("V", "phi' for h"): readout(state=lambda t: phi.slope(h[t, q])),
        ("V", "the last step only"): nabla_y[T, v] * h[T, q],
        ("V", "sum from 2"): readout(over=late),
        ("V", "the adjoint of the state"): readout(adjoint=lambda t: nabla_h[t, v]),
        ("c", "the last step only"): nabla_y[T, v],
        ("c", "sign"): -total(nabla_y[t, v], t),
        ("c", "sum to T-1"): total(nabla_y[early, v], early),
        ("c", "mean over the steps"): total(nabla_y[t, v], t) / T,
        ("h0", "W for its transpose"): total(W[q, i] * signal(first, i), i),
        ("h0", "the second step's signal"): total(W[i, q] * signal(second, i), i),
        ("h0", "no W"): signal(first, q),
        ("h0", "no phi'"): total(W[i, q] * signal(first, i, none), i),
        ("h0", "phi' at h[0]"): total(W[i, q] * signal(first, i, at=sp.S.Zero), i),
        ("h0", "adjoint of the first state"): nabla_h[1, q],
    }


def cases():
    for name, phi in ACTIVATIONS.items():
        for (claim, mistake), wrong in wrong_formulas(phi, OTHER[name]).items():
            yield pytest.param(phi, claim, wrong, id=f"{name}-{claim}-{mistake}")


@pytest.mark.parametrize(("phi", "claim", "wrong"), [*cases()])
def test_wrong_formula_is_refused_with_a_counterexample(phi, claim, wrong):
    require_refusal(network(phi, GENERAL, initial=True), claim, wrong)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_enough_mistakes_are_tried(name):
    assert len(wrong_formulas(ACTIVATIONS[name], OTHER[name])) >= 30


# ---- losses -------------------------------------------------------------------------------------------------------

EACH, LAST = network(TANH, squared()), network(TANH, squared(), last_only=True)
EACH_HALF = network(TANH, squared(half))
CHARACTER, SENTIMENT = network(TANH, CROSS_ENTROPY), network(TANH, CLASS_CROSS_ENTROPY, last_only=True)
ANY_LABEL = elman.label

WRONG_LOSS_GRADIENTS = {
    "squared: 2 missing": (EACH, yhat[s, v] - y[s, v]),
    "squared: target minus output": (EACH, 2 * (y[s, v] - yhat[s, v])),
    "squared: target forgotten": (EACH, 2 * yhat[s, v]),
    "squared: target of the step before": (EACH, 2 * (yhat[s, v] - y[s - 1, v])),
    "squared: mean over outputs": (EACH, 2 * (yhat[s, v] - y[s, v]) / m),
    "squared: mean over steps": (EACH, 2 * (yhat[s, v] - y[s, v]) / T),
    "half squared: 2 too much": (EACH_HALF, 2 * (yhat[s, v] - y[s, v])),
    "last squared: 2 missing": (LAST, yhat[v] - y[v]),
    "last squared: the squared error itself": (LAST, (yhat[v] - y[v]) ** 2),
    "cross-entropy: y - p": (CHARACTER, y[s, v] - softmax((s,), v)),
    "cross-entropy: p alone": (CHARACTER, softmax((s,), v)),
    "cross-entropy: logits for probabilities": (CHARACTER, o[s, v] - y[s, v]),
    "cross-entropy: diagonal of the Jacobian": (CHARACTER, softmax((s,), v) * (1 - softmax((s,), v)) - y[s, v]),
    "cross-entropy: y not summing to 1": (CHARACTER, m * softmax((s,), v) - y[s, v]),
    "class: -1 at every class": (SENTIMENT, softmax((), v) - 1),
    "class: + at the label": (SENTIMENT, softmax((), v) + delta(v, ANY_LABEL)),
    "class: probability of the label": (SENTIMENT, softmax((), ANY_LABEL) - delta(v, ANY_LABEL)),
}


@pytest.mark.parametrize("mistake", WRONG_LOSS_GRADIENTS)
def test_wrong_gradient_of_the_loss_is_refused(mistake):
    net, wrong = WRONG_LOSS_GRADIENTS[mistake]
    require_refusal(net, "output", wrong)


def slope(t, i):
    return 1 - h[t, i] ** 2


carry = total(W[i, q] * slope(before + 1, i) * nabla_h[before + 1, i], i)

WRONG_AT_THE_LAST_STEP = {
    "output's error added at every step": (LAST, "step", carry + total(V[r, q] * nabla_yhat[r], r)),
    "V summed over the steps": (LAST, "V", total(nabla_yhat[v] * h[t, q], t)),
    "V with the state before the last": (LAST, "V", nabla_yhat[v] * h[T - 1, q]),
    "c once per step": (LAST, "c", T * nabla_yhat[v]),
    "printed recursion, (1 - h_t^2) for (1 - h_(t+1)^2)": (
        SENTIMENT,
        "step",
        total(W[i, q] * slope(before, i) * nabla_h[before + 1, i], i),
    ),
    "W_hh for its transpose": (SENTIMENT, "step", total(W[q, i] * slope(before + 1, i) * nabla_h[before + 1, i], i)),
    "printed without the transpose of W_yh": (CHARACTER, "last", total(V[q, r] * nabla_o[T, r], r)),
}


@pytest.mark.parametrize("mistake", WRONG_AT_THE_LAST_STEP)
def test_mistakes_of_the_documents_are_refused(mistake):
    require_refusal(*WRONG_AT_THE_LAST_STEP[mistake])


# ---- batches, truncation, forward mode ----------------------------------------------------------------------------

BATCH = network(TANH, squared(), last_only=True, batch=True)
window = total((1 - h[w, t, p] ** 2) * nabla_h[w, t, p] * h[w, t - 1, q], t)

WRONG_BATCHES = {
    "mean over the batch": ("W", total(window, w) / B),
    "the last window only": ("W", window.xreplace({w: B - 1})),
    "adjoints of one window for all": ("c", B * nabla_yhat[g, v].xreplace({g: sp.S.Zero})),
}


@pytest.mark.parametrize("mistake", WRONG_BATCHES)
def test_wrong_batch_is_refused(mistake):
    require_refusal(BATCH, *WRONG_BATCHES[mistake])


TRUNCATED = network(SIGMOID, squared(half), last_only=True, bias=False, sine=True, truncated=True)


def sine_signal(t, i, h=h):
    return h[t, i] * (1 - h[t, i]) * nabla_h[t, i]


WRONG_WINDOWS = {
    "all steps": ("W", total(sine_signal(t, p, untruncated) * untruncated[t - 1, q], t)),
    "one step short": ("W", total(kept[t - 1] * sine_signal(t, p) * h[t - 1, q], t)),
    "one step too many": ("W", total(kept[t + 1] * sine_signal(t, p) * h[t - 1, q], t)),
    "carried through the frozen state": ("step", total(W[i, q] * sine_signal(before + 1, i), i)),
    "U for all steps": ("U", sine_signal(s, p, untruncated) * x[s]),
    "U fed with the step before": ("U", kept[s] * sine_signal(s, p) * x[s - 1]),
}


@pytest.mark.parametrize("mistake", WRONG_WINDOWS)
def test_wrong_truncation_is_refused(mistake):
    require_refusal(TRUNCATED, *WRONG_WINDOWS[mistake])


def test_truncation_is_not_the_gradient_of_the_full_loss():
    """The truncated formulas, claimed of the network that holds nothing constant."""
    full = network(SIGMOID, squared(half), last_only=True, bias=False, sine=True)
    truncated = TRUNCATED.theorem
    claimed = replace(full.theorem, backward=truncated.backward, constant=truncated.constant)
    with pytest.raises(Disproved, match="Counterexample"):
        claimed.check("W")


def forward_step(direct=1, weight=W[i, elman.j], at=0):
    def step(parameter, t, i_):
        dh, free, fed = recurrent_classification._sensitivities()[parameter]
        carried = total(weight.xreplace({i: i_}) * dh[t - 1, elman.j, *free], elman.j)
        return (1 - h[t - at, i_] ** 2) * (direct * delta(i_, free[0]) * fed(t) + carried)

    return step


@pytest.mark.parametrize(
    "wrong",
    [
        forward_step(weight=sp.S.Zero * W[i, elman.j] + W[elman.j, i]),
        forward_step(direct=0),
        forward_step(direct=2),
        forward_step(at=1),
        forward_step(weight=2 * W[i, elman.j]),
    ],
    ids=["W transposed", "no direct term", "direct term twice", "phi' of the step before", "carry twice"],
)
def test_wrong_forward_recursion_is_refused(wrong, monkeypatch):
    monkeypatch.setattr(recurrent_classification, "_forward_step", wrong)
    with pytest.raises(Disproved, match=r"recursion of dh/db.+Counterexample"):
        list(recurrent_classification._rtrl_is_bptt())


# ---- the whole ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "span", [{"lower": 2, "upper": T - 1}, {"lower": 1, "upper": T - 2}, {"lower": 1, "upper": T}], ids=str
)
def test_adjoint_equations_must_cover_each_step_once(span):
    theorem = EACH.theorem
    step = theorem.backward["step"]
    elsewhere = step.target.xreplace({before: index("s", **span)})
    theorem = replace(theorem, backward={**theorem.backward, "step": replace(step, target=elsewhere)})
    with pytest.raises(Disproved, match=r"define the derivative by h\[\d, \d\] [02] times, not 1, at"):
        list(theorem.steps())


def test_a_refusal_is_quick():
    """What is timed is the search for a counterexample, not how busy the machine is."""
    start = time.process_time()
    require_refusal(EACH, "c", nabla_yhat[T, v])
    assert time.process_time() - start < 1
