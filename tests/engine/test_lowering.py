"""Lowering: a system becomes a program that agrees with its equations, in any precision, or is refused."""

import functools
import itertools
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mp
from sympy import Heaviside, Max, Min, Piecewise, Rational, cos, exp, log, sin, sqrt, tanh

from gradproof import sampling
from gradproof.bound import is_float, reference
from gradproof.errors import InvalidProblem, NotRun
from gradproof.oracles import all_oracles
from gradproof.problem import Place, Problem
from gradproof.symbolic import arrays, delta, derivation, equal, gradient, index, scalars, sigmoid, size, sizes, total
from gradproof.symbolic.indices import Index
from gradproof.symbolic.lowering import CannotLower, WrongInputs, derived, lower
from gradproof.symbolic.lowering.ranges import never_negative
from gradproof.symbolic.system import Equation, System, axes
from tests.catalogue import FORMULAS, IMPLEMENTATIONS

DERIVED = [key for key, formula in FORMULAS.items() if formula.system is not None and key in IMPLEMENTATIONS]
OURS = [key for key in DERIVED if "rnn" not in key]  # formulas without a recursion: fast enough for every regime


# ---- an independent reading of a system: element by element, in 50 digits -------------------------------------------


class Interpreter:
    """Evaluates a system as it is written, with a dict of elements an array: a place outside is a KeyError."""

    def __init__(self, system, inputs):
        self.system, self.env, self.elements = system, {}, {}
        for name, (symbol, ends) in system.inputs.items():
            value = np.asarray(inputs[name])
            for (low, high), found in zip(ends, value.shape, strict=True):
                (free,) = (high - low + 1).free_symbols or {None}
                if free is not None:
                    self.env.setdefault(free, found - int(high - low + 1 - free))
            if not ends:
                self.env[symbol] = int(value) if value.dtype.kind in "iu" else mp.mpf(value.item())
        for name, (symbol, ends) in system.inputs.items():
            if ends:
                lows = [self.integer(low) for low, _ in ends]
                self.elements[symbol] = {
                    tuple(k + low for k, low in zip(place, lows, strict=True)): mp.mpf(
                        np.asarray(inputs[name])[place].item()
                    )
                    for place in np.ndindex(np.shape(inputs[name]))
                }

    def run(self):
        for _, group in itertools.groupby(self.system.equations, key=lambda e: (e.along, e.down)):
            group = list(group)
            along = group[0].along
            steps = [None] if along is None else self.values(along)
            for step in reversed(steps) if group[0].down else steps:
                for equation in group:
                    self.assign(equation, step)
        return {name: self.result(symbol) for name, symbol in self.system.outputs.items()}

    def assign(self, equation, step):
        target = equation.target
        if not isinstance(target, sp.Indexed):
            self.env[target] = self.value(equation.value)
            return
        ranges = [
            [step] if i == equation.along else self.values(i) if isinstance(i, Index) else [self.integer(i)]
            for i in target.indices
        ]
        for place in itertools.product(*ranges):
            for i, k in zip(target.indices, place, strict=True):
                if isinstance(i, Index):
                    self.env[i] = k
            self.elements.setdefault(target.base, {})[place] = self.value(equation.value)

    def values(self, i):
        return range(self.integer(i.lower), self.integer(i.upper) + 1)

    def integer(self, e):
        return int(self.value(sp.sympify(e)))

    def result(self, symbol):
        if symbol not in self.elements:
            return np.array(self.env[symbol], object)
        places = self.elements[symbol]
        least, most = (tuple(f(axis) for axis in zip(*places, strict=True)) for f in (min, max))
        made = np.empty([b - a + 1 for a, b in zip(least, most, strict=True)], object)
        for place, value in places.items():
            made[tuple(k - a for k, a in zip(place, least, strict=True))] = value
        return made

    def value(self, e):
        if e in self.env:
            return self.env[e]
        if e.is_Integer:
            return int(e)
        if e.is_Rational:
            return mp.mpf(int(e.p)) / int(e.q)
        if isinstance(e, sp.Indexed):
            return self.elements[e.base][tuple(self.integer(i) for i in e.indices)]
        if isinstance(e, sp.Sum):
            return self.summed(e.function, list(e.limits))
        if isinstance(e, Piecewise):
            return next(self.value(value) for value, condition in e.args if self.holds(condition))
        args = [self.value(a) for a in e.args]
        if isinstance(e, sp.Add):
            return sum(args)
        if isinstance(e, sp.Mul):
            return functools.reduce(lambda a, b: a * b, args)
        if isinstance(e, sp.Pow):
            return mp.mpf(args[0]) ** args[1]
        if isinstance(e, sp.KroneckerDelta):
            return int(args[0] == args[1])
        if isinstance(e, sp.Max | sp.Min):
            return (max if isinstance(e, Max) else min)(args)
        if isinstance(e, Heaviside):
            return int(args[0] > 0)
        if hasattr(e, "definition"):
            z = sp.Dummy()
            self.env[z] = args[0]
            return self.value(e.definition(z))
        return getattr(mp, type(e).__name__)(*args)

    def holds(self, condition):
        if condition in (sp.true, sp.false):
            return bool(condition)
        return bool(condition.func(*[sp.Float(str(self.value(side)), 50) for side in condition.args]))

    def summed(self, summand, limits):
        if not limits:
            return self.value(summand)
        i, lower, upper = limits[-1]
        values, outer, result = range(self.integer(lower), self.integer(upper) + 1), self.env.get(i), mp.mpf(0)
        for self.env[i] in values:
            result += self.summed(summand, limits[:-1])
        if outer is None:
            self.env.pop(i, None)
        else:
            self.env[i] = outer
        return result


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


