"""A gradient as a program: the equations that compute it, in order, in index notation. What is proved is lowered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from gradproof.errors import InvalidProblem
from gradproof.symbolic.indices import Index
from gradproof.symbolic.proof import Checked

if TYPE_CHECKING:
    from gradproof.symbolic.graph import Graph, LocalDerivatives

#: First and last place of an axis, inclusive; they may contain sizes: ``(0, n - 1)``, or ``(1, T)`` for the steps.
Axis = tuple[Any, Any]


@dataclass(frozen=True)
class Equation:
    """``target = value`` for every value of the target's free indices.

    target: a scalar or an array element whose indices are Index objects (free axes) or fixed places (``h[0, i]``).
    value: in terms of inputs, sizes and targets of earlier equations. along: the index of a recursion, one of the
    target's; value may then also use the target at places already computed. Equations in a row with the same ``along``
    take their steps together. down: the recursion runs from its last place to its first.
    """

    target: sp.Expr
    value: sp.Expr
    along: Index | None = None
    down: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", sp.sympify(self.value))  # so that 0 may be written


@dataclass(frozen=True)
class System:
    """Equations in the order of evaluation.

    inputs: name -> (array or scalar, its axes): what the function is given. computed: axes of the arrays that
    equations define where they are not simply those of one target's indices (``h`` has places 0..T, filled by two
    equations). outputs: name of a parameter -> the array or scalar that holds its gradient. shared: parts of several
    formulas that code computes once, ``{delta[t, p]: (1 - h[t, p]**2) * nabla_h[t, p]}``; they are not computed here,
    but a mistake in one of them is a mistake in all the formulas that have it.

    An input whose symbol is an Index or a size holds an integer: a class label, a window. A layer's upstream gradient
    is the input named "upstream".
    """

    equations: tuple[Equation, ...]
    inputs: Mapping[str, tuple[sp.Expr, tuple[Axis, ...]]]
    outputs: Mapping[str, sp.Expr]
    computed: Mapping[sp.Expr, tuple[Axis, ...]] = field(default_factory=dict)
    shared: Mapping[sp.Expr, sp.Expr] = field(default_factory=dict)

    @classmethod
    def of_claims(
        cls,
        gradients: Mapping[str, Checked],
        inputs: Mapping[str, tuple[sp.Expr, tuple[Axis, ...]]],
        named: Mapping[sp.Expr, sp.Expr] | None = None,
    ) -> System:
        """The program that proved gradients are.

        gradients: name of a parameter -> the claim about it; its gradient is called ``dw`` for the parameter w.
        named: pieces of the formulas that get a name and an equation of their own, ``{a[i]: sigmoid(z(i))}``, in terms
            of inputs and earlier pieces. Wherever a formula has the piece, at whatever index, it gets the name.
        Raises InvalidProblem where a claim is no gradient, or a piece occurs in no formula.
        """
        equations, outputs = [], {}
        for name, claim in gradients.items():
            if claim.variable is None:
                raise InvalidProblem(f"{claim.claim} is no gradient")
            target = _derivative("d", claim.variable)
            equations.append(Equation(target, claim.printed))
            outputs[name] = getattr(target, "base", target)
        pieces: list[Equation] = []
        for name, value in (named or {}).items():
            using = [replace(equation, value=_naming(equation.value, value, name)) for equation in equations]
            if using == equations:
                raise InvalidProblem(f"{name}: {value} occurs in no formula")
            pieces, equations = [*pieces, Equation(name, value)], using
        return cls((*pieces, *equations), inputs, outputs)

    @classmethod
    def of_graph(cls, graph: Graph, total: Mapping[sp.Symbol, Any], local: LocalDerivatives | None = None) -> System:
        """The program a computation graph is: its steps, then the derivatives of its output by the keys of ``total``.

        With ``local`` they are computed as in a backward pass, node by node from the output, otherwise by the printed
        formulas of ``total``; either is as ``graph.check`` proves it.
        """
        printed = dict(total) if local is None else _backward_pass(graph, local, total)
        equations = [Equation(node, value) for node, value in graph.steps.items()]
        names = {variable: _derivative(f"d{graph.output}_d", variable) for variable in printed}
        equations += [Equation(name, sp.sympify(printed[variable])) for variable, name in names.items()]
        given = set().union(*[e.value.free_symbols for e in equations]) - {e.target for e in equations} | set(total)
        inputs: dict[str, tuple[sp.Expr, tuple[Axis, ...]]] = {
            str(symbol): (symbol, ()) for symbol in sorted(given, key=str)
        }
        return cls(tuple(equations), inputs, {str(variable): names[variable] for variable in total})


def axes(*lengths: Any) -> tuple[Axis, ...]:
    """The axes of an array of these lengths, or with these first and last places: ``axes((1, T), d)``."""
    return tuple(length if isinstance(length, tuple) else (sp.S.Zero, length - 1) for length in lengths)


def _derivative(prefix: str, variable: sp.Expr) -> sp.Expr:
    """A name for a derivative: dw for w, dw[q] for w[q]."""
    if isinstance(variable, sp.Indexed):
        return sp.IndexedBase(f"{prefix}{variable.base}", real=True)[variable.indices]
    return sp.Symbol(f"{prefix}{variable}", real=True)


def _naming(formula: sp.Expr, value: sp.Expr, name: sp.Expr) -> sp.Expr:
    """``formula`` with ``name`` for ``value``, also where it stands with other indices of the same ranges."""
    own = [i for i in getattr(name, "indices", ()) if isinstance(i, Index)]
    others = [[j for j in formula.atoms(Index) | {i} if (j.lower, j.upper) == (i.lower, i.upper)] for i in own]
    choices = [dict(zip(own, chosen, strict=True)) for chosen in itertools.product(*others)]
    names = {value.xreplace(at): name.xreplace(at) for at in choices}

    def part_named(product: sp.Mul) -> sp.Expr:
        """SymPy multiplies products out: p (1 - q), where p = r/s, is one product of r, 1/s and 1 - q."""
        for piece, short in names.items():
            if piece.is_Mul and set(piece.args) < set(product.args):
                return short * sp.Mul(*[factor for factor in product.args if factor not in piece.args])
        return product

    return formula.xreplace(names).replace(lambda e: e.is_Mul, part_named)


def _backward_pass(graph: Graph, local: LocalDerivatives, inputs: Mapping[sp.Symbol, Any]) -> dict[sp.Symbol, sp.Expr]:
    """The derivative of the output by each node, last node first, and by each input, in terms of those before."""
    passed: dict[sp.Symbol, sp.Expr] = {}
    for variable in [*reversed(list(graph.steps)[:-1]), *inputs]:
        adjoint = {node: _derivative(f"d{graph.output}_d", node) for node in passed} | {graph.output: sp.S.One}
        arriving = [adjoint[node] * factor for (node, argument), factor in local.items() if argument == variable]
        passed[variable] = sp.Add(*arriving)
    return passed
