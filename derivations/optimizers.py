"""Update rules: one step of each in SymPy, and what the step amounts to after any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy import Rational, sqrt

from derivations.sources import A, B, E
from gradproof.symbolic import (
    Checked,
    Disproved,
    Proof,
    arrays,
    derivation,
    equal,
    gradient,
    index,
    scalars,
    size,
    total,
)

Step = Mapping[str, sp.Expr]


@dataclass(frozen=True, kw_only=True, eq=False)
class UpdateRule:
    """One step of an optimizer, and what is proved about it.

    key, title, rows, source, printed, domain_text, derive, note: as for Formula. step: ``step() -> {name: expression}``
    for the new theta and the new state of one entry; the symbols are called theta, gradient, what the state and the
    hyperparameters are called, and t, the number of this step, counted from 1.
    """

    key: str
    title: str
    rows: tuple[str, ...]
    source: str
    printed: str
    domain_text: str
    derive: Callable[[], Proof]
    step: Callable[[], Step]
    note: str = ""

    def __repr__(self) -> str:
        return f"UpdateRule({self.key!r})"


t = size("t")
theta, g, lr, lr_decay, eps, weight_decay = scalars("theta gradient lr lr_decay eps weight_decay")
momentum, alpha, beta1, beta2 = scalars("momentum alpha beta1 beta2", positive=True)  # 0 is no decay but its absence


# ---- what several rules have in common ----------------------------------------------------------------------------


def _penalty(step: Step) -> Iterator[Checked]:
    """Weight decay is an L2 penalty: the step along the gradient of the loss with the penalty added to it."""
    n = size("n")
    i, q = index("i", n), index("q", n)
    slope, weights = arrays("g theta")
    loss = total(slope[i] * weights[i], i)
    penalised = loss + weight_decay / 2 * total(weights[i] ** 2, i)
    yield gradient("d(L + penalty)/dtheta_q", penalised, weights[q], slope[q] + weight_decay * weights[q])
    for name, value in step.items():
        without = value.subs(weight_decay, 0).subs(g, g + weight_decay * theta)
        yield equal(f"{name}: weight decay is the penalty's gradient", value, without)


def _unrolled(name: str, step: Step, keep: Any, added: Any, term: Callable[[Any, Any], Any]) -> Iterator[Checked]:
    """After t steps from 0 the state is the sum of term(t, i) over i = 1..t, by induction over t.

    keep, added: what a step does to the state a: keep * a + added(the step's gradient).
    """
    i = index("i", lower=1, upper=t)
    (a,) = scalars(name)
    yield equal(f"{name}: a step keeps one part and adds another", step[name], keep * a + added(g))
    yield equal(f"{name}: step t + 1 turns term i into term i", keep * term(t, i), term(t + 1, i))
    (gradients,) = arrays("g")
    yield equal(f"{name}: step t + 1 adds its own term", added(gradients[t + 1]), term(t + 1, t + 1))


def _averages(decay: Any) -> Iterator[Checked]:
    """The weights (1 - decay) decay^(t - i), i = 1..t, of a running mean that starts at 0 sum to 1 - decay^t."""
    k = sp.Symbol("k", integer=True)
    weights = sp.summation((1 - decay) * decay ** (t - k), (k, 1, t))
    yield equal(f"the weights of {decay} sum to 1 - {decay}^t", weights, 1 - decay**t)
    yield equal(f"and by induction: {decay}", decay * (1 - decay**t) + (1 - decay), 1 - decay ** (t + 1))


def _running_mean(name: str, step: Step, decay: Any, of: Callable[[Any], Any]) -> Iterator[Checked]:
    (gradients,) = arrays("g")
    yield from _unrolled(
        name,
        step,
        keep=decay,
        added=lambda slope: (1 - decay) * of(slope),
        term=lambda t, i: (1 - decay) * decay ** (t - i) * of(gradients[i]),
    )


def _velocity(step: sp.Expr) -> Iterator[Checked]:
    (gradients,) = arrays("g")
    yield from _unrolled(
        "velocity",
        {"velocity": step},
        keep=momentum,
        added=lambda slope: slope,
        term=lambda t, i: momentum ** (t - i) * gradients[i],
    )


_UNROLLED = "The sum over i = 1..t + 1 is that over i = 1..t and the term t + 1; before the first step it is empty."
_ANY_LOSS = "A loss enters an update by its gradient only, so that a linear one stands for all."


# ---- gradient descent ---------------------------------------------------------------------------------------------


def _sgd_step() -> Step:
    (velocity,) = scalars("velocity")
    new = momentum * velocity + g + weight_decay * theta
    return {"velocity": new, "theta": theta - lr * new}


@derivation(argued=f"{_ANY_LOSS} {_UNROLLED}")
def _sgd() -> Iterator[Checked]:
    step = _sgd_step()
    yield from _penalty(step)
    plain = {name: value.subs(weight_decay, 0) for name, value in step.items()}
    yield equal("without momentum: theta - lr gradient", plain["theta"].subs(momentum, 0), theta - lr * g)
    yield from _velocity(plain["velocity"])
    constant = (1 - momentum**t) / (1 - momentum) * g
    after = plain["velocity"].subs(scalars("velocity")[0], constant)
    yield equal(
        "under one gradient the velocity is (1 - momentum^t) / (1 - momentum) times it",
        (1 - momentum) * after,
        (1 - momentum ** (t + 1)) * g,
    )


sgd = UpdateRule(
    key="sgd",
    title="gradient descent with momentum and weight decay",
    rows=("B7",),
    source=f"{B}, Question 2, optimizers; {A}, 2. Regression, update of the parameters",
    printed=r"\theta = \theta - \eta \cdot \nabla_{\theta}",
    domain_text="all real theta, gradient and hyperparameters",
    derive=_sgd,
    step=_sgd_step,
    note="Momentum and weight decay as PyTorch defines them: no dampening, no Nesterov; the velocity starts at 0.",
)


# ---- the clipped update -------------------------------------------------------------------------------------------


def _clipped(value: Any) -> sp.Expr:
    return sp.Piecewise((-1, value < -1), (1, value > 1), (value, True))


def _clipped_step() -> Step:
    return {"theta": theta - lr * _clipped(g)}


def _holds(claim: str, statement: str, left: sp.Expr, right: Any) -> Checked:
    """An equality of exact numbers, or of expressions that SymPy evaluates to the same one."""
    if left != right:
        raise Disproved(f"{claim} is false: it is {left}, not {right}")
    return Checked(claim, statement)


@derivation(
    argued="A field with continuous derivatives is a gradient only if its Jacobian is symmetric (Schwarz), near theta ="
    " (2, 1/2) the clipped one is smooth and it is not: no loss has it as its gradient. On each piece the product of a"
    " gradient and its clipped self is not negative, so a small enough step still goes downhill."
)
def _clipping() -> Iterator[Checked]:
    x, y = scalars("theta_1 theta_2")
    loss, at = x * y, {x: sp.Integer(2), y: Rational(1, 2)}
    first, second = (_clipped(loss.diff(by)) for by in (x, y))
    yield _holds(
        "entry 1 of the clipped gradient of theta_1 theta_2 moves with theta_2",
        r"\partial_{\theta_2} \mathrm{clip}(\theta_2) = 1 \text{ at } \theta = (2, 1/2)",
        first.diff(y).subs(at),
        1,
    )
    yield _holds(
        "entry 2 does not move with theta_1",
        r"\partial_{\theta_1} \mathrm{clip}(\theta_1) = 0 \text{ at } \theta = (2, 1/2)",
        second.diff(x).subs(at),
        0,
    )
    (inside,) = scalars("g")
    (beyond,) = scalars("k", positive=True)
    pieces = {"inside": (inside, inside), "above 1": (1, 1 + beyond), "below -1": (-1, -1 - beyond)}
    products = {"inside": inside**2, "above 1": 1 + beyond, "below -1": 1 + beyond}
    for where, (cut, slope) in pieces.items():
        yield equal(f"clip(g) g, {where}, is not negative", cut * slope, products[where])
    for value, cut in ((-3, -1), (-1, -1), (Rational(1, 3), Rational(1, 3)), (1, 1), (5, 1)):
        yield _holds(
            f"clip({value}) = {cut}", rf"\mathrm{{clip}}({sp.latex(value)}) = {sp.latex(cut)}", _clipped(value), cut
        )


clipped_sgd = UpdateRule(
    key="clipped-sgd",
    title="gradient descent along the gradient clipped to [-1, 1] entry by entry",
    rows=("E7",),
    source=f"{E}, Back propagation, update of the weights",
    printed=r"\mathtt{np.clip(d, -1, 1, out=d)}",
    domain_text="all real theta, gradient, lr",
    derive=_clipping,
    step=_clipped_step,
    note="What is subtracted is not the gradient of any loss: entries are cut one by one, so that its direction turns.",
)


# ---- AdaGrad ------------------------------------------------------------------------------------------------------


def _adagrad_step() -> Step:
    (squares,) = scalars("squares", positive=True)
    slope = g + weight_decay * theta
    new = squares + slope**2
    return {"squares": new, "theta": theta - lr / (1 + (t - 1) * lr_decay) * slope / (sqrt(new) + eps)}


@derivation(argued=f"{_ANY_LOSS} {_UNROLLED}")
def _adagrad() -> Iterator[Checked]:
    step = _adagrad_step()
    yield from _penalty(step)
    plain = {name: value.subs(weight_decay, 0) for name, value in step.items()}
    (gradients,) = arrays("g")
    (squares,) = scalars("squares", positive=True)
    (a,) = scalars("squares")
    yield from _unrolled(
        "squares",
        {"squares": plain["squares"].subs(squares, a)},
        keep=sp.Integer(1),
        added=lambda slope: slope**2,
        term=lambda t, i: gradients[i] ** 2,
    )
    yield equal(
        "the first step has the full rate",
        plain["theta"].subs(t, 1),
        theta - lr * g / (sqrt(squares + g**2) + eps),
    )
    (k,) = scalars("k", positive=True)
    moved = (plain["theta"] - theta).subs(eps, 0)
    scaled = moved.subs({g: k * g, squares: k**2 * squares}, simultaneous=True)
    yield equal(
        "without eps, all gradients k times as large make the same steps",
        scaled.replace(sp.Pow, lambda base, exponent: sp.factor(base) ** exponent),
        moved,
    )


adagrad = UpdateRule(
    key="adagrad",
    title="AdaGrad with a decaying rate and weight decay",
    rows=("B7",),
    source=f"{B}, Question 2, Adagrad optimizer",
    printed=r"\mathtt{lr,\ lr\_decay,\ eps,\ weight\_decay}",
    domain_text="eps > 0, lr_decay >= 0; all real theta and gradient",
    derive=_adagrad,
    step=_adagrad_step,
    note="The source lists the arguments; the rule is PyTorch's, whose default eps is 1e-10, not the printed 1e-8.",
)


# ---- RMSprop ------------------------------------------------------------------------------------------------------


def _rmsprop_step() -> Step:
    square, mean, velocity, centered = scalars("square mean velocity centered")
    slope = g + weight_decay * theta
    new_square = alpha * square + (1 - alpha) * slope**2
    new_mean = alpha * mean + (1 - alpha) * slope
    new_velocity = momentum * velocity + slope / (sqrt(new_square - centered * new_mean**2) + eps)
    return {"square": new_square, "mean": new_mean, "velocity": new_velocity, "theta": theta - lr * new_velocity}


@derivation(argued=f"{_ANY_LOSS} {_UNROLLED} The weights are not negative, so neither is the variance under the root.")
def _rmsprop() -> Iterator[Checked]:
    step = _rmsprop_step()
    yield from _penalty(step)
    plain = {name: value.subs(weight_decay, 0) for name, value in step.items()}
    yield from _running_mean("square", plain, alpha, lambda slope: slope**2)
    yield from _running_mean("mean", plain, alpha, lambda slope: slope)
    yield from _averages(alpha)
    yield from _centered_is_variance()
    (velocity,) = scalars("velocity")
    direction = plain["velocity"].subs(velocity, 0)
    yield from _velocity(plain["velocity"].subs(direction, g))  # momentum adds up directions in place of gradients


def _centered_is_variance() -> Iterator[Checked]:
    """Of the gradients g_i with weights w_i, and of 0, which has the rest r = alpha^t of the weight."""
    i, j = index("i", lower=1, upper=t), index("j", lower=1, upper=t)
    w, slope = arrays("w g")
    (r,) = scalars("r")
    mean = total(w[j] * slope[j], j)
    yield equal(
        "square - mean^2 is the variance, counting what the means started from",
        total(w[i] * (slope[i] - mean) ** 2, i) + r * (0 - mean) ** 2,
        total(w[i] * slope[i] ** 2, i) - mean**2,
        given={total(w[i], i): 1 - r},
    )


rmsprop = UpdateRule(
    key="rmsprop",
    title="RMSprop with momentum, centering and weight decay",
    rows=("B7",),
    source=f"{B}, Question 2, RMSprop optimizer",
    printed=r"\mathtt{lr,\ alpha,\ eps,\ momentum,\ centered,\ weight\_decay}",
    domain_text="0 < alpha < 1, eps > 0, centered 0 or 1; all real theta and gradient",
    derive=_rmsprop,
    step=_rmsprop_step,
    note="The source lists the arguments, betas among them, which RMSprop has not; the rule is PyTorch's.",
)


# ---- Adam ---------------------------------------------------------------------------------------------------------


def _adam_parts() -> dict[str, sp.Expr]:
    m, v = scalars("m v")
    slope = g + weight_decay * theta
    new_m, new_v = beta1 * m + (1 - beta1) * slope, beta2 * v + (1 - beta2) * slope**2
    return {"m": new_m, "v": new_v, "m_hat": new_m / (1 - beta1**t), "v_hat": new_v / (1 - beta2**t)}


def _adam_step() -> Step:
    parts = _adam_parts()
    return {"m": parts["m"], "v": parts["v"], "theta": theta - lr * parts["m_hat"] / (sqrt(parts["v_hat"]) + eps)}


@derivation(
    argued=f"{_ANY_LOSS} {_UNROLLED} Expectations add up, so that where all gradients have the same expectation,"
    " that of m_hat is theirs."
)
def _adam() -> Iterator[Checked]:
    yield from _penalty(_adam_step())
    plain = {name: value.subs(weight_decay, 0) for name, value in _adam_parts().items()}
    yield from _running_mean("m", plain, beta1, lambda slope: slope)
    yield from _running_mean("v", plain, beta2, lambda slope: slope**2)
    yield from _averages(beta1)
    yield from _averages(beta2)
    m, v = scalars("m v")
    before = {m: (1 - beta1 ** (t - 1)) * g, v: (1 - beta2 ** (t - 1)) * g**2}
    start = {m: 0, v: 0, t: 1}
    for name, beta, value in (("m", beta1, g), ("v", beta2, g**2)):
        yield equal(f"under one gradient {name} is (1 - beta^t) of it", plain[name].subs(before), (1 - beta**t) * value)
        yield equal(f"so {name}_hat is the whole of it", plain[f"{name}_hat"].subs(before), value)
        yield equal(f"{name}_hat at the first step, from 0", plain[f"{name}_hat"].subs(start), value)


adam = UpdateRule(
    key="adam",
    title="Adam with bias correction and weight decay",
    rows=("B7",),
    source=f"{B}, Question 2, Adam optimizer",
    printed=r"\mathtt{lr=0.01,\ betas=(0.9,\ 0.999),\ eps=1e-08,\ weight\_decay=0}",
    domain_text="0 < beta1, beta2 < 1, eps > 0; all real theta and gradient",
    derive=_adam,
    step=_adam_step,
    note="The source lists the arguments; the rule is PyTorch's, without amsgrad.",
)