def exact(inputs):
    """The inputs as mpmath numbers; integers stay."""
    to_mpf = np.frompyfunc(mp.mpf, 1, 1)
    return {
        name: np.asarray(to_mpf(value), object) if np.asarray(value).dtype.kind == "f" else value
        for name, value in inputs.items()
    }


def far(first, second):
    """The largest distance of two results, as mpmath numbers, as a share of the largest entry."""
    assert first.keys() == second.keys()
    gaps, scale = [mp.mpf(0)], mp.mpf(1)
    for name in first:
        a, b = (np.asarray(digits(x), object) for x in (first[name], second[name]))
        assert a.shape == b.shape, name
        gaps += [abs(u - v) for u, v in zip(a.flat, b.flat, strict=True)]
        scale = max([scale, *(abs(v) for v in b.flat)])
    return max(gaps) / scale


def digits(array):
    """Any array as mpmath numbers, without loss: a long double in two parts."""
    array = np.asarray(array)
    if array.dtype == object:
        return array
    high = array.astype(np.float64)
    to_mpf = np.frompyfunc(mp.mpf, 1, 1)
    return to_mpf(high) + to_mpf((array - high).astype(np.float64))


def drawn(formula, rng, system):
    """Inputs of a formula at random sizes inside its domain, with an upstream gradient for a layer."""
    while True:
        at = {name: int(rng.integers(low, min(high, 5) + 1)) for name, (low, high) in formula.sizes.items()}
        params, data = formula.draw(at, rng)
        if formula.domain is None or formula.domain(params, data):
            break
    inputs = {**data, **params}
    if "upstream" in system.inputs:
        known = {}
        for name, (_, ends) in system.inputs.items():
            for axis, (low, high) in enumerate(ends) if name != "upstream" else ():
                for symbol in (high - low + 1).free_symbols:
                    known[symbol] = np.shape(inputs[name])[axis]
        shape = [int((high - low + 1).xreplace(known)) for low, high in system.inputs["upstream"][1]]
        inputs["upstream"] = rng.normal(size=shape)
    return inputs


# ---- every formula --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", DERIVED)
def test_it_agrees_with_the_equations_element_by_element(key):
    system, rng = FORMULAS[key].system(), np.random.default_rng(0)
    program = lower(system)
    for _ in range(3):
        inputs = drawn(FORMULAS[key], rng, system)
        expected = Interpreter(system, inputs).run()
        assert far(program(exact(inputs)), expected) < mp.mpf(10) ** -45
        assert (
            far(program({k: np.asarray(v, np.longdouble) if is_float(v) else v for k, v in inputs.items()}), expected)
            < 1e-13
        )
        assert far(program(inputs), expected) < 1e-10


@pytest.mark.parametrize("key", OURS)
def test_in_long_double_it_is_as_exact_as_the_oracle_says(key):
    """Against 50 digits, in every regime, saturated ones included."""
    formula = FORMULAS[key]
    problem = replace(formula.problem(IMPLEMENTATIONS[key]), derived=derived(formula.system))
    program = lower(formula.system())
    said = 0
    for regime, dtype in itertools.product(sampling.regimes_of(problem), sampling.DTYPES):
        place = Place.of(sampling.middle_sizes(problem), regime=regime, dtype=dtype, seed=4)
        point = sampling.draw_point(problem, place)
        if point is None:
            continue
        try:
            known = reference(problem, point)
        except NotRun:
            continue
        estimate = all_oracles()["derivation"].estimate(problem, point, known)
        inputs = {**point.data, **point.params, "upstream": point.upstream}
        wide = {name: np.asarray(v, np.float64) if is_float(v) else v for name, v in inputs.items() if v is not None}
        for name, value in program(exact(wide)).items():
            gap = np.abs(digits(estimate.gradients[name]) - value)
            assert np.all(gap <= digits(estimate.errors[name])), f"{name} at {place}"
        said += 1
    assert said > 6


