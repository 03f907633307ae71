"""The Lagrangian proves what brute force proves, refutes what it refutes, and says so where it does not know."""

from dataclasses import replace

import pytest
import sympy as sp

from derivations import elman
from derivations.elman import (
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    GENERAL,
    RELU,
    SIGMOID,
    TANH,
    T,
    V,
    W,
    d,
    h,
    i,
    label,
    m,
    n,
    nabla_h,
    nabla_y,
    nabla_yhat,
    network,
    p,
    q,
    r,
    s,
    squared,
    t,
    tau,
    v,
    y,
    yhat,
)
from gradproof.errors import InvalidProblem
from gradproof.symbolic import (
    Backpropagation,
    Disproved,
    Equation,
    IndexClash,
    Undecided,
    arrays,
    delta,
    index,
    relu,
    relu_derivative,
    scalars,
    size,
    total,
)
from gradproof.symbolic.brute_force import is_zero, prove_by_brute_force
from gradproof.symbolic.samples import samples

SMALL = {n: 2, d: 2, m: 2, T: 3}
SINE = {"last_only": True, "bias": False, "sine": True, "truncated": True}
EACH = network(TANH, squared()).theorem
LAYER = network(TANH, GENERAL, initial=True).theorem


def claiming(theorem, claim, **changes):
    """The theorem with one backward equation changed."""
    return replace(theorem, backward={**theorem.backward, claim: replace(theorem.backward[claim], **changes)})


# ---- two ways to one theorem --------------------------------------------------------------------------------------

