"""Every update rule: proved, the same as PyTorch's and as SymPy's at every step, and told apart from wrong ones."""

import functools
import math
from dataclasses import asdict

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import derivations
import implementations
from derivations.optimizers import UpdateRule
from gradproof.catalogue import collect
from gradproof.provenance import code_of
from gradproof.verdict import Witness
from implementations.optimizers import SGD, AdaGrad, Adam, ClippedSGD, Optimizer, RMSprop

RULES, OPTIMIZERS = collect(derivations, UpdateRule), collect(implementations, Optimizer)
STEPS = 50
ROUNDINGS = 8
"""Of one step of a rule: in its running means, their roots and quotient, the product with lr, the difference."""

every_rule = pytest.mark.parametrize("key", OPTIMIZERS)


# Completeness and proofs ---------------------------------------------------------------------------------------------


def test_every_rule_has_an_optimizer_and_every_optimizer_a_rule():
    assert RULES.keys() == OPTIMIZERS.keys()
    assert {row for rule in RULES.values() for row in rule.rows} == {"B7", "E7"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.key)
def test_proof(rule, gradproof_results):
    proof = gradproof_results.entry(rule.key, rule).proof = rule.derive()
    assert proof.scope == "every size"
    assert all((rule.title, rule.rows, rule.source, rule.printed, rule.domain_text))


# Random walks: the same gradients for everybody ----------------------------------------------------------------------

RATE = st.floats(1e-4, 0.5)
SHARE = st.one_of(st.just(0.0), st.floats(0.05, 0.95))
EPS = st.sampled_from([1e-8, 1e-10, 1e-3])
HYPERPARAMETERS = {
    SGD: {"lr": RATE, "momentum": SHARE, "weight_decay": SHARE},
    ClippedSGD: {"lr": RATE},
    AdaGrad: {"lr": RATE, "lr_decay": SHARE, "eps": EPS, "weight_decay": SHARE},
    RMSprop: {
        "lr": RATE,
        "alpha": st.floats(0.3, 0.99),
        "eps": EPS,
        "weight_decay": SHARE,
        "momentum": SHARE,
        "centered": st.booleans(),
    },
    Adam: {
        "lr": RATE,
        "beta1": st.floats(0.1, 0.95),
        "beta2": st.floats(0.3, 0.999),
        "eps": EPS,
        "weight_decay": SHARE,
    },
}


def walks(key):
    """An optimizer of the kind with drawn hyperparameters, a shape, and a seed."""
    rule = OPTIMIZERS[key].rule
    shapes = st.sampled_from([(), (1,), (5,), (3, 4), (2, 3, 2)])
    return st.tuples(st.builds(rule, **HYPERPARAMETERS[rule]), shapes, st.integers(0, 2**32 - 1))


def drawn(shape, seed):
    """A first theta and the gradients of STEPS steps, of sizes from 0.1 to 10."""
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-1, 1)
    return np.asarray(rng.normal(size=shape)), [np.asarray(size * rng.normal(size=shape)) for _ in range(STEPS)]


def walk(optimizer, theta, gradients):
    """theta before the first step and after each."""
    state, path = optimizer.start(theta), [theta]
    for gradient in gradients:
        theta, state = optimizer.step(theta, gradient, state)
        path.append(theta)
    return path


def condition(optimizer, path, gradients):
    """By how much each step may magnify a rounding: only centering takes a difference of numbers that may be close."""
    if not getattr(optimizer, "centered", False):
        return [1.0] * STEPS
    state, magnified = optimizer.start(path[0]), []
    for theta, gradient in zip(path, gradients, strict=False):
        _, state = optimizer.step(theta, gradient, state)
        magnified.append(float(np.max(state["square"] / (state["square"] - state["mean"] ** 2))))
    return magnified


def apart(optimizer, path, gradients, others):
    """The largest distance of a walk from the steps others make from its places, in units of what rounding allows.

    From the same places: with weight decay a rounding comes back in the next gradient, and some walks are chaotic. The
    states are everybody's own, so that a step may differ by all roundings so far, of numbers no larger than the largest
    theta or step so far; momentum has summed the last 1 / (1 - momentum) of them.
    """
    memory = 1 / (1 - getattr(optimizer, "momentum", 0))
    size, worst, magnified = 0.0, 0.0, condition(optimizer, path, gradients)
    for k, other in enumerate(others):
        step = np.max(np.abs(path[k + 1] - path[k]))
        size = max(size, np.max(np.abs(path[k])), magnified[k] * memory * step)
        allowed = STEPS * ROUNDINGS * np.finfo(float).eps / 2 * size
        worst = max(worst, float(np.max(np.abs(path[k + 1] - other)) / allowed))
    return worst