@pytest.mark.parametrize("key", OURS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_results_have_shape_and_dtype_of_the_parameters(key, dtype):
    formula = FORMULAS[key]
    system = formula.system()
    inputs = drawn(formula, np.random.default_rng(1), system)
    inputs = {name: np.asarray(value, dtype) if is_float(value) else value for name, value in inputs.items()}
    for name, value in lower(system)(inputs).items():
        assert value.dtype == dtype
        assert value.shape == np.shape(inputs[name])
        assert not any(np.shares_memory(value, other) for other in inputs.values() if isinstance(other, np.ndarray))


# ---- what the source looks like -------------------------------------------------------------------------------------


def test_source_of_logistic_regression():
    assert lower(FORMULAS["logistic-regression"].system()).source == (
        "def gradients(w, b, X, y):\n"
        "    m = len(X)\n"
        "    a = sigmoid(einsum('ij,j->i', X, w) + b)\n"
        "    dw = einsum('i,iq->q', a - y, X)/m\n"
        "    db = einsum('i->', a - y)/m\n"
        "    return {'w': dw, 'b': db}\n"
    )


def test_source_of_a_graph_is_its_backward_pass():
    assert lower(FORMULAS["tanh-log-ratio"].system()).source == (
        "def gradients(x, y, z):\n"
        "    a = 2*x\n"
        "    b = sin(y)\n"
        "    c = a/b\n"
        "    d = c*z\n"
        "    e = log1p(d)\n"
        "    df_de = 1 - tanh(e)**2\n"
        "    df_dd = df_de/(d + 1)\n"
        "    df_dc = df_dd*z\n"
        "    df_db = -a*df_dc/b**2\n"
        "    df_da = df_dc/b\n"
        "    df_dx = 2*df_da\n"
        "    df_dy = df_db*cos(y)\n"
        "    df_dz = c*df_dd\n"
        "    return {'x': df_dx, 'y': df_dy, 'z': df_dz}\n"
    )


# ---- recursions -----------------------------------------------------------------------------------------------------


def recurrent():
    """A tanh recurrence with an output at each step: the general per-step loss, through its upstream gradient."""
    n, d, m, T = sizes("n d m T")
    W, U, b, V, c, h0, x, gy, h, lam = arrays("W U b V c h0 x gy h lambda")
    gradients = arrays("dW dU db dV dc dh0")
    dW, dU, db, dV, dc, dh0 = gradients
    t, s = index("t", lower=1, upper=T), index("s", lower=1, upper=T - 1)
    p, q, i, j, k, o, u = (index(*pair) for pair in zip("pqijkou", (n, n, n, n, d, m, d), strict=True))
    step = tanh(total(W[p, j] * h[t - 1, j], j) + total(U[p, k] * x[t, k], k) + b[p])

    def through(s):
        return total((1 - h[s + 1, i] ** 2) * lam[s + 1, i] * W[i, q], i)

    def delta_of(t, p):
        return (1 - h[t, p] ** 2) * lam[t, p]

    equations = (
        Equation(h[0, p], h0[p]),
        Equation(h[t, p], step, along=t),
        Equation(lam[T, q], total(V[o, q] * gy[T, o], o)),
        Equation(lam[s, q], total(V[o, q] * gy[s, o], o) + through(s), along=s, down=True),
        Equation(dW[p, q], total(delta_of(t, p) * h[t - 1, q], t)),
        Equation(dU[p, u], total(delta_of(t, p) * x[t, u], t)),
        Equation(db[p], total(delta_of(t, p), t)),
        Equation(dV[o, q], total(gy[t, o] * h[t, q], t)),
        Equation(dc[o], total(gy[t, o], t)),
        Equation(dh0[q], through(sp.S.Zero)),
    )
    inputs = {
        "W": (W, axes(n, n)), "U": (U, axes(n, d)), "b": (b, axes(n)), "V": (V, axes(m, n)), "c": (c, axes(m)),
        "h0": (h0, axes(n)), "x": (x, axes((1, T), d)), "upstream": (gy, axes((1, T), m)),
    }  # fmt: skip
    outputs = dict(zip(("W", "U", "b", "V", "c", "h0"), gradients, strict=True))
    return System(equations, inputs, outputs, computed={h: axes((0, T), n), lam: axes((1, T), n)})


def recurrent_output(params, data):
    h, outputs = params["h0"], []
    for x in data["x"]:
        h = np.tanh(params["W"] @ h + params["U"] @ x + params["b"])
        outputs.append(params["V"] @ h + params["c"])
    return np.stack(outputs)


def draw_recurrent(sizes, rng):
    n, d, m, T = (sizes[name] for name in "ndmT")
    shapes = {"W": (n, n), "U": (n, d), "b": (n,), "V": (m, n), "c": (m,), "h0": (n,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}, {"x": rng.normal(size=(T, d))}


RECURRENT = Problem(
    name="recurrent",
    output=recurrent_output,
    sizes={"n": (1, 4), "d": (1, 3), "m": (1, 3), "T": (1, 6)},
    draw=draw_recurrent,
    derived=derived(recurrent),
)


@pytest.mark.parametrize("T", [1, 2, 3, 7, 30])
def test_a_recurrence_agrees_with_the_tape(T):
    place = Place.of({"n": 3, "d": 2, "m": 4, "T": T})
    point = sampling.draw_point(RECURRENT, place)
    known = reference(RECURRENT, point)
    estimate = all_oracles()["derivation"].estimate(RECURRENT, point, known)
    for name, value in estimate.gradients.items():
        assert np.all(np.abs(value - known.gradients[name]) <= 2 * estimate.errors[name]), name


def test_a_recurrence_agrees_with_its_equations():
    for seed, sizes_drawn in enumerate([(1, 1, 1, 1), (2, 1, 3, 2), (3, 2, 1, 4)]):
        rng = np.random.default_rng(seed)
        params, data = draw_recurrent(dict(zip("ndmT", sizes_drawn, strict=True)), rng)
        inputs = {**params, **data, "upstream": rng.normal(size=(sizes_drawn[3], sizes_drawn[2]))}
        expected = Interpreter(recurrent(), inputs).run()
        assert far(lower(recurrent())(exact(inputs)), expected) < mp.mpf(10) ** -45
        assert far(lower(recurrent())(inputs), expected) < 1e-13


def test_source_of_a_recurrence():
    source = lower(recurrent()).source
    assert source == (
        "def gradients(W, U, b, V, c, h0, x, gy):\n"
        "    n = len(W)\n"
        "    T = len(x)\n"
        "    _, zeros = precision(W)\n"
        "    h = zeros((T + 1, n))\n"
        "    h[0] = h0\n"
        "    for t in range(1, T + 1):\n"
        "        h[t] = tanh(einsum('pk,k->p', U, x[t - 1]) + einsum('pj,j->p', W, h[t - 1]) + b)\n"
        "    lambda_ = zeros((T, n))\n"
        "    lambda_[T - 1] = einsum('oq,o->q', V, gy[T - 1])\n"
        "    for s in range(T - 1, 0, -1):\n"
        "        lambda_[s - 1] = einsum('oq,o->q', V, gy[s - 1])"
        " + einsum('i,iq->q', (1 - h[s + 1]**2)*lambda_[s], W)\n"
        "    dW = einsum('tp,tq->pq', (1 - h[1:]**2)*lambda_, h[:T])\n"
        "    dU = einsum('tp,tu->pu', (1 - h[1:]**2)*lambda_, x)\n"
        "    db = einsum('tp->p', (1 - h[1:]**2)*lambda_)\n"
        "    dV = einsum('to,tq->oq', gy, h[1:])\n"
        "    dc = einsum('to->o', gy)\n"
        "    dh0 = einsum('i,iq->q', (1 - h[1]**2)*lambda_[0], W)\n"
        "    return {'W': dW, 'U': dU, 'b': db, 'V': dV, 'c': dc, 'h0': dh0}\n"
    )


def test_two_arrays_take_their_steps_together():
    """A pre-activation with a name: a[t] needs h[t-1], and h[t] needs a[t]."""
    T = size("T")
    t = index("t", lower=1, upper=T)
    x, a, h = arrays("x a h")
    (w,) = scalars("w")
    steps = (Equation(h[0], 0), Equation(a[t], w * h[t - 1] + x[t], along=t), Equation(h[t], tanh(a[t]), along=t))
    inputs = {"w": (w, ()), "x": (x, axes((1, T)))}
    system = System(steps, inputs, {"h": h, "a": a}, computed={h: axes((0, T))})
    rng = np.random.default_rng(0)
    values = {"w": rng.normal(), "x": rng.normal(size=5)}
    assert far(lower(system)(values), Interpreter(system, values).run()) < 1e-15
    late = replace(system, equations=(steps[0], steps[2], steps[1]))
    with pytest.raises(CannotLower, match=r"a\[t\] is not computed yet"):
        lower(late)


# ---- single features ------------------------------------------------------------------------------------------------


def one(value, inputs, *free, target="g"):
    """A system of one equation: g[free indices] = value."""
    made = arrays(target)[0][free] if free else scalars(target)[0]
    return System((Equation(made, value),), inputs, {"g": getattr(made, "base", made)})


def values_of(system, **inputs):
    """What a one-equation system computes, checked against the equations."""
    found = lower(system)(inputs)
    assert far(found, Interpreter(system, inputs).run()) < 1e-14
    return found["g"]


def test_features_of_the_notation():
    n, m = sizes("n m")
    i, j, k = index("i", n), index("j", n), index("k", m)
    A, B, x = arrays("A B x")
    (w,) = scalars("w")
    rng = np.random.default_rng(0)
    data = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(2, 3)), "x": rng.normal(size=3), "w": 0.7}
    inputs = {"A": (A, axes(n, n)), "B": (B, axes(m, n)), "x": (x, axes(n)), "w": (w, ())}
    for value, free in [
        (total(A[i, i], i), ()),
        (A[i, i] * x[i], (i,)),
        (A[j, i] + A[i, j] / (1 + x[j] ** 2), (i, j)),
        (delta(i, j) * x[i] - w, (i, j)),
        (total(delta(i, j) * x[j], j), (i,)),
        (total(A[i, j], i, j) / n**2, ()),
        (total(x[i], i, k), ()),
        (total(B[k, i] * A[i, j] * B[k, j], i, j), (k,)),
        (total(x[i] * total(A[i, j] * x[j], j) + w, i), ()),
        (total(A[i, j] * x[j] - x[j], j), (i,)),
        (1 / sp.Integer(3) + Rational(1, 7) * w, ()),
        (2 / (m * n), ()),
        (sp.Integer(4), (i,)),
        (w, (i, k)),
        (x[i] * B[k, i], (k, i)),
        (i * x[i], (i,)),
        (sqrt(1 + x[i] ** 2) * sin(w) - cos(x[i]) ** 3 / w, (i,)),
        (Max(x[i], 0) + Heaviside(x[i]) * w, (i,)),
        (Min(x[i], w), (i,)),
        (Piecewise((x[i], x[i] > w), (w**2, True)), (i,)),
        (log(m) * w, ()),
        (exp(-(x[i] ** 2)) * -1, (i,)),
        (-((x[i] - w) ** 2), (i,)),
        (total(x[i] - w, i) ** 2, ()),
        (w**-2 * total(1 / (1 + exp(-x[i])), i), ()),
        (total(exp(x[i]), i), ()),
        (1 / total(exp(A[i, j]), j), (i,)),
        (exp(A[i, j]) * exp(x[j]) / total(exp(A[i, j]), j), (i, j)),
        (log(total(exp(A[j, i]), j)), (i,)),
        (log(exp(x[i]) / total(exp(x[j]), j)), (i,)),
        (log(1 - sigmoid(x[i])) + log(1 + exp(x[i])) - log(1 + x[i] ** 2), (i,)),
    ]:
        values_of(one(value, inputs, *free), **data)