NETWORKS = {
    "tanh, squared error, each": (network(TANH, squared()), SMALL),
    "tanh, squared error, last": (network(TANH, squared(), last_only=True), SMALL),
    "tanh, cross-entropy, each": (network(TANH, CROSS_ENTROPY), SMALL),
    "tanh, cross-entropy, last": (network(TANH, CLASS_CROSS_ENTROPY, last_only=True), {**SMALL, label: 1}),
    "sigmoid, squared error, each, h0": (network(SIGMOID, squared(), initial=True), SMALL),
    "sigmoid, squared error, last": (network(SIGMOID, squared(), last_only=True), SMALL),
    "sigmoid, cross-entropy, each": (network(SIGMOID, CROSS_ENTROPY), {**SMALL, T: 2}),
    "sigmoid, cross-entropy, last": (network(SIGMOID, CROSS_ENTROPY, last_only=True), SMALL),
    "ReLU, squared error, each": (network(RELU, squared()), {**SMALL, d: 1, T: 2}),
    "moved states": (network(TANH, GENERAL, initial=True, disturbed=True), {**SMALL, T: 2}),
    "truncated": (network(SIGMOID, squared(), **SINE), {**SMALL, tau: 2}),
    "truncated before the start": (network(SIGMOID, squared(), **SINE), {**SMALL, tau: 4, T: 2}),
    "batch": (network(TANH, squared(), last_only=True, batch=True), {**SMALL, elman.B: 2, T: 2, d: 1}),
    "one of everything": (network(TANH, squared()), {n: 1, d: 1, m: 1, T: 1}),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_brute_force_proves_the_same_theorem(name):
    net, sizes = NETWORKS[name]
    proved = list(prove_by_brute_force(net.theorem, sizes))
    not_there = {"step"} if sizes[T] == 1 else set()  # there is no step before the last
    assert {step.claim.split(":")[0] for step in proved} == set(net.theorem.backward) - not_there


MISTAKES = {
    "W for its transpose": ("step", lambda value: value.xreplace({W[i, q]: W[q, i]})),
    "no phi'": ("W", lambda value: total(nabla_h[t, p] * h[t - 1, q], t)),
    "h[t] for h[t-1]": ("W", lambda value: value.xreplace({h[t - 1, q]: h[t, q]})),
    "factor 2": ("b", lambda value: 2 * value),
    "V for its transpose": ("last", lambda value: value.xreplace({V[r, q]: V[q, r]})),
    "target minus output": ("output", lambda value: -value),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_brute_force_refutes_what_the_calculus_refutes(mistake):
    claim, changed = MISTAKES[mistake]
    wrong = claiming(EACH, claim, value=changed(EACH.backward[claim].value))
    with pytest.raises(Disproved, match=f"{claim}: .+ is false at n = 2"):
        list(prove_by_brute_force(wrong, {**SMALL, T: 2}))
    with pytest.raises(Disproved, match="Counterexample"):
        wrong.check(claim)


def test_zero_is_decided_exactly():
    a, b = scalars("a b")
    assert is_zero((a + b) ** 2 - a**2 - 2 * a * b - b**2)
    assert is_zero(a / (a + b) + b / (a + b) - 1)
    assert is_zero(sp.S.Zero)
    assert not is_zero(a / (a + b) - b / (a + b))
    assert not is_zero(sp.Rational(1, 10**30) * a)


# ---- what is no proof ---------------------------------------------------------------------------------------------


def test_adjoints_must_be_complete():
    without = {name: equation for name, equation in EACH.backward.items() if name != "last"}
    with pytest.raises(Disproved, match=r"the derivative by h\[1, 0\] 0 times, not 1, at T = 1"):
        list(replace(EACH, backward=without).steps())


def test_step_claimed_of_the_last_step_too_is_refuted():
    """At s = T there is no step T + 1; the range of s says that it is meant."""
    step = EACH.backward["step"]
    everywhere = {elman.before: index("s", lower=1, upper=T)}
    wrong = claiming(EACH, "step", target=step.target.xreplace(everywhere), value=step.value.xreplace(everywhere))
    with pytest.raises(Disproved, match=r"2 times, not 1"):
        list(wrong.steps())
    with pytest.raises((Disproved, Undecided)):
        wrong.check("step")


def test_true_formula_in_other_terms_is_undecided_not_refuted():
    """nabla_b with V^T nabla_y[T] for nabla_h[T]: the same, but only by the equation for nabla_h[T]."""
    early = index("t", lower=1, upper=T - 1)
    slope, at_last = 1 - h[early, p] ** 2, 1 - h[T, p] ** 2
    in_other_terms = total(slope * nabla_h[early, p], early) + at_last * total(V[r, p] * nabla_y[T, r], r)
    with pytest.raises(Undecided, match="no sample refutes it"):
        claiming(LAYER, "b", value=in_other_terms).check("b")


def test_recursion_that_uses_itself_is_no_pass():
    step = LAYER.backward["step"]
    circular = step.value.xreplace({nabla_h[elman.before + 1, i]: nabla_h[elman.before, i]})
    with pytest.raises(Undecided):
        claiming(LAYER, "step", value=circular).check("step")


def test_index_of_a_claim_may_not_be_summed_in_the_loss():
    clash = claiming(LAYER, "V", target=elman.nabla_V[r, q], value=total(nabla_y[t, r] * h[t, q], t))
    with pytest.raises(IndexClash, match="r is summed in the loss"):
        clash.check("V")


def test_index_of_a_claim_may_not_be_summed_in_its_formula():
    clash = claiming(LAYER, "b", value=total((1 - h[t, p] ** 2) * nabla_h[t, p], p, t))
    with pytest.raises(IndexClash, match="both free and summed"):
        clash.check("b")
    twice = total(h[t, p], t)
    with pytest.raises(IndexClash, match="summed again"):
        total(twice * nabla_h[t, p], t)


def test_computed_array_needs_an_adjoint():
    with pytest.raises(InvalidProblem, match="yhat is computed, but no array is named as its adjoint"):
        replace(EACH, derivative_of={nabla: x for nabla, x in EACH.derivative_of.items() if x != yhat}).check("W")


def test_shift_of_unknown_length_is_undecided():
    """A carry over k steps, k unrelated to their number: the formula is true, but is s + k still a step?"""
    k, last = size("k"), size("last")
    (a, g) = arrays("a g")
    step, s_ = index("t", lower=1, upper=last), index("s", lower=1, upper=last)
    skipping = Backpropagation(
        loss=a[last],
        forward=(Equation(a[step], a[step - k] / 2, along=step),),
        backward={"every": Equation(g[s_], total(delta(step, s_ + k) * g[step], step) / 2 + delta(s_, last))},
        derivative_of={g: a},
    )
    with pytest.raises(Undecided, match="do not settle it"):
        skipping.check("every")


def test_scalar_recursion():
    """The smallest case: a[t] = w a[t-1], loss a[T]."""
    (w,) = arrays("w")
    a, g, gw = arrays("a g gw")
    before = elman.before
    theorem = Backpropagation(
        loss=a[T],
        forward=(Equation(a[t], w[0] * a[t - 1], along=t),),
        backward={
            "last": Equation(g[T], sp.S.One),
            "step": Equation(g[before], w[0] * g[before + 1], along=before, down=True),
            "w": Equation(gw[0], total(g[t] * a[t - 1], t)),
        },
        derivative_of={g: a, gw: w},
    )
    assert [step.claim for step in theorem.steps()] == ["last: dL/da[T]", "step: dL/da[s]", "w: dL/dw[0]"]
    list(prove_by_brute_force(theorem, {T: 5}))


# ---- the parts ----------------------------------------------------------------------------------------------------


def test_samples_satisfy_the_equations():
    where = (*LAYER.constant, *LAYER.forward, *LAYER.backward.values())
    for sample in samples(where=where):
        last = sample.value(h[T, q])
        state = LAYER.forward[0].value.xreplace({t: T, i: q})
        assert abs(last - sample.value(state)) < 1e-30
        assert abs(sample.value(nabla_h[T, q]) - sample.value(LAYER.backward["last"].value)) < 1e-30


def test_relu_has_a_proof_on_either_side_and_no_value_is_negative():
    assert [step.claim for step in relu_derivative()] == ["ReLU' = sign(ReLU), z > 0", "ReLU' = sign(ReLU), z < 0"]
    assert [relu.definition(sp.Integer(z)) for z in (-3, 0, 2)] == [0, 0, 2]


def test_program_holds_the_proved_equations_and_the_axes_they_fill():
    net = network(TANH, squared(), last_only=True)
    system = net.system()
    assert set(net.theorem.forward) | set(net.theorem.backward.values()) < set(system.equations)
    assert system.computed[h][0] == (0, T)
    assert system.computed[nabla_h][0] == (1, T)
    assert set(system.outputs) == {"W", "U", "b", "V", "c"}
    assert system.inputs["y"] == (y, ((0, m - 1),))


def test_statement_is_the_printed_formula():
    assert EACH.check("output").latex == r"{\nabla_{\hat{y}}}_{s,v} = - 2 {y}_{s,v} + 2 {\hat{y}}_{s,v}"
    assert EACH.backward["output"].target == nabla_yhat[s, v]