@pytest.fixture
def compare(gradproof_results):
    """Compare a walk with the steps another source makes from its places, and keep the worst for the table."""

    def run(key, source, optimizer, path, gradients, others):
        entry = gradproof_results.entry(key, RULES[key])
        entry.code = code_of(optimizer)
        witness = entry.witnesses.setdefault(source, Witness())
        worst = apart(optimizer, path, gradients, others)
        witness.points, witness.worst = witness.points + STEPS, max(witness.worst, worst)
        assert worst <= 1

    return run


# Against PyTorch -----------------------------------------------------------------------------------------------------


def torch_steps(optimizer, path, gradients):
    """Where each step of torch.optim leads from the places of a path; clipping by PyTorch's own function."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    options = asdict(optimizer)
    if isinstance(optimizer, Adam):
        options["betas"] = options.pop("beta1"), options.pop("beta2")
    kinds = {SGD: torch.optim.SGD, ClippedSGD: torch.optim.SGD, AdaGrad: torch.optim.Adagrad}
    kinds |= {RMSprop: torch.optim.RMSprop, Adam: torch.optim.Adam}
    parameter = torch.tensor(path[0], requires_grad=True)
    theirs = kinds[type(optimizer)]([parameter], **options)
    for theta, gradient in zip(path, gradients, strict=False):
        with torch.no_grad():
            parameter.copy_(torch.tensor(theta))
        parameter.grad = torch.tensor(gradient)
        if isinstance(optimizer, ClippedSGD):
            torch.nn.utils.clip_grad_value_([parameter], 1.0)
        theirs.step()
        yield parameter.detach().numpy().copy()


@every_rule
def test_is_pytorchs_step_by_step(key, compare):
    pytest.importorskip("torch", reason="PyTorch is not installed")

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(walks(key))
    def run(case):
        optimizer, shape, seed = case
        theta, gradients = drawn(shape, seed)
        path = walk(optimizer, theta, gradients)
        compare(key, "torch module", optimizer, path, gradients, torch_steps(optimizer, path, gradients))

    run()


# Against SymPy -------------------------------------------------------------------------------------------------------


@functools.cache
def lowered(key):
    """The proved step as NumPy functions of numbers by name."""
    step = RULES[key].step()
    symbols = sorted(set().union(*(value.free_symbols for value in step.values())), key=str)
    return {name: sp.lambdify(symbols, value, "numpy") for name, value in step.items()}, [s.name for s in symbols]


def proved_steps(key, optimizer, path, gradients):
    """Where each step of the proved rule leads from the places of a path; its state starts at 0."""
    functions, names = lowered(key)
    values = {**dict.fromkeys(names, np.zeros_like(path[0])), **asdict(optimizer)}
    for t, (theta, gradient) in enumerate(zip(path, gradients, strict=False), start=1):
        values |= {"theta": theta, "gradient": gradient, "t": t}
        arguments = [values[name] for name in names]
        values |= {name: function(*arguments) for name, function in functions.items()}
        yield values["theta"]


@every_rule
def test_is_the_proved_rule_step_by_step(key, compare):
    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(walks(key))
    def run(case):
        optimizer, shape, seed = case
        theta, gradients = drawn(shape, seed)
        path = walk(optimizer, theta, gradients)
        compare(key, "derivation", optimizer, path, gradients, proved_steps(key, optimizer, path, gradients))

    run()


# Weight decay --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [SGD, AdaGrad, RMSprop, Adam])
def test_weight_decay_is_the_penalty_autograd_sees(rule):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(5)
    A, x, theta = rng.normal(size=(6, 4)), rng.normal(size=6), rng.normal(size=4)
    decaying, plain = rule(lr=0.1, weight_decay=0.3), rule(lr=0.1)
    state, other, penalised = decaying.start(theta), plain.start(theta), theta
    for _ in range(STEPS):
        theta, state = decaying.step(theta, A.T @ np.tanh(A @ theta - x), state)
        leaf = torch.tensor(penalised, requires_grad=True)
        loss = torch.log(torch.cosh(torch.tensor(A) @ leaf - torch.tensor(x))).sum() + 0.3 / 2 * (leaf**2).sum()
        loss.backward()
        penalised, other = plain.step(penalised, leaf.grad.numpy(), other)
    np.testing.assert_allclose(theta, penalised, rtol=0, atol=1e-10)


# Wrong rules ---------------------------------------------------------------------------------------------------------


class NoBiasCorrection(Adam):
    def step(self, theta, gradient, state):
        _, new = super().step(theta, gradient, state)
        return theta - self.lr * new["m"] / (np.sqrt(new["v"]) + self.eps), new


class EpsInsideTheRoot(Adam):
    def step(self, theta, gradient, state):
        _, new = super().step(theta, gradient, state)
        m_hat, v_hat = new["m"] / (1 - self.beta1 ** new["t"]), new["v"] / (1 - self.beta2 ** new["t"])
        return theta - self.lr * m_hat / np.sqrt(v_hat + self.eps), new


class EpsBeforeCorrection(Adam):
    def step(self, theta, gradient, state):
        _, new = super().step(theta, gradient, state)
        root = math.sqrt(1 - self.beta2 ** new["t"])
        return theta - self.lr * root / (1 - self.beta1 ** new["t"]) * new["m"] / (np.sqrt(new["v"]) + self.eps), new


class BetasSwapped(Adam):
    def step(self, theta, gradient, state):
        return Adam(lr=self.lr, beta1=self.beta2, beta2=self.beta1, eps=self.eps).step(theta, gradient, state)


class StepsFromZero(Adam):
    """The correction lags a step: t = 1 twice."""

    def step(self, theta, gradient, state):
        after, new = super().step(theta, gradient, {**state, "t": max(state["t"] - 1, 0)})
        return after, {**new, "t": state["t"] + 1}


class DecayAfterTheStep(Adam):
    def step(self, theta, gradient, state):
        plain = Adam(lr=self.lr, beta1=self.beta1, beta2=self.beta2, eps=self.eps)
        after, new = plain.step(theta, gradient, state)
        return after - self.lr * self.weight_decay * theta, new


class AlphaSwapped(RMSprop):
    def step(self, theta, gradient, state):
        return RMSprop(**{**asdict(self), "alpha": 1 - self.alpha}).step(theta, gradient, state)


class NotCentered(RMSprop):
    def step(self, theta, gradient, state):
        return RMSprop(**{**asdict(self), "centered": False}).step(theta, gradient, state)


class RateInTheVelocity(SGD):
    """The same as the right one only while the rate is constant from the start: here the penalty misses the rate."""

    def step(self, theta, gradient, state):
        velocity = self.momentum * state["velocity"] + self.lr * gradient + self.weight_decay * theta
        return theta - velocity, {"velocity": velocity}


class Dampened(SGD):
    def step(self, theta, gradient, state):
        g = gradient + self.weight_decay * theta
        velocity = self.momentum * state["velocity"] + (1 - self.momentum) * g
        return theta - self.lr * velocity, {"velocity": velocity}


class DecayOneStepEarly(AdaGrad):
    def step(self, theta, gradient, state):
        return super().step(theta, gradient, {**state, "t": state["t"] + 1})


class LastSquareOnly(AdaGrad):
    def step(self, theta, gradient, state):
        return super().step(theta, gradient, {**state, "squares": np.zeros_like(theta)})


class ScaledToTheNorm(ClippedSGD):
    """Clipped as a whole, not entry by entry."""

    def step(self, theta, gradient, state):
        return theta - self.lr * gradient / max(1.0, float(np.linalg.norm(gradient))), {}


WRONG = [
    NoBiasCorrection(lr=0.1),
    EpsInsideTheRoot(lr=0.1),
    EpsBeforeCorrection(lr=0.1),
    BetasSwapped(lr=0.1),
    StepsFromZero(lr=0.1),
    DecayAfterTheStep(lr=0.1, weight_decay=0.1),
    AlphaSwapped(lr=0.1),
    NotCentered(lr=0.1, centered=True),
    RateInTheVelocity(lr=0.1, momentum=0.9, weight_decay=0.1),
    Dampened(lr=0.1, momentum=0.9),
    DecayOneStepEarly(lr=0.1, lr_decay=0.1),
    LastSquareOnly(lr=0.1),
    ScaledToTheNorm(lr=0.1),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_a_wrong_rule_is_told_apart(wrong):
    """By the comparison above, and by far: a thousand times what rounding allows."""
    (right,) = (rule for rule in HYPERPARAMETERS if isinstance(wrong, rule))
    (key,) = (key for key, optimizer in OPTIMIZERS.items() if optimizer.rule is right)
    theta, gradients = drawn((3, 4), seed=1)
    path = walk(wrong, theta, gradients)
    proved = proved_steps(key, right(**asdict(wrong)), path, gradients)
    assert apart(wrong, path, gradients, proved) > 1000


# Conduct -------------------------------------------------------------------------------------------------------------


@every_rule
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_changes_nothing_in_place_and_keeps_the_dtype(key, dtype):
    optimizer = OPTIMIZERS[key].rule(lr=0.1)
    theta, gradient = np.array([[1.0, -2.0]], dtype), np.array([[0.5, 3.0]], dtype)
    state = optimizer.start(theta)
    before = theta.copy(), gradient.copy(), {name: np.copy(value) for name, value in state.items()}
    first, new = optimizer.step(theta, gradient, state)
    second, _ = optimizer.step(theta, gradient, state)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal((theta, gradient), before[:2])
    assert all(np.array_equal(state[name], before[2][name]) for name in state)
    assert new.keys() == state.keys()
    assert all(array.dtype == dtype for array in (first, *new.values()) if isinstance(array, np.ndarray))
    assert first.shape == theta.shape