def test_axes_that_start_elsewhere():
    T = size("T")
    t, inner = index("t", lower=1, upper=T), index("inner", lower=2, upper=T)
    x, y, h = arrays("x y h")
    inputs = {"x": (x, axes((1, T))), "h": (h, axes((0, T)))}
    data = {"x": np.arange(4.0), "h": np.arange(5.0) ** 2}
    system = one(total((h[t] - h[t - 1]) * x[t], t), inputs)
    assert "h[1:] - h[:T]" in lower(system).source
    assert values_of(system, **data) == 0 * 1 + 1 * 3 + 2 * 5 + 3 * 7
    assert values_of(one(x[inner - 1] * x[inner], inputs, inner), **data).tolist() == [0, 2, 6]
    single = {"x": data["x"][:1], "h": data["h"][:2]}
    assert lower(one(x[inner - 1] * x[inner], inputs, inner))(single)["g"].shape == (0,)
    shifted = System((Equation(y[t], x[t]),), inputs, {"g": y})
    assert lower(shifted)(data)["g"].tolist() == [0, 1, 2, 3]


def test_two_indices_of_one_letter_are_two_indices():
    n, m = sizes("n m")
    A, x = arrays("A x")
    system = one(
        total(A[index("i", n), index("i", m)] * x[index("i", m)], index("i", m)),
        {"A": (A, axes(n, m)), "x": (x, axes(m))},
        index("i", n),
    )
    rng = np.random.default_rng(0)
    values_of(system, A=rng.normal(size=(2, 3)), x=rng.normal(size=3))


