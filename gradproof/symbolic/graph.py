"""Computation graphs of scalars: named nodes, local derivatives, and the gradients their paths multiply out to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from gradproof.errors import InvalidProblem
from gradproof.symbolic.proof import Checked
from gradproof.symbolic.prove import equal, gradient
from gradproof.symbolic.typeset import latex

#: ``{(d, z): c}``: the derivative of node d with respect to its argument z is c.
LocalDerivatives = Mapping[tuple[sp.Symbol, sp.Symbol], Any]


class Graph:
    """A scalar function as steps ``(node, expression)``; each uses inputs and earlier nodes, the last is the output.

    Raises InvalidProblem where a name is defined twice or used before its step.
    """

    def __init__(self, *steps: tuple[sp.Symbol, Any]) -> None:
        self.steps = {node: sp.sympify(expression) for node, expression in steps}
        if len(self.steps) != len(steps):
            raise InvalidProblem("two steps of a computation graph have the same name")
        defined: set[sp.Symbol] = set()
        for node, expression in self.steps.items():
            if too_early := expression.free_symbols & (set(self.steps) - defined):
                raise InvalidProblem(f"step {node} uses {too_early}, which no earlier step computes")
            defined.add(node)
        self.output = steps[-1][0]

    def composed(self, expression: Any) -> sp.Expr:
        """``expression`` of nodes, as a function of the inputs alone."""
        result = sp.sympify(expression)
        for node in reversed(self.steps):
            result = result.xreplace({node: self.steps[node]})
        return result

    def check(self, local: LocalDerivatives, total: Mapping[sp.Symbol, Any], where: str = "") -> Iterator[Checked]:
        """Prove a printed backward pass.

        local: the printed derivative of each node with respect to each argument on the way from an input to the output.
        total: the printed derivative of the output with respect to each input asked about.
        where: a condition the graph stands for, appended to each claim.

        Three things are proved: each local derivative; that multiplying them along each path and adding the paths gives
        the total; and that the total is SymPy's derivative of the composed function. Raises InvalidProblem where
        ``local`` leaves out an edge on those paths, otherwise as ``gradient``.
        """
        self._require_edges(local, set(total))
        for (node, argument), printed in local.items():
            claim = f"d{node}/d{argument} = {printed}{where}"
            # The printed form may name the node itself, as in 1 - tanh(e)^2 = 1 - f^2.
            yield gradient(claim, self.steps[node], argument, sp.sympify(printed).xreplace({node: self.steps[node]}))
        for variable, printed in total.items():
            whole = f"d{self.output}/d{variable}"
            along_paths = self._along_paths(local, variable)
            composed = self.composed(printed)
            product = equal(f"{whole} along its paths{where}", self.composed(along_paths), composed)
            # Proved of the inputs, stated of the nodes, as on paper.
            yield replace(product, latex=f"{latex(along_paths)} = {latex(sp.sympify(printed))}")
            yield gradient(f"{whole} = {printed}{where}", self.composed(self.output), variable, composed)

    def _along_paths(self, local: LocalDerivatives, variable: sp.Symbol) -> sp.Expr:
        """The local derivatives multiplied along each path from ``variable`` to the output, and the paths added up."""
        reaching = {variable: sp.S.One}  # node -> sum over paths from variable to node
        for node in self.steps:
            edges = [(argument, factor) for (at, argument), factor in local.items() if at == node]
            if arriving := [factor * reaching[argument] for argument, factor in edges if argument in reaching]:
                reaching[node] = sp.Add(*arriving)
        return reaching.get(self.output, sp.S.Zero)

    def _require_edges(self, local: LocalDerivatives, inputs: set[sp.Symbol]) -> None:
        """Every edge on from the inputs needs its local derivative; a pair that is no edge may be given as 0."""
        if unknown := {node for node, _ in local} - set(self.steps):
            raise InvalidProblem(f"local derivatives of {unknown}, which the graph does not compute")
        affected, edges = set(inputs), set()
        for node, expression in self.steps.items():
            arguments = expression.free_symbols & affected
            edges |= {(node, argument) for argument in arguments}
            affected |= {node} if arguments else set()
        if missing := edges - set(local):
            raise InvalidProblem(f"local derivatives are missing: {sorted(f'd{node}/d{arg}' for node, arg in missing)}")
