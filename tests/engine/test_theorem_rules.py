"""What is proved of recurrences and graphs is complete, and becomes the program it is."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import tanh

from gradproof.errors import InvalidProblem
from gradproof.symbolic import (
    Backpropagation,
    Disproved,
    Equation,
    Graph,
    System,
    arrays,
    delta,
    equal,
    gradient,
    index,
    scalars,
    sigmoid,
    sizes,
    total,
)
from gradproof.symbolic.brute_force import prove_by_brute_force
from gradproof.symbolic.prove import derivation
from gradproof.symbolic.system import axes

m, n, T = sizes("m n T")
i, q = index("i", m), index("q", m)
t, s = index("t", lower=1, upper=T), index("s", lower=1, upper=T)
W, u, x, y = arrays("W u x y")
v, z = scalars("v z")

# Theorems -------------------------------------------------------------------------------------------------------------


def steps_to(last):
    """a[t] = v a[t-1] for t = 1..T, with adjoint equations for the steps up to ``last`` only."""
    a, na, nv = arrays("a na nv")
    before = index("s", lower=1, upper=last - 1)
    return Backpropagation(
        loss=a[T],
        forward=(Equation(a[t], W[0, 0] * a[t - 1], along=t),),
        backward={
            "last": Equation(na[last], sp.S.One),
            "step": Equation(na[before], W[0, 0] * na[before + 1], along=before, down=True),
            "W": Equation(nv[0, 0], total(na[t] * a[t - 1], t)),
        },
        derivative_of={na: a, nv: W},
    )


def test_adjoints_that_are_complete_only_where_two_sizes_agree_are_not_complete():
    steps_to(T).check_complete()
    with pytest.raises(Disproved, match=r"the derivative by a\[\d\]"):
        steps_to(n).check_complete()


def test_adjoints_are_counted_where_all_sizes_differ():
    """The adjoint of h[t, i], i < n, is given for m units: right only where the two are equal."""
    a, na = arrays("a na")
    unit, other = index("unit", n), index("other", m)
    theorem = Backpropagation(
        loss=total(a[T, unit], unit),
        forward=(Equation(a[t, unit], a[t - 1, unit] / 2, along=t),),
        backward={"all": Equation(na[s, other], sp.S.One)},
        derivative_of={na: a},
    )
    with pytest.raises(Disproved, match="the adjoint equations define"):
        theorem.check_complete()


def test_brute_force_refutes_at_each_place():
    theorem = steps_to(T)
    assert len(list(prove_by_brute_force(theorem, {T: 3}))) == 4
    wrong = {**theorem.backward, "last": Equation(theorem.backward["last"].target, sp.Integer(2))}
    with pytest.raises(Disproved, match=r"last: na\[3\] is false at T = 3: it is 1"):
        list(prove_by_brute_force(Backpropagation(**{**vars(theorem), "backward": wrong}), {T: 3}))


# Programs and graphs --------------------------------------------------------------------------------------------------


def proved(printed):
    """The claim that the derivative of sum u**2 / 2 is this."""
    return gradient("d/du", total(u[i] ** 2, i) / 2, u[q], printed)


def test_a_piece_of_a_formula_gets_its_name_wherever_it_stands():
    loss = total(sigmoid(u[i]) * u[0], i)
    claim = gradient(
        "d/du", loss, u[q], u[0] * sigmoid(u[q]) * (1 - sigmoid(u[q])) + delta(0, q) * total(sigmoid(u[i]), i)
    )
    system = System.of_claims({"u": claim}, {"u": (u, axes(m))}, named={y[i]: sigmoid(u[i])})
    piece, formula = system.equations
    assert piece == Equation(y[i], sigmoid(u[i]))
    assert not formula.value.has(sigmoid)
    assert formula.value.xreplace({y[q]: sigmoid(u[q]), y[i]: sigmoid(u[i])}) == claim.printed
    assert system.outputs == {"u": formula.target.base}


def test_a_piece_may_be_the_one_at_a_fixed_place():
    claim = gradient("d/du", total(u[i] * sigmoid(x[0]), i), u[q], sigmoid(x[0]))
    inputs = {"u": (u, axes(m)), "x": (x, axes(m))}
    system = System.of_claims({"u": claim}, inputs, named={y[0]: sigmoid(x[0])})
    assert [equation.value for equation in system.equations] == [sigmoid(x[0]), y[0]]


def test_numbers_are_real():
    assert all(symbol.is_real for symbol in (v, u[q], m, q))
    assert scalars("p", positive=True)[0].is_positive
    assert arrays("p", positive=True)[0][q].is_positive
    assert not u[q].is_positive


def test_a_piece_that_is_in_no_formula_is_named():
    with pytest.raises(InvalidProblem, match=r"y\[i\]: .* occurs in no formula"):
        System.of_claims({"u": proved(u[q])}, {"u": (u, axes(m))}, named={y[i]: tanh(u[i])})


def test_only_gradients_become_programs():
    with pytest.raises(InvalidProblem, match="is no gradient"):
        System.of_claims({"u": equal("an equality", v, v)}, {"u": (u, axes(m))})


def test_a_derivation_without_a_program_says_so():
    def made_up():
        yield proved(u[q])

    made = derivation(scope="fixed sizes", argued="on paper")(made_up)
    assert (made().scope, made().argued, len(made().checked)) == ("fixed sizes", "on paper", 1)
    assert made() is made()
    with pytest.raises(InvalidProblem, match="made_up returns no System"):
        made.system()


a, b, c, d = scalars("a b c d")
DIAMOND = Graph((b, v**2), (c, 3 * v), (d, b * c))
LOCAL = {(b, v): 2 * v, (c, v): sp.Integer(3), (d, b): c, (d, c): b}


def test_a_graph_adds_up_what_comes_by_several_paths():
    assert DIAMOND.composed(d) == 3 * v**3
    claims = list(DIAMOND.check(LOCAL, {v: 9 * v**2}, where=" here"))
    assert len(claims) == 6
    assert all(claim.claim.endswith(" here") for claim in claims)
    with pytest.raises(Disproved):
        list(DIAMOND.check({**LOCAL, (c, v): sp.Integer(2)}, {v: 9 * v**2}))


@pytest.mark.parametrize("edge", LOCAL)
def test_a_graph_wants_the_derivative_of_each_edge(edge):
    with pytest.raises(InvalidProblem, match=f"local derivatives are missing.*d{edge[0]}/d{edge[1]}"):
        list(DIAMOND.check({pair: value for pair, value in LOCAL.items() if pair != edge}, {v: 9 * v**2}))


def test_a_graph_needs_no_derivative_of_what_does_not_depend_on_the_inputs_asked_about():
    graph = Graph((b, z**2), (d, b * v))
    list(graph.check({(d, v): b}, {v: z**2}))
    with pytest.raises(InvalidProblem, match="which the graph does not compute"):
        list(graph.check({(d, v): b, (a, v): sp.S.One}, {v: z**2}))


def test_a_graph_with_two_steps_of_one_name_is_refused():
    with pytest.raises(InvalidProblem, match="two steps of a computation graph have the same name"):
        Graph((b, v), (b, v**2))