def test_names_that_python_has_taken():
    lam, real = scalars("lambda real")
    inputs = {"lambda": (lam, ()), "real": (real, ())}
    assert lower(one(lam * real / 3 + Rational(1, 3), inputs))({"lambda": 3.0, "real": 2.0})["g"] == 2 + 1 / 3
    (odd,) = scalars("y'")
    with pytest.raises(CannotLower, match="no Python name"):
        lower(one(odd, {"y": (odd, ())}))


def test_a_class_label_is_an_index():
    K = size("K")
    i, c, k = index("i", K), index("c", K), index("k", K)
    (y,) = arrays("y")
    inputs = {"y": (y, axes(K)), "c": (c, ())}
    system = one(exp(y[c]) / total(exp(y[k]), k) - delta(i, c) * y[i], inputs, i)
    data = np.array([0.5, -1.0, 2.0])
    values_of(system, y=data, c=1)
    for outside in (-1, 3):
        with pytest.raises(WrongInputs, match=rf"c is {outside}, not in 0\.\.2"):
            lower(system)({"y": data, "c": outside})
    with pytest.raises(WrongInputs, match="integers"):
        lower(system)({"y": data, "c": 0.5})


def test_a_window_that_may_be_longer_than_the_sequence():
    T, tau = sizes("T tau")
    t = index("t", lower=Max(1, T - tau + 1), upper=T)
    (x,) = arrays("x")
    system = one(total(x[t] ** 2, t), {"x": (x, axes((1, T))), "tau": (tau, ())})
    assert [int(lower(system)({"x": np.arange(1.0, 4), "tau": tau})["g"]) for tau in (1, 2, 3, 4, 9)] == [
        9,
        13,
        14,
        14,
        14,
    ]
    with pytest.raises(WrongInputs, match="tau is 0"):
        lower(system)({"x": np.arange(1.0, 4), "tau": 0})


def test_what_max_and_min_leave_certain():
    T, tau = sizes("T tau")
    assert never_negative(Max(1, T - tau) - 1)
    assert never_negative(T - Max(1, T - tau))
    assert not never_negative(T - Max(2, T - tau))
    assert never_negative(Min(T, tau) - 1)
    assert not never_negative(Min(T, tau) - 2)
    assert never_negative(T - Min(T, tau))


# ---- precision and saturation ---------------------------------------------------------------------------------------


def test_constants_are_in_the_precision_of_the_arrays():
    n = size("n")
    i, (x,) = index("i", n), arrays("x")
    system = one(
        Rational(1, 3) + 2 / (3 * n) + log(n) + total(delta(i, 0), i) / 3 + total(x[i] / 3, i), {"x": (x, axes(n))}
    )
    data = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    expected = mp.mpf(1) / 3 + mp.mpf(2) / 21 + mp.log(7) + mp.mpf(1) / 3 + mp.mpf(127) / 3
    found = lower(system)({"x": data.astype(np.longdouble)})
    assert far(found, {"g": np.array(expected, object)}) < 4 * float(np.finfo(np.longdouble).eps)
    assert abs(lower(system)(exact({"x": data}))["g"].item() - expected) < mp.mpf(10) ** -47


def test_mixed_inputs_have_the_widest_precision_and_integers_do_not_count():
    n = size("n")
    i, (x, y) = index("i", n), arrays("x y")
    system = one(total(y[i], i) / n, {"x": (x, axes(n)), "y": (y, axes(n))})
    found = lower(system)({"x": np.ones(3, np.longdouble), "y": np.array([1, 0, 1])})["g"]
    assert found.dtype == np.longdouble
    assert found == np.longdouble(2) / 3
    assert lower(system)({"x": np.ones(3), "y": np.ones(3, np.longdouble)})["g"].dtype == np.longdouble


def test_a_context_of_the_callers_own_keeps_its_digits():
    own = mpmath.mp.clone()
    own.dps = 70
    (x,) = scalars("x")
    found = lower(one(tanh(x) / 3, {"x": (x, ())}))({"x": np.array(own.mpf(2), object)})["g"].item()
    assert abs(found - own.tanh(2) / 3) < own.mpf(10) ** -68


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_saturated_points_stay_finite_and_right(dtype):
    n = size("n")
    i, k, (z,) = index("i", n), index("k", n), arrays("z")
    inputs = {"z": (z, axes(n))}
    at = np.array([-1000.0, 0.0, 1000.0], dtype)

    def computed(value):
        return lower(one(value, inputs, i))({"z": at})["g"].astype(np.float64).tolist()

    assert computed(exp(z[i]) / total(exp(z[k]), k)) == [0, 0, 1]
    assert computed(log(exp(z[i]) / total(exp(z[k]), k))) == [-2000, -1000, 0]
    assert computed(sigmoid(z[i]))[1:] == [0.5, 1]
    assert computed(log(1 - sigmoid(z[i]))) == pytest.approx([0, -np.log(2), -1000])
    assert computed(log(sigmoid(z[i]))) == pytest.approx([-1000, -np.log(2), 0])
    assert computed(1 / (1 + exp(-z[i])))[1:] == [0.5, 1]


# ---- what is refused ------------------------------------------------------------------------------------------------


def refused():
    n, m, T = sizes("n m T")
    i, j = index("i", n), index("j", m)
    t, s = index("t", lower=1, upper=T), index("s", lower=1, upper=T - 1)
    x, h, A, g = arrays("x h A g")
    w, unknown = scalars("w unknown")
    inputs = {"x": (x, axes(n)), "h": (h, axes((0, T))), "A": (A, axes(n, m)), "w": (w, ())}

    def recursion(value, *before, down=False, along=t, first=(1, T)):
        steps = (*before, Equation(g[along], value, along=along, down=down))
        return System(steps, inputs, {"g": g}, computed={g: axes(first)})

    f = sp.Function("f")
    return {
        "an index before the array": (one(x[i - 1], inputs, i), r"x\[i - 1\] may leave its array"),
        "an index behind the array": (one(x[i + 1], inputs, i), "may leave its array"),
        "h[t-1] of an array from 1": (
            one(x[t - 1], {"x": (x, axes((1, T)))}, t), r"is t - 1 always in 1\.\.T"),
        "h[-1]": (one(h[-1], inputs), r"is -1 always in 0\.\.T"),
        "an axis of another size": (one(x[j], inputs, j), "may leave its array"),
        "an axis too few": (one(A[i], inputs, i), "has 1 indices, but A has 2 axes"),
        "a reversed array": (one(h[T - t], inputs, t), "not one index plus a constant"),
        "two indices at one place": (one(h[t - s + 1] * h[s], inputs, t, s), "may leave|not one index"),
        "a slice that could end before the array": (
            one(total(h[index("t", upper=T - 3)], index("t", upper=T - 3)), inputs), "the slice may end at T - 2"),
        "an array nobody computes": (one(g[i], inputs, i), "neither an input nor computed"),
        "a scalar nobody computes": (one(unknown, inputs), "unknown is neither an input"),
        "an index nobody binds": (one(x[i], inputs), r"neither summed|not one index"),
        "an unknown function": (one(f(w), inputs), "f is not among Abs"),
        "a decimal": (one(sp.Float("0.1") * w, inputs), "0.1"),
        "a root": (one(w ** Rational(1, 3), inputs), "only integers and square roots"),
        "ends of a sum that depend on an axis": (
            one(sp.Sum(h[index("q", upper=t)], (index("q", upper=t), 0, t)), inputs, t), "depend on another axis"),
        "an output nobody computes": (replace(one(w, inputs), outputs={"g": g}), "no equation computes"),
        "an input computed again": (System((Equation(x[i], w),), inputs, {"x": x}), "input and computed"),
        "an array computed twice": (
            System((Equation(g[i], w),) * 2, inputs, {"g": g}, computed={g: axes(n)}), "computed twice"),
        "parts without declared axes": (
            System((Equation(g[0], w), Equation(g[t], w)), inputs, {"g": g}), "declare its axes"),
        "parts that leave a gap": (
            System((Equation(g[0], w), Equation(g[t], w, along=t)), inputs, {"g": g}, computed={g: axes((0, T + 1))}),
            "no equation computes all of g"),
        "parts that overlap": (
            System((Equation(g[1], w), Equation(g[t], w, along=t)), inputs, {"g": g}, computed={g: axes((1, T))}),
            "computed twice"),
        "a part outside": (
            System((Equation(g[T + 1], w),), inputs, {"g": g}, computed={g: axes((1, T))}), "may leave its array"),
        "a recursion without a start": (recursion(g[t - 1] * w), "may leave its array|no equation before"),
        "a recursion whose start is missing": (recursion(g[t - 1] * w, first=(0, T)), "no equation before the loop"),
        "a step that needs itself": (recursion(g[t] * w), "not computed yet"),
        "a step that needs the next": (
            recursion(g[t + 1] * w, Equation(g[T + 1], w), first=(1, T + 1)), "not computed yet"),
        "a recursion run the wrong way": (
            recursion(g[t - 1] * w, Equation(g[0], w), first=(0, T), down=True), "not computed yet"),
        "an array read before it is filled": (
            System((Equation(g[0], w), Equation(sp.Symbol("a"), g[1]), Equation(g[t], w, along=t)),
                   inputs, {"a": sp.Symbol("a"), "g": g}, computed={g: axes((0, T))}), "before it is computed"),
        "a target with an index twice": (one(w, inputs, i, i), "index of its own"),
        "a size no shape tells": (one(size("k") * w, {"w": (w, ())}), "k is neither"),
    }  # fmt: skip


@pytest.mark.parametrize("what", refused())
def test_what_cannot_be_proved_is_refused(what):
    system, message = refused()[what]
    with pytest.raises(CannotLower, match=message):
        lower(system)


def test_inputs_that_do_not_fit_are_named():
    program = lower(FORMULAS["logistic-regression"].system())
    good = {"w": np.ones(2), "b": np.ones(()), "X": np.ones((3, 2)), "y": np.ones(3)}
    program(good)
    program({**good, "something else": None})
    for wrong, message in [
        ({"X": np.ones((3, 4))}, r"axis 1 of X has length 4, not n \(n = 2 by axis 0 of w\)"),
        ({"y": np.ones(1)}, r"axis 0 of y has length 1, not m \(m = 3 by axis 0 of X\)"),
        ({"X": np.ones(3)}, r"X has shape \(3,\), but X has 2 axes"),
        ({"b": np.ones(1)}, r"b has shape \(1,\), but b has 0 axes"),
        ({"w": np.ones(0), "X": np.ones((3, 0))}, "n is 0"),
    ]:
        with pytest.raises(WrongInputs, match=message):
            program({**good, **wrong})
    with pytest.raises(WrongInputs, match="missing: X, y"):
        program({"w": good["w"], "b": good["b"]})


# ---- from claims to systems, and the oracle -------------------------------------------------------------------------


def test_a_system_holds_the_formulas_that_were_proved():
    n = size("n")
    i, q, (x, e) = index("i", n), index("q", n), arrays("x e")
    (w,) = scalars("w")
    inputs = {"w": (w, ()), "x": (x, axes(n))}
    claim = gradient("d", total((w * x[i] - 1) ** 2, i), w, 2 * total(x[i] * (w * x[i] - 1), i))
    assert (claim.variable, claim.printed) == (w, 2 * total(x[i] * (w * x[i] - 1), i))
    named = System.of_claims({"w": claim}, inputs, named={e[q]: w * x[q] - 1})  # stated for q, found at i
    assert [equation.target for equation in named.equations] == [e[q], sp.Symbol("dw", real=True)]
    assert lower(named)({"w": 2.0, "x": np.array([1.0, 3.0])})["w"] == 2 * (1 * 1 + 3 * 5)
    with pytest.raises(InvalidProblem, match="occurs in no formula"):
        System.of_claims({"w": claim}, inputs, named={e[q]: w * x[q] + 1})
    with pytest.raises(InvalidProblem, match="no gradient"):
        System.of_claims({"w": equal("same", w, w)}, inputs)


def test_a_derivation_is_run_once_and_may_have_no_system():
    runs, (w,) = [], scalars("w")

    @derivation()
    def steps():
        runs.append(1)
        yield gradient("d", w**2, w, 2 * w)

    assert steps() is steps()
    with pytest.raises(InvalidProblem, match="steps returns no System"):
        steps.system()
    assert runs == [1]


def test_the_oracle_says_why_it_did_not_run():
    oracle = all_oracles()["derivation"]
    assert next(iter(all_oracles())) == "derivation"
    place = Place.of({"n": 2, "d": 1, "m": 1, "T": 2})
    point = sampling.draw_point(RECURRENT, place)
    with pytest.raises(NotRun, match="no derivation"):
        oracle.estimate(replace(RECURRENT, derived=None), point, None)
    infinite = replace(RECURRENT, derived=lambda params, data, upstream: {"W": np.full((2, 2), np.nan)})
    with pytest.raises(NotRun, match="not finite"):
        oracle.estimate(infinite, point, None)
    assert not oracle.estimate(RECURRENT, point, None).errors["W"].any()
